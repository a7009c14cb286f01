// Byte strings, each kept once and named by its index. Text that repeats on every line of a trace
// (task names, the fields of a call) is looked up by its bytes and becomes a string only once.
// Hashing and comparing go several bytes at a time; a hash only says where to look, bytes decide.

import { ensureLength } from './growable.ts';

/** Index 0 is the empty string. */
export class ByteTable {
  private bytes: Uint8Array = new Uint8Array(4096);
  private view: DataView = new DataView(this.bytes.buffer);
  private ends: Uint32Array = new Uint32Array(256);
  private count = 1;
  private hashes: Int32Array = new Int32Array(256);
  private slots: Uint32Array = new Uint32Array(512);
  /** The array that was looked into last, and the same bytes as words. */
  private source: Uint8Array = this.bytes;
  private sourceView: DataView = this.view;

  get length(): number {
    return this.count;
  }

  /** The index of bytes [from, to) of `source`, added if they are new. */
  intern(source: Uint8Array, from: number, to: number): number {
    if (from >= to) return 0;
    if (source !== this.source) this.look(source);
    const hash = hashWords(this.sourceView, from, to);
    const slot = this.slotOf(from, to, hash);
    const found = this.slots[slot]!;
    return found === 0 ? this.add(source, from, to, hash, slot) : found;
  }

  /** The index of bytes [from, to) of `source`, or -1 where they were not interned. */
  find(source: Uint8Array, from: number, to: number): number {
    if (from >= to) return 0;
    if (source !== this.source) this.look(source);
    const found = this.slots[this.slotOf(from, to, hashWords(this.sourceView, from, to))]!;
    return found === 0 ? -1 : found;
  }

  /** True where the bytes of `index` are at `from` in `source`. */
  startsAt(index: number, source: Uint8Array, from: number): boolean {
    if (source !== this.source) this.look(source);
    const to = from + this.lengthOf(index);
    return to <= source.length && this.equals(index, from, to);
  }

  /** Bytes of an index. */
  lengthOf(index: number): number {
    return index === 0 ? 0 : this.ends[index]! - this.ends[index - 1]!;
  }

  /** The bytes of an index; valid until the next `intern`. */
  get(index: number): Uint8Array {
    return this.bytes.subarray(index === 0 ? 0 : this.ends[index - 1]!, this.ends[index]!);
  }

  private look(source: Uint8Array): void {
    this.source = source;
    this.sourceView = new DataView(source.buffer, source.byteOffset, source.byteLength);
  }

  /** The slot of these bytes of the source, or the free one where they belong. */
  private slotOf(from: number, to: number, hash: number): number {
    const { slots, hashes } = this;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const found = slots[slot]!;
      if (found === 0) return slot;
      if (
        hashes[found] === hash &&
        this.ends[found]! - this.ends[found - 1]! === to - from &&
        this.equals(found, from, to)
      ) {
        return slot;
      }
      slot = (slot + 1) & mask;
    }
  }

  /** Compares with bytes of the source, which are as many; eight at a time, as doubles. */
  private equals(index: number, from: number, to: number): boolean {
    if (index === 0) return true;
    const { view, sourceView } = this;
    let at = this.ends[index - 1]!;
    let i = from;
    for (const last = to - 8; i <= last; i += 8, at += 8) {
      const eight = view.getFloat64(at, true);
      // Equal doubles other than zero are equal bytes; a NaN equals nothing.
      if (eight !== sourceView.getFloat64(i, true) || eight === 0) break;
    }
    for (const last = to - 4; i <= last; i += 4, at += 4) {
      if (view.getInt32(at, true) !== sourceView.getInt32(i, true)) return false;
    }
    for (; i < to; i++) if (view.getUint8(at++) !== sourceView.getUint8(i)) return false;
    return true;
  }

  private add(source: Uint8Array, from: number, to: number, hash: number, slot: number): number {
    const index = this.count++;
    const start = this.ends[index - 1]!;
    const end = start + (to - from);
    if (end > this.bytes.length) {
      this.bytes = ensureLength(this.bytes, end);
      this.view = new DataView(this.bytes.buffer);
    }
    this.bytes.set(source.subarray(from, to), start);
    this.ends = ensureLength(this.ends, this.count);
    this.hashes = ensureLength(this.hashes, this.count);
    this.ends[index] = end;
    this.hashes[index] = hash;
    this.slots[slot] = index;
    if (this.count * 2 > this.slots.length) this.rehash();
    return index;
  }

  private rehash(): void {
    const slots = new Uint32Array(this.slots.length * 2);
    const mask = slots.length - 1;
    for (let index = 1; index < this.count; index++) {
      let slot = this.hashes[index]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index;
    }
    this.slots = slots;
  }
}

/** A hash of bytes [from, to), in two lanes that do not wait for each other. */
function hashWords(view: DataView, from: number, to: number): number {
  let a = 0x811c9dc5 ^ (to - from);
  let b = 0x85ebca6b;
  let i = from;
  for (const last = to - 8; i <= last; i += 8) {
    a = Math.imul(a ^ view.getInt32(i, true), 0x9e3779b1);
    b = Math.imul(b ^ view.getInt32(i + 4, true), 0x01000193);
    a ^= a >>> 15;
    b ^= b >>> 13;
  }
  if (i + 4 <= to) {
    a = Math.imul(a ^ view.getInt32(i, true), 0x9e3779b1);
    a ^= a >>> 15;
    i += 4;
  }
  for (; i < to; i++) b = Math.imul(b ^ view.getUint8(i), 0x01000193);
  a = Math.imul(a ^ b ^ (b >>> 15), 0xc2b2ae35);
  return a ^ (a >>> 16);
}
