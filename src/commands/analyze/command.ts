// `slabreplay analyze SOURCE`: the main job.

import type { Command } from 'commander';
import {
  addFilterOptions,
  addKeepOption,
  addOutputOptions,
  addSourceOptions,
  type SharedOptions,
  sourceOptions,
} from '../shared/options.ts';
import { renderJson, writeResult } from '../shared/output.ts';

/** Rows of each table of the overview: it shall fit a screen. */
const OVERVIEW_ROWS = 8;

export function registerAnalyze(program: Command): void {
  const command = program
    .command('analyze <source>')
    .description('where slab memory goes, what is wasted and held, and how far to trust it')
    .option('--no-replay', 'do not replay through the SLUB model');
  addOutputOptions(
    addFilterOptions(addKeepOption(addSourceOptions(command))),
    OVERVIEW_ROWS,
  ).action(run);
}

interface AnalyzeOptions extends SharedOptions {
  readonly replay: boolean;
}

async function run(source: string, options: AnalyzeOptions): Promise<void> {
  const { analyseRun } = await import('./analyse-run.ts');
  const analysis = await analyseRun(await sourceOptions(source, options), options.replay);
  if (options.json) {
    writeResult(renderJson(analysis), options);
    return;
  }
  const { renderOverview, renderOverviewCsv } = await import('./overview-text.ts');
  writeResult(
    options.csv ? renderOverviewCsv(analysis) : renderOverview(analysis, options.top, source),
    options,
  );
}
