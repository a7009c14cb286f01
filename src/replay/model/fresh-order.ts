// The order in which the objects of a new slab are handed out. With CONFIG_SLAB_FREELIST_RANDOM each
// cache has one random permutation, and each slab starts somewhere in it and goes round
// (init_cache_random_seq(), shuffle_slab() in mm/slub.c): so which object follows which is the same
// in all slabs of a cache, and can be learned from objects that are allocated for the first time.

import type { SeededRandom } from '../../base/seeded-random.ts';
import { type Column, column } from '../../kernel/column.ts';
import type { ObjectNumber } from '../../kernel/indices.ts';
import { NIL } from './slab-table.ts';

/** Which object follows which in the new slabs of a cache. */
export class FreshOrder {
  private readonly follower: Column<ObjectNumber, Uint16Array, ObjectNumber>;
  /** True where the order is ascending and known from the start. */
  readonly isSequential: boolean;

  private constructor(
    follower: Column<ObjectNumber, Uint16Array, ObjectNumber>,
    isSequential: boolean,
  ) {
    this.follower = follower;
    this.isSequential = isSequential;
  }

  /** Ascending addresses: no randomization. */
  static sequential(objects: number): FreshOrder {
    const follower = Uint16Array.from({ length: objects }, (_, i) => (i + 1) % objects);
    return new FreshOrder(column(follower), true);
  }

  /** Some order, for caches of which no real one is known. */
  static shuffled(objects: number, random: SeededRandom): FreshOrder {
    const cycle = Uint16Array.from({ length: objects }, (_, i) => i);
    for (let i = objects - 1; i > 0; i--) {
      const other = random.below(i + 1);
      [cycle[i], cycle[other]] = [cycle[other]!, cycle[i]!];
    }
    const follower: Column<ObjectNumber, Uint16Array, ObjectNumber> = column(
      new Uint16Array(objects),
    );
    cycle.forEach((object: ObjectNumber, i) => {
      follower[object] = cycle[(i + 1) % objects]!;
    });
    return new FreshOrder(follower, false);
  }

  /**
   * A cyclic order from what was learned: the surest steps first, the pieces that they form joined in
   * ascending order of their first objects.
   */
  static learned(objects: number, votes: FollowerVotes | undefined): FreshOrder {
    const follower: Column<ObjectNumber, Uint16Array, ObjectNumber> = column(
      new Uint16Array(objects).fill(NIL),
    );
    const claimed: Column<ObjectNumber, Uint8Array> = column(new Uint8Array(objects));
    for (const [object, next] of votes?.steps() ?? []) {
      if (claimed[next] === 1 || follower[object] !== NIL || object === next) continue;
      if (closesCycle(follower, object, next)) continue;
      follower[object] = next;
      claimed[next] = 1;
    }
    const starts: number[] = [];
    for (let object: ObjectNumber = 0; object < objects; object++)
      if (claimed[object] === 0) starts.push(object);
    starts.forEach((start, i) => {
      let last = start;
      while (follower[last] !== NIL) last = follower[last]!;
      follower[last] = starts[(i + 1) % starts.length]!;
    });
    return new FreshOrder(follower, false);
  }

  /** The same order, begun so that `object` is at `place`. */
  around(object: ObjectNumber, place: number): Uint16Array {
    const sequence = this.from(object);
    const turned = new Uint16Array(sequence.length);
    turned.set(sequence.subarray(0, sequence.length - place), place);
    turned.set(sequence.subarray(sequence.length - place));
    return turned;
  }

  /** The objects of a new slab in the order in which they are handed out. */
  from(first: number): Uint16Array {
    const sequence = new Uint16Array(this.follower.length);
    let object = first;
    for (let i = 0; i < sequence.length; i++) {
      sequence[i] = object;
      object = this.follower[object]!;
    }
    return sequence;
  }
}

/** True where object → next would close a round before all objects are in it. */
function closesCycle(
  follower: Column<ObjectNumber, Uint16Array, ObjectNumber>,
  object: ObjectNumber,
  next: number,
): boolean {
  let length = 1;
  for (let at = next; at !== NIL; at = follower[at]!) {
    if (at === object) return length < follower.length;
    length++;
  }
  return false;
}

/** Followers kept for each object; a slab that was partly used before the trace adds wrong ones. */
const CANDIDATES = 4;

/** Counts which object followed which. */
export class FollowerVotes {
  /** Objects of a slab. */
  readonly objects: number;
  private readonly candidate: Uint16Array;
  private readonly count: Uint32Array;

  constructor(objects: number) {
    this.objects = objects;
    this.candidate = new Uint16Array(objects * CANDIDATES).fill(NIL);
    this.count = new Uint32Array(objects * CANDIDATES);
  }

  add(object: ObjectNumber, next: number, count = 1): void {
    const { candidate } = this;
    let weakest = object * CANDIDATES;
    for (let at = object * CANDIDATES; at < (object + 1) * CANDIDATES; at++) {
      if (candidate[at] === next || candidate[at] === NIL) {
        candidate[at] = next;
        this.count[at]! += count;
        return;
      }
      if (this.count[at]! < this.count[weakest]!) weakest = at;
    }
    // A new follower wears the weakest one down before it takes its place.
    if (this.count[weakest]! > count) this.count[weakest]! -= count;
    else {
      candidate[weakest] = next;
      this.count[weakest] = count;
    }
  }

  /** Votes for the neighbour above as follower. */
  countAscending(): number {
    let count = 0;
    for (let object: ObjectNumber = 0; object + 1 < this.objects; object++)
      count += this.votesFor(object, object + 1);
    return count;
  }

  countAll(): number {
    return this.count.reduce((sum, count) => sum + count, 0);
  }

  /** Takes over the votes of another call of the same cache. */
  merge(other: FollowerVotes): void {
    for (let at = 0; at < other.candidate.length; at++) {
      const next = other.candidate[at]!;
      if (next !== NIL) this.add(Math.floor(at / CANDIDATES), next, other.count[at]!);
    }
  }

  /** Takes over the votes of another call, as if each follower had come before its object. */
  mergeReversed(other: FollowerVotes): void {
    for (let at = 0; at < other.candidate.length; at++) {
      const next = other.candidate[at]!;
      if (next !== NIL) this.add(next, Math.floor(at / CANDIDATES), other.count[at]!);
    }
  }

  /**
   * Steps [object, follower], the surest first. A step that skips objects (they were allocated before
   * the trace in that slab) yields to the shorter one: of two followers the one that leads to the other.
   */
  steps(): [number, number][] {
    this.discountAscending();
    const best: { object: number; next: number; count: number }[] = [];
    for (let object: ObjectNumber = 0; object < this.objects; object++) {
      const step = this.bestFollower(object);
      if (step !== undefined) best.push({ object, ...step });
    }
    best.sort((a, b) => b.count - a.count || a.object - b.object);
    return best.map(({ object, next }) => [object, next]);
  }

  /**
   * Slabs from early boot are not shuffled (init_freelist_randomization() comes later): their
   * ascending steps are seen as often as there are such slabs, and do not count.
   */
  private discountAscending(): void {
    const counts: number[] = [];
    for (let object: ObjectNumber = 0; object + 1 < this.objects; object++)
      counts.push(this.votesFor(object, object + 1));
    counts.sort((a, b) => a - b);
    const unshuffled = counts[counts.length >> 1] ?? 0;
    if (unshuffled === 0) return;
    for (let at = 0; at < this.candidate.length; at++) {
      const object = Math.floor(at / CANDIDATES);
      if (this.candidate[at] === object + 1)
        this.count[at] = Math.max(0, this.count[at]! - unshuffled);
    }
  }

  private votesFor(object: ObjectNumber, next: number): number {
    for (let at = object * CANDIDATES; at < (object + 1) * CANDIDATES; at++) {
      if (this.candidate[at] === next) return this.count[at]!;
    }
    return 0;
  }

  private bestFollower(object: ObjectNumber): { next: number; count: number } | undefined {
    let best: { next: number; count: number } | undefined;
    for (let at = object * CANDIDATES; at < (object + 1) * CANDIDATES; at++) {
      const next = this.candidate[at]!;
      const count = this.count[at]!;
      if (next === NIL || count === 0) continue;
      const isClose =
        best !== undefined && Math.max(count, best.count) < 2 * Math.min(count, best.count);
      if (best === undefined) best = { next, count };
      else if (isClose && this.leadsTo(next, best.next)) best = { next, count };
      else if (isClose && this.leadsTo(best.next, next)) continue;
      else if (count > best.count) best = { next, count };
    }
    return best;
  }

  /** True where some slab showed `to` within a few steps after `from`. */
  private leadsTo(from: number, to: number): boolean {
    let at = from;
    for (let step = 0; step < MAX_SKIP; step++) {
      const next = this.mostSeen(at);
      if (next === NIL) return false;
      if (next === to) return true;
      at = next;
    }
    return false;
  }

  private mostSeen(object: ObjectNumber): number {
    let best = object * CANDIDATES;
    for (let at = best + 1; at < (object + 1) * CANDIDATES; at++) {
      if (this.count[at]! > this.count[best]!) best = at;
    }
    return this.candidate[best]!;
  }
}

/** Objects that a wrong step may skip. */
const MAX_SKIP = 16;
