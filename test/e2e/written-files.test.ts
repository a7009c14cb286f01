// Every file that a command writes has its name only when it is whole; what was there before stays
// until then: on a full device, and where the program is killed.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { BOOT, runCli, STACKS, startCli } from '../helpers/run-cli.ts';
import { describeWithTools } from '../helpers/tools.ts';

/** Commands that write the file `@`, more than a small device holds. */
const WRITERS: readonly (readonly string[])[] = [
  ['report', STACKS, '-o', '@'],
  ['analyze', STACKS, '--json', '--top', '0', '-o', '@'],
  ['compare', STACKS, '--save-baseline', '@'],
  ['compare', STACKS, '--to', STACKS, '--html', '@'],
  ['export', STACKS, '--to', 'csv', '-o', '@'],
  ['export', STACKS, '--to', 'parquet', '-o', '@'],
  ['export', STACKS, '--to', 'speedscope', '-o', '@'],
  ['export', STACKS, '--to', 'sqlite-rows', '-o', '@'],
  ['ingest', STACKS, '-o', '@'],
];

const folder = mkdtempSync(join(tmpdir(), 'slabreplay-full-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeWithTools(['mount', 'umount'], 'a full device', () => {
  let isMounted = false;
  beforeAll(() => {
    try {
      const options = ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', folder];
      execFileSync('mount', options, { stdio: 'ignore' });
      isMounted = true;
    } catch {
      // Only root may: the tests are skipped.
    }
  });
  afterAll(() => {
    if (isMounted) execFileSync('umount', [folder]);
  });
  beforeEach(({ skip }) => {
    skip(!isMounted, 'no device can be mounted here');
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
  });

  test.each(WRITERS.map((args) => [args.slice(0, -1).join(' '), args] as const))(
    '%s',
    async (_, args) => {
      const path = join(folder, 'out');
      const real = args.map((arg) => (arg === '@' ? path : arg));
      writeFileSync(path, 'what was there');
      const { code, stderr } = await runCli([...real, '--force']);
      expect(stderr).toContain('cannot be');
      expect(code).toBe(74);
      expect(readdirSync(folder)).toEqual(['out']);
      expect(readFileSync(path, 'utf8')).toBe('what was there');
    },
  );
});

/** Waits until a file beside `path` has begun, then ends the program. */
async function killedWhileWriting(
  args: readonly string[],
  at: string,
  signal: NodeJS.Signals,
): Promise<void> {
  const child = startCli(args);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const begun = (): boolean => readdirSync(at).some((name) => name.includes('.partial-'));
  while (!begun() && child.exitCode === null) await new Promise((go) => setTimeout(go, 5));
  expect(child.exitCode).toBeNull();
  child.kill(signal);
  await ended;
}

test.each([
  ['SIGTERM', ['export', BOOT, '--to', 'csv']],
  ['SIGTERM', ['ingest', BOOT]],
  ['SIGKILL', ['ingest', BOOT]],
] as const)('%s while it writes: %s', async (signal, args) => {
  const at = mkdtempSync(join(tmpdir(), 'slabreplay-killed-'));
  const path = join(at, 'out');
  writeFileSync(path, 'what was there');
  await killedWhileWriting([...args, '--force', '-o', path], at, signal);
  expect(readFileSync(path, 'utf8')).toBe('what was there');
  // Nothing can clean up behind SIGKILL; what it leaves has another name.
  if (signal === 'SIGTERM') expect(readdirSync(at)).toEqual(['out']);
  rmSync(at, { recursive: true });
});
