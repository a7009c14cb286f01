// `slabreplay perfkmem SOURCE`: what `perf kmem stat` prints, from any input.

import type { Command } from 'commander';
import { addSourceOptions, type SharedOptions, sourceOptions } from '../shared/options.ts';
import type { PerfKmemArgument } from './perf-kmem-text.ts';

interface PerfkmemOptions extends SharedOptions {
  readonly rawIp?: boolean;
}

export function registerPerfkmem(program: Command): void {
  const command = program
    .command('perfkmem <source>')
    .description('the tables and summary of `perf kmem stat`, with its arithmetic')
    .option('--caller', 'a table of call sites')
    .option('--alloc', 'a table of allocated addresses')
    .option(
      '-s, --sort <KEYS>',
      'sort the last named table by ptr,callsite,bytes,hit,pingpong,frag',
    )
    .option('-l, --line <N>', 'rows of the last named table')
    .option('--raw-ip', 'addresses instead of symbols');
  // As in perf, -s and -l go with the table that was named before them: their order counts.
  const args: PerfKmemArgument[] = [];
  for (const option of ['caller', 'alloc', 'sort', 'line'] as const) {
    command.on(`option:${option}`, (value?: string) => {
      args.push(value === undefined || value === null ? { option } : { option, value });
    });
  }
  addSourceOptions(command).action((source: string, options: PerfkmemOptions) =>
    run(source, options, args),
  );
}

async function run(
  source: string,
  options: PerfkmemOptions,
  args: readonly PerfKmemArgument[],
): Promise<void> {
  const { resolvePerfKmemOptions, perfKmemLines } = await import('./perf-kmem-text.ts');
  const tables = resolvePerfKmemOptions(args);
  const { perfKmemRun } = await import('./perf-kmem-run.ts');
  const { result, symbolOf } = await perfKmemRun(await sourceOptions(source, options), tables);
  const name = options.rawIp ? (): undefined => undefined : symbolOf;
  for (const line of perfKmemLines(result, tables, name)) process.stdout.write(`${line}\n`);
}
