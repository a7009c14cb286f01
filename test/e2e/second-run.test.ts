// A command behaves the same in a process that ran others before: for programs that use the package as a
// library, and for these tests, most of which run their commands so (test/helpers/cli-pool.ts).

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandsFor, type Input } from '../helpers/all-commands.ts';
import { describeInput } from '../helpers/recording-cuts.ts';
import { ROOT, runCli, STACKS } from '../helpers/run-cli.ts';

const EXAMPLE = join(ROOT, 'traces', 'leak-example');
let input: Input;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slabreplay-second-'));
  input = await describeInput('leak-example', EXAMPLE, join(ROOT, STACKS), folder);
});
afterAll(() => rmSync(input.folder, { recursive: true, force: true }));

/** What a command has to show for itself: exit code, outputs and the file that it wrote. */
async function outcome(args: readonly string[], alone: boolean): Promise<object> {
  const result = await runCli(args, { alone });
  const path = args.find((arg) => arg.endsWith('.out'));
  const file = path !== undefined && existsSync(path) ? readFileSync(path, 'latin1') : null;
  if (file !== null && path !== undefined) rmSync(path);
  return { ...result, file };
}

test('every command behaves as in a process of its own', async () => {
  // One line of each command, and what commander and wrong use print.
  const commands = [
    ...commandsFor(input, 100),
    ['--version'],
    ['analyze', '--help'],
    [],
    ['analyze', EXAMPLE, '--no-such-option'],
    ['analyze', 'no-such-file'],
    ['compare', EXAMPLE, '--to', STACKS, '--no-replay', '--fail-on', 'total:live<=1'],
  ];
  for (const args of commands) {
    const alone = await outcome(args, true);
    for (const time of ['first', 'second']) {
      const kept = await outcome(args, false);
      expect(kept, `${args.join(' ')}: the ${time} time`).toEqual(alone);
    }
  }
});

test('a command that ends its process has its own exit code, and the next one a new process', async () => {
  const folder = join(input.folder, 'no-such-folder');
  await expect(runCli(['formats'], { cwd: folder })).resolves.toMatchObject({ code: 1 });
  await expect(runCli(['formats'])).resolves.toMatchObject({ code: 0, stderr: '' });
});
