// `slabreplay export SOURCE --to FORMAT -o FILE`: a run for other tools.

import type { ProfileValue } from '../../analysis/profile-stacks.ts';
import { counted } from '../../base/bytes-format.ts';
import { UsageError } from '../../base/errors.ts';
import { fileTarget, outputTarget } from '../../base/output-target.ts';
import type { Desk, MakingCommand } from '../shared/command.ts';
import {
  FILTER_OPTIONS,
  type FilterValues,
  SOURCE_OPTIONS,
  type SourceValues,
} from '../shared/options.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { choice, flag, required, text } from '../shared/specs.ts';

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

interface ExportOptions extends SourceValues, FilterValues {
  readonly to: EventFormat | ProfileFormat;
  readonly out: string;
  readonly force?: boolean;
  readonly value?: ProfileValue;
  readonly base?: string;
}

export const exportCommand: MakingCommand<ExportOptions> = {
  name: 'export',
  summary: 'events, profiles and curves for other tools',
  reads: 'events',
  options: {
    to: required(
      choice(
        '--to <FORMAT>',
        'pprof, speedscope, collapsed: what is allocated and held, by call chain; trace-events: live bytes of each cache over time (Perfetto, chrome://tracing); csv, parquet: one event a row; sqlite-rows: a plain SQLite file',
        [...PROFILE_FORMATS, ...EVENT_FORMATS],
      ),
    ),
    out: required(text('-o, --out <FILE>', 'the file to write')),
    value: choice('--value <WHAT>', 'collapsed: what is counted (default: live-bytes)', VALUES),
    base: text(
      '--base <SOURCE>',
      'collapsed: a run to compare with, for a differential flame graph',
    ),
    force: flag('--force', 'overwrite the file'),
    ...SOURCE_OPTIONS,
    ...FILTER_OPTIONS,
  },
  async run(options, desk) {
    const { to, out, force = false } = options;
    if (to !== 'collapsed' && (options.value ?? options.base) !== undefined) {
      throw new UsageError(`--to ${to}: --value and --base are for --to collapsed`);
    }
    if (to === 'sqlite-rows') fileTarget(out, force);
    return {
      holds: isEventFormat(to)
        ? await exportEvents(to, options, desk)
        : await exportProfile(to, options, desk),
    };
  },
  render: null,
};

/** True where only some allocations are asked for. */
function isFiltered(options: FilterValues): boolean {
  const { cache, pid, comm, excludeComm, cpu, time, size, age } = options;
  const lists = [cache, pid, comm, excludeComm, cpu];
  return lists.some(({ length }) => length > 0) || (time ?? size ?? age) !== undefined;
}

function isEventFormat(to: ExportOptions['to']): to is EventFormat {
  return EVENT_FORMATS.some((format) => format === to);
}

async function exportEvents(to: EventFormat, options: ExportOptions, desk: Desk): Promise<string> {
  if (isFiltered(options)) {
    throw new UsageError(`--to ${to} writes every event, so nothing can be selected`, {
      hint: 'Select with SQL: slabreplay sql RUN.db "SELECT ... FROM event WHERE ..." --csv',
    });
  }
  const target = targetOf(options);
  outputTarget(target.path, target.force);
  const shared = await sourceOptions(options, desk);
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
  to: ProfileFormat,
  options: ExportOptions,
  desk: Desk,
): Promise<string> {
  outputTarget(options.out, options.force === true);
  const shared = await sourceOptions(options, desk);
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
      const { base: source } = options;
      const base = source === undefined ? [] : [await sourceOptions({ ...options, source }, desk)];
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
