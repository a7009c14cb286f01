// `slabreplay export SOURCE --to FORMAT -o FILE`: a run for other tools.

import { type Command, Option } from 'commander';
import type { ProfileValue } from '../../analysis/profile-stacks.ts';
import { counted } from '../../base/bytes-format.ts';
import { UsageError } from '../../base/errors.ts';
import { fileTarget } from '../../base/output-target.ts';
import {
  addFilterOptions,
  addSourceOptions,
  type SharedOptions,
  sourceOptions,
} from '../shared/options.ts';
import { noteWritten } from '../shared/output.ts';

/** Every event, or what all events come to. */
const EVENT_FORMATS = ['csv', 'parquet', 'sqlite-rows'] as const;
const PROFILE_FORMATS = ['pprof', 'speedscope', 'collapsed', 'trace-events'] as const;

const VALUES: readonly ProfileValue[] = [
  'live-bytes',
  'live-objects',
  'live-wasted',
  'alloc-bytes',
  'alloc-objects',
  'alloc-wasted',
];

type EventFormat = (typeof EVENT_FORMATS)[number];
type ProfileFormat = (typeof PROFILE_FORMATS)[number];

interface ExportOptions extends SharedOptions {
  readonly to: EventFormat | ProfileFormat;
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
  const { to } = options;
  if (to !== 'collapsed' && (options.value ?? options.base) !== undefined) {
    throw new UsageError(`--to ${to}: --value and --base are for --to collapsed`);
  }
  if (to === 'sqlite-rows') fileTarget(options.out, options.force === true);
  const said = isEventFormat(to)
    ? await exportEvents(source, to, options)
    : await exportProfile(source, to, options);
  if (!options.quiet) noteWritten(options.out, said);
}

/** True where only some allocations are asked for. */
function isFiltered(options: SharedOptions): boolean {
  const { cache, pid, comm, excludeComm, cpu, time, size, age } = options;
  const lists = [cache, pid, comm, excludeComm, cpu];
  return lists.some(({ length }) => length > 0) || (time ?? size ?? age) !== undefined;
}

function isEventFormat(to: ExportOptions['to']): to is EventFormat {
  return EVENT_FORMATS.some((format) => format === to);
}

async function exportEvents(
  source: string,
  to: EventFormat,
  options: ExportOptions,
): Promise<string> {
  if (isFiltered(options)) {
    throw new UsageError(`--to ${to} writes every event, so nothing can be selected`, {
      hint: 'Select with SQL: slabreplay sql RUN.db "SELECT ... FROM event WHERE ..." --csv',
    });
  }
  const shared = await sourceOptions(source, options);
  const target = targetOf(options);
  const exports = await import('./export-run.ts');
  let count: number;
  if (to === 'csv') {
    const { EventCsv } = await import('./event-csv.ts');
    count = await exports.exportEvents(shared, target, ({ input }) => new EventCsv(input));
  } else if (to === 'parquet') {
    const { EventParquet } = await import('./event-parquet.ts');
    count = await exports.exportEvents(
      shared,
      target,
      ({ columns, rowOf }) => new EventParquet(columns, rowOf),
    );
  } else count = await exports.exportSqliteRows(shared, target);
  return counted(count, 'event');
}

async function exportProfile(
  source: string,
  to: ProfileFormat,
  options: ExportOptions,
): Promise<string> {
  const shared = await sourceOptions(source, options);
  const profiles = await import('./profile-run.ts');
  switch (to) {
    case 'pprof': {
      const profile = await profiles.profileRun(shared);
      const { renderPprof } = await import('./export-pprof.ts');
      await write(renderPprof(profile), options);
      return counted(profile.samples.length, 'sample');
    }
    case 'speedscope': {
      const profile = await profiles.profileRun(shared);
      const { renderSpeedscope } = await import('./export-speedscope.ts');
      await write(renderSpeedscope(profile), options);
      return counted(profile.samples.length, 'sample');
    }
    case 'collapsed': {
      const base = options.base === undefined ? [] : [await sourceOptions(options.base, options)];
      const stacks = await profiles.stacksOfRuns([...base, shared], options.value ?? 'live-bytes');
      const { renderCollapsed } = await import('./export-collapsed.ts');
      await write(renderCollapsed(stacks), options);
      return counted(stacks.length, 'stack');
    }
    case 'trace-events': {
      const curves = await profiles.curvesOfRun(shared);
      const { renderTraceEvents } = await import('./export-trace-events.ts');
      await write(renderTraceEvents(curves), options);
      return counted(curves.curves.length, 'cache');
    }
  }
}

async function write(content: string | Uint8Array, options: ExportOptions): Promise<void> {
  const { exportResult } = await import('./export-run.ts');
  await exportResult(targetOf(options), content);
}

function targetOf({ out, force }: ExportOptions): { path: string; force: boolean } {
  return { path: out, force: force === true };
}
