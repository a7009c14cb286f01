// `slabreplay rates SOURCE`: allocations, frees and bytes per second.

import { asItIs, type PrintingCommand } from '../shared/command.ts';
import {
  FILTER_OPTIONS,
  type FilterValues,
  RUN_OPTIONS,
  type RunValues,
  sortedBy,
  sortOption,
  type TableValues,
  tableOptions,
} from '../shared/options.ts';
import { parsePositive } from '../shared/parse.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { choice, flag, parsed, withPreset } from '../shared/specs.ts';
import type { Rates, RatesBy } from './rates.ts';

const SORT_KEYS = ['allocs', 'frees', 'bytes', 'busiestAllocs'] as const;

interface RatesOptions extends RunValues, FilterValues, TableValues {
  readonly by: RatesBy;
  /** Seconds. */
  readonly interval: number;
  readonly series?: boolean;
  readonly sort?: (typeof SORT_KEYS)[number];
}

export const rates: PrintingCommand<RatesOptions, Rates> = {
  name: 'rates',
  summary: 'allocations, frees and bytes per second, by cache or call site',
  reads: 'events',
  options: {
    by: withPreset(choice('--by <KEY>', 'what a row is', ['cache', 'site']), 'cache'),
    interval: withPreset(parsed('--interval <SECONDS>', 'length of an interval', parsePositive), 1),
    series: flag('--series', 'every interval, as slabratetop prints it'),
    sort: sortOption(SORT_KEYS),
    ...RUN_OPTIONS,
    ...FILTER_OPTIONS,
    ...tableOptions(),
  },
  async run(options, desk) {
    const { rateRun } = await import('./rate-run.ts');
    const shared = await sourceOptions(options, desk);
    const { by, interval, series = false, sort } = options;
    return sortedBy(await rateRun(shared, by, interval * 1e9, series), sort);
  },
  render: {
    async text(result, { top }) {
      return (await import('./rates-text.ts')).renderRates(result, top);
    },
    async csv(result) {
      return (await import('./rates-text.ts')).renderRatesCsv(result);
    },
    json: asItIs,
  },
};
