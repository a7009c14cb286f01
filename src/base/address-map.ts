// A map from 64-bit addresses to unsigned integers without an object, BigInt or string per entry:
// open addressing with linear probing, deletion by shifting back (no tombstones).
// A slot is four words in one cache line: low half, high half, value + 1 (0: empty), unused.

import { assert } from './assert.ts';

const STRIDE = 4;
const VALUE = 2;
/** Where doubling must end: 2^27 slots are 2 GiB, the largest such array that Node reliably gives. */
const MAX_SLOTS = 2 ** 27;
/** Maps with fewer slots grow fourfold. */
const SMALL_SLOTS = 2 ** 18;

/** Spreads an address over the slots; the low three bits of kernel addresses carry nothing. */
function hashAddress(lo: number, hi: number, shift: number): number {
  const mixed = Math.imul((lo >>> 3) ^ (lo << 29) ^ Math.imul(hi, 0x85ebca6b), 0x9e3779b1);
  return mixed >>> shift;
}

/**
 * Addresses to values below 2^32 - 1. An address is two 32-bit halves, signed or not: the same bits
 * are the same address. (V8 keeps signed ones without an object of their own, so inner loops pass these.)
 */
export class AddressMap {
  private words: Int32Array;
  private shift: number;
  private mask: number;
  private used = 0;

  /** @param capacity entries it should hold before it grows the first time */
  constructor(capacity = 1024) {
    const bits = Math.max(4, Math.ceil(Math.log2(capacity * 2)));
    this.words = new Int32Array(2 ** bits * STRIDE);
    this.shift = 32 - bits;
    this.mask = 2 ** bits - 1;
  }

  get size(): number {
    return this.used;
  }

  /** The value of an address, or -1. */
  get(lo: number, hi: number): number {
    const { words, mask } = this;
    const low = lo | 0;
    const high = hi | 0;
    let slot = hashAddress(low, high, this.shift);
    for (;;) {
      const at = slot * STRIDE;
      const value = words[at + VALUE]! >>> 0;
      if (value === 0) return -1;
      if (words[at] === low && words[at + 1] === high) return value - 1;
      slot = (slot + 1) & mask;
    }
  }

  /** Sets the value of an address; returns the one it had, or -1. */
  set(lo: number, hi: number, value: number): number {
    if (this.used * 2 > this.mask) this.grow();
    const { words, mask } = this;
    const low = lo | 0;
    const high = hi | 0;
    let slot = hashAddress(low, high, this.shift);
    for (;;) {
      const at = slot * STRIDE;
      const old = words[at + VALUE]! >>> 0;
      if (old === 0) {
        words[at] = low;
        words[at + 1] = high;
        words[at + VALUE] = value + 1;
        this.used++;
        return -1;
      }
      if (words[at] === low && words[at + 1] === high) {
        words[at + VALUE] = value + 1;
        return old - 1;
      }
      slot = (slot + 1) & mask;
    }
  }

  /** Forgets an address; returns the value it had, or -1. */
  delete(lo: number, hi: number): number {
    const { words, mask } = this;
    const low = lo | 0;
    const high = hi | 0;
    let slot = hashAddress(low, high, this.shift);
    for (;;) {
      const at = slot * STRIDE;
      const value = words[at + VALUE]! >>> 0;
      if (value === 0) return -1;
      if (words[at] === low && words[at + 1] === high) {
        this.closeGap(slot);
        this.used--;
        return value - 1;
      }
      slot = (slot + 1) & mask;
    }
  }

  /** Moves the followers of a freed slot back, so that no search stops short of them. */
  private closeGap(freed: number): void {
    const { words, mask, shift } = this;
    let gap = freed;
    let slot = freed;
    for (;;) {
      slot = (slot + 1) & mask;
      const at = slot * STRIDE;
      const value = words[at + VALUE]!;
      if (value === 0) break;
      const lo = words[at]!;
      const hi = words[at + 1]!;
      // It may move when its home is not between the gap (exclusive) and where it is now.
      if (((slot - hashAddress(lo, hi, shift)) & mask) >= ((slot - gap) & mask)) {
        words[gap * STRIDE] = lo;
        words[gap * STRIDE + 1] = hi;
        words[gap * STRIDE + VALUE] = value;
        gap = slot;
      }
    }
    words[gap * STRIDE + VALUE] = 0;
  }

  private grow(): void {
    const old = this.words;
    const slots = this.mask + 1;
    assert(slots * 2 <= MAX_SLOTS, 'more addresses at a time than an AddressMap holds');
    // What grows mostly grows again.
    const bits = slots < SMALL_SLOTS ? 2 : 1;
    this.words = new Int32Array(old.length << bits);
    this.shift -= bits;
    this.mask = (slots << bits) - 1;
    const { words, mask, shift } = this;
    for (let at = 0; at < old.length; at += STRIDE) {
      if (old[at + VALUE] === 0) continue;
      let slot = hashAddress(old[at]!, old[at + 1]!, shift);
      while (words[slot * STRIDE + VALUE] !== 0) slot = (slot + 1) & mask;
      words[slot * STRIDE] = old[at]!;
      words[slot * STRIDE + 1] = old[at + 1]!;
      words[slot * STRIDE + VALUE] = old[at + VALUE]!;
    }
  }
}
