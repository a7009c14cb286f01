// Learns the order of new slabs from a pass over the events, before caches have names: votes are kept
// by call, the calls of one cache are joined afterwards. A slab's base and its number of objects
// follow from the stride of its objects alone.

import { AddressMap } from '../../base/address-map.ts';
import { ensureLength } from '../../base/growable.ts';
import type { CallTable } from '../../kernel/events/dictionary.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import { isAlloc } from '../../kernel/events/event-kind.ts';
import type { Call, EventRow } from '../../kernel/indices.ts';
import { FollowerVotes } from '../model/fresh-order.ts';
import { NIL } from '../model/slab-table.ts';

const PAGE_SHIFT = 12;

/** Where objects of a stride are in their slabs. */
export interface StrideLayout {
  /** Bytes of a slab. */
  readonly slabBytes: number;
  readonly redLeftPad: number;
  readonly objsPerSlab: number;
}

export class OrderLearner {
  private readonly calls: CallTable;
  private readonly layoutsOf: (call: Call) => readonly StrideLayout[];
  private readonly layouts: (readonly StrideLayout[])[] = [];
  private readonly slabs = new AddressMap(4096);
  private count = 0;
  private stride: Uint32Array = new Uint32Array(0);
  /** The object that was allocated for the first time last. */
  private last: Uint16Array = new Uint16Array(0);
  /** Where the slab's bits begin in `seen`, and for how many words there is room. */
  private bits: Uint32Array = new Uint32Array(0);
  private words: Uint16Array = new Uint16Array(0);
  private seen: Uint32Array = new Uint32Array(1024);
  private seenEnd = 0;
  private readonly votes: (FollowerVotes | undefined)[] = [];

  /** @param layoutsOf how the objects of a call may be laid out; none where they are in no slab */
  constructor(calls: CallTable, layoutsOf: (call: Call) => readonly StrideLayout[]) {
    this.calls = calls;
    this.layoutsOf = layoutsOf;
  }

  /** What was learned from the objects of a call. */
  votesOf(call: Call): FollowerVotes | undefined {
    return this.votes[call];
  }

  add(batch: EventBatch): void {
    for (let i: EventRow = 0; i < batch.length; i++) {
      const call = batch.call[i];
      if (!isAlloc(this.calls.kind(call))) continue;
      this.layouts[call] ??= this.layoutsOf(call);
      for (const layout of this.layouts[call]) {
        if (this.allocated(call, layout, batch.ptrLo[i], batch.ptrHi[i])) break;
      }
    }
  }

  /** False where no object of the layout starts there. */
  private allocated(call: Call, layout: StrideLayout, lo: number, hi: number): boolean {
    const stride = this.calls.bytesAlloc(call);
    const offset = lo & (layout.slabBytes - 1);
    const object = (offset - layout.redLeftPad) / stride;
    if (!Number.isInteger(object) || object < 0 || object >= layout.objsPerSlab) return false;
    const slab = this.slab((lo - offset) >>> 0, hi, stride, layout.objsPerSlab);
    const word = this.bits[slab]! + (object >>> 5);
    const bit = 1 << (object & 31);
    if ((this.seen[word]! & bit) !== 0) return true;
    this.seen[word]! |= bit;
    const last = this.last[slab]!;
    this.last[slab] = object;
    if (last === NIL) return true;
    this.votes[call] ??= new FollowerVotes(layout.objsPerSlab);
    this.votes[call].add(last, object);
    return true;
  }

  /** The row of a slab; begun anew where it now holds objects of another stride. */
  private slab(baseLo: number, hi: number, stride: number, objects: number): number {
    const pageLo = ((baseLo >>> PAGE_SHIFT) | (hi << (32 - PAGE_SHIFT))) >>> 0;
    let slab = this.slabs.get(pageLo, hi >>> PAGE_SHIFT);
    if (slab >= 0 && this.stride[slab] === stride) return slab;
    if (slab < 0) {
      slab = this.count++;
      this.slabs.set(pageLo, hi >>> PAGE_SHIFT, slab);
      this.stride = ensureLength(this.stride, this.count);
      this.last = ensureLength(this.last, this.count);
      this.bits = ensureLength(this.bits, this.count);
      this.words = ensureLength(this.words, this.count);
    }
    this.stride[slab] = stride;
    this.last[slab] = NIL;
    const words = Math.ceil(objects / 32);
    if (words <= this.words[slab]!) {
      this.seen.fill(0, this.bits[slab]!, this.bits[slab]! + words);
      return slab;
    }
    this.bits[slab] = this.seenEnd;
    this.words[slab] = words;
    this.seenEnd += words;
    this.seen = ensureLength(this.seen, this.seenEnd);
    return slab;
  }
}
