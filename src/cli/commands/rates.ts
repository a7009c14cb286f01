// `slabreplay rates SOURCE`: allocations, frees and bytes per second.

import { type Command, Option } from 'commander';
import type { RatesBy } from '../../analysis/rates.ts';
import {
  addFilterOptions,
  addOutputOptions,
  addSourceOptions,
  parsePositive,
  type SharedOptions,
  sourceOptions,
} from '../options.ts';
import { renderJson, writeResult } from '../output.ts';

interface RatesOptions extends SharedOptions {
  readonly by: RatesBy;
  readonly interval: number;
  readonly series?: boolean;
}

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
  addOutputOptions(addFilterOptions(addSourceOptions(command))).action(run);
}

async function run(source: string, options: RatesOptions): Promise<void> {
  const { rateRun } = await import('../../pipeline/analyse-run.ts');
  const shared = await sourceOptions(source, options);
  const rates = await rateRun(shared, options.by, options.interval * 1e9, options.series === true);
  if (options.json) {
    writeResult(renderJson(rates), options);
    return;
  }
  const { renderRates, renderRatesCsv } = await import('../../report/rates-text.ts');
  writeResult(options.csv ? renderRatesCsv(rates) : renderRates(rates, options.top), options);
}
