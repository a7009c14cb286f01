// Standard output and standard error that nobody reads, or that have no room.

import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MAIN, outputOf, ROOT, STACKS, temporaryFolder } from '../helpers/run-cli.ts';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
}

/** Runs the program with a standard error whose reader is gone before it starts to speak. */
function withoutReader(args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: ROOT });
  child.stderr.destroy();
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, stdout: Buffer.concat(chunks).toString() }));
  });
}

test.each([
  ['a note', 0, ['ingest', STACKS, '-o', 'OUT']],
  ['a warning', 0, ['leaks', STACKS, '--outstanding', '--format', 'kmemleak']],
  ['an error with its hint', 74, ['analyze', 'no-such-file']],
  ['wrong use', 2, ['analyze', STACKS, '--no-such-option']],
])('nobody reads standard error, and there is %s: exit %i', async (_, code, args) => {
  const out = join(temporaryFolder(), 'run.db');
  const ended = await withoutReader(args.map((arg) => (arg === 'OUT' ? out : arg)));
  expect(ended.code).toBe(code);
  if (args[0] === 'leaks') expect(ended.stdout).toBe(await outputOf(args));
});

test('no room for standard output: exit 74, and one line', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [MAIN, 'rates', STACKS], {
    cwd: ROOT,
    stdio: ['ignore', full, 'pipe'],
  });
  closeSync(full);
  const chunks: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect(Buffer.concat(chunks).toString()).toBe(
    'slabreplay: standard output: cannot be written: no space left on the device\n',
  );
  expect(code).toBe(74);
});

test('standard output and standard error that are closed are no error', async () => {
  const child = spawn('sh', ['-c', '"$0" "$@" >&- 2>&-', process.execPath, MAIN, 'rates', STACKS], {
    cwd: ROOT,
  });
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
});
