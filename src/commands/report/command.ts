// `slabreplay report SOURCE -o FILE.html`: a run as one HTML page.

import type { Command } from 'commander';
import { formatBytes } from '../../base/bytes-format.ts';
import {
  addFilterOptions,
  addSourceOptions,
  type SharedOptions,
  sourceOptions,
} from '../shared/options.ts';
import { noteWritten, writeResult } from '../shared/output.ts';

interface ReportOptions extends SharedOptions {
  readonly out: string;
  readonly replay: boolean;
  readonly snapshot: boolean;
}

export function registerReport(program: Command): void {
  const command = program
    .command('report <source>')
    .description('one HTML page of a run: charts, tables, findings; needs no network')
    .requiredOption('-o, --out <FILE>', 'the page to write')
    .option('--force', 'overwrite the page')
    .option('--no-snapshot', 'do not look for leaks in a memory snapshot beside the run')
    .option('--no-replay', 'do not replay through the SLUB model: no slab map');
  addFilterOptions(addSourceOptions(command)).action(run);
}

async function run(source: string, options: ReportOptions): Promise<void> {
  const { reportRun } = await import('./report-run.ts');
  const data = await reportRun(await sourceOptions(source, options), {
    replays: options.replay,
    scans: options.snapshot,
  });
  const { renderReport } = await import('./page/report-page.ts');
  const { readPageAssets } = await import('../../render/html/assets.ts');
  const page = renderReport(data, source, readPageAssets());
  writeResult(page, options);
  if (!options.quiet) noteWritten(options.out, formatBytes(Buffer.byteLength(page)));
}
