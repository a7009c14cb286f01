// Which of several caches slabs are of that no free named: two caches of one stride, allocated from at
// one place (IPv4's and IPv6's time-wait sockets in inet_twsk_alloc(), sockets of several protocols in
// sk_prot_alloc(), what mempools take in mempool_alloc_slab()).
// A CPU takes objects of a cache from one slab until that has none left (mm/slub.c, ___slab_alloc()).
// So two slabs that a CPU uses by turns, of which none got an object back meanwhile, are of two caches,
// and a slab that begins after another ended goes on with the cache of that one.

import { assert } from '../../base/assert.ts';

/** A slab with live objects, as far as allocations and frees show it. */
export interface TurnSlab {
  /** Its cache, where a free named it. */
  readonly named: string | undefined;
  /** When its live objects were allocated, in order of time, and on which CPUs. */
  readonly allocations: readonly { readonly ts: number; readonly cpu: number }[];
  /** When an object of it was last freed; -Infinity where none was. */
  readonly lastFree: number;
}

interface Link {
  readonly to: Judged;
  /** Above 0: of the same cache; below: of another. */
  readonly weight: number;
}

interface Judged {
  readonly of: TurnSlab;
  cache: string | undefined;
  readonly links: Link[];
  /** What slabs with a cache say for or against each cache. */
  readonly votes: Map<string, number>;
}

/** When one CPU allocated from a slab: until its last free, or from then on. */
interface Turn {
  readonly slab: Judged;
  readonly from: number;
  to: number;
  /** True where the slab was used before: it came back with objects that were freed. */
  readonly isResumed: boolean;
  /** When it allocated since the last free; what was freed before may have been allocated again. */
  readonly times: number[];
}

/**
 * The cache of each slab, in their order; undefined where none has a name.
 * @param room how many slabs each cache has beyond those that were named; one that has none left is
 *   chosen only where all have none
 */
export function cachesByTurns(
  slabs: readonly TurnSlab[],
  room: ReadonlyMap<string, number>,
): (string | undefined)[] {
  const judged = slabs.map((of): Judged => ({ of, cache: of.named, links: [], votes: new Map() }));
  for (const turns of turnsByCpu(judged)) linkTurns(turns);
  const left = new Map(room);
  for (const slab of judged) if (slab.cache !== undefined) tellLinked(slab, slab.cache);
  const open = new Set(judged.filter((slab) => slab.cache === undefined));
  while (open.size > 0) {
    const next = mostCertain(open, left);
    if (next === undefined) break;
    open.delete(next.slab);
    next.slab.cache = next.cache;
    left.set(next.cache, (left.get(next.cache) ?? 0) - 1);
    tellLinked(next.slab, next.cache);
  }
  return judged.map(({ cache }) => cache);
}

function turnsByCpu(slabs: readonly Judged[]): Iterable<Turn[]> {
  const byCpu = new Map<number, Turn[]>();
  for (const slab of slabs) {
    const { allocations, lastFree } = slab.of;
    const isResumed = (allocations[0]?.ts ?? Infinity) <= lastFree;
    const current = new Map<number, Turn>();
    for (const { ts, cpu } of allocations) {
      let turn = current.get(cpu);
      if (turn === undefined || (turn.from <= lastFree && ts > lastFree)) {
        turn = { slab, from: ts, to: ts, isResumed: isResumed && ts > lastFree, times: [] };
        current.set(cpu, turn);
        const turns = byCpu.get(cpu) ?? [];
        byCpu.set(cpu, turns);
        turns.push(turn);
      }
      turn.to = ts;
      if (ts > lastFree) turn.times.push(ts);
    }
  }
  return byCpu.values();
}

/** A slab that begins while another is in use goes on for one that ended; else it may begin anew. */
const GOES_ON = 2;
const MAY_GO_ON = 1;

/** Links the slabs of a CPU that were used by turns, and each to the one that it may go on for. */
function linkTurns(turns: Turn[]): void {
  turns.sort((a, b) => a.from - b.from);
  let open: Turn[] = [];
  /** In order of their end; with how many links to it. */
  let ended: { readonly turn: Turn; links: number }[] = [];
  for (const turn of turns) {
    const over = open.filter(({ to }) => to < turn.from).sort((a, b) => a.to - b.to);
    ended.push(...over.map((other) => ({ turn: other, links: 0 })));
    open = open.filter(({ to }) => to >= turn.from);
    let isBesides = false;
    for (const other of open) {
      const returns = returnsOf(turn.times, other.times) + returnsOf(other.times, turn.times);
      if (returns > 1) link(turn.slab, other.slab, 1 - returns);
      isBesides ||= other.times.length > 0;
    }
    const before = ended.at(-1);
    if (before !== undefined && !turn.isResumed) {
      const goesOn = isBesides && ended.length === 1;
      link(turn.slab, before.turn.slab, goesOn ? GOES_ON : MAY_GO_ON);
      before.links += goesOn ? 2 : 1;
    }
    ended = ended.filter(({ links }) => links < 2).slice(-2);
    open.push(turn);
  }
}

function link(a: Judged, b: Judged, weight: number): void {
  a.links.push({ to: b, weight });
  b.links.push({ to: a, weight });
}

/**
 * How often a CPU came back to a slab after it had used another. Coming back once for
 * one object tells nothing: it may have been freed without an event. So a return counts by the objects
 * on both sides, and 1 is nothing.
 */
function returnsOf(times: readonly number[], others: readonly number[]): number {
  let returns = 0;
  let next = 0;
  let before = Infinity;
  times.forEach((time, i) => {
    while ((others[next] ?? Infinity) <= before && i > 0) next++;
    if (i > 0 && (others[next] ?? Infinity) < time) returns += Math.min(i, times.length - i);
    before = time;
  });
  return returns;
}

function tellLinked({ links }: Judged, cache: string): void {
  for (const { to, weight } of links) to.votes.set(cache, (to.votes.get(cache) ?? 0) + weight);
}

/** The slab whose votes are the least in doubt, with its cache. */
function mostCertain(
  slabs: ReadonlySet<Judged>,
  room: ReadonlyMap<string, number>,
): { readonly slab: Judged; readonly cache: string } | undefined {
  const isRoomy = [...room.values()].some((left) => left > 0);
  const caches = [...room].filter(([, left]) => left > 0 || !isRoomy).map(([cache]) => cache);
  const [fallback] = caches;
  assert(fallback !== undefined, 'slabs of several caches have candidates');
  let found: { slab: Judged; cache: string; margin: number } | undefined;
  for (const slab of slabs) {
    let best = fallback;
    let most = -Infinity;
    let second = -Infinity;
    for (const cache of caches) {
      const votes = slab.votes.get(cache) ?? 0;
      if (votes > most) {
        second = most;
        most = votes;
        best = cache;
      } else if (votes > second) second = votes;
    }
    const margin = slab.votes.size === 0 ? -1 : most - second;
    if (found === undefined || margin > found.margin) found = { slab, cache: best, margin };
  }
  return found;
}
