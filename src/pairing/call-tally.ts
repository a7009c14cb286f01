// How often each call allocated, and what became of its objects: counts per call, from which every
// total by cache, call site or size is summed (a call has one size, so bytes are counts times size).

import { ensureLength } from '../base/growable.ts';
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

const none = (): Float64Array => new Float64Array(0);

/** Whole part of the binary logarithm, within the buckets. */
export function lifetimeBucket(lifetime: number): number {
  if (lifetime < 1) return 0;
  if (lifetime < 2 ** 32) return 31 - Math.clz32(lifetime);
  return Math.min(63 - Math.clz32(lifetime / 2 ** 32), LIFETIME_BUCKETS - 1);
}

export class CallTally {
  /** Allocations that gave memory; the second event of one allocation is not counted. */
  allocs: Float64Array = none();
  /** Allocations that returned NULL. */
  failed: Float64Array = none();
  /** Frees of objects that this call allocated. */
  frees: Float64Array = none();
  /** Its objects that were freed without an event. */
  untracedFrees: Float64Array = none();
  /** Events of this call that told an allocation a second time. */
  duplicates: Float64Array = none();
  /** Frees on another CPU than the allocation's. */
  crossCpuFrees: Float64Array = none();
  /** Objects freed before anything else was allocated on their CPU. */
  temporary: Float64Array = none();
  /** Sum of the lifetimes of its freed objects, in the clock's unit. */
  lifetimeSum: Float64Array = none();
  /** By call and bucket: objects that lived 2^bucket to 2^(bucket + 1) ns. */
  lifetimes: Uint32Array = new Uint32Array(0);

  /** For calls that free: objects freed, their bytes_alloc, kfree(NULL), frees of the unknown. */
  freed: Float64Array = none();
  freedBytes: Float64Array = none();
  nullFrees: Float64Array = none();
  unknownFrees: Float64Array = none();

  private readonly alive: PeakCounts;

  constructor(peak: PeakClock) {
    this.alive = new PeakCounts(peak);
  }

  /** Live objects of each call. */
  get live(): Float64Array {
    return this.alive.now;
  }

  /** Makes room for calls below `length`. */
  reserve(length: number): void {
    if (length <= this.allocs.length) return;
    const capacity = Math.max(1024, length * 2);
    for (const name of COUNTERS) this[name] = ensureLength(this[name], capacity);
    this.alive.reserve(capacity);
    this.lifetimes = ensureLength(this.lifetimes, this.allocs.length * LIFETIME_BUCKETS);
  }

  born(call: number): void {
    this.allocs[call]!++;
    this.alive.born(call);
  }

  gone(call: number): void {
    this.alive.gone(call);
  }

  /** An allocation that was told twice is the second event's, which has the true caller. */
  renamed(from: number, to: number): void {
    this.allocs[from]!--;
    this.allocs[to]!++;
    this.duplicates[to]!++;
    this.alive.move(from, to);
  }

  /** A traced free: `object` allocated it, `by` freed it. */
  free(object: number, by: number, bytes: number, lifetime: number, isCrossCpu: boolean): void {
    this.frees[object]!++;
    this.freed[by]!++;
    this.freedBytes[by]! += bytes;
    this.lifetimeSum[object]! += lifetime;
    this.lifetimes[object * LIFETIME_BUCKETS + lifetimeBucket(lifetime)]!++;
    if (isCrossCpu) this.crossCpuFrees[object]!++;
  }

  /** Objects of a call that were live when the total was highest. */
  liveAtPeak(call: number): number {
    return this.alive.ofPeak(call);
  }
}
