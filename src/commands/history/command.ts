// `slabreplay history SOURCE ADDRESS`: the life of an address; with --dmesg of every object that a
// kernel log reports on.

import { UsageError } from '../../base/errors.ts';
import { parseTimeBound } from '../../pairing/selection-texts.ts';
import { asItIs, type PrintingCommand } from '../shared/command.ts';
import {
  FILTER_OPTIONS,
  type FilterValues,
  type OutputValues,
  outputOptions,
  RUN_OPTIONS,
  type RunValues,
} from '../shared/options.ts';
import { parseAddress } from '../shared/parse.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { parsed, text } from '../shared/specs.ts';
import type { History, ReportHistories } from './history-run.ts';

interface HistoryOptions extends RunValues, FilterValues, OutputValues {
  readonly address?: bigint;
  readonly at?: ReturnType<typeof parseTimeBound>;
  readonly dmesg?: string;
}

export const history: PrintingCommand<HistoryOptions, History | ReportHistories> = {
  name: 'history',
  summary: 'the life of an address: every owner, the neighbours, and the reports of a kernel log',
  reads: 'events',
  options: {
    at: parsed('--at <SECONDS>', 'who had it, and who was beside it, at that time', parseTimeBound),
    dmesg: text(
      '--dmesg <FILE>',
      'a kernel log: the objects of its SLUB, KASAN and KFENCE reports',
    ),
    ...RUN_OPTIONS,
    ...FILTER_OPTIONS,
    address: parsed(
      '[address]',
      'of an object, or any byte in one: 0xffff888003a40040',
      parseAddress,
    ),
    ...outputOptions(),
  },
  async run(options, desk) {
    const { address, at: until, dmesg } = options;
    if ((address === undefined) === (dmesg === undefined)) throw neitherOrBoth();
    const { historyRun, reportHistories } = await import('./history-run.ts');
    const shared = await sourceOptions(options, desk);
    if (address !== undefined) return historyRun({ ...shared, until }, address);
    if (dmesg !== undefined) return reportHistories({ ...shared, until }, dmesg);
    throw neitherOrBoth();
  },
  render: {
    async text(result, { top }) {
      const { renderHistory, renderReportHistories } = await import('./history-text.ts');
      return 'reports' in result ? renderReportHistories(result, top) : renderHistory(result, top);
    },
    csv: null,
    json: asItIs,
  },
};

function neitherOrBoth(): UsageError {
  return new UsageError('expected an address or --dmesg FILE', {
    hint: 'slabreplay history SOURCE 0xffff888003a40040, or history SOURCE --dmesg dmesg.txt',
  });
}
