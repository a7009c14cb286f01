// The program: commands, and the one place where errors are printed and the exit code is set.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { asText, checkedObject } from '../base/checked-json.ts';
import { EXIT, ToolError } from '../base/errors.ts';
import { escapeMessage } from '../render/escape.ts';
import { addCommand } from './add-command.ts';
import { COMMANDS, commandNamed } from './commands.ts';
import { watchEnd } from './end-signals.ts';
import { watchStreams } from './streams.ts';

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return checkedObject(JSON.parse(text), 'package.json', { version: asText }).version;
}

async function createProgram(name: string): Promise<Command> {
  const program = new Command('slabreplay')
    .description('Replay recorded Linux slab allocation traces through a model of SLUB')
    .option('-V, --version', 'print the version')
    .on('option:version', () => {
      process.stdout.write(`${version()}\n`);
      throw new CommanderError(0, 'version', '');
    })
    .showHelpAfterError('  Add --help for the options.')
    .configureOutput({
      outputError: (text, write) => write(escapeMessage(text.replace(/^error: /, 'slabreplay: '))),
    })
    .enablePositionalOptions()
    .exitOverride();
  const asked = commandNamed(name);
  for (const load of asked === undefined ? Object.values(COMMANDS) : [asked]) {
    await load((command) => addCommand(program, command));
  }
  return program;
}

/** Prints an error as `slabreplay: what`, then what to do; a stack only where it is our bug. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? EXIT.done : EXIT.usage; // commander has printed it
  }
  if (error instanceof ToolError) {
    process.stderr.write(`slabreplay: ${escapeMessage(error.message)}\n`);
    if (error.hint) process.stderr.write(`  ${escapeMessage(error.hint)}\n`);
    return error.exitCode;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`slabreplay: this is a bug in slabreplay, please report it:\n${stack}\n`);
  return EXIT.bug;
}

/** @param command the first argument */
export async function run(command: string): Promise<void> {
  watchStreams();
  watchEnd();
  try {
    const program = await createProgram(command);
    await program.parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
}
