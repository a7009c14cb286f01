// What the trace tells about each call whatever a command selects: how often its objects were freed
// without an event, and which cache names the frees of its objects gave. A kmem_cache_free names the
// cache (6.1 on), the allocation before it does not (until 6.18).

import { ensureLength } from '../base/growable.ts';
import { type Column, column } from '../kernel/column.ts';
import type { CallTable } from '../kernel/events/dictionary.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import { EVENT_KIND } from '../kernel/events/event-kind.ts';
import type { Call, EventRow, Row } from '../kernel/indices.ts';
import type { EventStarts } from './event-starts.ts';
import { OUTCOME, type PairedBatch } from './paired-batch.ts';

/** Frees without an event that can still turn out to be lost: as many as fit in a loss, and more. */
const RECENT = 65_536;

export class CallEvidence {
  /** Allocations of each call. */
  allocs: Column<Call, Float64Array> = column(new Float64Array(0));
  /** Frees of its objects that have an event. */
  frees: Column<Call, Float64Array> = column(new Float64Array(0));
  /**
   * Its objects on which another allocation landed while they were held live: freed without an
   * event, where no event was lost meanwhile.
   */
  untracedFrees: Column<Call, Float64Array> = column(new Float64Array(0));
  /** Those of them that were allocated before the first recorded free of their kind. */
  earlyFrees: Column<Call, Float64Array> = column(new Float64Array(0));
  /**
   * Its objects on which another allocation landed after events had been lost, or while they were:
   * freed without an event, or by one of the lost.
   */
  lossFrees: Column<Call, Float64Array> = column(new Float64Array(0));
  /** The last of `untracedFrees`, round and round: when they were seen, and the calls. */
  private readonly recentTs: Column<Row, Float64Array> = column(new Float64Array(RECENT));
  private readonly recentCall: Column<Row, Uint32Array, Call> = column(new Uint32Array(RECENT));
  private readonly recentIsEarly: Column<Row, Uint8Array> = column(new Uint8Array(RECENT));
  private recentStart = 0;
  private recentEnd = 0;
  /** Time until which events are missing. */
  private lastLossTs = -Infinity;
  private readonly calls: CallTable;
  private readonly starts: EventStarts;
  /** The first name of each call and how often; others of the same call are rare. */
  private name: Column<Call> = column(new Uint32Array(0));
  private nameCount: Column<Call, Float64Array> = column(new Float64Array(0));
  private readonly others = new Map<number, Map<number, number>>();
  /** By cache (index into `strings`): the address bits (32) that are set in any of its freed objects. */
  private startBits: Uint32Array = new Uint32Array(256);

  constructor(calls: CallTable, starts: EventStarts) {
    this.calls = calls;
    this.starts = starts;
  }

  add(batch: EventBatch, paired: PairedBatch): void {
    this.reserve(this.calls.length);
    const { outcome, objectCall } = paired;
    for (let i: EventRow = 0; i < batch.length; i++) {
      switch (outcome[i]) {
        case OUTCOME.alloc:
          this.allocs[batch.call[i]]++;
          break;
        case OUTCOME.allocOnLive:
          this.allocs[batch.call[i]]++;
          this.freedUnseen(objectCall[i], paired.objectTs[i], batch.ts[i]);
          break;
        case OUTCOME.allocAgain:
          this.allocs[objectCall[i]]--;
          this.allocs[batch.call[i]]++;
          break;
        case OUTCOME.freeLate:
          this.freedLate(objectCall[i], paired.objectTs[i]);
          this.freed(objectCall[i], batch.call[i], batch.ptrLo[i]);
          break;
        case OUTCOME.free:
          this.freed(objectCall[i], batch.call[i], batch.ptrLo[i]);
          break;
        case OUTCOME.none:
          if (this.calls.kind(batch.call[i]) === EVENT_KIND.lost) {
            this.lost(paired.objectTs[i], batch.ts[i]);
          }
          break;
      }
    }
  }

  /** Makes room for calls below `length`. */
  reserve(length: number): void {
    if (length <= this.allocs.length) return;
    const capacity = Math.max(1024, length * 2);
    this.allocs = ensureLength(this.allocs, capacity);
    this.frees = ensureLength(this.frees, capacity);
    this.untracedFrees = ensureLength(this.untracedFrees, capacity);
    this.earlyFrees = ensureLength(this.earlyFrees, capacity);
    this.lossFrees = ensureLength(this.lossFrees, capacity);
    this.name = ensureLength(this.name, capacity);
    this.nameCount = ensureLength(this.nameCount, capacity);
  }

  /** How many objects of a call were freed under each name (index into `strings`). */
  namesOf(call: Call): Map<number, number> {
    const names = new Map(this.others.get(call));
    const first = this.name[call] ?? 0;
    if (first !== 0) names.set(first, this.nameCount[call]);
    return names;
  }

  /** The largest power of two that divides the addresses of all objects freed under a cache's name. */
  alignmentOf(cache: number): number {
    const bits = this.startBits[cache] ?? 0;
    return bits === 0 ? 2 ** 32 : 2 ** (31 - Math.clz32(bits & -bits));
  }

  /**
   * Frees of a call's objects that named `cache` were of other objects: memory that was freed and
   * given to that cache without an event, or by events that were lost.
   */
  disown(call: Call, cache: number): void {
    const count = this.namesOf(call).get(cache) ?? 0;
    this.frees[call] -= count;
    const missing = this.lastLossTs > -Infinity ? this.lossFrees : this.untracedFrees;
    missing[call] += count;
    const rest = this.others.get(call);
    if (this.name[call] !== cache) {
      rest?.delete(cache);
      return;
    }
    const [next] = rest ?? [];
    this.name[call] = next?.[0] ?? 0;
    this.nameCount[call] = next?.[1] ?? 0;
    if (next !== undefined) rest?.delete(next[0]);
  }

  /** @param seenTs when another allocation landed on the object */
  private freedUnseen(object: Call, ts: number, seenTs: number): void {
    if (ts <= this.lastLossTs) {
      this.lossFrees[object]++;
      return;
    }
    this.untracedFrees[object]++;
    const isEarly = ts < this.starts.freesSince(this.calls.kind(object)) ? 1 : 0;
    this.earlyFrees[object] += isEarly;
    const at = this.recentEnd++ % RECENT;
    this.recentStart = Math.max(this.recentStart, this.recentEnd - RECENT);
    this.recentTs[at] = seenTs;
    this.recentCall[at] = object;
    this.recentIsEarly[at] = isEarly;
  }

  /** Its free came after all. */
  private freedLate(object: Call, ts: number): void {
    if (ts <= this.lastLossTs) {
      this.lossFrees[object]--;
      return;
    }
    this.untracedFrees[object]--;
    if (ts < this.starts.freesSince(this.calls.kind(object))) this.earlyFrees[object]--;
  }

  /** A CPU lost events between two times: what was seen meanwhile may be their doing. */
  private lost(from: number, to: number): void {
    this.lastLossTs = to;
    while (this.recentEnd > this.recentStart) {
      const last: Row = (this.recentEnd - 1) % RECENT;
      if (this.recentTs[last] <= from) break; // a loss on another CPU may have begun before it
      const call = this.recentCall[last];
      this.untracedFrees[call]--;
      this.earlyFrees[call] -= this.recentIsEarly[last];
      this.lossFrees[call]++;
      this.recentEnd--;
    }
  }

  private freed(object: Call, by: Call, lo: number): void {
    this.frees[object]++;
    const cache = this.calls.cache(by);
    if (cache === 0 || this.calls.kind(by) !== EVENT_KIND.kmem_cache_free) return;
    if (cache >= this.startBits.length)
      this.startBits = ensureLength(this.startBits, 2 * (cache + 1));
    this.startBits[cache]! |= lo;
    if (this.name[object] === cache) this.nameCount[object]++;
    else if (this.name[object] === 0) {
      this.name[object] = cache;
      this.nameCount[object] = 1;
    } else {
      const names = this.others.get(object) ?? new Map<number, number>();
      this.others.set(object, names);
      names.set(cache, (names.get(cache) ?? 0) + 1);
    }
  }
}
