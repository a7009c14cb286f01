// A pass over the events, understood: every call has its cache, every live object its verdict. All
// results are built from this.

import type { Dictionary } from '../kernel/events/dictionary.ts';
import { isKmalloc } from '../kernel/events/event-kind.ts';
import type { TraceInfo } from '../kernel/events/trace-info.ts';
import type { TraceStats } from '../kernel/events/trace-stats.ts';
import type { Call, LiveRow } from '../kernel/indices.ts';
import type { ModuleMap } from '../kernel/symbols/module-map.ts';
import type { SymbolTable } from '../kernel/symbols/symbols.ts';
import { EVERYTHING, type Selection } from '../pairing/event-filter.ts';
import type { StartedKind } from '../pairing/event-starts.ts';
import type { LiveObjects } from '../pairing/live-objects.ts';
import type { RunTracker } from '../pairing/run-tracker.ts';
import type { Tallies } from '../pairing/tallies.ts';
import type { KernelFacts } from '../recording/kernel-facts.ts';
import { buildCallColumns, type CallColumns } from './call-columns.ts';
import { CallerChain } from './caller-chain.ts';
import { type CacheNames, nameCaches } from './names/cache-names.ts';
import { CacheStrides, disownStrangers } from './names/cache-strides.ts';
import { cacheSelector } from './selection.ts';
import { SiteNames } from './site-names.ts';
import {
  judgeLiveObjects,
  type LiveVerdicts,
  VERDICT,
  VERDICT_REASON,
} from './verdicts/live-verdicts.ts';
import { LossRisk } from './verdicts/loss-risk.ts';
import { SiteLives } from './verdicts/site-lives.ts';
import { type FreeEvent, unrecordedFrees } from './verdicts/unrecorded-frees.ts';

export interface ResolvedRun {
  readonly dictionary: Dictionary;
  readonly info: TraceInfo;
  readonly facts: KernelFacts;
  readonly stats: TraceStats;
  readonly tallies: Tallies;
  readonly live: LiveObjects;
  /** Rows of all objects that are live at the end, whatever the command speaks of. */
  readonly held: Uint32Array;
  /** Rows of the objects that are live at the end; of what the command speaks of only. */
  readonly listed: Uint32Array;
  /** The same in order of time. */
  readonly rows: Uint32Array;
  /** What the objects of each call add up to; of what the command speaks of only. */
  readonly columns: CallColumns;
  readonly names: CacheNames;
  readonly verdicts: LiveVerdicts;
  /** Kinds of events that were switched on after others, with the time of the first. */
  readonly lateEvents: ReadonlyMap<StartedKind, number>;
  /** From when on all kinds of events were switched on, as `EventBatch.ts`; -Infinity: all along. */
  readonly eventsCompleteSince: number;
  /** Events that would free what it allocates, of which the recording has none. */
  readonly unrecordedFrees: readonly FreeEvent[];
  readonly sites: SiteNames;
  readonly callers: CallerChain;
  /** What is to be known about the names of call sites. */
  readonly symbolNotes: readonly string[];
  /** Name of the cache of a live object; undefined where nothing tells. */
  cacheOfRow(row: LiveRow): string | undefined;
  /** True for rows of live objects that the results list: of what the command speaks of, and not gone. */
  isListed(row: LiveRow): boolean;
  /** Why an object of a verdict is uncertain; null where it is not. */
  reasonOf(verdict: number): string | null;
  /** What the command speaks of. */
  readonly selection: Selection;
  /**
   * True for caches that the command speaks of (--cache). `columns` and `rows` have it applied: asked
   * only of caches that come from elsewhere, a model or a snapshot.
   */
  selectsCache(name: string | undefined): boolean;
}

/** Cache names that the events themselves print. */
export function eventCacheNames(dictionary: Dictionary): Set<string> {
  const names = new Set<string>();
  for (let call: Call = 1; call < dictionary.calls.length; call++) {
    const cache = dictionary.calls.cache(call);
    if (cache !== 0) names.add(dictionary.strings.get(cache));
  }
  return names;
}

export interface ResolveInput {
  readonly tracker: RunTracker;
  readonly info: TraceInfo;
  readonly stats: TraceStats;
  readonly facts: KernelFacts;
  readonly symbols: SymbolTable | undefined;
  /** Names the module of an address that no symbol covers. */
  readonly modules?: ModuleMap | undefined;
  readonly symbolNotes?: readonly string[];
  /** False: call sites stay those of the events, also in functions that allocate for others. */
  readonly looksThrough?: boolean | undefined;
  /** True where events of the end are left out: what the kernel counted then is no bound. */
  readonly isCut?: boolean;
  /** Everything where it is not said. */
  readonly selection?: Selection | undefined;
}

/** Where a tracer did not count what it lost, half of the events may be missing. */
const UNKNOWN_LOSS = 0.5;

/** Part of the events that was lost, 0 to 1. */
function lossShareOf({ stats, tracker }: ResolveInput): number {
  const lost = stats.get('lost_events');
  const isUncounted = lost === 0 && tracker.pairing.losses.length > 0;
  if (isUncounted || stats.get('lost_events_unknown') > 0) return UNKNOWN_LOSS;
  const recorded = tracker.tallies.kinds.reduce((sum, count) => sum + count, 0);
  return lost === 0 ? 0 : lost / (lost + recorded);
}

export function resolveRun(input: ResolveInput): ResolvedRun {
  const { tracker, info, facts } = input;
  const { dictionary, tallies, pairing } = tracker;
  const { live } = pairing;
  tallies.reserve();
  tracker.evidence.reserve(dictionary.calls.length);
  const selection = input.selection ?? EVERYTHING;
  const sites = new SiteNames(dictionary, input.symbols, input.modules);
  const pages = info.hashedPointers || facts.isSlob ? undefined : tracker.pages;
  const all = live.inUse();
  const strideInput = {
    dictionary,
    evidence: tracker.evidence,
    known: facts.caches,
    pageSize: facts.pageSize,
    tellsStarts: pages !== undefined && !facts.slubDebug,
  };
  const strides = new CacheStrides(strideInput);
  disownStrangers(strides, strideInput);
  const names = nameCaches({
    dictionary,
    evidence: tracker.evidence,
    pages,
    strides,
    live,
    rows: all,
    classes: facts.kmalloc,
    known: facts.caches,
    pageSize: facts.pageSize,
    functionOf: (site) => sites.functionOf(site),
  });
  const missing = unrecordedFrees(dictionary.calls);
  const lateEvents = facts.tracedFromBoot ? new Map<StartedKind, number>() : tracker.starts.late();
  const freesSince = (kind: number): number =>
    lateEvents.get(isKmalloc(kind) ? 'kfree' : 'kmem_cache_free') ?? Number.NEGATIVE_INFINITY;
  const lossShare = lossShareOf(input);
  const verdicts = judgeLiveObjects({
    dictionary,
    evidence: tracker.evidence,
    live,
    rows: all,
    names,
    pages,
    strides,
    known: facts.caches,
    pageSize: facts.pageSize,
    isCut: input.isCut ?? false,
    unrecordedFrees: missing,
    lastLossTs: pairing.lastLossTs,
    lossShare,
    risk: new LossRisk({
      dictionary,
      live,
      rows: all,
      lastFreed: tracker.lastFreed,
      pages,
      losses: pairing.losses,
      endTs: tallies.lastTs,
      lossShare,
    }),
    lives:
      lateEvents.size === 0
        ? undefined
        : new SiteLives({ dictionary, live, rows: all, tallies, freesSince }),
    freesSince,
    functionOf: (site) => sites.functionOf(site),
  });
  all.forEach((row) => {
    const isGone = verdicts.ofRow[row] === VERDICT.gone;
    if (isGone && live.isSelected(row)) tallies.settle(live.call(row));
  });
  const selectsCache = cacheSelector(selection.caches);
  const cacheOfRow = (row: LiveRow): string | undefined =>
    names.ofRow.get(row) ?? names.ofCall[live.call(row)];
  const isHeld = (row: LiveRow): boolean => verdicts.ofRow[row] !== VERDICT.gone;
  const isListed = (row: LiveRow): boolean =>
    live.isSelected(row) && isHeld(row) && selectsCache(cacheOfRow(row));
  let columns: CallColumns | undefined;
  let rows: Uint32Array | undefined;
  const run: ResolvedRun = {
    dictionary,
    info,
    facts,
    stats: input.stats,
    tallies,
    live,
    held: all.filter(isHeld),
    listed: all.filter(isListed),
    get rows() {
      rows ??= live.inOrder(run.listed);
      return rows;
    },
    get columns() {
      columns ??= buildCallColumns(run);
      return columns;
    },
    isListed,
    names,
    verdicts,
    unrecordedFrees: missing,
    lateEvents,
    eventsCompleteSince: Math.max(Number.NEGATIVE_INFINITY, ...lateEvents.values()),
    sites,
    callers: new CallerChain(dictionary, sites, input.looksThrough ?? true),
    symbolNotes: input.symbolNotes ?? [],
    cacheOfRow,
    selection,
    reasonOf: (verdict) => VERDICT_REASON[verdict] ?? null,
    selectsCache,
  };
  return run;
}
