// What is asked for and is not there: names that match nothing, moments outside of the trace, selections
// that are empty, of every command that takes them.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jsonOf, runCli, temporaryFolder } from '../helpers/run-cli.ts';

const TRACE = `# tracer: nop
 sh-7 [000] ..... 10.000000: kmalloc: call_site=f+0x4/0x20 ptr=0xffff888001000000 bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL node=-1 accounted=false
 ls-9 [001] ..... 10.100000: kmem_cache_alloc: call_site=g+0x4/0x20 ptr=0xffff888001001000 name=dentry bytes_req=192 bytes_alloc=192 gfp_flags=GFP_KERNEL node=-1 accounted=false
 sh-7 [000] ..... 10.200000: kfree: call_site=f+0x8/0x20 ptr=0xffff888001000000
 ls-9 [001] ..... 10.300000: kmem_cache_free: call_site=g+0x8/0x20 ptr=0xffff888001001000 name=dentry
 ls-9 [001] ..... 10.400000: kmem_cache_alloc: call_site=g+0x4/0x20 ptr=0xffff888001001000 name=dentry bytes_req=192 bytes_alloc=192 gfp_flags=GFP_KERNEL node=-1 accounted=false
`;

function traceFile(): string {
  const path = join(temporaryFolder(), 'trace.txt');
  writeFileSync(path, TRACE);
  return path;
}

/** The command line of a command over the trace. */
const COMMANDS: readonly (readonly [string, (path: string) => string[]])[] = [
  ['analyze', (path) => ['analyze', path]],
  ['frag', (path) => ['frag', path]],
  ['rates', (path) => ['rates', path]],
  ['lint', (path) => ['lint', path]],
  ['leaks', (path) => ['leaks', path, '--outstanding']],
  ['compare', (path) => ['compare', path, '--to', path]],
];

describe.each(COMMANDS)('%s', (_, command) => {
  test.each([
    [
      ['--cache', 'dentries'],
      '--cache dentries: no cache of this run is named so',
      'Nearest: dentry.',
    ],
    [['--comm', 'zsh'], '--comm zsh: no task of this run is named so', 'Nearest: sh.'],
    [['--pid', '8'], '--pid 8: no task of this run has this pid', 'Nearest: sh-7, ls-9.'],
    [['--cpu', '4'], '--cpu 4: this run has no such CPU', 'It has CPUs 0-1.'],
  ])('a name that nothing has: %j', async (options, message, hint) => {
    const { code, stderr, stdout } = await runCli([...command(traceFile()), ...options]);
    expect(stderr).toBe(`slabreplay: ${message}\n  ${hint}\n`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  test('a selection that is empty: one line, and null for nothing in JSON', async () => {
    const args = [...command(traceFile()), '--cache', 'dentry', '--pid', '7'];
    const { code, stdout } = await runCli(args);
    expect(code).toBe(0);
    expect(stdout).toContain('\nNo allocation is selected by --cache dentry --pid 7.\n');
    expect(stdout).not.toContain('Next:');
    const { completeness } = await jsonOf<{ completeness: { empty: string | null } }>(args);
    expect(completeness.empty).toBe('No allocation is selected by --cache dentry --pid 7.');
  });
});

test.each([
  ['frag'],
  ['replay'],
  ['slabinfo', '--from', 'replay'],
  ['history', '0xffff888001000000'],
])('%s --at outside of the trace', async (name, ...more) => {
  const [command = '', ...rest] = [name, ...more];
  const address = command === 'history' ? rest : [];
  const options = command === 'history' ? [] : rest;
  for (const at of ['5000', '+1', '9']) {
    const args = [command, traceFile(), ...address, ...options, '--at', at];
    const { code, stderr, stdout } = await runCli(args);
    expect(stderr).toBe(
      `slabreplay: --at ${at}: the trace is from 10.000000 s to 10.400000 s\n` +
        '  Name a time in it, or +SECONDS from its first event.\n',
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  }
  const inside = [command, traceFile(), ...address, ...options, '--at', '+0.4'];
  expect((await runCli(inside)).code).toBe(0);
});

test('compare: a name that one of the runs has is something to compare', async () => {
  const other = join(temporaryFolder(), 'other.txt');
  writeFileSync(other, TRACE.replaceAll('dentry', 'inode_cache'));
  const { code } = await runCli(['compare', traceFile(), '--to', other, '--cache', 'inode_cache']);
  expect(code).toBe(0);
});

test('history of an address that nobody had tells what is near', async () => {
  const { code, stdout } = await runCli(['history', traceFile(), '0xffff888001001800']);
  expect(code).toBe(0);
  expect(stdout).toContain('No object at this address is in the trace.\n');
  expect(stdout).toMatch(
    /Nearest objects .*\n0xffff888001000000 .*\n0xffff888001001000 +-2048 +live/,
  );
  const far = await runCli(['history', traceFile(), '0xffff999000000000']);
  expect(far.stdout).toContain(
    'what is live at the end is from\n  0xffff888001001000 to 0xffff888001001000.',
  );
});
