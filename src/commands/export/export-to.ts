// A run in one of the formats of `export`, written to a file.

import type { ProfileValue } from '../../analysis/profile-stacks.ts';
import { UsageError } from '../../base/errors.ts';
import { EVERYTHING, selectsEverything } from '../../pairing/event-filter.ts';
import type { SourceOptions } from '../../run/source.ts';
import {
  EVENT_FORMATS,
  type EventFormat,
  type ExportFormat,
  type ProfileFormat,
} from './export-formats.ts';
import type { ExportTarget } from './export-run.ts';

export interface ExportedFile {
  readonly count: number;
  /** What was counted. */
  readonly unit: 'event' | 'sample' | 'stack' | 'cache';
}

export interface CollapsedOptions {
  /** What is counted; live-bytes where it is not said. */
  readonly value?: ProfileValue | undefined;
  /** A run to compare with, for a differential flame graph. */
  readonly base?: SourceOptions | undefined;
}

/**
 * @throws UsageError where options do not go together
 * @throws OutputError where the file cannot be written
 */
export async function exportTo(
  source: SourceOptions,
  to: ExportFormat,
  target: ExportTarget,
  collapsed: CollapsedOptions = {},
): Promise<ExportedFile> {
  if (to !== 'collapsed' && (collapsed.value ?? collapsed.base) !== undefined) {
    throw new UsageError(`--to ${to}: --value and --base are for --to collapsed`);
  }
  return isEventFormat(to)
    ? { count: await exportEvents(source, to, target), unit: 'event' }
    : exportProfile(source, to, target, collapsed);
}

function isEventFormat(to: ExportFormat): to is EventFormat {
  return EVENT_FORMATS.some((format) => format === to);
}

async function exportEvents(
  source: SourceOptions,
  to: EventFormat,
  target: ExportTarget,
): Promise<number> {
  const { selection = EVERYTHING } = source;
  if (!selectsEverything(selection)) {
    throw new UsageError(`--to ${to} writes every event, so nothing can be selected`, {
      hint: 'Select with SQL: slabreplay sql RUN.db "SELECT ... FROM event WHERE ..." --csv',
    });
  }
  const exports = await import('./export-run.ts');
  if (to === 'sqlite-rows') return exports.exportSqliteRows(source, target);
  if (to === 'csv') {
    const { EventCsv } = await import('./event-csv.ts');
    return exports.exportEvents(source, target, ({ input }) => new EventCsv(input));
  }
  const { EventParquet } = await import('./event-parquet.ts');
  return exports.exportEvents(
    source,
    target,
    ({ columns, rowOf }) => new EventParquet(columns, rowOf),
  );
}

async function exportProfile(
  source: SourceOptions,
  to: ProfileFormat,
  target: ExportTarget,
  { value = 'live-bytes', base }: CollapsedOptions,
): Promise<ExportedFile> {
  const { exportResult } = await import('./export-run.ts');
  const profiles = await import('./profile-run.ts');
  switch (to) {
    case 'pprof': {
      const profile = await profiles.profileRun(source);
      const { renderPprof } = await import('./export-pprof.ts');
      await exportResult(target, renderPprof(profile));
      return { count: profile.samples.length, unit: 'sample' };
    }
    case 'speedscope': {
      const profile = await profiles.profileRun(source);
      const { renderSpeedscope } = await import('./export-speedscope.ts');
      await exportResult(target, renderSpeedscope(profile));
      return { count: profile.samples.length, unit: 'sample' };
    }
    case 'collapsed': {
      const sources = base === undefined ? [source] : [base, source];
      const stacks = await profiles.stacksOfRuns(sources, value);
      const { renderCollapsed } = await import('./export-collapsed.ts');
      await exportResult(target, renderCollapsed(stacks));
      return { count: stacks.length, unit: 'stack' };
    }
    case 'trace-events': {
      const curves = await profiles.curvesOfRun(source);
      const { renderTraceEvents } = await import('./export-trace-events.ts');
      await exportResult(target, renderTraceEvents(curves));
      return { count: curves.curves.length, unit: 'cache' };
    }
  }
}
