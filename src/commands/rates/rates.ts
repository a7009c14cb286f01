// The result of `rates`: allocations, frees and bytes per second, by cache or call site, over the
// whole trace and by intervals. Bytes are what the objects take (bytes_alloc), as slabratetop counts.

import { present } from '../../base/assert.ts';
import { compareText, formatAddress } from '../../base/format-address.ts';
import { type Column, column } from '../../kernel/column.ts';
import type { Call } from '../../kernel/indices.ts';
import type { RateBins } from '../../pairing/rate-bins.ts';
import { groupCalls } from '../../run/group-calls.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import {
  absoluteTime,
  type Completeness,
  durationSec,
  judgeCompleteness,
  perSecond,
  type RunOrigin,
  type RunSummary,
  summarizeRun,
} from '../../run/run-summary.ts';
import { siteLabel } from '../../run/site-names.ts';

export type RatesBy = 'cache' | 'site';

export interface RateRow {
  readonly cache: string | null;
  readonly site: string | null;
  readonly symbol: string | null;
  readonly module: string | null;
  readonly allocs: number;
  readonly frees: number;
  readonly bytes: number;
  readonly allocsPerSec: number | null;
  readonly freesPerSec: number | null;
  readonly bytesPerSec: number | null;
  /** Most allocations in one interval. */
  readonly busiestAllocs: number;
}

export interface RateInterval {
  /** Start of the interval, decimal digits in the clock's unit. */
  readonly startNs: string;
  /** Active rows, most allocations first. */
  readonly rows: readonly {
    readonly cache: string | null;
    readonly site: string | null;
    readonly symbol: string | null;
    readonly module: string | null;
    readonly allocs: number;
    readonly frees: number;
    readonly bytes: number;
  }[];
}

export interface Rates {
  readonly type: 'rates';
  readonly run: RunSummary;
  readonly completeness: Completeness;
  readonly by: RatesBy;
  /** Length of an interval in the clock's unit (seconds where it counts nanoseconds). */
  readonly interval: number;
  readonly rows: readonly RateRow[];
  readonly totals: {
    readonly allocs: number;
    readonly frees: number;
    readonly bytes: number;
    readonly allocsPerSec: number | null;
    readonly freesPerSec: number | null;
    readonly bytesPerSec: number | null;
  };
  /** Null unless asked for. */
  readonly series: readonly RateInterval[] | null;
}

interface Key {
  readonly cache: string | null;
  readonly siteId: number | null;
}

/** @param wanted whether the series of all intervals is part of the result */
export function buildRates(
  run: ResolvedRun,
  bins: RateBins,
  by: RatesBy,
  wanted: boolean,
  origin: RunOrigin,
): Rates {
  bins.flush();
  const { calls } = run.dictionary;
  const seconds = durationSec(run);
  const groups = groupCalls<Key>(run, (call, cache) => {
    if (by === 'cache') return { id: cache ?? '', key: { cache, siteId: null } };
    const siteId = calls.site(call);
    const id = `${siteLabel(run.sites.get(siteId))} ${cache ?? ''}`;
    return { id, key: { cache, siteId } };
  });
  const groupOfCall: Column<Call, Int32Array> = column(new Int32Array(calls.length).fill(-1));
  groups.forEach((group, g) => {
    for (const call of group.calls) groupOfCall[call] = g;
  });
  const intervals = sumIntervals(run, bins, groupOfCall);
  const busiest = new Float64Array(groups.length);
  for (const sums of intervals.values()) {
    for (const [g, sum] of sums) busiest[g] = Math.max(busiest[g]!, sum.allocs);
  }
  const rows = groups.map((group, g): RateRow => {
    const { cache, siteId } = group.key;
    const name = siteId === null ? undefined : run.sites.get(siteId);
    return {
      cache,
      site: name === undefined ? null : formatAddress(name.address),
      symbol: name?.symbol ?? null,
      module: name?.module ?? null,
      allocs: group.allocs,
      frees: group.frees,
      bytes: group.bytesAlloc,
      allocsPerSec: perSecond(group.allocs, seconds),
      freesPerSec: perSecond(group.frees, seconds),
      bytesPerSec: perSecond(group.bytesAlloc, seconds),
      busiestAllocs: busiest[g]!,
    };
  });
  const total = (pick: (row: RateRow) => number): number => rows.reduce((n, r) => n + pick(r), 0);
  const allocs = total((r) => r.allocs);
  const frees = total((r) => r.frees);
  const bytes = total((r) => r.bytes);
  return {
    type: 'rates',
    run: summarizeRun(run, origin),
    completeness: judgeCompleteness(run),
    by,
    interval: run.info.clockUnit === 'ns' ? bins.interval / 1e9 : bins.interval,
    rows: [...rows].sort(mostAllocsFirst),
    totals: {
      allocs,
      frees,
      bytes,
      allocsPerSec: perSecond(allocs, seconds),
      freesPerSec: perSecond(frees, seconds),
      bytesPerSec: perSecond(bytes, seconds),
    },
    series: wanted ? seriesOf(run, bins, intervals, rows) : null,
  };
}

interface Sums {
  allocs: number;
  frees: number;
  bytes: number;
}

/** Sums by interval and group. */
function sumIntervals(
  run: ResolvedRun,
  bins: RateBins,
  groupOfCall: Column<Call, Int32Array>,
): Map<number, Map<number, Sums>> {
  const intervals = new Map<number, Map<number, Sums>>();
  for (let i = 0; i < bins.length; i++) {
    const call = bins.call[i]!;
    const group = groupOfCall[call]!;
    if (group < 0) continue;
    const bin = bins.bin[i]!;
    const sums = intervals.get(bin) ?? new Map<number, Sums>();
    intervals.set(bin, sums);
    const sum = sums.get(group) ?? { allocs: 0, frees: 0, bytes: 0 };
    sums.set(group, sum);
    sum.allocs += bins.allocs[i]!;
    sum.frees += bins.frees[i]!;
    sum.bytes += bins.allocs[i]! * run.dictionary.calls.bytesAlloc(call);
  }
  return intervals;
}

function seriesOf(
  run: ResolvedRun,
  bins: RateBins,
  intervals: ReadonlyMap<number, ReadonlyMap<number, Sums>>,
  rows: readonly RateRow[],
): RateInterval[] {
  return [...intervals]
    .sort(([a], [b]) => a - b)
    .map(([bin, sums]) => ({
      startNs: absoluteTime(run, bin * bins.interval),
      rows: [...sums]
        .map(([group, sum]) => {
          const { cache, site, symbol, module } = present(rows[group]);
          return { cache, site, symbol, module, ...sum };
        })
        .sort(mostAllocsFirst),
    }));
}

type Row = Pick<RateRow, 'cache' | 'site' | 'symbol' | 'allocs'>;

function mostAllocsFirst(a: Row, b: Row): number {
  const label = (row: Row): string => `${row.cache} ${row.symbol} ${row.site}`;
  return b.allocs - a.allocs || compareText(label(a), label(b));
}
