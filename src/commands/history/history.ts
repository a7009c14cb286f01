// The life of an address: every owner of its place, who had the places beside it at a moment, and how
// its page went between caches.

import type { BlockEvents } from '../../analysis/block-events.ts';
import {
  describeEvent,
  describeOwner,
  eventAt,
  findOwners,
  type HistoryEvent,
  type ObjectOwner,
  type Owner,
} from '../../analysis/owners.ts';
import { formatAddress } from '../../base/format-address.ts';
import { EVENT_KIND } from '../../kernel/events/event-kind.ts';
import type { MemoryReport, ReportedObject } from '../../kernel/memory-reports/memory-report.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import { absoluteTime } from '../../run/run-summary.ts';
import type { ReportMoment } from './report-moment.ts';
import { type JoinedReport, joinReport } from './report-owner.ts';

export interface AddressHistory {
  readonly address: string;
  /** The moment of `neighbours`, and of `holder`. */
  readonly atNs: string | null;
  /** Who had the address at that moment; null where nobody did, or nothing tells. */
  readonly holder: ObjectOwner | null;
  /** All of them, the first one first. */
  readonly owners: readonly HistoryOwner[];
  /** Of an address without owners: the objects nearest to it. */
  readonly neighbours: readonly Neighbour[];
  readonly pages: readonly PageEvent[];
}

export interface HistoryOwner extends ObjectOwner {
  /** Bytes from the object's start to the address. */
  readonly offset: number;
}

/** The life of the address that a report is on. */
export interface ReportedHistory extends Omit<AddressHistory, 'address'> {
  /** Null where the log prints none. */
  readonly address: string | null;
  /** Who held it when the report was printed, or else had held it last before; null: nobody known. */
  readonly lastOwner: HistoryOwner | null;
  /** Of a double free: the second free. */
  readonly secondFree: HistoryEvent | null;
  /** In the order of the log: all that the report lists. */
  readonly objects: readonly ReportedObjectHistory[];
  /** Why the owner is not sure, a sentence. */
  readonly note: string | null;
}

/** An object that a report lists. */
interface ReportedObjectHistory {
  readonly address: string;
  readonly allocatedIn: string | null;
  readonly freedIn: string | null;
  readonly lastOwner: HistoryOwner | null;
}

/** The last owner, at that moment, of a place in the same slab. */
export interface Neighbour extends ObjectOwner {
  /** Bytes from the place of the address to this one; negative before it. */
  readonly distance: number;
  /** True for the places that touch that of the address: the first to suspect of an overwrite. */
  readonly isNext: boolean;
  readonly isLive: boolean;
}

/** The page of the address, given out or given back by the page allocator. */
interface PageEvent {
  readonly atNs: string;
  readonly event: 'mm_page_alloc' | 'mm_page_free';
  readonly address: string;
  readonly bytes: number;
}

/** Places on each side of the address that are listed. */
const MOST_NEIGHBOURS = 8;

/** The history of an address, with the owners that the command selects. */
export interface SelectedHistory extends AddressHistory {
  /** Owners that --pid, --time and the like leave out. */
  readonly ownersLeftOut: number;
}

/**
 * @param at the moment that is asked for, as `EventBatch.ts`: nothing after it is listed; Infinity for
 *   the end
 */
export function buildHistory(
  run: ResolvedRun,
  events: BlockEvents,
  address: bigint,
  at: number,
): SelectedHistory {
  const all = findOwners(run, events).filter(({ from }) => from <= at);
  const own = ownersOf(run, all, address);
  const history = describeHistory({ run, events, all, address, at, until: at }, own);
  // Who had the address at a moment, and who was beside it, is so whatever is selected.
  const owners = history.owners.filter((_, i) => isSelected(run, events, own[i]));
  return { ...history, owners, ownersLeftOut: own.length - owners.length };
}

/** Whether the allocation of an owner is selected; its free where the allocation was not seen. */
function isSelected(
  run: ResolvedRun,
  { selected }: BlockEvents,
  owner: Owner | undefined,
): boolean {
  if (owner === undefined) return false;
  const row = owner.alloc < 0 ? owner.free : owner.alloc;
  return selected[row] === 1 && run.selectsCache(owner.cache);
}

/** The history of a report's object, with the owner that counts. */
export function buildReportHistory(
  run: ResolvedRun,
  events: BlockEvents,
  report: MemoryReport,
  moment: ReportMoment,
): ReportedHistory {
  const { address } = report;
  const atNs = Number.isFinite(moment.at) ? absoluteTime(run, moment.at) : null;
  if (address === null || !hasKnownAddress(report, run)) {
    return {
      address: formatAddress(address),
      atNs,
      holder: null,
      owners: [],
      neighbours: [],
      pages: [],
      lastOwner: null,
      secondFree: null,
      objects: report.objects.map((object) => describeObject(object, null)),
      note: whyNotFound(report, run) ?? moment.note,
    };
  }
  const all = findOwners(run, events);
  const join = (object: Pick<ReportedObject, 'address' | 'allocated'>): JoinedReport =>
    joinReport(ownersOf(run, all, object.address), { ...object, title: report.title }, moment, {
      siteOf: ({ alloc }) => (alloc < 0 ? null : describeEvent(run, eventAt(events, alloc)).symbol),
      comesAfterTheAct: (owner) => isTracedAfterTheAct(run, events, owner),
    });
  const { owners, last, second, note } = join({ address, allocated: report.allocated });
  const parts = { run, events, all, address, at: moment.at, until: Infinity };
  return {
    ...describeHistory(parts, owners, last),
    lastOwner: last === undefined ? null : describeAt(parts, last),
    secondFree: second === undefined ? null : describeEvent(run, eventAt(events, second.free)),
    objects: report.objects.map((object) => {
      const owner = join(object).last;
      const described =
        owner === undefined ? null : describeAt({ ...parts, address: object.address }, owner);
      return describeObject(object, described);
    }),
    note,
  };
}

/** Whether the report has an address of the kind that the trace has: true, or hashed. */
export function hasKnownAddress(report: MemoryReport, { info }: ResolvedRun): boolean {
  return report.address !== null && report.hashed === info.hashedPointers;
}

function describeObject(
  { address, allocated, freed }: ReportedObject,
  lastOwner: HistoryOwner | null,
): ReportedObjectHistory {
  return {
    address: formatAddress(address),
    allocatedIn: allocated?.in ?? null,
    freedIn: freed?.in ?? null,
    lastOwner,
  };
}

/** Why no address of the trace can be that of the report; undefined where one can. */
function whyNotFound(report: MemoryReport, { info }: ResolvedRun): string | undefined {
  if (report.address === null) {
    return report.hashed
      ? 'The log prints no address: its pointers are hashed.'
      : 'The log prints no address of this report.';
  }
  if (report.hashed === info.hashedPointers) return undefined;
  return report.hashed
    ? 'The log prints hashed pointers (%p), the trace has true ones: no address can match. ' +
        'Boot with no_hash_pointers to have true ones in the log.'
    : 'The trace has hashed pointers, the log true ones: no address can match. Record with ' +
        '`echo nohash-ptr > trace_options`, or as trace.dat, which has raw pointers.';
}

interface HistoryParts {
  readonly run: ResolvedRun;
  readonly events: BlockEvents;
  /** Owners of all places in the block. */
  readonly all: readonly Owner[];
  readonly address: bigint;
  readonly at: number;
  /** Events after this moment are not listed. */
  readonly until: number;
}

/**
 * @param owners of the place of the address
 * @param object the one whose neighbours are wanted
 */
function describeHistory(
  parts: HistoryParts,
  owners: readonly Owner[],
  object?: Owner,
): AddressHistory {
  const { run, events, all, address, at, until } = parts;
  const holder = owners.findLast(({ from, to }) => from <= at && (at < to || to === Infinity));
  const last = object ?? holder ?? owners.findLast(({ from }) => from <= at) ?? owners[0];
  return {
    address: formatAddress(address),
    atNs: Number.isFinite(at) ? absoluteTime(run, at) : null,
    holder: holder === undefined ? null : describeOwner(run, events, holder),
    owners: owners.map((owner) => describeAt(parts, owner)),
    neighbours: run.info.hashedPointers
      ? []
      : last === undefined
        ? nearestTo(run, events, all, address, at)
        : neighboursOf(run, events, all, last, at),
    pages: run.info.hashedPointers ? [] : pagesOf(run, events, address, until),
  };
}

/** Hashes have no neighbours: only the same one is the same object. */
function ownersOf({ info }: ResolvedRun, all: readonly Owner[], address: bigint): Owner[] {
  return info.hashedPointers
    ? all.filter(({ base }) => base === address)
    : all.filter(({ base, size }) => base <= address && address < base + BigInt(size));
}

function describeAt({ run, events, address }: HistoryParts, owner: Owner): HistoryOwner {
  return { ...describeOwner(run, events, owner), offset: Number(address - owner.base) };
}

/**
 * Until 5.11 kmem_cache_free() frees first and then writes its event, so that a report of the act comes
 * before it. The commit that turned them round gave the event its cache name (mm/slub.c, 5.12).
 */
function isTracedAfterTheAct(run: ResolvedRun, events: BlockEvents, { free }: Owner): boolean {
  const { calls } = run.dictionary;
  const call = events.call[free] ?? 0;
  return calls.kind(call) === EVENT_KIND.kmem_cache_free && calls.cache(call) === 0;
}

/** The last owners of the places in the slab of an object. */
function neighboursOf(
  run: ResolvedRun,
  events: BlockEvents,
  all: readonly Owner[],
  object: Owner,
  at: number,
): Neighbour[] {
  const [start, end] = slabOf(run, object);
  const latest = new Map<bigint, Owner>();
  for (const owner of all) {
    if (owner.base < start || owner.base >= end || owner.base === object.base) continue;
    if (owner.from <= at && owner.size === object.size) latest.set(owner.base, owner);
  }
  return [...latest.values()]
    .map((owner) => ({
      ...describeOwner(run, events, owner),
      distance: Number(owner.base - object.base),
      isNext: Math.abs(Number(owner.base - object.base)) === object.size,
      isLive: owner.to > at || owner.to === Infinity,
    }))
    .sort((a, b) => Math.abs(a.distance) - Math.abs(b.distance) || a.distance - b.distance)
    .slice(0, 2 * MOST_NEIGHBOURS)
    .sort((a, b) => a.distance - b.distance);
}

/** Objects that are listed for an address that the trace does not have. */
const MOST_NEAREST = 6;

/** The last owners of the places around an address that nobody had, as far as its block goes. */
function nearestTo(
  run: ResolvedRun,
  events: BlockEvents,
  all: readonly Owner[],
  address: bigint,
  at: number,
): Neighbour[] {
  const latest = new Map<bigint, Owner>();
  for (const owner of all) if (owner.from <= at) latest.set(owner.base, owner);
  return [...latest.values()]
    .map((owner) => ({
      ...describeOwner(run, events, owner),
      distance: Number(owner.base - address),
      isNext: false,
      isLive: owner.to > at || owner.to === Infinity,
    }))
    .sort((a, b) => Math.abs(a.distance) - Math.abs(b.distance) || a.distance - b.distance)
    .slice(0, MOST_NEAREST)
    .sort((a, b) => a.distance - b.distance);
}

/** First byte of an object's slab, and behind its last one. */
function slabOf({ facts }: ResolvedRun, { base, cache, size }: Owner): [bigint, bigint] {
  const known = cache === undefined ? undefined : facts.caches?.find(cache);
  const pages = 2 ** (known?.order ?? Math.max(0, Math.ceil(Math.log2(size / facts.pageSize))));
  const bytes = BigInt(facts.pageSize * pages);
  const start = base & ~(bytes - 1n);
  return [start, start + bytes];
}

function pagesOf(
  run: ResolvedRun,
  events: BlockEvents,
  address: bigint,
  until: number,
): PageEvent[] {
  const { calls } = run.dictionary;
  const found: PageEvent[] = [];
  for (let row = 0; row < events.length; row++) {
    const call = events.call[row]!;
    const kind = calls.kind(call);
    if (kind !== EVENT_KIND.mm_page_alloc && kind !== EVENT_KIND.mm_page_free) continue;
    if (events.ts[row]! > until) break;
    const base = events.address(row);
    const bytes = calls.bytesAlloc(call);
    if (address < base || address >= base + BigInt(bytes)) continue;
    found.push({
      atNs: absoluteTime(run, events.ts[row]!),
      event: kind === EVENT_KIND.mm_page_alloc ? 'mm_page_alloc' : 'mm_page_free',
      address: formatAddress(base),
      bytes,
    });
  }
  return found;
}
