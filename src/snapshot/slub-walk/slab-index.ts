// All slabs of an image → whose slot an address is in: one entry per slab, sorted by physical page,
// found by halving.

import { PAGE_SIZE, pageNumber } from '../../base/address.ts';
import { ensureLength } from '../../base/growable.ts';
import type { SlubCache } from './caches.ts';
import { SLOT } from './slab-view.ts';
import { type SlubImage, walkSlabs } from './walk-slabs.ts';

/** The slot of an address; one object is filled anew by every call of `find`. */
export interface SlotPlace {
  cache: SlubCache;
  slot: number;
  /** Bytes behind the start of the object (negative: in the red zone on its left). */
  offset: number;
  /** True where the slot is on no freelist and in no sheaf. */
  allocated: boolean;
}

export class SlabIndex {
  private readonly slub: SlubImage;
  private frames: Float64Array = new Float64Array(1024);
  private caches: Uint32Array = new Uint32Array(1024);
  private orders: Uint8Array = new Uint8Array(1024);
  private slots: Uint16Array = new Uint16Array(1024);
  /** Where the slab's slots begin in `taken`, one bit each. */
  private bits: Float64Array = new Float64Array(1024);
  private taken: Uint8Array = new Uint8Array(16384);
  private count = 0;
  private readonly place: SlotPlace;

  constructor(slub: SlubImage) {
    const [cache] = slub.caches;
    if (cache === undefined) throw new Error('internal error: an index without caches');
    this.slub = slub;
    this.place = { cache, slot: 0, offset: 0, allocated: false };
    let bit = 0;
    walkSlabs(slub, (slab) => {
      const i = this.count++;
      this.frames = ensureLength(this.frames, i + 1);
      this.caches = ensureLength(this.caches, i + 1);
      this.orders = ensureLength(this.orders, i + 1);
      this.slots = ensureLength(this.slots, i + 1);
      this.bits = ensureLength(this.bits, i + 1);
      this.taken = ensureLength(this.taken, Math.ceil((bit + slab.slots) / 8));
      this.frames[i] = slab.paddr / PAGE_SIZE;
      this.caches[i] = slab.cacheIndex;
      this.orders[i] = slab.order;
      this.slots[i] = slab.slots;
      this.bits[i] = bit;
      for (let slot = 0; slot < slab.slots; slot++, bit++) {
        if (slab.states[slot] !== SLOT.allocated) continue;
        this.taken[Math.floor(bit / 8)]! |= 1 << (bit % 8);
      }
    });
  }

  /** Slabs in all. */
  get size(): number {
    return this.count;
  }

  /** The slot of an address, or undefined where it is in no slab or behind its last slot. */
  find(hi: number, lo: number): SlotPlace | undefined {
    const frame = pageNumber(hi, lo) - this.slub.directMapBase;
    const { frames, place } = this;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (frames[mid]! <= frame) low = mid + 1;
      else high = mid;
    }
    const i = low - 1;
    if (i < 0 || frame >= frames[i]! + 2 ** this.orders[i]!) return undefined;
    const cache = this.slub.caches[this.caches[i]!]!;
    const within = (frame - frames[i]!) * PAGE_SIZE + (lo % PAGE_SIZE);
    const slot = Math.floor(within / cache.size);
    if (slot >= this.slots[i]!) return undefined;
    const bit = this.bits[i]! + slot;
    place.cache = cache;
    place.slot = slot;
    place.offset = within - slot * cache.size - cache.redLeftPad;
    place.allocated = ((this.taken[Math.floor(bit / 8)]! >>> (bit % 8)) & 1) === 1;
    return place;
  }
}
