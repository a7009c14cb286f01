// Which cache each allocation came from. The event says it from 6.18 on; before, only frees do, and
// 5.10's not even those. So, for each group of calls with one call site and size (most such groups
// belong to one cache), in this order:
//   1. the event's own name
//   2. kmalloc: the class of its size and flags (kernel/caches/kmalloc-caches.ts)
//   3. the name that frees of the group's objects gave
//   4. the name of other objects on the same slabs
//   5. the only recorded cache of that stride and accounting
//   6. well-known allocating functions (kernel/caches/well-known-caches.ts)
//   7. the name that the pages of its objects had at any time
//   8. the recorded cache of that stride whose slabs fit best
// 6 to 8 are inferred, and marked so; what has no candidate stays unknown. Some groups allocate from
// several caches: these have the name of most of their objects, and each object that of its slab
// (slab-names.ts).

import {
  isKmallocCacheName,
  type KmallocClasses,
  kmallocCacheName,
} from '../../kernel/caches/kmalloc-caches.ts';
import type { KnownCache, KnownCaches } from '../../kernel/caches/known-cache.ts';
import { bucketCacheName, wellKnownCaches } from '../../kernel/caches/well-known-caches.ts';
import type { Dictionary } from '../../kernel/events/dictionary.ts';
import { ACCOUNTED } from '../../kernel/events/dictionary.ts';
import { isAlloc, isKmalloc } from '../../kernel/events/event-kind.ts';
import type { Call, Site } from '../../kernel/indices.ts';
import type { CallEvidence } from '../../pairing/call-evidence.ts';
import type { LiveObjects } from '../../pairing/live-objects.ts';
import type { PageEvidence } from '../../pairing/page-evidence.ts';
import type { CacheStrides } from './cache-strides.ts';
import {
  groupsAlone,
  joinBySlabs,
  type SlabComponent,
  type SlabKeys,
  slabKeys,
} from './slab-groups.ts';
import { type MixedCalls, SlabNames } from './slab-names.ts';

export interface CacheNames {
  /** Name of each call's cache, by call; undefined where nothing tells. */
  readonly ofCall: readonly (string | undefined)[];
  /** True where the name is a guess. */
  readonly inferred: readonly boolean[];
  /** Rows of live objects whose page tells another cache than their call's. */
  readonly ofRow: ReadonlyMap<number, string>;
  /** Rows whose own cache is inferred, in `ofRow` or not. */
  readonly inferredRows: ReadonlySet<number>;
  /** By call that allocates from several caches: what tells the cache of each of its objects. */
  readonly mixed: ReadonlyMap<number, SlabNames>;
}

export interface NamingInput {
  readonly dictionary: Dictionary;
  readonly evidence: CallEvidence;
  /** Absent where pointers are hashed: pages mean nothing then. */
  readonly pages: PageEvidence | undefined;
  /** What the stride of a cache is that frees name. */
  readonly strides: CacheStrides;
  readonly live: LiveObjects;
  /** Rows of `live` in use. */
  readonly rows: Uint32Array;
  readonly classes: KmallocClasses;
  readonly known: KnownCaches | undefined;
  readonly pageSize: number;
  /** The function of a call site ('__d_alloc'), or undefined. */
  functionOf(site: Site): string | undefined;
}

/** Calls of one site, size and accounting: most have one cache. */
interface Group {
  readonly site: number;
  readonly bytesReq: number;
  readonly bytesAlloc: number;
  readonly calls: number[];
  readonly rows: number[];
  /** Names that frees of its objects gave (index into `strings`), and how often each. */
  readonly votes: Map<number, number>;
  name: string | undefined;
  inferred: boolean;
}

export function nameCaches(input: NamingInput): CacheNames {
  const { dictionary } = input;
  const ofCall: (string | undefined)[] = new Array(dictionary.calls.length).fill(undefined);
  const inferred: boolean[] = new Array(dictionary.calls.length).fill(false);
  const groups = new Map<string, Group>();
  /** They name their neighbours where kmalloc caches have been merged with others. */
  const kmallocs = new Map<string, Group>();
  for (let call: Call = 1; call < dictionary.calls.length; call++) {
    const kind = dictionary.calls.kind(call);
    if (!isAlloc(kind)) continue;
    const cache = dictionary.calls.cache(call);
    if (cache !== 0) ofCall[call] = dictionary.strings.get(cache);
    else if (isKmalloc(kind)) {
      ofCall[call] = kmallocName(input, call);
      addToGroup(kmallocs, input, call, ofCall[call]);
    } else addToGroup(groups, input, call, undefined);
  }
  for (const group of groups.values()) countVotes(group, input);
  const all = [...groups.values(), ...kmallocs.values()];
  collectRows(all, input);
  for (const group of groups.values()) nameByFrees(group, input);
  nameBySlabs(all, input);
  for (const group of groups.values()) {
    for (const call of group.calls) {
      ofCall[call] = group.name;
      inferred[call] = group.inferred;
    }
  }
  return { ofCall, inferred, ...nameObjects([...groups.values()], input) };
}

/** The objects of groups that allocate from several caches, each by its slab. */
function nameObjects(
  groups: readonly Group[],
  input: NamingInput,
): Pick<CacheNames, 'ofRow' | 'inferredRows' | 'mixed'> {
  const ofRow = new Map<number, string>();
  const inferredRows = new Set<number>();
  const mixed = new Map<number, SlabNames>();
  const { pages } = input;
  if (pages === undefined) return { ofRow, inferredRows, mixed };
  for (const family of mixedCalls(groups, input)) {
    const names = new SlabNames(family, { ...input, pages });
    for (const call of family.calls) mixed.set(call, names);
    for (const { row, cache, usual } of family.rows) {
      const own = cache === undefined ? names.ofRow(row) : undefined;
      if (own?.isInferred === true) inferredRows.add(row);
      if (own !== undefined && own.cache !== usual) ofRow.set(row, own.cache);
    }
  }
  return { ofRow, inferredRows, mixed };
}

/** Groups of one stride that allocate from the same caches, together. */
function mixedCalls(groups: readonly Group[], input: NamingInput): MixedCalls[] {
  const families = new Map<string, { caches: Set<string>; own: Set<Group> }>();
  for (const group of groups) {
    const caches = cachesOf(group, groups, input);
    if (caches.size < 2) continue;
    const key = `${group.bytesAlloc} ${[...caches].sort().join()}`;
    const family = families.get(key) ?? { caches, own: new Set() };
    families.set(key, family);
    family.own.add(group);
  }
  return [...families.values()].map(({ caches, own }) => {
    const [{ bytesAlloc } = { bytesAlloc: 0 }] = own;
    const members = groups.filter(
      (g) => own.has(g) || (g.bytesAlloc === bytesAlloc && caches.has(g.name ?? '')),
    );
    return {
      calls: new Set([...own].flatMap((group) => group.calls)),
      bytesAlloc,
      caches,
      rows: members.flatMap((group) => {
        const usual = group.name;
        const cache = own.has(group) ? undefined : usual;
        return group.rows.map((row) => ({ row, cache, usual }));
      }),
    };
  });
}

/** The caches that frees named of a group's objects, and those that its slabs must be of else. */
function cachesOf(group: Group, groups: readonly Group[], input: NamingInput): Set<string> {
  const { strings } = input.dictionary;
  const caches = new Set([...group.votes.keys()].map((name) => strings.get(name)));
  if (caches.size !== 1 || group.name === undefined) return caches;
  const siblings = siblingsOf(group.name, group.bytesAlloc, input).filter(
    ({ name, slabs }) => (slabs ?? 0) > 0 && !groups.some((g) => g.name === name),
  );
  if (siblings.length === 0) return caches;
  const slabOf = slabKeys(input.live, input.known, input.pageSize)(group.bytesAlloc);
  const seen = new Set(group.rows.map(slabOf)).size;
  const recorded = input.known?.find(group.name)?.slabs ?? seen;
  if (seen > recorded + 1) for (const { name } of siblings) caches.add(name);
  return caches;
}

/**
 * Recorded caches of another protocol version for the same objects: `tw_sock_TCPv6` besides
 * `tw_sock_TCP` (net/core/sock.c, proto_register(), names them so).
 */
function siblingsOf(name: string, bytesAlloc: number, { known }: NamingInput): KnownCache[] {
  const own = known?.find(name);
  if (known === undefined || own === undefined) return [];
  return known
    .ofSlabSize(bytesAlloc)
    .filter(
      (cache) =>
        cache !== own &&
        cache.objectSize === own.objectSize &&
        (cache.name.startsWith(own.name) || own.name.startsWith(cache.name)),
    );
}

function kmallocName(input: NamingInput, call: Call): string {
  const { calls } = input.dictionary;
  const name = kmallocCacheName(
    input.classes,
    calls.bytesReq(call),
    calls.gfp(call),
    calls.accounted(call),
  );
  const allocator = input.functionOf(calls.site(call));
  const bucket = bucketCacheName(name, allocator);
  return bucket !== undefined && input.known?.find(bucket) !== undefined ? bucket : name;
}

function addToGroup(
  groups: Map<string, Group>,
  input: NamingInput,
  call: Call,
  name: string | undefined,
): void {
  const { calls } = input.dictionary;
  const key = [
    calls.site(call),
    calls.bytesReq(call),
    calls.bytesAlloc(call),
    calls.accounted(call),
    name ?? '',
  ].join(' ');
  let group = groups.get(key);
  if (group === undefined) {
    group = {
      site: calls.site(call),
      bytesReq: calls.bytesReq(call),
      bytesAlloc: calls.bytesAlloc(call),
      calls: [],
      rows: [],
      votes: new Map(),
      name,
      inferred: false,
    };
    groups.set(key, group);
  }
  group.calls.push(call);
}

function countVotes(group: Group, input: NamingInput): void {
  for (const call of group.calls) {
    for (const [name, count] of input.evidence.namesOf(call)) vote(group.votes, name, count);
  }
}

function vote(votes: Map<number, number>, name: number, count: number): void {
  if (name !== 0) votes.set(name, (votes.get(name) ?? 0) + count);
}

/** Notes live objects where they help: groups with no name or several, and those of their stride. */
function collectRows(groups: readonly Group[], input: NamingInput): void {
  const isOpen = (g: Group): boolean => g.name === undefined && g.votes.size !== 1;
  const strides = new Set(groups.filter(isOpen).map((g) => g.bytesAlloc));
  const groupOfCall: (Group | undefined)[] = [];
  for (const group of groups) {
    const [only] = group.votes.keys();
    const name = only === undefined ? undefined : input.dictionary.strings.get(only);
    const hasSiblings = name !== undefined && siblingsOf(name, group.bytesAlloc, input).length > 0;
    if (!strides.has(group.bytesAlloc) && !hasSiblings) continue;
    for (const call of group.calls) groupOfCall[call] = group;
  }
  input.rows.forEach((row) => {
    groupOfCall[input.live.call(row)]?.rows.push(row);
  });
}

/** Step 3, and step 4 by what frees named on the pages of the group's objects. */
function nameByFrees(group: Group, input: NamingInput): void {
  const { dictionary, pages, live, strides } = input;
  const { votes } = group;
  if (votes.size === 0 && pages !== undefined) {
    for (const row of group.rows) {
      const lo = live.ptrLo(row);
      const name = pages.cacheAt(lo, live.ptrHi(row), live.ts(row));
      if (name !== 0 && strides.fits(name, group.bytesAlloc, lo)) vote(votes, name, 1);
    }
  }
  const winner = largest(votes);
  if (winner !== undefined) group.name = dictionary.strings.get(winner);
}

function largest<T>(votes: ReadonlyMap<T, number>): T | undefined {
  let winner: T | undefined;
  for (const [name, count] of votes) {
    if (winner === undefined || count > (votes.get(winner) ?? 0)) winner = name;
  }
  return winner;
}

/** Steps 4 to 8, for groups that share slabs at once. */
function nameBySlabs(groups: readonly Group[], input: NamingInput): void {
  const { known, live, pages } = input;
  // Hashed pointers lie on no slab: each group is by itself.
  const keys = pages === undefined ? undefined : slabKeys(live, known, input.pageSize);
  const components = keys === undefined ? groupsAlone(groups, known) : joinBySlabs(groups, keys);
  const room = known === undefined ? undefined : slabsLeft(groups, known, keys);
  components.sort((a, b) => b.slabs - a.slabs || firstSite(a) - firstSite(b));
  for (const component of components) {
    const byNeighbours = largest(component.votes);
    const chosen =
      byNeighbours === undefined
        ? known === undefined || room === undefined
          ? wellKnownName(component, input)
          : chooseCache(component, input, known, room)
        : { name: byNeighbours, inferred: false };
    if (chosen === undefined) continue;
    for (const group of component.groups) {
      group.name = chosen.name;
      group.inferred = chosen.inferred;
    }
    const cache = known?.find(chosen.name);
    if (cache !== undefined) room?.set(cache, (room.get(cache) ?? 0) - component.slabs);
  }
}

/** Slabs of each recorded cache on which no named group lies; Infinity, no good fit, where unknown. */
function slabsLeft(
  groups: readonly Group[],
  known: KnownCaches,
  keys: SlabKeys | undefined,
): Map<KnownCache, number> {
  if (keys === undefined)
    return new Map(known.all.map((cache) => [cache, cache.slabs ?? Infinity]));
  const seen = new Map<KnownCache, Set<number>>();
  for (const cache of known.all) seen.set(cache, new Set());
  for (const group of groups) {
    const cache = group.name === undefined ? undefined : known.find(group.name);
    const slabs = cache && seen.get(cache);
    if (slabs === undefined) continue;
    const slabOf = keys(group.bytesAlloc);
    for (const row of group.rows) slabs.add(slabOf(row));
  }
  return new Map(
    [...seen].map(([cache, slabs]) => [cache, (cache.slabs ?? Infinity) - slabs.size]),
  );
}

const firstSite = (component: SlabComponent<Group>): number => component.groups[0]?.site ?? 0;

/** Steps 5 to 8. */
function chooseCache(
  component: SlabComponent<Group>,
  input: NamingInput,
  known: KnownCaches,
  room: ReadonlyMap<KnownCache, number>,
): { name: string; inferred: boolean } | undefined {
  const candidates = candidatesOf(component, input, known);
  const [only] = candidates;
  if (only === undefined) return undefined;
  if (candidates.length === 1) return { name: only.name, inferred: false };
  for (const { site } of component.groups) {
    const names = wellKnownCaches(input.functionOf(site));
    const cache = candidates.find(
      (c) => names.includes(c.name) || c.aliases.some((a) => names.includes(a)),
    );
    if (cache !== undefined) return { name: cache.name, inferred: true };
  }
  const named = candidates.find((c) => c.name === nameOnPages(component, input));
  if (named !== undefined) return { name: named.name, inferred: true };
  const misfit = (c: KnownCache): number => {
    const left = (room.get(c) ?? 0) - component.slabs;
    return left < 0 ? 1e9 - left : left;
  };
  const best = candidates.reduce((a, b) => (misfit(b) < misfit(a) ? b : a));
  return { name: best.name, inferred: true };
}

/** Step 6 where no caches were recorded: the functions whose cache is one and the same everywhere. */
function wellKnownName(
  component: SlabComponent<Group>,
  input: NamingInput,
): { name: string; inferred: boolean } | undefined {
  for (const { site } of component.groups) {
    const [name, ...others] = wellKnownCaches(input.functionOf(site));
    if (name !== undefined && others.length === 0) return { name, inferred: true };
  }
  return undefined;
}

/** The cache that most pages of the objects were named for at any time, maybe for an earlier slab. */
function nameOnPages(component: SlabComponent<Group>, input: NamingInput): string | undefined {
  const { pages, live, dictionary } = input;
  const votes = new Map<number, number>();
  for (const group of component.groups) {
    for (const row of group.rows) {
      const name = pages?.cacheAt(live.ptrLo(row), live.ptrHi(row)) ?? 0;
      vote(votes, name, 1);
    }
  }
  const winner = largest(votes);
  return winner === undefined ? undefined : dictionary.strings.get(winner);
}

/** Recorded caches of the groups' stride, accounting and object size, as far as events tell these. */
function candidatesOf(
  { groups }: SlabComponent<Group>,
  { dictionary }: NamingInput,
  known: KnownCaches,
): KnownCache[] {
  const [group] = groups;
  if (group === undefined) return [];
  const bytesReq = Math.max(...groups.map((g) => g.bytesReq));
  const accounted =
    groups
      .map((g) => dictionary.calls.accounted(g.calls[0] ?? 0))
      .find((told) => told !== ACCOUNTED.unknown) ?? ACCOUNTED.unknown;
  const fitting = known
    .ofSlabSize(group.bytesAlloc)
    .filter((c) => !isKmallocCacheName(c.name) || c.aliases.some((a) => !isKmallocCacheName(a)))
    .filter(
      (c) =>
        c.accounted === null ||
        accounted === ACCOUNTED.unknown ||
        c.accounted === (accounted === ACCOUNTED.yes),
    )
    // Merging raises object_size later (mm/slab_common.c, __kmem_cache_alias()), never lowers it.
    .filter((c) => c.objectSize === null || c.objectSize >= bytesReq);
  const exact = fitting.filter((c) => c.objectSize === bytesReq);
  return exact.length > 0 ? exact : fitting;
}
