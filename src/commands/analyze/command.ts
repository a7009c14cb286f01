// `slabreplay analyze SOURCE`: the main job.

import type { Analysis } from '../../analysis/overview.ts';
import { asItIs, type PrintingCommand } from '../shared/command.ts';
import {
  FILTER_OPTIONS,
  type FilterValues,
  RUN_OPTIONS,
  type RunValues,
  type TableValues,
  tableOptions,
} from '../shared/options.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { negatedFlag } from '../shared/specs.ts';

/** Rows of each table of the overview: it shall fit a screen. */
const OVERVIEW_ROWS = 8;

interface AnalyzeOptions extends RunValues, FilterValues, TableValues {
  readonly replay: boolean;
}

export const analyze: PrintingCommand<AnalyzeOptions, Analysis> = {
  name: 'analyze',
  summary: 'where slab memory goes, what is wasted and held, and how far to trust it',
  reads: 'events',
  options: {
    replay: negatedFlag('--no-replay', 'do not replay through the SLUB model'),
    ...RUN_OPTIONS,
    ...FILTER_OPTIONS,
    ...tableOptions(OVERVIEW_ROWS),
  },
  async run(options, desk) {
    const { analyseRun } = await import('./analyse-run.ts');
    return analyseRun(await sourceOptions(options, desk), options.replay);
  },
  render: {
    async text(analysis, { top, source }) {
      return (await import('./overview-text.ts')).renderOverview(analysis, top, source);
    },
    async csv(analysis) {
      return (await import('./overview-text.ts')).renderOverviewCsv(analysis);
    },
    json: asItIs,
  },
};
