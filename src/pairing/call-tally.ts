// How often each call allocated, and what became of its objects: counts per call, from which every
// total by cache, call site or size is summed (a call has one size, so bytes are counts times size).

import { ensureLength } from '../base/growable.ts';
import { type Column, column } from '../kernel/column.ts';
import type { Call } from '../kernel/indices.ts';
import { type PeakClock, PeakCounts } from './peak-clock.ts';

/** Lifetimes are counted by powers of two of their nanoseconds: 2^0 to 2^47 (39 hours). */
export const LIFETIME_BUCKETS = 48;

const COUNTERS = [
  'allocs',
  'failed',
  'frees',
  'untracedFrees',
  'duplicates',
  'crossCpuFrees',
  'temporary',
  'lifetimeSum',
  'freed',
  'freedBytes',
  'nullFrees',
  'unknownFrees',
] as const;

type Counts = Column<Call, Float64Array>;

const none = (): Counts => column(new Float64Array(0));

/** Whole part of the binary logarithm, within the buckets. */
export function lifetimeBucket(lifetime: number): number {
  if (lifetime < 1) return 0;
  if (lifetime < 2 ** 32) return 31 - Math.clz32(lifetime);
  return Math.min(63 - Math.clz32(lifetime / 2 ** 32), LIFETIME_BUCKETS - 1);
}

export class CallTally {
  /** Allocations that gave memory; the second event of one allocation is not counted. */
  allocs: Counts = none();
  /** Allocations that returned NULL. */
  failed: Counts = none();
  /** Frees of objects that this call allocated. */
  frees: Counts = none();
  /** Its objects that were freed without an event. */
  untracedFrees: Counts = none();
  /** Events of this call that told an allocation a second time. */
  duplicates: Counts = none();
  /** Frees on another CPU than the allocation's. */
  crossCpuFrees: Counts = none();
  /** Objects freed before anything else was allocated on their CPU. */
  temporary: Counts = none();
  /** Sum of the lifetimes of its freed objects, in the clock's unit. */
  lifetimeSum: Counts = none();
  /** By call and bucket: objects that lived 2^bucket to 2^(bucket + 1) ns. */
  lifetimes: Uint32Array = new Uint32Array(0);

  /** For calls that free: objects freed, their bytes_alloc, kfree(NULL), frees of the unknown. */
  freed: Counts = none();
  freedBytes: Counts = none();
  nullFrees: Counts = none();
  unknownFrees: Counts = none();

  private readonly alive: PeakCounts;

  constructor(peak: PeakClock) {
    this.alive = new PeakCounts(peak);
  }

  /** Live objects of each call. */
  get live(): Counts {
    return column(this.alive.now);
  }

  /** Makes room for calls below `length`. */
  reserve(length: number): void {
    if (length <= this.allocs.length) return;
    const capacity = Math.max(1024, length * 2);
    for (const name of COUNTERS) this[name] = ensureLength(this[name], capacity);
    this.alive.reserve(capacity);
    this.lifetimes = ensureLength(this.lifetimes, this.allocs.length * LIFETIME_BUCKETS);
  }

  born(call: Call): void {
    this.allocs[call]++;
    this.alive.born(call);
  }

  gone(call: Call): void {
    this.alive.gone(call);
  }

  /** An allocation that was told twice is the second event's, which has the true caller. */
  renamed(from: Call, to: Call): void {
    this.allocs[from]--;
    this.allocs[to]++;
    this.duplicates[to]++;
    this.alive.move(from, to);
  }

  /** A traced free: `object` allocated it, `by` freed it. */
  free(object: Call, by: Call, bytes: number, lifetime: number, isCrossCpu: boolean): void {
    this.frees[object]++;
    this.freed[by]++;
    this.freedBytes[by] += bytes;
    this.lifetimeSum[object] += lifetime;
    this.lifetimes[object * LIFETIME_BUCKETS + lifetimeBucket(lifetime)]!++;
    if (isCrossCpu) this.crossCpuFrees[object]++;
  }

  /** Objects of a call that were live when the total was highest. */
  liveAtPeak(call: Call): number {
    return this.alive.ofPeak(call);
  }
}
