// A chain of free objects → which slots of the slab are on it. The pointer to the next free object
// is `offset` bytes into each; with CONFIG_SLAB_FREELIST_HARDENED as next ^ random ^
// swab(address of the pointer) (mm/slub.c, freelist_ptr_encode()). A chain in a damaged image may lead
// anywhere: it ends where it leaves the slab, runs into itself, or into memory that is not there.

import { distance, TWO_32 } from '../../base/address.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import type { SlubCache } from './caches.ts';

/** How a chain ended. */
export type FreelistEnd = 'null' | 'outside' | 'misaligned' | 'loop' | 'missing';

/** A slab's memory. */
export interface SlabMemory {
  readonly hi: number;
  readonly lo: number;
  readonly paddr: number;
  /** Objects that fit. */
  readonly slots: number;
}

export class FreelistWalk {
  /** Objects on the chain. */
  count = 0;
  end: FreelistEnd = 'null';
  /** The pointer that ended the chain (0 where it is whole), and the slot it is from (-1: the head). */
  badHi = 0;
  badLo = 0;
  badSlot = -1;
  private readonly memory: PhysicalMemory;

  constructor(memory: PhysicalMemory) {
    this.memory = memory;
  }

  /**
   * Sets the slots of a chain to `state` in `states`; a slot that is not 0 there ends it as a loop.
   * @param headHi the first free object (heads are in the open); 0 and 0: none
   */
  mark(
    cache: SlubCache,
    slab: SlabMemory,
    headHi: number,
    headLo: number,
    states: Uint8Array,
    state: number,
  ): void {
    this.count = 0;
    this.badHi = headHi;
    this.badLo = headLo;
    this.badSlot = -1;
    this.end = this.follow(cache, slab, states, state);
  }

  /** The pointer at hand is always in badHi and badLo, the slot that it was read from in badSlot. */
  private follow(
    cache: SlubCache,
    slab: SlabMemory,
    states: Uint8Array,
    state: number,
  ): FreelistEnd {
    const { size, offset, redLeftPad, random } = cache;
    const { memory } = this;
    while (this.badHi !== 0 || this.badLo !== 0) {
      const within = distance(this.badHi, this.badLo, slab.hi, slab.lo) - redLeftPad;
      const slot = Math.floor(within / size);
      if (within < 0 || slot >= slab.slots) return 'outside';
      if (slot * size !== within) return 'misaligned';
      if (states[slot] !== 0) return 'loop';
      states[slot] = state;
      this.count++;
      this.badSlot = slot;
      const pointerAt = slot * size + redLeftPad + offset;
      const at = memory.word(slab.paddr + pointerAt);
      if (at < 0) return 'missing';
      let lo = memory.words[at]!;
      let hi = memory.words[at + 1]!;
      if (random !== undefined) {
        const sum = slab.lo + pointerAt;
        lo = (lo ^ random.lo ^ swap32(sum >= TWO_32 ? slab.hi + 1 : slab.hi)) >>> 0;
        hi = (hi ^ random.hi ^ swap32(sum % TWO_32)) >>> 0;
      }
      this.badLo = lo;
      this.badHi = hi;
    }
    return 'null';
  }
}

/** swab() of 32 bits, as a signed number. */
export function swap32(word: number): number {
  return ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
