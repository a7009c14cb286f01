// Tuples of a fixed number of 32-bit words, each kept once and named by its index: how repeated
// things (call sites, tasks, calls) become small integers as they are read.

import { ensureLength } from './growable.ts';

/** Index 0 is the tuple of zeros: "none" or "unknown". */
export class TupleTable {
  readonly width: number;
  /** All tuples in a row, `width` words each. May be replaced when the table grows. */
  words: Uint32Array;
  private count = 1;
  /** Open addressing, index + 1 in each slot; built when something is interned for the first time. */
  private slots: Uint32Array | undefined;

  constructor(width: number) {
    this.width = width;
    this.words = new Uint32Array(64 * width);
  }

  get length(): number {
    return this.count;
  }

  /** The index of a tuple, added if it is new. `tuple` may be longer than the width. */
  intern(tuple: Uint32Array): number {
    let { slots } = this;
    if (slots === undefined || this.count * 2 > slots.length) slots = this.rehash();
    const { width, words } = this;
    const mask = slots.length - 1;
    let slot = hashWords(tuple, 0, width) & mask;
    probe: for (;;) {
      const found = slots[slot]!;
      if (found === 0) {
        const index = this.add(tuple);
        slots[slot] = index + 1;
        return index;
      }
      const at = (found - 1) * width;
      for (let i = 0; i < width; i++) {
        if (words[at + i] !== tuple[i]) {
          slot = (slot + 1) & mask;
          continue probe;
        }
      }
      return found - 1;
    }
  }

  /** The tuples from index `from` on, as a copy that can be sent to another thread. */
  since(from: number): Uint32Array<ArrayBuffer> {
    return new Uint32Array(this.words.subarray(from * this.width, this.count * this.width));
  }

  /** Appends tuples that another table of the same history has interned (see `since`). */
  append(words: Uint32Array): void {
    const end = this.count * this.width;
    this.words = ensureLength(this.words, end + words.length);
    this.words.set(words, end);
    this.count += words.length / this.width;
    this.slots = undefined;
  }

  private add(tuple: Uint32Array): number {
    const { width } = this;
    const index = this.count++;
    this.words = ensureLength(this.words, this.count * width);
    for (let i = 0; i < width; i++) this.words[index * width + i] = tuple[i]!;
    return index;
  }

  private rehash(): Uint32Array {
    const size = 2 ** Math.ceil(Math.log2(this.count * 4 + 64));
    const slots = new Uint32Array(size);
    for (let index = 0; index < this.count; index++) {
      let slot = hashWords(this.words, index * this.width, this.width) & (size - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
      slots[slot] = index + 1;
    }
    this.slots = slots;
    return slots;
  }
}

/** A hash of `length` words (xor-multiply, then a final spread of the high bits). */
export function hashWords(words: Uint32Array, from: number, length: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < from + length; i++) {
    hash = Math.imul(hash ^ words[i]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
