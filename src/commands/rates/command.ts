// `slabreplay rates SOURCE`: allocations, frees and bytes per second.

import { type Command, Option } from 'commander';
import {
  addFilterOptions,
  addKeepOption,
  addOutputOptions,
  addSortOption,
  addSourceOptions,
  parsePositive,
  type SharedOptions,
  sortedBy,
  sourceOptions,
} from '../shared/options.ts';
import { renderJson, writeResult } from '../shared/output.ts';
import type { RatesBy } from './rates.ts';

interface RatesOptions extends SharedOptions {
  readonly by: RatesBy;
  readonly interval: number;
  readonly series?: boolean;
  readonly sort?: (typeof SORT_KEYS)[number];
}

const SORT_KEYS = ['allocs', 'frees', 'bytes', 'busiestAllocs'] as const;

export function registerRates(program: Command): void {
  const command = program
    .command('rates <source>')
    .description('allocations, frees and bytes per second, by cache or call site')
    .addOption(
      new Option('--by <KEY>', 'what a row is').choices(['cache', 'site']).default('cache'),
    )
    .addOption(
      new Option('--interval <SECONDS>', 'length of an interval')
        .argParser(parsePositive)
        .default(1),
    )
    .option('--series', 'every interval, as slabratetop prints it');
  addSortOption(command, SORT_KEYS);
  addOutputOptions(addFilterOptions(addKeepOption(addSourceOptions(command)))).action(run);
}

async function run(source: string, options: RatesOptions): Promise<void> {
  const { rateRun } = await import('./rate-run.ts');
  const shared = await sourceOptions(source, options);
  const rates = await rateRun(shared, options.by, options.interval * 1e9, options.series === true);
  const result = sortedBy(rates, options.sort);
  if (options.json) {
    writeResult(renderJson(result), options);
    return;
  }
  const { renderRates, renderRatesCsv } = await import('./rates-text.ts');
  writeResult(options.csv ? renderRatesCsv(result) : renderRates(result, options.top), options);
}
