// Whether a free of a free object is a mistake. Nothing else may explain it: no allocation that left no
// event, no loss of events, no events of two CPUs out of order.

import type { CallTable } from '../../kernel/dictionary.ts';
import type { EventBatch } from '../../kernel/event-batch.ts';
import { isAlloc, isKmalloc } from '../../kernel/event-kind.ts';
import { type ObjectTracks, TRACK } from './object-tracks.ts';
import { UnseenAllocations } from './unseen-allocations.ts';

export interface FreeEvidenceInput {
  readonly calls: CallTable;
  readonly tracks: ObjectTracks;
  /** How far the clocks of two CPUs may be apart, in units of the trace's clock. */
  readonly skew: number;
  /** True where objects of a slab may be allocated in bulk, without an event. */
  readonly isBulk: (row: number) => boolean;
  /** Told of the slabs in which frees were taken for mistakes that are none after all. */
  readonly withdraw: (rows: ReadonlySet<number>) => void;
}

export class FreeEvidence {
  private readonly calls: CallTable;
  private readonly tracks: ObjectTracks;
  private readonly skew: number;
  private readonly unseen: UnseenAllocations;
  private lastLossTs = Number.NEGATIVE_INFINITY;

  constructor({ calls, tracks, skew, isBulk, withdraw }: FreeEvidenceInput) {
    this.calls = calls;
    this.tracks = tracks;
    this.skew = skew;
    this.unseen = new UnseenAllocations(isBulk, withdraw);
  }

  /** Events were lost until then. */
  lost(ts: number): void {
    this.lastLossTs = ts;
  }

  /** The row of a slab will be another one's. */
  forget(row: number): void {
    this.unseen.forget(row);
  }

  /** An allocated object is freed: by whoever has it, unless that was just before. */
  freed(batch: EventBatch, i: number, slot: number): void {
    const { tracks } = this;
    if (batch.ts[i]! - tracks.time(slot, TRACK.alloc) > this.skew) tracks.settle(slot);
  }

  /** True where the event says to the letter what the object's last free said. */
  isRepeated(batch: EventBatch, i: number, slot: number): boolean {
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
  isFreedTwice(batch: EventBatch, i: number, row: number, slot: number): boolean {
    const { tracks } = this;
    if (!tracks.isSurelyFree(slot, this.lastLossTs) || tracks.isOwed(slot)) return false;
    const isTie = tracks.time(slot, TRACK.free) === batch.ts[i];
    if (isTie && tracks.cpu(slot, TRACK.free) !== batch.cpu[i]) return false;
    if (this.isAllocatedAhead(batch, i)) return false;
    if (isKmalloc(this.calls.kind(tracks.call(slot, TRACK.alloc)))) return true;
    return this.unseen.isTrusted(batch.call[i]!, row);
  }

  /** True where another CPU's allocation of the same object follows so soon that it may be earlier. */
  private isAllocatedAhead(batch: EventBatch, i: number): boolean {
    const end = batch.ts[i]! + this.skew;
    for (let j = i + 1; j < batch.length && batch.ts[j]! <= end; j++) {
      if (batch.ptrLo[j] !== batch.ptrLo[i] || batch.ptrHi[j] !== batch.ptrHi[i]) continue;
      return batch.cpu[j] !== batch.cpu[i] && isAlloc(this.calls.kind(batch.call[j]!));
    }
    return false;
  }
}
