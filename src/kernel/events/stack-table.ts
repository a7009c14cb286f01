// Call chains, each kept once: frames are indexes of call sites, innermost first.

import { ensureLength } from '../../base/growable.ts';
import { hashWords } from '../../base/tuple-table.ts';

/** Index 0 is the empty stack: none was recorded. */
export class StackTable {
  private frameWords: Uint32Array = new Uint32Array(1024);
  private ends: Uint32Array = new Uint32Array(128);
  private count = 1;
  private slots: Uint32Array | undefined;

  get length(): number {
    return this.count;
  }

  /** The index of the stack whose frames are `frames[0..length)`, added if it is new. */
  intern(frames: Uint32Array, length: number): number {
    if (length === 0) return 0;
    let { slots } = this;
    if (slots === undefined || this.count * 2 > slots.length) slots = this.rehash();
    const mask = slots.length - 1;
    let slot = hashWords(frames, 0, length) & mask;
    for (;;) {
      const found = slots[slot]!;
      if (found === 0) break;
      if (this.equals(found, frames, length)) return found;
      slot = (slot + 1) & mask;
    }
    const id = this.add(frames, length);
    slots[slot] = id;
    return id;
  }

  /** The frames of a stack (indexes of call sites, innermost first). */
  frames(id: number): Uint32Array {
    return id === 0
      ? this.frameWords.subarray(0, 0)
      : this.frameWords.subarray(this.ends[id - 1]!, this.ends[id]!);
  }

  /** The stacks from index `from` on, each as its length and its frames, as a copy. */
  since(from: number): Uint32Array<ArrayBuffer> {
    const start = this.ends[from - 1]!;
    const flat = new Uint32Array(this.ends[this.count - 1]! - start + this.count - from);
    let at = 0;
    for (let id = from; id < this.count; id++) {
      const frames = this.frames(id);
      flat[at++] = frames.length;
      flat.set(frames, at);
      at += frames.length;
    }
    return flat;
  }

  /** Appends what another table of the same history has learned (see `since`). */
  append(flat: Uint32Array): void {
    for (let at = 0; at < flat.length; ) {
      const length = flat[at++]!;
      this.add(flat.subarray(at, at + length), length);
      at += length;
    }
    this.slots = undefined;
  }

  private add(frames: Uint32Array, length: number): number {
    const id = this.count++;
    const start = this.ends[id - 1]!;
    this.frameWords = ensureLength(this.frameWords, start + length);
    for (let i = 0; i < length; i++) this.frameWords[start + i] = frames[i]!;
    this.ends = ensureLength(this.ends, this.count);
    this.ends[id] = start + length;
    return id;
  }

  private equals(id: number, frames: Uint32Array, length: number): boolean {
    const start = this.ends[id - 1]!;
    if (this.ends[id]! - start !== length) return false;
    for (let i = 0; i < length; i++) if (this.frameWords[start + i] !== frames[i]) return false;
    return true;
  }

  private rehash(): Uint32Array {
    const slots = new Uint32Array(2 ** Math.ceil(Math.log2(this.count * 4 + 64)));
    const mask = slots.length - 1;
    for (let id = 1; id < this.count; id++) {
      const start = this.ends[id - 1]!;
      let slot = hashWords(this.frameWords, start, this.ends[id]! - start) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.slots = slots;
    return slots;
  }
}
