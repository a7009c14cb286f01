// `slabreplay export SOURCE --to FORMAT -o FILE`: a run for other tools.

import { type Command, Option } from 'commander';
import type { ProfileValue } from '../../analysis/profile-stacks.ts';
import { counted } from '../../base/bytes-format.ts';
import { fileTarget } from '../../base/output-target.ts';
import {
  addFilterOptions,
  addSourceOptions,
  type SharedOptions,
  sourceOptions,
} from '../shared/options.ts';
import { noteWritten } from '../shared/output.ts';
import { EVENT_FORMATS, type ExportFormat, PROFILE_FORMATS } from './export-to.ts';

const VALUES: readonly ProfileValue[] = [
  'live-bytes',
  'live-objects',
  'live-wasted',
  'alloc-bytes',
  'alloc-objects',
  'alloc-wasted',
];

interface ExportOptions extends SharedOptions {
  readonly to: ExportFormat;
  readonly out: string;
  readonly value?: ProfileValue;
  readonly base?: string;
}

export function registerExport(program: Command): void {
  const command = program
    .command('export <source>')
    .description('events, profiles and curves for other tools')
    .addOption(
      new Option(
        '--to <FORMAT>',
        'pprof, speedscope, collapsed: what is allocated and held, by call chain; trace-events: live bytes of each cache over time (Perfetto, chrome://tracing); csv, parquet: one event a row; sqlite-rows: a plain SQLite file',
      )
        .choices([...PROFILE_FORMATS, ...EVENT_FORMATS])
        .makeOptionMandatory(),
    )
    .requiredOption('-o, --out <FILE>', 'the file to write')
    .addOption(
      new Option('--value <WHAT>', 'collapsed: what is counted (default: live-bytes)').choices(
        VALUES,
      ),
    )
    .option('--base <SOURCE>', 'collapsed: a run to compare with, for a differential flame graph')
    .option('--force', 'overwrite the file');
  addFilterOptions(addSourceOptions(command)).action(run);
}

async function run(source: string, options: ExportOptions): Promise<void> {
  const { to, out, force = false, value, quiet } = options;
  if (to === 'sqlite-rows') fileTarget(out, force);
  const shared = await sourceOptions(source, options);
  const base = options.base === undefined ? undefined : await sourceOptions(options.base, options);
  const { exportTo } = await import('./export-to.ts');
  const { count, unit } = await exportTo(shared, to, { path: out, force }, { value, base });
  if (!quiet) noteWritten(out, counted(count, unit));
}
