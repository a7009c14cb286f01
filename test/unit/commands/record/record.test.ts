// What a recording refuses, and that it leaves nothing: each error is one line, and the tracer is as
// it was before.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test, vi } from 'vitest';
import { lossWarning } from '../../../../src/commands/record/losses.ts';
import type { Recorded, RecordOptions } from '../../../../src/commands/record/record.ts';
import { parseBuffer, recordRun } from '../../../../src/commands/record/record-run.ts';
import { UndoSteps } from '../../../../src/commands/record/undo-steps.ts';
import { FakeMachine } from '../../../helpers/fake-machine.ts';
import { temporaryFolder } from '../../../helpers/run-cli.ts';
import { until } from '../../../helpers/until.ts';
import '../../../helpers/tracefs-instances.js';

const UNTOUCHED = { instances: [], names: '128\n' };

function record(machine: FakeMachine, options: Partial<RecordOptions> = {}): Promise<Recorded> {
  const all: RecordOptions = {
    folder: join(temporaryFolder(), 'rec'),
    force: false,
    instance: 'own',
    durationMs: 20,
    pids: [],
    events: [],
    pageEvents: false,
    stacks: false,
    bufferKb: 16384,
    command: [],
    ...options,
  };
  return recordRun(machine.root, all, () => undefined);
}

test.each([
  [{ events: ['kmem:nothing'] }, 2, '--events kmem:nothing: this kernel has no such event'],
  [{ events: ['../../x'] }, 2, '--events ../../x: this kernel has no such event'],
  [{ pids: [4000000] }, 2, '--pid 4000000: there is no such task'],
  [{ instance: '../own' }, 2, '--instance ../own: letters, digits, - and _ make a name'],
  [{ instance: 'a/b' }, 2, '--instance a/b: letters, digits, - and _ make a name'],
  [{ instance: '' }, 2, '--instance : letters, digits, - and _ make a name'],
  [
    { command: ['no-such-command'] },
    74,
    'no-such-command: no such command, or it cannot be started',
  ],
] as const)('%j is refused, and nothing is left', async (options, exitCode, message) => {
  const machine = new FakeMachine();
  await expect(record(machine, options)).rejects.toMatchObject({ exitCode, message });
  expect(machine.state()).toEqual(UNTOUCHED);
});

test('a folder with files is refused, with --force its recording is replaced', async () => {
  const machine = new FakeMachine();
  const folder = join(temporaryFolder(), 'rec');
  mkdirSync(folder);
  for (const name of ['trace.dat', 'trace_pipe_raw.cpu7', 'kallsyms.txt', 'notes.txt']) {
    writeFileSync(join(folder, name), 'old');
  }
  await expect(record(machine, { folder })).rejects.toMatchObject({
    exitCode: 74,
    message: `${folder}: is there and not empty`,
  });
  await record(machine, { folder, force: true });
  const names = readdirSync(folder);
  expect(names).toContain('notes.txt');
  expect(names).toContain('trace_pipe_raw.cpu0');
  for (const old of ['trace.dat', 'trace_pipe_raw.cpu7', 'kallsyms.txt']) {
    expect(names).not.toContain(old);
  }
});

test('a file in place of the folder is refused', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  await expect(record(new FakeMachine(), { folder: file })).rejects.toMatchObject({
    exitCode: 74,
    message: `${file}: cannot be made: not a directory`,
  });
});

test('a buffer that memory does not hold', async () => {
  const machine = new FakeMachine();
  machine.writeNew('buffer_size_kb', 'ENOMEM');
  await expect(record(machine)).rejects.toMatchObject({
    exitCode: 74,
    message: expect.stringMatching(/buffer_size_kb: cannot be set to 16384: not enough memory$/),
    hint: 'Every CPU has such a buffer: try a smaller --buffer.',
  });
  expect(machine.state()).toEqual(UNTOUCHED);
});

test('an error of the tracer while it is read ends the command too', async () => {
  const machine = new FakeMachine();
  machine.writeNew('per_cpu/cpu1/trace_pipe_raw', 'EIO');
  const pidFile = join(machine.root, 'pid');
  const command = ['sh', '-c', `echo $$ > ${pidFile}; exec sleep 60`];
  await expect(record(machine, { command, durationMs: 60_000 })).rejects.toMatchObject({
    exitCode: 74,
    message: expect.stringMatching(/cpu1\/trace_pipe_raw: input\/output error$/),
  });
  expect(machine.state()).toEqual(UNTOUCHED);
  await until(() => !isRunning(pidFile));
});

test.each([
  [0, 'no tracefs is mounted'],
  [1000, 'recording needs root: tracefs cannot be read'],
])('a tracefs that user %d cannot find', async (uid, message) => {
  const machine = new FakeMachine();
  rmSync(machine.tracefs, { recursive: true });
  const getuid = vi.spyOn(process, 'getuid').mockReturnValue(uid);
  onTestFinished(() => getuid.mockRestore());
  await expect(record(machine)).rejects.toMatchObject({ message, exitCode: 74 });
});

test('an instance that another one left behind is named', async () => {
  const machine = new FakeMachine();
  const left = join(machine.tracefs, 'instances', 'own');
  mkdirSync(left);
  await expect(record(machine)).rejects.toMatchObject({
    exitCode: 74,
    message: `${left}: exists already`,
    hint: 'Another recording runs, or ended badly: rmdir it, or use --instance.',
  });
  expect(existsSync(left)).toBe(true);
});

test('an instance that somebody else reads is told', async () => {
  const machine = new FakeMachine();
  machine.writeNew('rmdir', 'EBUSY');
  const { warnings } = await record(machine);
  expect(warnings).toEqual([
    `${machine.tracefs}/instances/own: cannot be removed: in use; rmdir it when nobody reads it`,
  ]);
});

test('symbols without addresses are told', async () => {
  const machine = new FakeMachine();
  machine.write('proc/kallsyms', '0000000000000000 T driver_alloc\n');
  const { warnings } = await record(machine);
  expect(warnings).toEqual([
    'kallsyms has no addresses (kptr_restrict): call sites will have no names',
  ]);
});

test('a kernel without kmem events', async () => {
  const machine = new FakeMachine();
  for (const event of ['kmalloc', 'kfree', 'kmem_cache_free']) machine.removeEvent(event);
  await expect(record(machine)).rejects.toMatchObject({
    exitCode: 74,
    message: `${machine.tracefs}: this kernel has no kmem events`,
  });
});

test('modules that are loaded while it records have names', async () => {
  const machine = new FakeMachine();
  const folder = join(temporaryFolder(), 'rec');
  const loaded = 'late_mod 16384 0 - Live 0xffffffffc0000000';
  const named = 'ffffffffc0000010 t late_alloc\t[late_mod]';
  const proc = join(machine.root, 'proc');
  const script = `echo '${loaded}' > ${proc}/modules; echo '${named}' >> ${proc}/kallsyms`;
  await record(machine, { folder, command: ['sh', '-c', script], durationMs: null });
  expect(readFileSync(join(folder, 'modules.txt'), 'latin1')).toBe(`${loaded}\n`);
  const kallsyms = gunzipSync(readFileSync(join(folder, 'kallsyms.txt.gz'))).toString('latin1');
  expect(kallsyms).toContain('late_alloc');
});

test('events of pages are added to those that are named', async () => {
  const machine = new FakeMachine();
  machine.addEvent('mm_page_alloc');
  await record(machine, { events: ['kmem:kfree'], pageEvents: true });
  const enabled = ['kfree', 'mm_page_alloc', 'kmalloc'].map((event) =>
    machine.removed(`events/kmem/${event}/enable`),
  );
  expect(enabled).toEqual(['1', '1', '0']);
});

test('what puts a machine back is run once, the last step first, whatever fails', () => {
  const undo = new UndoSteps();
  const ran: number[] = [];
  undo.add(() => ran.push(1));
  undo.add(() => {
    throw new Error('step 2 failed');
  });
  undo.add(() => ran.push(3));
  expect(undo.run()).toEqual(['step 2 failed']);
  expect(undo.run()).toEqual([]);
  expect(ran).toEqual([3, 1]);
});

test.each([
  [0, 16384, []],
  [1234, 16384, ['1,234 events were lost, the buffers were full: try --buffer 64M, or --pid']],
  [5, 8, ['5 events were lost, the buffers were full: try --buffer 32K, or --pid']],
])('%d events lost with buffers of %d KB', (losses, bufferKb, warnings) => {
  expect(lossWarning(losses, bufferKb)).toEqual(warnings);
});

test('pages of a buffer are as large as its header_page says', async () => {
  const machine = new FakeMachine();
  const header = 'field: char data;\toffset:16;\tsize:16368;\tsigned:1;\n';
  machine.writeNew('events/header_page', header);
  machine.writeNew('per_cpu/cpu0/trace_pipe_raw', Buffer.alloc(32768, 1));
  // What a read gives of a page is kept as a whole page.
  machine.writeNew('per_cpu/cpu1/trace_pipe_raw', Buffer.alloc(100, 2));
  const folder = join(temporaryFolder(), 'rec');
  const { bytes } = await record(machine, { folder });
  expect(bytes).toBe(3 * 16384);
  expect(readFileSync(join(folder, 'trace_pipe_raw.cpu0'))).toEqual(Buffer.alloc(32768, 1));
  const part = Buffer.concat([Buffer.alloc(100, 2), Buffer.alloc(16284)]);
  expect(readFileSync(join(folder, 'trace_pipe_raw.cpu1'))).toEqual(part);
  expect(readFileSync(join(folder, 'tracing/events/header_page'), 'latin1')).toBe(header);
});

test.each([
  ['64M', 65536],
  ['512k', 512],
  ['1G', 1048576],
  ['100', 100],
])('--buffer %s is %d KB', (text, kb) => {
  expect(parseBuffer(text)).toBe(kb);
});

test.each(['', 'big', '7', '-1M', '65G', '1.5M'])('--buffer %j is refused', (text) => {
  expect(() => parseBuffer(text)).toThrow(`--buffer ${text}: expected a size, such as 64M`);
});

function isRunning(pidFile: string): boolean {
  if (!existsSync(pidFile)) return false;
  const pid = readFileSync(pidFile, 'latin1').trim();
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'latin1') : '';
  return /\) [^Z]/.test(stat);
}

test("the kernel's own counts of who has memory are taken where it keeps them", async () => {
  const machine = new FakeMachine();
  machine.write('proc/allocinfo', 'allocinfo - version: 1.0\n');
  machine.write('sys/kernel/debug/slab/kmalloc-64/alloc_traces', '  1 f+0x1/0x2 age=5 pid=1\n\n');
  const folder = join(temporaryFolder(), 'rec');
  await record(machine, { folder });
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  expect(read('allocinfo.txt')).toBe('allocinfo - version: 1.0\n');
  expect(read('alloc_traces.txt')).toBe(
    '/sys/kernel/debug/slab/kmalloc-64/alloc_traces:  1 f+0x1/0x2 age=5 pid=1\n',
  );
});
