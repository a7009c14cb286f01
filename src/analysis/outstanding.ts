// Objects that are live at the end of a trace, by call site and stack, with their ages and how their
// number grew: all that can be said without a snapshot. Not leaks: nothing tells who refers to them.

import type { LiveSeries } from '../pairing/live-series.ts';
import type { ResolvedRun } from '../run/resolved-run.ts';
import { siteLabel } from '../run/site-names.ts';
import { VERDICT } from '../run/verdicts/live-verdicts.ts';
import { lacksFrees } from '../run/verdicts/unrecorded-frees.ts';

/** Ages in seconds at which the columns of the histogram end; the last one has no end. */
const AGE_LIMITS_SEC = [1, 5, 30, 300] as const;

export interface OutstandingGroup {
  readonly site: string | null;
  readonly symbol: string | null;
  readonly module: string | null;
  readonly cache: string | null;
  readonly objects: number;
  /** False where the recording has no frees of their kind: then they are all that was allocated. */
  readonly freesRecorded: boolean;
  /** Of them, those that may be freed already. */
  readonly uncertain: number;
  readonly bytesReq: number;
  readonly bytesAlloc: number;
  /** Objects younger than 1, 5, 30 and 300 seconds and older; null where the clock has no seconds. */
  readonly ages: readonly number[] | null;
  readonly oldestSec: number | null;
  /**
   * Objects per second, by least squares over the trace; null where too little was seen, and where
   * lost frees may be all of it (`LOST_SHARE`).
   */
  readonly growthPerSec: number | null;
  /** Share of the intervals in which their number did not fall, 0 to 1. */
  readonly monotoneShare: number | null;
  /** Share of the site's allocations that were freed before anything else was allocated, 0 to 1. */
  readonly temporaryShare: number;
  /** True where the site frees nearly all it allocates at once: what is left is likely in use. */
  readonly looksTemporary: boolean;
  readonly stack: readonly string[];
}

/** A site whose objects mostly live this shortly is set apart. */
const TEMPORARY_SHARE = 0.9;
const MIN_SAMPLES = 4;
/**
 * Where more than this share of a group may have been freed by lost events, its number grows with each
 * loss, whatever the kernel does: that is no growth of the site.
 */
const LOST_SHARE = 0.5;

interface Group {
  readonly call: number;
  readonly site: number;
  readonly stack: number;
  readonly calls: Set<number>;
  readonly ages: number[];
  objects: number;
  uncertain: number;
  /** Of the uncertain, those that may have been freed by lost events. */
  lost: number;
  bytesReq: number;
  bytesAlloc: number;
  oldest: number;
}

/** Largest first. */
export function findOutstanding(run: ResolvedRun, series: LiveSeries): OutstandingGroup[] {
  const { dictionary, live, verdicts } = run;
  const { calls } = dictionary;
  const groups = new Map<string, Group>();
  const isTimed = run.info.clockUnit === 'ns';
  for (const row of run.rows) {
    const call = live.call(row);
    const cache = run.cacheOfRow(row);
    const stack = live.stack(row);
    const site = run.callers.callerOf(calls.site(call), stack);
    const key = `${run.sites.label(site)} ${cache ?? ''} ${stack}`;
    let group = groups.get(key);
    if (group === undefined) {
      group = {
        call,
        site,
        stack,
        calls: new Set(),
        ages: Array.from({ length: AGE_LIMITS_SEC.length + 1 }, () => 0),
        objects: 0,
        uncertain: 0,
        lost: 0,
        bytesReq: 0,
        bytesAlloc: 0,
        oldest: 0,
      };
      groups.set(key, group);
    }
    const age = (run.tallies.lastTs - live.ts(row)) / 1e9;
    const column = AGE_LIMITS_SEC.findIndex((limit) => age < limit);
    group.calls.add(call);
    group.objects++;
    group.bytesReq += calls.bytesReq(call);
    group.bytesAlloc += calls.bytesAlloc(call);
    if (verdicts.ofRow[row] !== VERDICT.certain) group.uncertain++;
    if (verdicts.ofRow[row] === VERDICT.eventsLost) group.lost++;
    group.oldest = Math.max(group.oldest, age);
    const at = column < 0 ? AGE_LIMITS_SEC.length : column;
    group.ages[at] = (group.ages[at] ?? 0) + 1;
  }
  return [...groups.values()]
    .map((group) => describe(run, series, group, isTimed))
    .sort((a, b) => b.bytesAlloc - a.bytesAlloc || b.objects - a.objects || compareSites(a, b));
}

function compareSites(a: OutstandingGroup, b: OutstandingGroup): number {
  const [x, y] = [a, b].map((g) => g.symbol ?? g.site ?? '');
  return (x ?? '') < (y ?? '') ? -1 : 1;
}

function describe(
  run: ResolvedRun,
  series: LiveSeries,
  group: Group,
  isTimed: boolean,
): OutstandingGroup {
  const { stacks } = run.dictionary;
  const { address, symbol, module } = run.sites.get(group.site);
  let allocs = 0;
  let temporary = 0;
  for (const call of group.calls) {
    allocs += run.tallies.calls.allocs[call] ?? 0;
    temporary += run.tallies.calls.temporary[call] ?? 0;
  }
  const temporaryShare = allocs === 0 ? 0 : temporary / allocs;
  const kind = run.dictionary.calls.kind(group.call);
  const freesRecorded = !lacksFrees(run.unrecordedFrees, kind);
  const isTold = isTimed && freesRecorded && group.lost <= LOST_SHARE * group.objects;
  const growth = isTold ? growthOf(series, [...group.calls]) : undefined;
  return {
    site: address === null ? null : `0x${address.toString(16).padStart(16, '0')}`,
    symbol,
    module,
    cache: run.names.ofCall[group.call] ?? null,
    objects: group.objects,
    freesRecorded,
    uncertain: group.uncertain,
    bytesReq: group.bytesReq,
    bytesAlloc: group.bytesAlloc,
    ages: isTimed ? group.ages : null,
    oldestSec: isTimed ? group.oldest : null,
    growthPerSec: growth?.perSec ?? null,
    monotoneShare: growth?.monotoneShare ?? null,
    temporaryShare,
    looksTemporary: temporaryShare >= TEMPORARY_SHARE,
    stack: [...stacks.frames(group.stack)].map((site) => siteLabel(run.sites.get(site))),
  };
}

interface Growth {
  readonly perSec: number;
  readonly monotoneShare: number;
}

/** The line through the numbers of live objects of some calls. */
function growthOf(series: LiveSeries, calls: readonly number[]): Growth | undefined {
  const points = series.samples.map(({ ts, live }) => ({
    sec: ts / 1e9,
    objects: calls.reduce((sum, call) => sum + (live[call] ?? 0), 0),
  }));
  if (points.length < MIN_SAMPLES) return undefined;
  const mean = (of: (p: (typeof points)[number]) => number): number =>
    points.reduce((sum, p) => sum + of(p), 0) / points.length;
  const meanSec = mean((p) => p.sec);
  const meanObjects = mean((p) => p.objects);
  let covariance = 0;
  let variance = 0;
  let notFalling = 0;
  for (const [i, p] of points.entries()) {
    covariance += (p.sec - meanSec) * (p.objects - meanObjects);
    variance += (p.sec - meanSec) ** 2;
    if (i > 0 && p.objects >= (points[i - 1]?.objects ?? 0)) notFalling++;
  }
  if (variance === 0) return undefined;
  return { perSec: covariance / variance, monotoneShare: notFalling / (points.length - 1) };
}
