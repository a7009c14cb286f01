// The program: commands, and the one place where errors are printed and the exit code is set.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { asText, checkedObject } from '../base/checked-json.ts';
import { EXIT, ToolError } from '../base/errors.ts';
import { escapeMessage } from '../render/escape.ts';
import { watchEnd } from './end-signals.ts';
import { watchStreams } from './streams.ts';

/** The commands in the order in which help lists them. Only the one that is asked for is loaded. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  analyze: async () => (await import('../commands/analyze/command.ts')).registerAnalyze,
  ingest: async () => (await import('../commands/ingest/command.ts')).registerIngest,
  frag: async () => (await import('../commands/frag/command.ts')).registerFrag,
  rates: async () => (await import('../commands/rates/command.ts')).registerRates,
  lint: async () => (await import('../commands/lint/command.ts')).registerLint,
  record: async () => (await import('../commands/record/command.ts')).registerRecord,
  history: async () => (await import('../commands/history/command.ts')).registerHistory,
  slabinfo: async () => (await import('../commands/slabinfo/command.ts')).registerSlabinfo,
  perfkmem: async () => (await import('../commands/perfkmem/command.ts')).registerPerfkmem,
  replay: async () => (await import('../commands/replay/command.ts')).registerReplay,
  report: async () => (await import('../commands/report/command.ts')).registerReport,
  leaks: async () => (await import('../commands/leaks/command.ts')).registerLeaks,
  validate: async () => (await import('../commands/validate/command.ts')).registerValidate,
  sql: async () => (await import('../commands/sql/command.ts')).registerSql,
  compare: async () => (await import('../commands/compare/command.ts')).registerCompare,
  export: async () => (await import('../commands/export/command.ts')).registerExport,
  formats: async () => (await import('../commands/formats/command.ts')).registerFormats,
};

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
  const asked = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  for (const load of asked === undefined ? Object.values(COMMANDS) : [asked]) {
    const register = await load();
    register(program);
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
