#!/usr/bin/env node
// The program: commands, and the one place where errors are printed and the exit code is set.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { EXIT, ToolError } from '../base/errors.ts';
import { registerAnalyze } from './commands/analyze.ts';
import { registerCompare } from './commands/compare.ts';
import { registerExport } from './commands/export.ts';
import { registerFormats } from './commands/formats.ts';
import { registerFrag } from './commands/frag.ts';
import { registerHistory } from './commands/history.ts';
import { registerIngest } from './commands/ingest.ts';
import { registerLeaks } from './commands/leaks.ts';
import { registerLint } from './commands/lint.ts';
import { registerPerfkmem } from './commands/perfkmem.ts';
import { registerRates } from './commands/rates.ts';
import { registerRecord } from './commands/record.ts';
import { registerReplay } from './commands/replay.ts';
import { registerReport } from './commands/report.ts';
import { registerSlabinfo } from './commands/slabinfo.ts';
import { registerSql } from './commands/sql.ts';
import { registerValidate } from './commands/validate.ts';

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function createProgram(): Command {
  const program = new Command('slabreplay')
    .description('Replay recorded Linux slab allocation traces through a model of SLUB')
    .option('-V, --version', 'print the version')
    .on('option:version', () => {
      process.stdout.write(`${version()}\n`);
      throw new CommanderError(0, 'version', '');
    })
    .showHelpAfterError('  Add --help for the options.')
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'slabreplay: ')),
    })
    .enablePositionalOptions()
    .exitOverride();
  registerAnalyze(program);
  registerIngest(program);
  registerFrag(program);
  registerRates(program);
  registerLint(program);
  registerRecord(program);
  registerHistory(program);
  registerSlabinfo(program);
  registerPerfkmem(program);
  registerReplay(program);
  registerReport(program);
  registerLeaks(program);
  registerValidate(program);
  registerSql(program);
  registerCompare(program);
  registerExport(program);
  registerFormats(program);
  return program;
}

/** Prints an error as `slabreplay: what`, then what to do; a stack only where it is our bug. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? EXIT.done : EXIT.usage; // commander has printed it
  }
  if (error instanceof ToolError) {
    process.stderr.write(`slabreplay: ${error.message}\n`);
    if (error.hint) process.stderr.write(`  ${error.hint}\n`);
    return error.exitCode;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`slabreplay: this is a bug in slabreplay, please report it:\n${stack}\n`);
  return EXIT.bug;
}

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT.done);
  throw error;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
