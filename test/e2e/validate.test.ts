// `slabreplay validate` as a user runs it, on small machines whose memory is written by hand.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BASE, FREE, poorMachine, poorSlab, printedWords } from '../helpers/debug-slab-writer.ts';
import { jsonOf, outputOf, runCli, temporaryFolder } from '../helpers/run-cli.ts';
import type { Slub61 } from '../helpers/slub-writer.ts';

/** A folder with a snapshot and its symbols; further files as they are given. */
function recording(machine: Slub61, files: Record<string, string> = {}): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'vmcore.elf'), machine.kernel.elf());
  writeFileSync(join(folder, 'kallsyms.txt'), machine.kernel.kallsyms);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function damaged(): Slub61 {
  return poorMachine((bytes) => {
    bytes.fill(0x41, 841, 842);
    bytes.fill(0x41, 512, 516);
  });
}

/** An allocation of the object at 848, of the one before it, and a free of the one at 512. */
const EVENTS = `ts,cpu,pid,event,ptr,comm,call_site,bytes_req,bytes_alloc,cache
1.000001,0,7,kmem_cache_alloc,0xffff888000800350,init,make_poor+0x10,72,168,poor
1.000002,0,7,kmem_cache_alloc,0xffff8880008002a8,init,make_poor+0x10,72,168,poor
1.000003,1,9,kmem_cache_free,0xffff888000800200,sh,drop_poor+0x20,,,poor
`;

describe('output', () => {
  test('damage as text, with the trace’s biography of the object', async () => {
    const text = await outputOf(['validate', recording(damaged(), { 'trace.csv': EVENTS })]);
    expect(text).toContain('found        2 damages in 1 cache\n');
    expect(text).toContain(
      'checked      48 objects in 1 slab of 2 caches, 1 of them with slub_debug\n',
    );
    expect(text).toMatch(
      /^1 {2}poor {3}0xffff888000800200 {2}Poison overwritten {8}\+0, 4 bytes$/m,
    );
    expect(text).toMatch(
      /^2 {2}poor {3}0xffff888000800350 {2}Left Redzone overwritten {2}-7, 1 byte$/m,
    );
    expect(text).toContain(
      '0xffff888000800349-0xffff888000800349 @offset=841. First byte 0x41 instead of 0xcc',
    );
    expect(text).toMatch(
      /object {2}0xffff888000800350 {2}1\.000001 s {2}allocated +72 {2}make_poor\+0x10/,
    );
    expect(text).toMatch(/before {2}0xffff8880008002a8 {2}1\.000002 s {2}allocated/);
    expect(text).toMatch(
      /object {2}0xffff888000800200 {2}1\.000003 s {2}freed +drop_poor\+0x20 {2}sh-9/,
    );
    for (const line of text.split('\n')) {
      if (!/^(?:0x|Slab |BUG |Object|Redzone|Padding)/.test(line)) {
        expect(line.length).toBeLessThanOrEqual(100);
      }
    }
  });

  test('damage as JSON', async () => {
    const json = await jsonOf(['validate', recording(damaged())]);
    expect(json).toMatchObject({
      type: 'validation',
      run: { kernelRelease: '6.1.0-56-amd64', cpus: 2, clock: null, durationSec: null },
      completeness: null,
      slabsChecked: 1,
      objectsChecked: 48,
      objectsUnchecked: 0,
      reportsLeftOut: 0,
      debugCaches: 1,
      notes: [],
    });
    expect(json['caches']).toEqual([
      { name: 'kmem_cache', slabs: 0, objects: 0, ...NONE },
      { name: 'poor', slabs: 1, objects: 48, ...NONE, allocated: 45, freeOnPartial: 3 },
    ]);
    const reports = json['reports'] as Record<string, unknown>[];
    expect(reports.map((r) => [r['kind'], r['address'], r['consequence']])).toEqual([
      ['poison', '0xffff888000800200', false],
      ['redzone-left', '0xffff888000800350', false],
      ['redzone-left', '0xffff888000800349', true],
    ]);
    expect(reports[1]).toMatchObject({
      title: 'Left Redzone overwritten',
      cache: 'poor',
      slab: '0xffff888000800000',
      firstByte: '0xffff888000800349',
      lastByte: '0xffff888000800349',
      note: null,
      history: null,
    });
  });

  test('damage as CSV', async () => {
    const csv = await outputOf(['validate', recording(damaged()), '--csv']);
    expect(csv.split('\n').slice(0, 2)).toEqual([
      'kind,title,cache,address,slab,first_byte,last_byte,consequence,note',
      'poison,Poison overwritten,poor,0xffff888000800200,0xffff888000800000,0xffff888000800200,' +
        '0xffff888000800203,false,',
    ]);
  });

  test('a snapshot alone, as the source', async () => {
    const folder = recording(poorMachine(() => undefined));
    const text = await outputOf(['validate', join(folder, 'vmcore.elf')]);
    expect(text).toContain('found        no damage\n');
  });
});

test('words that a debugger printed: the slabs that the trace knows', async () => {
  const folder = temporaryFolder();
  // The rules give slabs of one page, with 24 objects.
  const bytes = poorSlab(FREE, BASE).subarray(0, 4096);
  bytes.fill(0x41, 841, 842);
  const files = {
    'vmcore.txt': printedWords(bytes, BASE),
    'cmdline.txt': 'console=ttyS0 slub_debug=FZPU\n',
    'uname.txt': 'Linux host 6.1.0-56-amd64 #1 SMP x86_64\n',
    'trace.csv': EVENTS.replace('\n', '\n1.0,0,7,cache_create,,init,,72,,poor\n'),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const text = await outputOf(['validate', folder]);
  expect(text).toContain('found        1 damage in 1 cache\n');
  expect(text).toContain('checked      24 objects in 1 slab\n');
  expect(text).toMatch(/only slabs that the trace knows\s+were looked at, and no freelists/);
  expect(text).toMatch(
    /^1 {2}poor {3}0xffff888000800350 {2}Left Redzone overwritten {2}-7, 1 byte$/m,
  );
  const none = await runCli(['validate', folder, '--cache', 'other']);
  expect(none.code).toBe(2);
  expect(none.stderr).toContain('--cache other');
});

const NONE = { allocated: 0, freeOnCpuFreelist: 0, freeOnPartial: 0, inSheaves: 0 };

describe('exit codes', () => {
  test('damage is a result; --fail-on makes it a failure', async () => {
    const folder = recording(damaged());
    expect((await runCli(['validate', folder])).code).toBe(0);
    expect((await runCli(['validate', folder, '--fail-on', 'any'])).code).toBe(1);
    expect((await runCli(['validate', folder, '--fail-on', 'poison,track'])).code).toBe(1);
    expect((await runCli(['validate', folder, '--fail-on', 'track'])).code).toBe(0);
    const sound = recording(poorMachine(() => undefined));
    expect((await runCli(['validate', sound, '--fail-on', 'any'])).code).toBe(0);
  });

  test.each([
    ['a kind that does not exist', ['--fail-on', 'sadness'], 2, 'no such kind of damage'],
    ['a cache that does not exist', ['--cache', 'sad*'], 2, 'the snapshot has no such cache'],
    ['a snapshot that is not there', ['--vmcore', '/nonexistent'], 74, 'no such file'],
    ['a snapshot that is none', ['--vmcore', 'package.json'], 65, 'not a memory snapshot'],
  ])('%s', async (_, args, code, words) => {
    const result = await runCli(['validate', recording(damaged()), ...args]);
    expect(result.stderr).toContain(words);
    expect(result.stderr).not.toMatch(/^ +at /m);
    expect(result.code).toBe(code);
  });

  test('a folder without a snapshot', async () => {
    const result = await runCli(['validate', 'traces/debian-6.12-stacks']);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('no memory snapshot beside it');
    expect(result.stderr).toContain('--vmcore FILE');
  });

  test('a folder with two', async () => {
    const folder = recording(damaged());
    writeFileSync(join(folder, 'vmcore.second'), 'x');
    const result = await runCli(['validate', folder]);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('several memory snapshots: vmcore.elf, vmcore.second');
  });

  test('a snapshot of another kernel', async () => {
    const folder = recording(damaged(), { 'uname.txt': 'Linux host 6.12.1 #1 SMP x86_64\n' });
    const result = await runCli(['validate', folder]);
    expect(result.code).toBe(65);
    expect(result.stderr).toContain(
      'the snapshot is of kernel 6.1.0-56-amd64, the trace of 6.12.1',
    );
    const alone = await runCli(['validate', folder, '--no-sidecars', '--no-history']);
    expect(alone.stderr).not.toContain('6.12.1');
  });

  test('an image that is cut off', async () => {
    const machine = damaged();
    const folder = recording(machine);
    const elf = machine.kernel.elf();
    for (const share of [0.1, 0.5, 0.9, 0.97]) {
      writeFileSync(join(folder, 'vmcore.elf'), elf.subarray(0, Math.floor(elf.length * share)));
      const result = await runCli(['validate', folder]);
      expect([0, 65]).toContain(result.code);
      const says = result.code === 0 ? result.stdout : result.stderr;
      expect(says).toMatch(
        /cut off|too early|ends in|does not have|not in the image|not found|file does not/,
      );
    }
  });

  test('events that cannot be read do not hide the damage', async () => {
    const folder = recording(damaged(), { 'trace.dat': 'not a trace' });
    const result = await runCli(['validate', folder]);
    expect(result.code).toBe(0);
    expect(result.stdout).toContain('found        2 damages in 1 cache\n');
    expect(result.stdout).toContain('note         the events cannot be read: ');
  });
});
