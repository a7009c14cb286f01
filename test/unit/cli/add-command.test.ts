// The values of the commands, and what commander makes of them.

import { Command as CommanderCommand } from 'commander';
import { describe, expect, test } from 'vitest';
import { addCommand } from '../../../src/cli/add-command.ts';
import { COMMANDS } from '../../../src/cli/commands.ts';
import type { Command, Desk } from '../../../src/commands/shared/command.ts';
import { parseCount } from '../../../src/commands/shared/parse.ts';
import {
  argument,
  choice,
  flag,
  listOf,
  negatedFlag,
  parsed,
  required,
  text,
  withPreset,
} from '../../../src/commands/shared/specs.ts';

test.each(Object.entries(COMMANDS))('%s is the name of its value', async (name, load) => {
  expect(await load((command) => command.name)).toBe(name);
});

test('options of a command have names of their own', async () => {
  for (const load of Object.values(COMMANDS)) {
    // commander throws where two are alike
    await load((command) => addCommand(new CommanderCommand(), command));
  }
});

interface Values {
  readonly source: string;
  readonly pattern?: string;
  readonly all?: boolean;
  readonly replay: boolean;
  readonly by: 'cache' | 'site';
  readonly rows?: number;
  readonly pids: readonly number[];
  readonly folders: readonly string[] | false;
  readonly out: string;
}

/** What the command of all kinds of options gets from a command line. */
async function valuesOf(...args: string[]): Promise<{ values: Values; given: Desk['given'] }> {
  let got: { values: Values; given: Desk['given'] } | undefined;
  const command: Command<Values, never> = {
    name: 'sample',
    summary: '',
    reads: 'nothing',
    options: {
      source: argument('<source>'),
      pattern: text('[pattern]', ''),
      all: flag('-a, --every', ''),
      replay: negatedFlag('--no-replay', ''),
      by: withPreset(choice('--by <KEY>', '', ['cache', 'site']), 'cache'),
      rows: parsed('--rows <N>', '', parseCount),
      pids: listOf('--pid <N>', '', (pid) => [parseCount(pid)]),
      folders: {
        flags: '--folders <DIR>',
        help: '',
        parse: (folder, before) => [...(before || []), folder],
        preset: [],
        isFilled: true,
        negation: ['--no-folders', ''],
      },
      out: required(text('-o, --out <FILE>', '')),
    },
    run: async (values, { given }) => {
      got = { values, given };
      return undefined;
    },
    render: null,
  };
  const program = new CommanderCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  addCommand(program, command);
  await program.parseAsync(['sample', ...args], { from: 'user' });
  if (got === undefined) throw new Error('it did not run');
  return got;
}

describe('a command line', () => {
  test('presets, and nothing for what is not given', async () => {
    expect((await valuesOf('src', '-o', 'x')).values).toEqual({
      source: 'src',
      pattern: undefined,
      replay: true,
      by: 'cache',
      pids: [],
      folders: [],
      out: 'x',
    });
  });

  test('values under the keys of the specs, whatever the option is called', async () => {
    const args = 'src kmalloc -a --no-replay --by site --rows 3 --pid 1 --pid 2 --out x'.split(' ');
    expect((await valuesOf(...args, '--folders', 'a', '--folders', 'b')).values).toEqual({
      source: 'src',
      pattern: 'kmalloc',
      all: true,
      replay: false,
      by: 'site',
      rows: 3,
      pids: [1, 2],
      folders: ['a', 'b'],
      out: 'x',
    });
    expect((await valuesOf('src', '-o', 'x', '--no-folders')).values.folders).toBe(false);
  });

  test('the options that were given, in their order', async () => {
    expect((await valuesOf('src', '-o', 'x', '--rows', '3', '-a', '--rows', '4')).given).toEqual([
      { key: 'out', text: 'x' },
      { key: 'rows', text: '3' },
      { key: 'all', text: undefined },
      { key: 'rows', text: '4' },
    ]);
  });

  test.each([
    [['src'], "error: required option '-o, --out <FILE>' not specified"],
    [['-o', 'x'], "error: missing required argument 'source'"],
    [
      ['src', '-o', 'x', '--rows', 'many'],
      "error: option '--rows <N>' argument 'many' is invalid. expected a whole number from 0 on",
    ],
  ])('%j is wrong use', async (args, message) => {
    await expect(valuesOf(...args)).rejects.toThrow(message);
  });
});
