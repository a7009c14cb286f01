// An understood run → the figures of it that a comparison needs, small enough to keep of every run
// and to store as a baseline. Sums are kept by call site and cache together, because which of them
// can be compared is known only when all runs are there (subjects.ts); peaks do not add up, so they
// are kept for everything that may be a row.

import { functionName } from '../../../analysis/function-name.ts';
import type { Finding } from '../../../analysis/lint/finding.ts';
import type { Analysis } from '../../../analysis/overview.ts';
import { formatAddress } from '../../../base/format-address.ts';
import { type Column, column } from '../../../kernel/column.ts';
import { EVENT_NAMES } from '../../../kernel/events/event-kind.ts';
import type { Call } from '../../../kernel/indices.ts';
import { groupCalls } from '../../../run/group-calls.ts';
import { objectBytes } from '../../../run/object-size.ts';
import type { ReplayedRun } from '../../../run/replay-summary.ts';
import type { ResolvedRun } from '../../../run/resolved-run.ts';
import type { Completeness, RunSummary } from '../../../run/run-summary.ts';
import { type SiteName, siteLabel } from '../../../run/site-names.ts';
import { siteKey } from '../../../run/verdicts/live-verdicts.ts';
import type { Peak, PeakLog } from './peak-log.ts';

/** One call site's objects in one cache. */
export interface PairFigures {
  /** `symbol+0xoff`; null where nothing names the address. */
  readonly symbol: string | null;
  readonly module: string | null;
  /** The address where nothing names it; null where a symbol does. */
  readonly site: string | null;
  readonly cache: string | null;
  readonly allocs: number;
  readonly bytesReq: number;
  readonly bytesAlloc: number;
  readonly live: number;
  readonly liveBytesReq: number;
  readonly liveBytesAlloc: number;
  /** The part of them that may be freed already. */
  readonly liveUncertain: number;
  readonly liveUncertainBytesAlloc: number;
  /** True where some frees of this site leave no event. */
  readonly marked: boolean;
  /**
   * How many objects that were freed later it had live on average (Little's law: the sum of their
   * lifetimes over the length of the run): what comes and goes.
   */
  readonly inFlight: number;
}

export interface CacheFigures {
  readonly name: string | null;
  readonly inferred: boolean;
  /** As the kernel counted them at the end, older ones too; null where that was not recorded. */
  readonly slabs: number | null;
  /** That the events show, by the replay; null where there was none. */
  readonly slabsReplayed: number | null;
  /** Bytes of one slab; null where it is not known. */
  readonly slabBytes: number | null;
  /** Bytes from object to object. */
  readonly slabSize: number | null;
  readonly peak: Peak;
}

/** The peak of one call site, or of all call sites of one function. */
export interface SitePeak {
  readonly symbol: string | null;
  readonly module: string | null;
  readonly site: string | null;
  readonly peak: Peak;
}

export type FindingFigures = Pick<
  Finding,
  'rule' | 'severity' | 'count' | 'symbol' | 'module' | 'site' | 'cache'
>;

export interface RunFigures {
  readonly run: RunSummary;
  readonly completeness: Completeness;
  /** What tells this build of the kernel from others; null where it was not recorded. */
  readonly build: string | null;
  readonly slubDebug: boolean;
  /** Which events were selected, in words; '' where all were. */
  readonly filter: string;
  /** Events by kind, those that occur. */
  readonly events: Readonly<Record<string, number>>;
  readonly peak: Peak;
  readonly pairs: readonly PairFigures[];
  readonly caches: readonly CacheFigures[];
  readonly sitePeaks: readonly SitePeak[];
  readonly functionPeaks: readonly SitePeak[];
  readonly findings: readonly FindingFigures[];
}

/** True where all runs are of one build, so that offsets inside functions mean the same. */
export function isSameBuild(runs: readonly RunFigures[]): boolean {
  const [first] = runs;
  return runs.every(
    ({ build, run }) =>
      build !== null && build === first?.build && run.kernelRelease === first.run.kernelRelease,
  );
}

export interface RunFiguresInput {
  readonly run: ResolvedRun;
  readonly analysis: Analysis;
  /** The run's replay, where there was one. */
  readonly replayed: ReplayedRun | undefined;
  readonly peaks: PeakLog;
  readonly build: string | null;
  readonly filter: string;
}

export function buildRunFigures(input: RunFiguresInput): RunFigures {
  const { run, analysis, build, filter } = input;
  const kinds = [...run.tallies.kinds].map(
    (count, kind) => [EVENT_NAMES[kind] ?? '', count] as const,
  );
  const cachePeaks = peaksBy(input, (call) => {
    const cache = run.names.ofCall[call] ?? null;
    return { id: cache ?? '', key: cache };
  });
  const peakOfCache = new Map(cachePeaks.map(({ key, peak }) => [key, peak]));
  const modelOf = new Map(input.replayed?.caches.map((cache) => [cache.name, cache]));
  const siteName = (call: Call): SiteName => run.sites.get(run.dictionary.calls.site(call));
  return {
    run: analysis.run,
    completeness: analysis.completeness,
    build,
    slubDebug: run.facts.slubDebug,
    filter,
    events: Object.fromEntries(kinds.filter(([, count]) => count > 0)),
    peak: peaksBy(input, () => ({ id: '', key: null }))[0]?.peak ?? NO_PEAK,
    pairs: pairFigures(run),
    caches: analysis.caches.map((c) => {
      const model = c.name === null ? undefined : modelOf.get(c.name);
      const order = c.order ?? model?.order;
      return {
        name: c.name,
        inferred: c.inferred,
        slabs: c.kernelSlabs,
        slabsReplayed: c.slabs,
        slabBytes: order === undefined ? null : run.facts.pageSize * 2 ** order,
        slabSize: c.slabSize ?? model?.slabSize ?? null,
        peak: peakOfCache.get(c.name) ?? NO_PEAK,
      };
    }),
    sitePeaks: peaksBy(input, (call) => {
      const name = siteName(call);
      return { id: siteLabel(name), key: name };
    }).map(({ key, peak }) => sitePeak(key, peak)),
    functionPeaks: peaksBy(input, (call) => {
      const { symbol, module, address } = siteName(call);
      const name = symbol === null ? null : functionName(symbol);
      const key = { symbol: name, module, address: name === null ? address : null };
      return { id: siteLabel(key), key };
    }).map(({ key, peak }) => sitePeak(key, peak)),
    findings: analysis.findings.map((f) => ({
      rule: f.rule,
      severity: f.severity,
      count: f.count,
      symbol: f.symbol,
      module: f.module,
      site: f.symbol === null ? f.site : null,
      cache: f.cache,
    })),
  };
}

const NO_PEAK: Peak = { low: 0, high: 0 };

function sitePeak(name: SiteName, peak: Peak): SitePeak {
  return { ...siteId(name), peak };
}

/** Addresses differ from boot to boot: they serve only for what has no name. */
function siteId({ symbol, module, address }: SiteName): Omit<SitePeak, 'peak'> {
  return { symbol, module, site: symbol === null ? formatAddress(address) : null };
}

function pairFigures(run: ResolvedRun): PairFigures[] {
  const { calls } = run.dictionary;
  const length = run.tallies.lastTs - run.tallies.firstTs;
  const groups = groupCalls(run, (call, cache) => {
    const name = run.sites.get(calls.site(call));
    return { id: `${siteLabel(name)} ${cache ?? ''}`, key: { name, cache } };
  });
  const { marked } = run.verdicts;
  return groups.map((g) => ({
    ...siteId(g.key.name),
    cache: g.key.cache,
    allocs: g.allocs,
    bytesReq: g.bytesReq,
    bytesAlloc: g.bytesAlloc,
    live: g.live,
    liveBytesReq: g.liveBytesReq,
    liveBytesAlloc: g.liveBytesAlloc,
    liveUncertain: g.liveUncertain,
    liveUncertainBytesAlloc: g.liveUncertainBytesAlloc,
    marked: marked.size > 0 && g.calls.some((call) => marked.has(siteKey(run, call))),
    inFlight: length > 0 ? Number((g.lifetimeSum / length).toFixed(4)) : 0,
  }));
}

/** The peaks of the selected calls by a key. */
function peaksBy<K>(
  { run, peaks }: RunFiguresInput,
  keyOf: (call: Call) => { readonly id: string; readonly key: K },
): { readonly key: K; readonly peak: Peak }[] {
  const { calls } = run.dictionary;
  const numbers = new Map<string, number>();
  const keys: K[] = [];
  const bytesOf: Column<Call, Float64Array> = column(new Float64Array(calls.length));
  const groupOf: Column<Call, Int32Array> = column(new Int32Array(calls.length).fill(-1));
  const { sums } = run.columns;
  for (const call of run.columns.calls) {
    if (sums.allocs[call] === 0) continue;
    bytesOf[call] = objectBytes(run.dictionary, run.facts, call).allocated;
    const { id, key } = keyOf(call);
    let number = numbers.get(id);
    if (number === undefined) {
      number = keys.length;
      numbers.set(id, number);
      keys.push(key);
    }
    groupOf[call] = number;
  }
  const found = peaks.peaks(groupOf, keys.length, bytesOf);
  return keys.map((key, i) => ({ key, peak: found[i] ?? NO_PEAK }));
}
