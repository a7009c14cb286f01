// The result of `analyze`: totals, caches, call sites, findings of one run.

import { compareText, formatAddress } from '../base/format-address.ts';
import type { KnownCache } from '../kernel/caches/known-cache.ts';
import { EVENT_KIND, EVENT_NAMES, isFree } from '../kernel/events/event-kind.ts';
import type { Call, Task } from '../kernel/indices.ts';
import type { LiveSeries } from '../pairing/live-series.ts';
import { groupCallSites } from '../run/call-sites.ts';
import { type CallGroup, groupCalls, totalSums } from '../run/group-calls.ts';
import type { ReplayedCache, ReplayedRun, ReplayFidelity } from '../run/replay-summary.ts';
import type { ResolvedRun } from '../run/resolved-run.ts';
import {
  absoluteTime,
  type Completeness,
  durationSec,
  judgeCompleteness,
  perSecond,
  type RunOrigin,
  type RunSummary,
  summarizeRun,
} from '../run/run-summary.ts';
import { siteLabel } from '../run/site-names.ts';
import type { Finding } from './lint/finding.ts';
import { adviseSizes, type SizeAdvice } from './size-advice.ts';

export interface CacheRow {
  /** As in /proc/slabinfo; null where nothing names it. */
  readonly name: string | null;
  /** True where the name of most of its allocations is a guess. */
  readonly inferred: boolean;
  readonly objectSize: number | null;
  readonly slabSize: number | null;
  readonly objsPerSlab: number | null;
  readonly order: number | null;
  readonly allocs: number;
  readonly frees: number;
  readonly bytesReq: number;
  readonly bytesAlloc: number;
  readonly live: number;
  readonly liveUncertain: number;
  readonly liveBytesReq: number;
  readonly liveBytesAlloc: number;
  readonly liveBytesWasted: number;
  readonly bytesWasted: number;
  readonly allocsPerSec: number | null;
  readonly bytesPerSec: number | null;
  /** Most objects live at once, as far as samples of the trace show. */
  readonly peakLive: number;
  /** That the events show, by the replay; null where there was none. */
  readonly slabs: number | null;
  /** As the kernel counted them at the end, older ones too; null where that was not recorded. */
  readonly kernelSlabs: number | null;
  /**
   * Objects that the kernel counted as active at the end (free ones on CPU slabs too) beyond those
   * that the trace holds: they are older than it. Null where the recording starts at boot or has no
   * such count.
   */
  readonly olderObjects: number | null;
}

export interface CallSiteRow {
  readonly site: string | null;
  readonly symbol: string | null;
  readonly module: string | null;
  readonly cache: string | null;
  readonly allocs: number;
  readonly frees: number;
  readonly untracedFrees: number;
  readonly live: number;
  readonly liveUncertain: number;
  readonly bytesReq: number;
  readonly bytesAlloc: number;
  readonly bytesWasted: number;
  readonly liveBytesAlloc: number;
  readonly liveBytesWasted: number;
  /** The part of it that rounding up to size classes adds. */
  readonly liveRounding: number;
  readonly oldestNs: string | null;
  readonly crossCpuFrees: number;
  readonly meanLifetimeNs: number | null;
  readonly peakLive: number;
}

/** Who frees. */
interface FreeSiteRow {
  readonly site: string | null;
  readonly symbol: string | null;
  readonly module: string | null;
  readonly event: string;
  /** Objects freed whose allocation is in the trace, and their bytes. */
  readonly frees: number;
  readonly bytesAlloc: number;
  /** kfree(NULL). */
  readonly nullFrees: number;
  /** Frees of objects whose allocation is not in the trace. */
  readonly unknownFrees: number;
}

export interface Totals {
  readonly bytesReq: number;
  readonly bytesAlloc: number;
  readonly bytesFreed: number;
  readonly bytesWasted: number;
  readonly internalFragmentationPct: number | null;
  readonly liveObjects: number;
  readonly liveUncertain: number;
  readonly liveBytesReq: number;
  readonly liveBytesAlloc: number;
  readonly liveUncertainBytesAlloc: number;
  readonly liveBytesWasted: number;
  readonly peakLiveBytesAlloc: number;
  readonly peakAtNs: string | null;
  readonly crossCpuFrees: number;
}

export interface Analysis {
  readonly type: 'analysis';
  readonly run: RunSummary;
  readonly completeness: Completeness;
  readonly events: {
    readonly kmalloc: number;
    readonly kmemCacheAlloc: number;
    readonly kfree: number;
    readonly kmemCacheFree: number;
    readonly other: number;
    readonly total: number;
  };
  readonly totals: Totals;
  /** What the allocated bytes at the end and at the peak consist of. */
  readonly memory: {
    readonly end: MemorySplit;
    readonly peak: { readonly bytesReq: number; readonly bytesAlloc: number };
    /** Null where nothing was replayed, or only a part of the allocations was asked for. */
    readonly slabs: SlabMemory | null;
  };
  /** How far the replay agrees with the kernel; null where nothing was replayed. */
  readonly fidelity: ReplayFidelity | null;
  readonly caches: readonly CacheRow[];
  readonly callSites: readonly CallSiteRow[];
  readonly freeSites: readonly FreeSiteRow[];
  readonly findings: readonly Finding[];
  readonly advice: readonly SizeAdvice[];
  readonly recorder: { readonly tasks: readonly string[]; readonly bytesAlloc: number };
}

interface MemorySplit {
  readonly bytesReq: number;
  readonly bytesAlloc: number;
  readonly rounding: number;
  readonly padding: number;
  readonly metadata: number;
}

/** The slabs that the events show, at the end. */
interface SlabMemory {
  readonly slabs: number;
  readonly bytes: number;
  /** Of it free slots, and what is left over behind the last slot. */
  readonly freeBytes: number;
  readonly tailBytes: number;
}

/** The allocations of these are the recording's own, not the machine's. */
const RECORDERS = /^(trace-cmd|perf|perf-exec|perf_\S*|slabreplay|simpleperf)$/;

/**
 * @param replayed where the run was replayed
 * @param findings what lint found
 */
export function buildAnalysis(
  run: ResolvedRun,
  series: LiveSeries,
  origin: RunOrigin,
  replayed?: ReplayedRun,
  findings: readonly Finding[] = [],
): Analysis {
  const totals = totalSums(run);
  const { tallies, info } = run;
  const { kinds, peak } = tallies;
  const kind = (...ks: number[]): number => ks.reduce((sum, k) => sum + (kinds[k] ?? 0), 0);
  const events = {
    kmalloc: kind(EVENT_KIND.kmalloc, EVENT_KIND.kmalloc_node),
    kmemCacheAlloc: kind(EVENT_KIND.kmem_cache_alloc, EVENT_KIND.kmem_cache_alloc_node),
    kfree: kind(EVENT_KIND.kfree),
    kmemCacheFree: kind(EVENT_KIND.kmem_cache_free),
  };
  const slab = events.kmalloc + events.kmemCacheAlloc + events.kfree + events.kmemCacheFree;
  const kept = kinds.reduce((sum, n) => sum + n, 0) - kind(EVENT_KIND.lost);
  const other = kept - slab + run.stats.get('other_events');
  const advice = adviseSizes(run);
  return {
    type: 'analysis',
    run: summarizeRun(run, origin),
    completeness: judgeCompleteness(run),
    events: { ...events, other, total: slab + other },
    totals: {
      bytesReq: totals.bytesReq,
      bytesAlloc: totals.bytesAlloc,
      bytesFreed: totals.bytesFreed,
      bytesWasted: totals.bytesAlloc - totals.bytesReq,
      internalFragmentationPct:
        totals.bytesAlloc === 0
          ? null
          : (100 * (totals.bytesAlloc - totals.bytesReq)) / totals.bytesAlloc,
      liveObjects: totals.live,
      liveUncertain: totals.liveUncertain,
      liveBytesReq: totals.liveBytesReq,
      liveBytesAlloc: totals.liveBytesAlloc,
      liveUncertainBytesAlloc: totals.liveUncertainBytesAlloc,
      liveBytesWasted: totals.liveBytesAlloc - totals.liveBytesReq,
      peakLiveBytesAlloc: totals.atPeakBytesAlloc,
      peakAtNs: peak.number === 0 ? null : absoluteTime(run, peak.peakTs),
      crossCpuFrees: totals.crossCpuFrees,
    },
    memory: {
      end: {
        bytesReq: totals.liveBytesReq,
        bytesAlloc: totals.liveBytesAlloc,
        rounding: totals.liveRounding,
        padding: totals.livePadding,
        metadata: totals.liveMetadata,
      },
      peak: { bytesReq: totals.atPeakBytesReq, bytesAlloc: totals.atPeakBytesAlloc },
      slabs: replayed?.isWhole ? slabMemory(run, replayed.caches) : null,
    },
    fidelity: replayed?.fidelity ?? null,
    caches: cacheRows(run, series, replayed?.caches),
    callSites: callSiteRows(run, series, info.clockUnit === 'ns'),
    freeSites: freeSiteRows(run),
    findings,
    advice,
    recorder: recorderShare(run),
  };
}

function peakOf<K>(group: CallGroup<K>, series: LiveSeries): number {
  return Math.max(series.peakOf(group.calls), group.atPeak, group.live);
}

function slabMemory(run: ResolvedRun, caches: readonly ReplayedCache[]): SlabMemory {
  const { pageSize } = run.facts;
  const sum = { slabs: 0, bytes: 0, freeBytes: 0, tailBytes: 0 };
  for (const { slabs, bytes, order, objsPerSlab, slabSize, allocated } of caches) {
    sum.slabs += slabs;
    sum.bytes += bytes;
    sum.freeBytes += (slabs * objsPerSlab - allocated) * slabSize;
    sum.tailBytes += slabs * (pageSize * 2 ** order - objsPerSlab * slabSize);
  }
  return sum;
}

function cacheRows(
  run: ResolvedRun,
  series: LiveSeries,
  replayed: readonly ReplayedCache[] | undefined,
): CacheRow[] {
  const slabs = new Map(replayed?.map((cache) => [cache.name, cache.slabs]));
  const seconds = durationSec(run);
  const groups = groupCalls(run, (_, cache) => ({ id: cache ?? '', key: cache }));
  const rows = groups.map((g): CacheRow => {
    const known = g.key === null ? undefined : run.facts.caches?.find(g.key);
    const guessed = g.calls.reduce(
      (sum, call) => sum + (run.names.inferred[call] ? (run.tallies.calls.allocs[call] ?? 0) : 0),
      0,
    );
    return {
      name: g.key,
      inferred: guessed * 2 > g.allocs,
      objectSize: known?.objectSize ?? null,
      slabSize: known?.slabSize ?? null,
      objsPerSlab: known?.objsPerSlab ?? null,
      order: known?.order ?? null,
      allocs: g.allocs,
      frees: g.frees,
      bytesReq: g.bytesReq,
      bytesAlloc: g.bytesAlloc,
      live: g.live,
      liveUncertain: g.liveUncertain,
      liveBytesReq: g.liveBytesReq,
      liveBytesAlloc: g.liveBytesAlloc,
      liveBytesWasted: g.liveBytesAlloc - g.liveBytesReq,
      bytesWasted: g.bytesAlloc - g.bytesReq,
      allocsPerSec: perSecond(g.allocs, seconds),
      bytesPerSec: perSecond(g.bytesAlloc, seconds),
      peakLive: peakOf(g, series),
      slabs: (g.key === null ? undefined : slabs.get(g.key)) ?? null,
      kernelSlabs: known?.slabs ?? null,
      olderObjects: olderObjects(run, known, g.live),
    };
  });
  return rows.sort(
    (a, b) => b.liveBytesAlloc - a.liveBytesAlloc || compareText(a.name ?? '', b.name ?? ''),
  );
}

function olderObjects(
  run: ResolvedRun,
  known: KnownCache | undefined,
  live: number,
): number | null {
  const active = known?.activeObjects ?? null;
  return active === null || run.facts.tracedFromBoot ? null : Math.max(0, active - live);
}

function callSiteRows(run: ResolvedRun, series: LiveSeries, hasTime: boolean): CallSiteRow[] {
  const rows = groupCallSites(run).map((g): CallSiteRow => {
    const { name, cache } = g.key;
    return {
      site: formatAddress(name.address),
      symbol: name.symbol,
      module: name.module,
      cache,
      allocs: g.allocs,
      frees: g.frees,
      untracedFrees: g.untracedFrees,
      live: g.live,
      liveUncertain: g.liveUncertain,
      bytesReq: g.bytesReq,
      bytesAlloc: g.bytesAlloc,
      bytesWasted: g.bytesAlloc - g.bytesReq,
      liveBytesAlloc: g.liveBytesAlloc,
      liveBytesWasted: g.liveBytesAlloc - g.liveBytesReq,
      liveRounding: g.liveRounding,
      oldestNs: g.live === 0 ? null : absoluteTime(run, g.oldestTs),
      crossCpuFrees: g.crossCpuFrees,
      meanLifetimeNs: hasTime && g.frees > 0 ? Math.round(g.lifetimeSum / g.frees) : null,
      peakLive: peakOf(g, series),
    };
  });
  const label = (row: CallSiteRow): string =>
    `${row.symbol ?? row.site ?? ''} ${row.module ?? ''} ${row.cache ?? ''}`;
  return rows.sort(
    (a, b) => b.liveBytesAlloc - a.liveBytesAlloc || compareText(label(a), label(b)),
  );
}

function freeSiteRows(run: ResolvedRun): FreeSiteRow[] {
  const { calls } = run.dictionary;
  const tally = run.tallies.calls;
  type Building = { -readonly [K in keyof FreeSiteRow]: FreeSiteRow[K] };
  const rows = new Map<string, Building>();
  for (let call: Call = 1; call < calls.length; call++) {
    if (!isFree(calls.kind(call))) continue;
    const name = run.sites.get(calls.site(call));
    const event = EVENT_NAMES[calls.kind(call)] ?? '';
    const id = `${siteLabel(name)} ${event}`;
    let row = rows.get(id);
    if (row === undefined) {
      const { symbol, module, address } = name;
      const site = formatAddress(address);
      row = { site, symbol, module, event, frees: 0, bytesAlloc: 0, nullFrees: 0, unknownFrees: 0 };
      rows.set(id, row);
    }
    row.frees += tally.freed[call] ?? 0;
    row.bytesAlloc += tally.freedBytes[call] ?? 0;
    row.nullFrees += tally.nullFrees[call] ?? 0;
    row.unknownFrees += tally.unknownFrees[call] ?? 0;
  }
  const all = (row: FreeSiteRow): number => row.frees + row.nullFrees + row.unknownFrees;
  return [...rows.values()]
    .filter((row) => all(row) > 0)
    .sort(
      (a, b) => all(b) - all(a) || compareText(`${a.symbol} ${a.site}`, `${b.symbol} ${b.site}`),
    );
}

function recorderShare(run: ResolvedRun): Analysis['recorder'] {
  const { tasks, strings } = run.dictionary;
  const names = new Set<string>();
  let bytesAlloc = 0;
  for (let task: Task = 1; task < tasks.length; task++) {
    const comm = strings.get(tasks.comm(task));
    const bytes = run.tallies.taskBytes[task] ?? 0;
    if (bytes === 0 || !RECORDERS.test(comm)) continue;
    names.add(comm);
    bytesAlloc += bytes;
  }
  return { tasks: [...names].sort(), bytesAlloc };
}
