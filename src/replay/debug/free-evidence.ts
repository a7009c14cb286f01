// Whether a free of a free object is a mistake. Nothing else may explain it: no allocation that left no
// event, no loss of events, no events of two CPUs out of order.

import type { CallTable } from '../../kernel/events/dictionary.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import { EVENT_KIND, isAlloc, isKmalloc } from '../../kernel/events/event-kind.ts';
import type { Call, EventRow, Slab } from '../../kernel/indices.ts';
import { type ObjectTracks, TRACK } from './object-tracks.ts';
import { type BelievedSlabs, UnseenAllocations } from './unseen-allocations.ts';

export interface FreeEvidenceInput {
  readonly calls: CallTable;
  readonly tracks: ObjectTracks;
  /** How far the clocks of two CPUs may be apart, in units of the trace's clock. */
  readonly skew: number;
  /** Units of the trace's clock without any event after which events may have been switched off. */
  readonly longGap: number;
  /**
   * Of a recording that began in a boot the time by which that is done at the latest, unless an event of
   * a second CPU shows it; else -Infinity.
   */
  readonly bootedTs: number;
  /** Called with the slabs in which frees looked wrong and were not. */
  readonly withdraw: (slabs: BelievedSlabs) => void;
}

/** A slab in which something was freed wrongly, it seems. */
export interface DoubtedSlab {
  readonly row: number;
  readonly base: bigint;
  /** True where the kernel itself checks frees into its cache. */
  readonly isChecked: boolean;
  /** True where its objects may be allocated in bulk, without an event. */
  readonly isBulk: boolean;
}

/**
 * In caches that the kernel does not check wrong frees are rare: a machine goes on with few. Calls that
 * make them beyond this number are a sign of allocations that were not recorded.
 */
const MOST_CALLS = 3;

export class FreeEvidence {
  private readonly calls: CallTable;
  private readonly tracks: ObjectTracks;
  private readonly skew: number;
  private readonly longGap: number;
  private readonly inChecked: UnseenAllocations;
  private readonly inUnchecked: UnseenAllocations;
  private lastLossTs = Number.NEGATIVE_INFINITY;
  private lastTs = Number.POSITIVE_INFINITY;
  private readonly bootedTs: number;
  private isBooting: boolean;

  constructor(input: FreeEvidenceInput) {
    const { calls, tracks, skew, longGap, bootedTs, withdraw } = input;
    this.calls = calls;
    this.tracks = tracks;
    this.skew = skew;
    this.longGap = longGap;
    this.bootedTs = bootedTs;
    this.isBooting = bootedTs > Number.NEGATIVE_INFINITY;
    this.inChecked = new UnseenAllocations(Number.POSITIVE_INFINITY, withdraw);
    this.inUnchecked = new UnseenAllocations(MOST_CALLS, withdraw);
  }

  /**
   * An event comes. Events are missing before one that follows after a long silence, and in a boot until
   * the second CPU is up: event_trace_enable_again() (kernel/trace/trace_events.c, an early_initcall)
   * switches the events of the command line off and on again.
   */
  seen(batch: EventBatch, i: EventRow): void {
    const ts = batch.ts[i];
    if (ts - this.lastTs > this.longGap) this.lost(ts);
    this.lastTs = ts;
    if (!this.isBooting) return;
    this.lost(ts);
    this.isBooting = ts < this.bootedTs && batch.cpu[i] === 0;
  }

  /** Events were lost until then. */
  lost(ts: number): void {
    this.lastLossTs = ts;
  }

  /** The row of a slab will be another one's. */
  forget(row: Slab): void {
    this.inChecked.forget(row);
    this.inUnchecked.forget(row);
  }

  /** An allocated object is freed: by whoever has it, unless that was just before. */
  freed(batch: EventBatch, i: EventRow, slot: number): void {
    const { tracks } = this;
    if (batch.ts[i] - tracks.time(slot, TRACK.alloc) > this.skew) tracks.settle(slot);
  }

  /** True where the event says to the letter what the object's last free said. */
  isRepeated(batch: EventBatch, i: EventRow, slot: number): boolean {
    const { tracks } = this;
    return (
      tracks.call(slot, TRACK.free) === batch.call[i] &&
      tracks.time(slot, TRACK.free) === batch.ts[i] &&
      tracks.cpu(slot, TRACK.free) === batch.cpu[i]
    );
  }

  /**
   * True where a free of a free object of a slab can be nothing else but a mistake.
   * Model: objects of kmalloc are allocated one by one, each with an event; those of named caches also
   * in bulk without one, which a place shows that frees free objects again and again.
   */
  isFreedTwice(batch: EventBatch, i: EventRow, slab: DoubtedSlab, slot: number): boolean {
    const { tracks } = this;
    if (!tracks.isSurelyFree(slot, this.lastLossTs) || tracks.isOwed(slot)) return false;
    const isTie = tracks.time(slot, TRACK.free) === batch.ts[i];
    if (isTie && tracks.cpu(slot, TRACK.free) !== batch.cpu[i]) return false;
    if (this.isAllocatedAhead(batch, i)) return false;
    const call = batch.call[i];
    const made = tracks.call(slot, TRACK.alloc);
    const isOfKmalloc = isKmalloc(this.calls.kind(made));
    if (isOfKmalloc && slab.isChecked) return true;
    if (!slab.isChecked && !this.fits(made, call)) return false;
    return (isOfKmalloc || !slab.isBulk) && this.isTrusted(call, slab);
  }

  /** True where a free is of the kind that the object's allocation asks for; else its page is another's. */
  fits(made: number, freed: number): boolean {
    const { calls } = this;
    return isKmalloc(calls.kind(made)) === (calls.kind(freed) === EVENT_KIND.kfree);
  }

  /** True where a wrong free is none of many. */
  isTrusted(call: Call, { row, base, isChecked }: DoubtedSlab): boolean {
    return (isChecked ? this.inChecked : this.inUnchecked).isTrusted(call, row, base);
  }

  /** True where another CPU's allocation of the same object follows so soon that it may be earlier. */
  private isAllocatedAhead(batch: EventBatch, i: EventRow): boolean {
    const end = batch.ts[i] + this.skew;
    for (let j = i + 1; j < batch.length && batch.ts[j]! <= end; j++) {
      if (batch.ptrLo[j] !== batch.ptrLo[i] || batch.ptrHi[j] !== batch.ptrHi[i]) continue;
      return batch.cpu[j] !== batch.cpu[i] && isAlloc(this.calls.kind(batch.call[j]!));
    }
    return false;
  }
}
