// The runner: layouts, `-o`, exit codes and notes are its own, whatever the command is.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { OutputError, UsageError } from '../../../src/base/errors.ts';
import { type RunnerValues, runCommand } from '../../../src/cli/run-command.ts';
import {
  asItIs,
  type MakingCommand,
  type PrintingCommand,
} from '../../../src/commands/shared/command.ts';

interface Options extends RunnerValues {
  readonly limit: number;
}
type Sum = { readonly type: 'sum'; readonly sum: number };

let folder: string;
let stderr: string;
const ran = vi.fn<() => void>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slabreplay-test-'));
  stderr = '';
  ran.mockClear();
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
  process.exitCode = undefined;
});

const SUM: PrintingCommand<Options, Sum> = {
  name: 'sum',
  summary: '',
  reads: 'nothing',
  options: {
    limit: { flags: '--limit <N>', help: '', isFilled: true },
    json: { flags: '', help: '' },
    csv: { flags: '', help: '' },
    out: { flags: '', help: '' },
    force: { flags: '', help: '' },
    quiet: { flags: '', help: '' },
    progress: { flags: '', help: '' },
  },
  async run(_, desk) {
    ran();
    desk.note('added');
    return { type: 'sum', sum: 5 };
  },
  render: {
    text: async ({ sum }, { limit }) => `${sum} of ${limit}\n`,
    csv: async ({ sum }) => `sum\n${sum}\n`,
    json: asItIs,
  },
  gate: ({ sum }, { limit }) => sum > limit,
};

/** What a command writes with these options. */
async function written(options: Partial<Options>, command = SUM): Promise<string> {
  const out = join(folder, 'out');
  await runCommand(command, { limit: 9, out, force: true, ...options }, []);
  return readFileSync(out, 'utf8');
}

test('prints text, CSV or JSON', async () => {
  expect(await written({})).toBe('5 of 9\n');
  expect(await written({ csv: true })).toBe('sum\n5\n');
  expect(JSON.parse(await written({ json: true }))).toEqual({
    formatVersion: 1,
    type: 'sum',
    sum: 5,
  });
  expect(process.exitCode).toBeUndefined();
});

test('lines are written one by one, each with its end', async () => {
  const text = async (): Promise<string[]> => ['one', 'two'];
  expect(await written({}, { ...SUM, render: { ...SUM.render, text } })).toBe('one\ntwo\n');
});

test.each([
  ['csv', 'sum has no CSV', 'Use --json.'],
  ['json', 'sum has no JSON', 'Use --csv.'],
] as const)(
  'a layout that the command lacks is wrong use, and nothing is read: %s',
  async (layout, message, hint) => {
    const command = { ...SUM, render: { ...SUM.render, [layout]: null } };
    const run = runCommand(command, { limit: 9, [layout]: true }, []);
    await expect(run).rejects.toMatchObject({ message, hint, constructor: UsageError });
    expect(ran).not.toHaveBeenCalled();
  },
);

test('a file that exists is refused before anything is read', async () => {
  const out = join(folder, 'there');
  writeFileSync(out, 'mine');
  await expect(runCommand(SUM, { limit: 9, out }, [])).rejects.toThrow(OutputError);
  expect(ran).not.toHaveBeenCalled();
  expect(readFileSync(out, 'utf8')).toBe('mine');
});

test('a crossed gate is exit code 1, with the result written, and a word where that is a file', async () => {
  expect(await written({ limit: 4 })).toBe('5 of 4\n');
  expect(process.exitCode).toBe(1);
  expect(stderr).toBe('slabreplay: added\nslabreplay: a gate was crossed\n');
});

test('--quiet: no notes', async () => {
  await written({ limit: 4, quiet: true });
  expect(process.exitCode).toBe(1);
  expect(stderr).toBe('');
});

test('where there is no result, nothing is written', async () => {
  const out = join(folder, 'none');
  const command = { ...SUM, run: async (): Promise<undefined> => undefined };
  await runCommand(command, { limit: 4, out }, []);
  expect(existsSync(out)).toBe(false);
  expect(process.exitCode).toBeUndefined();
});

test('a command that makes a file: what it holds now, and the status of a program it ran', async () => {
  const { render: _, gate: __, ...named } = SUM;
  const command: MakingCommand<Options> = {
    ...named,
    run: async () => ({ holds: '3 events', exitCode: 7 }),
    render: null,
  };
  const out = join(folder, 'made');
  await runCommand(command, { limit: 0, out }, []);
  expect(stderr).toBe(`slabreplay: ${out}: 3 events\n`);
  expect(process.exitCode).toBe(7);
});
