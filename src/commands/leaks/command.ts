// `slabreplay leaks SOURCE`: objects that nothing refers to, by a reference scan over a snapshot.

import type { KmemleakComparison } from '../../analysis/leaks/kmemleak-comparison.ts';
import type { KmemleakList } from '../../analysis/leaks/kmemleak-groups.ts';
import type { LeakReferrers } from '../../analysis/leaks/leaks-result.ts';
import type { LeaksOptions, LeaksRun } from '../../analysis/leaks/leaks-run.ts';
import { UsageError } from '../../base/errors.ts';
import type { PrintingCommand } from '../shared/command.ts';
import {
  FILTER_OPTIONS,
  type FilterValues,
  SITE_OPTIONS,
  type SiteValues,
  SOURCE_OPTIONS,
  type SourceValues,
  type TableValues,
  tableOptions,
} from '../shared/options.ts';
import { parseAddress } from '../shared/parse.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { choice, flag, list, parsed, text, withPreset } from '../shared/specs.ts';

interface LeaksCommandOptions extends SourceValues, SiteValues, FilterValues, TableValues {
  readonly vmcore: readonly string[];
  readonly outstanding?: boolean;
  readonly minAge: number;
  readonly suppress: readonly string[];
  readonly annotations: readonly string[];
  readonly baseline?: string;
  readonly kmemleak?: string;
  readonly conservative?: boolean;
  readonly pretrace?: boolean;
  readonly retained?: boolean;
  readonly all?: boolean;
  readonly format: 'text' | 'kmemleak';
  readonly whoPointsTo?: bigint;
}

interface Referrers {
  readonly referrers: LeakReferrers;
}

interface ListOfKernel {
  readonly list: KmemleakList;
}

interface Comparison {
  readonly comparison: KmemleakComparison;
}

type LeaksResult = LeaksRun | Referrers | ListOfKernel | Comparison;

export const leaks: PrintingCommand<LeaksCommandOptions, LeaksResult> = {
  name: 'leaks',
  summary: 'objects that nothing refers to (with a memory snapshot), or what is outstanding',
  reads: 'snapshot',
  options: {
    vmcore: list(
      '--vmcore <FILE>',
      "a memory snapshot, else the recording's own; several: in all of them",
    ),
    outstanding: flag(
      '--outstanding',
      'without a snapshot: live objects by site, with age and growth',
    ),
    minAge: withPreset(
      parsed('--min-age <S>', 'seconds that an object must have lived', parseSeconds),
      5,
    ),
    suppress: list('--suppress <FILE>', "LeakSanitizer's suppressions: leak:PATTERN (repeatable)"),
    annotations: list('--annotations <FILE>', 'what kernel code tells kmemleak (repeatable)'),
    baseline: text('--baseline <RUN.db>', 'only what is not live in that run'),
    kmemleak: text(
      '--kmemleak <FILE>',
      "compare with the kernel's own list (/sys/kernel/debug/kmemleak)",
    ),
    conservative: flag(
      '--conservative',
      'all memory that is no object is a root: needs no layouts, finds less',
    ),
    pretrace: flag('--pretrace', 'report objects that are older than the trace too'),
    retained: flag('--retained', 'bytes that the objects of each group keep alive'),
    all: flag('--all', 'list every object, not only groups'),
    format: withPreset(
      choice('--format <NAME>', "kmemleak: the kernel's own report text", ['text', 'kmemleak']),
      'text',
    ),
    whoPointsTo: parsed(
      '--who-points-to <ADDRESS>',
      'list the words that point to an object',
      parseAddress,
    ),
    ...SOURCE_OPTIONS,
    ...SITE_OPTIONS,
    ...FILTER_OPTIONS,
    ...tableOptions(),
  },
  async run(options, desk) {
    const { readKmemleakList } = await import('../../analysis/leaks/kmemleak-groups.ts');
    const list = readKmemleakList(options.source);
    const { whoPointsTo, kmemleak } = options;
    if (list !== undefined) {
      if (kmemleak === undefined) return { list };
      throw new UsageError(`${options.source}: kmemleak's list, where a trace is wanted`, {
        hint: '`slabreplay leaks TRACE --kmemleak LIST` compares the two.',
      });
    }
    const { leaksRun, leaksReferrersRun, kmemleakComparisonRun } = await import(
      '../../analysis/leaks/leaks-run.ts'
    );
    const from = await sourceOptions(options, desk);
    if (kmemleak !== undefined) {
      return { comparison: await kmemleakComparisonRun(from, leaksOptions(options), kmemleak) };
    }
    if (whoPointsTo !== undefined) {
      return { referrers: await leaksReferrersRun(from, leaksOptions(options), whoPointsTo) };
    }
    const run = await leaksRun(from, leaksOptions(options));
    if (run.leaks.method === 'outstanding' && options.format === 'kmemleak') {
      desk.note('no memory snapshot: --format kmemleak lists what a reference scan finds');
    }
    return run;
  },
  render: {
    async text(result, options, desk) {
      const { top, all = false, source, vmcore: vmcores } = options;
      if ('list' in result) {
        return (await import('./kmemleak-list-text.ts')).renderKmemleakList(result.list, top);
      }
      if ('comparison' in result) {
        const { renderComparison } = await import('./kmemleak-comparison-text.ts');
        return renderComparison(result.comparison, top, source);
      }
      if ('referrers' in result) {
        return (await import('./leaks-text.ts')).renderReferrers(result.referrers, top);
      }
      const { leaks: found, hz } = result;
      if (found.method === 'outstanding') {
        return (await import('./leaks-outstanding-text.ts')).renderOutstanding(found, top);
      }
      if (options.format === 'kmemleak') {
        return (await import('./leaks-kmemleak-text.ts')).renderKmemleak(found, { hz });
      }
      // All objects, unless the user says how many.
      const most = desk.given.some(({ key }) => key === 'top') ? top : 0;
      const { renderLeaks } = await import('./leaks-text.ts');
      return renderLeaks(found, { top, objects: all ? most : undefined, source, vmcores });
    },
    async csv(result) {
      if ('list' in result) {
        return (await import('./kmemleak-list-text.ts')).renderKmemleakListCsv(result.list);
      }
      if ('comparison' in result) {
        const { renderComparisonCsv } = await import('./kmemleak-comparison-text.ts');
        return renderComparisonCsv(result.comparison);
      }
      if ('referrers' in result) {
        return (await import('./leaks-text.ts')).renderReferrersCsv(result.referrers);
      }
      if (result.leaks.method === 'outstanding') {
        return (await import('./leaks-outstanding-text.ts')).renderOutstandingCsv(result.leaks);
      }
      return (await import('./leaks-text.ts')).renderLeaksCsv(result.leaks);
    },
    json(result) {
      if ('list' in result) return result.list;
      if ('comparison' in result) return result.comparison;
      return 'referrers' in result ? result.referrers : result.leaks;
    },
  },
};

function leaksOptions(options: LeaksCommandOptions): LeaksOptions {
  return {
    vmcores: options.vmcore,
    outstanding: options.outstanding === true,
    minAgeSec: options.minAge,
    suppress: options.suppress,
    annotations: options.annotations,
    baseline: options.baseline,
    conservative: options.conservative === true,
    pretrace: options.pretrace === true,
    retained: options.retained === true,
    wantsChecksum: options.format === 'kmemleak',
  };
}

function parseSeconds(value: string): number {
  const seconds = Number(value);
  if (value.trim() === '' || !(seconds >= 0) || !Number.isFinite(seconds)) {
    throw new UsageError('expected a number of seconds');
  }
  return seconds;
}
