// How sure it is that what is held live is allocated. Some sites free their objects through
// kfree_rcu or in bulk, without an event; such objects look alive for ever. A site is marked by how
// often an allocation landed on an object of it that was still held live, or because it is known to
// free so; objects live at a marked site, or across a loss of events, are uncertain. Where a page was
// used for something else since, the object on it is gone.

import { freesByKfreeRcu } from '../../kernel/caches/kfree-rcu-sites.ts';
import type { KnownCaches } from '../../kernel/caches/known-cache.ts';
import { type Column, column } from '../../kernel/column.ts';
import type { Dictionary } from '../../kernel/events/dictionary.ts';
import { EVENT_KIND, isKmalloc } from '../../kernel/events/event-kind.ts';
import type { Call, LiveRow, Site } from '../../kernel/indices.ts';
import type { CallEvidence } from '../../pairing/call-evidence.ts';
import type { LiveObjects } from '../../pairing/live-objects.ts';
import type { PageEvidence } from '../../pairing/page-evidence.ts';
import type { CacheNames } from '../names/cache-names.ts';
import type { CacheStrides } from '../names/cache-strides.ts';
import type { LossRisk } from './loss-risk.ts';
import { excessRows, heldCaches } from './recorded-bounds.ts';
import type { SiteLives } from './site-lives.ts';
import { type FreeEvent, lacksFrees } from './unrecorded-frees.ts';

/** What is known of one live object. */
export const VERDICT = {
  certain: 0,
  /** Its site frees some objects without an event. */
  untracedFrees: 1,
  /** Events were lost while it was live. */
  eventsLost: 2,
  /** Its memory was seen in other use: it was freed without an event. */
  gone: 3,
  /** The recording has no frees of its kind at all. */
  unrecordedFrees: 4,
  /** It was allocated before the recording had frees of its kind. */
  beforeFrees: 5,
} as const;

/** The reason of an uncertain object, as tables and the database give it. */
export const VERDICT_REASON: Readonly<Record<number, string>> = {
  [VERDICT.untracedFrees]: 'untraced frees at its site',
  [VERDICT.eventsLost]: 'events lost',
  [VERDICT.unrecordedFrees]: 'frees not recorded',
  [VERDICT.beforeFrees]: 'frees not recorded at first',
};

/**
 * A site is marked when more than this share of its allocations was freed without an event. One
 * contradiction among 280,000 allocations (an event out of order) must not mark it; 0.05 % kept
 * 99 % of all objects certain on every recording that was compared.
 */
const MARK_SHARE = 0.0005;

/**
 * With more than this share of unseen frees over all its caches, a site is marked in each of them: it
 * frees all of its objects the same way, but of some sizes the memory was not used again.
 */
const MARK_SHARE_OF_SITE = 0.02;

/**
 * Of a site that is known to free by kfree_rcu(): where more objects than these were allocated and the
 * memory of none was used again, none was freed (objects of boot, which only an unload would free).
 */
const MOST_UNTOUCHED = 256;

export interface LiveVerdicts {
  /** VERDICT by row of the live objects. */
  readonly ofRow: Column<LiveRow, Uint8Array>;
  /** Call sites with a cache that are marked, by `siteKey`: objects freed without an event. */
  readonly marked: ReadonlyMap<string, number>;
  /** Objects that turned out to be gone, by call. */
  readonly goneOfCall: ReadonlyMap<number, number>;
}

export interface VerdictInput {
  readonly dictionary: Dictionary;
  readonly evidence: CallEvidence;
  readonly live: LiveObjects;
  /** Rows of `live` in use. */
  readonly rows: Uint32Array;
  readonly names: CacheNames;
  readonly pages: PageEvidence | undefined;
  readonly strides: CacheStrides;
  readonly known: KnownCaches | undefined;
  readonly pageSize: number;
  /** True where what the kernel counted is of a later time than the last event. */
  readonly isCut: boolean;
  /** Kinds of frees that the recording lacks altogether. */
  readonly unrecordedFrees: readonly FreeEvent[];
  /** Time until which events are missing; -Infinity where none are. */
  readonly lastLossTs: number;
  /** Part of the events that was lost, 0 to 1. */
  readonly lossShare: number;
  readonly risk: LossRisk;
  /** Undefined where all frees were recorded from the start. */
  readonly lives: SiteLives | undefined;
  /** When frees of what a kind of allocation gives were switched on; -Infinity from the start. */
  freesSince(kind: number): number;
  /** The function of a call site ('__d_alloc'), or undefined. */
  functionOf(site: Site): string | undefined;
}

/** A call site together with the cache of a call. */
export function siteKey(input: Pick<VerdictInput, 'dictionary' | 'names'>, call: Call): string {
  return `${input.dictionary.calls.site(call)} ${input.names.ofCall[call] ?? ''}`;
}

export function judgeLiveObjects(input: VerdictInput): LiveVerdicts {
  const { live, rows, lastLossTs } = input;
  const ofRow: Column<LiveRow, Uint8Array> = column(new Uint8Array(live.capacity));
  const goneOfCall = new Map<number, number>();
  /** Those of them whose free was not among lost events. */
  const unseenFrees = unseenFreesOf(input);
  rows.forEach((row) => {
    if (!isGone(input, row) && input.lives?.isGoneEarly(row) !== true) return;
    ofRow[row] = VERDICT.gone;
    const call = live.call(row);
    goneOfCall.set(call, (goneOfCall.get(call) ?? 0) + 1);
    if (live.ts(row) > lastLossTs && !isBeforeFrees(input, row)) unseenFrees[call]!++;
  });
  const { marked, isMarked } = markSites(input, unseenFrees);
  rows.forEach((row) => {
    if (ofRow[row] === VERDICT.gone) return;
    const call = live.call(row);
    if (isUnrecorded(input, call)) ofRow[row] = VERDICT.unrecordedFrees;
    else if (isMarked(call)) ofRow[row] = VERDICT.untracedFrees;
    else if (isBeforeFrees(input, row)) ofRow[row] = VERDICT.beforeFrees;
    else if (live.ts(row) <= lastLossTs && !input.risk.isSafe(row)) {
      ofRow[row] = VERDICT.eventsLost;
    }
  });
  if (lastLossTs > -Infinity && !input.isCut) {
    for (const row of boundByRecord(input, ofRow)) {
      ofRow[row] = VERDICT.gone;
      const call = live.call(row);
      goneOfCall.set(call, (goneOfCall.get(call) ?? 0) + 1);
    }
  }
  return { ofRow, marked, goneOfCall };
}

/**
 * Takes back what the kernel's own counts contradict: where more is held of a cache than it had, no
 * object that was live across a loss is certain.
 * @returns rows of objects that are gone, on slabs that the cache did not have any more
 */
function boundByRecord(input: VerdictInput, ofRow: Column<LiveRow, Uint8Array>): number[] {
  const { live, rows, lastLossTs, names } = input;
  const gone: number[] = [];
  const isDoubtful = (row: LiveRow): boolean =>
    live.ts(row) <= lastLossTs && ofRow[row] !== VERDICT.certain;
  const held = heldCaches(
    rows.filter((row) => ofRow[row] !== VERDICT.gone),
    { ...input, cacheOf: (row) => names.ofRow.get(row) ?? names.ofCall[live.call(row)] },
  );
  for (const cache of held) {
    if (cache.objects > cache.activeObjects) {
      for (const { rows: own } of cache.slabs) {
        for (const row of own) {
          if (ofRow[row] === VERDICT.certain && live.ts(row) <= lastLossTs)
            ofRow[row] = VERDICT.eventsLost;
        }
      }
    }
    gone.push(...excessRows(cache, isDoubtful, (row) => input.risk.of(row)));
  }
  return gone;
}

/** Frees without an event, by call, but for those that the recording had not switched on yet. */
function unseenFreesOf({
  dictionary,
  evidence,
  freesSince,
}: VerdictInput): Column<Call, Float64Array> {
  const unseen: Column<Call, Float64Array> = column(Float64Array.from(evidence.untracedFrees));
  for (let call: Call = 1; call < dictionary.calls.length; call++) {
    const isLate = freesSince(dictionary.calls.kind(call)) !== Number.NEGATIVE_INFINITY;
    if (isLate) unseen[call] = Math.max(0, unseen[call] - evidence.earlyFrees[call]);
  }
  return unseen;
}

function isBeforeFrees({ dictionary, live, freesSince }: VerdictInput, row: LiveRow): boolean {
  return live.ts(row) < freesSince(dictionary.calls.kind(live.call(row)));
}

/** True for calls of a kind of allocation whose frees were not recorded. */
function isUnrecorded({ dictionary, unrecordedFrees }: VerdictInput, call: Call): boolean {
  return unrecordedFrees.length > 0 && lacksFrees(unrecordedFrees, dictionary.calls.kind(call));
}

/**
 * Objects whose page has since been given back or used for objects of another size, of a cache whose
 * objects do not lie there, or of another cache where the object's own is sure.
 */
function isGone(input: VerdictInput, row: LiveRow): boolean {
  const { live, pages, strides, dictionary } = input;
  const call = live.call(row);
  const lo = live.ptrLo(row);
  const hi = live.ptrHi(row);
  const ts = live.ts(row);
  if (pages === undefined) return false;
  const stride = dictionary.calls.bytesAlloc(call);
  if (pages.wasReused(lo, hi, ts, stride)) return true;
  const seen = pages.cacheAfter(lo, hi, ts);
  if (seen === 0) return false;
  return !strides.fits(seen, stride, lo) || isOtherCache(input, sureCache(input, row, call), seen);
}

/** The name of an object's cache where it is no guess. */
function sureCache({ names }: VerdictInput, row: LiveRow, call: Call): string | undefined {
  if (names.inferredRows.has(row)) return undefined;
  const own = names.ofRow.get(row);
  return own ?? (names.inferred[call] ? undefined : names.ofCall[call]);
}

/**
 * True where an object's cache is not the one that an event named (`seen`, index into `strings`).
 * Events print s->name; a name from the recorded caches may be an alias of it.
 */
function isOtherCache(
  { dictionary, known }: VerdictInput,
  own: string | undefined,
  seen: number,
): boolean {
  const name = dictionary.strings.get(seen);
  if (own === undefined || own === name) return false;
  const cache = known?.find(own);
  const other = known?.find(name);
  if (cache !== undefined && other !== undefined) return cache !== other;
  return dictionary.strings.find(own) >= 0;
}

interface SiteSum {
  allocs: number;
  frees: number;
  unseen: number;
  /** Frees without an event that may also have been lost. */
  lost: number;
}

/** What the calls of one site with one cache add up to. */
interface SiteCacheSum extends SiteSum {
  readonly call: number;
  isMarked: boolean;
}

/** True where more frees had no event than the share of the lost events explains. */
function isMoreThanLost({ allocs, frees, unseen, lost }: SiteSum, lossShare: number): boolean {
  const missing = unseen + lost;
  return (
    lost > 1 && missing > 2 * lossShare * (missing + frees) + 4 && missing > allocs * MARK_SHARE
  );
}

interface MarkedSites {
  readonly marked: ReadonlyMap<string, number>;
  /** True for calls of a marked site. */
  isMarked(call: Call): boolean;
}

/** True where probes show the objects of kfree_bulk(), and so those of kfree_rcu(). */
function hasBulkFrees(calls: Dictionary['calls']): boolean {
  for (let call: Call = 1; call < calls.length; call++) {
    if (calls.kind(call) === EVENT_KIND.bulk_free) return true;
  }
  return false;
}

function markSites(input: VerdictInput, unseenFrees: Column<Call, Float64Array>): MarkedSites {
  const { evidence, dictionary } = input;
  const { calls } = dictionary;
  const bySite = new Map<number, SiteSum>();
  const byKey = new Map<string, SiteCacheSum>();
  const ofCall: (SiteCacheSum | undefined)[] = new Array(calls.length).fill(undefined);
  for (let call: Call = 1; call < calls.length; call++) {
    const allocs = evidence.allocs[call] ?? 0;
    if (allocs === 0) continue;
    const key = siteKey(input, call);
    const none = { allocs: 0, frees: 0, unseen: 0, lost: 0 };
    const site = bySite.get(calls.site(call)) ?? { ...none };
    const sum = byKey.get(key) ?? { ...none, call, isMarked: false };
    bySite.set(calls.site(call), site);
    byKey.set(key, sum);
    ofCall[call] = sum;
    for (const s of [site, sum]) {
      s.allocs += allocs;
      s.frees += evidence.frees[call];
      s.unseen += unseenFrees[call];
      s.lost += evidence.lossFrees[call];
    }
  }
  const marked = new Map<string, number>();
  const showsBulkFrees = hasBulkFrees(calls);
  for (const [key, sum] of byKey) {
    const site = calls.site(sum.call);
    const whole = bySite.get(site) ?? sum;
    const allocator = input.functionOf(site);
    const isKnown =
      !showsBulkFrees &&
      sum.frees <= sum.allocs * input.lossShare && // a later object's, where its allocation was lost
      sum.allocs <= MOST_UNTOUCHED &&
      freesByKfreeRcu(allocator, isKmalloc(calls.kind(sum.call)));
    if (
      sum.unseen > sum.allocs * MARK_SHARE ||
      whole.unseen > whole.allocs * MARK_SHARE_OF_SITE ||
      isMoreThanLost(sum, input.lossShare) ||
      isKnown ||
      isUnrecorded(input, sum.call)
    ) {
      marked.set(key, sum.unseen);
      sum.isMarked = true;
    }
  }
  return { marked, isMarked: (call) => ofCall[call]?.isMarked ?? false };
}
