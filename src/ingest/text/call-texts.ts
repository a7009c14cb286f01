// What a line says about a call, with the pointer cut out of it → its entry. The text before the
// pointer (`kfree: call_site=ida_alloc_range+0x398/0x400 ptr=`) and the text behind it are looked up
// as bytes; so each distinct call of a trace is interpreted once.

import { AddressMap } from '../../base/address-map.ts';
import { ByteTable } from '../../base/byte-table.ts';
import { ensureLength } from '../../base/growable.ts';
import type { PointerText } from '../events/pointer-text.ts';
import type { TextCall } from './call-fields.ts';

/** Longer texts are interpreted each time: they are not the kernel's. */
const MAX_TEXT = 2048;
/** Texts of each kind after which all are forgotten: only a trace of garbage has so many. */
const MAX_TEXTS = 1 << 20;

/** CPUs whose calls are guessed: those of three digits. */
const CPUS = 1000;
const GUESS_BITS = 16;

const NEWLINE = 0x0a;

export class CallTexts {
  private heads = new ByteTable();
  private tails = new ByteTable();
  private entries = new AddressMap();
  /** By entry: index into Dictionary.calls, and NOTE bits. */
  calls: Uint32Array = new Uint32Array(256);
  notes: Uint8Array = new Uint8Array(256);
  private count = 0;
  /** The tail that a head had the last time, and their entry: nearly always the next one's too. */
  private lastTail: Int32Array = new Int32Array(256).fill(-1);
  private lastEntry: Uint32Array = new Uint32Array(256);
  /** Where the line ends whose entry `findTail` found. */
  lineEnd = 0;

  /** What each CPU called last, and before that: entries + 1. */
  private readonly last: Uint32Array = new Uint32Array(CPUS);
  private readonly before: Uint32Array = new Uint32Array(CPUS);
  /** What was called after two such calls the last time, by their hash: entry + 1. */
  private readonly next: Uint32Array = new Uint32Array(1 << GUESS_BITS);
  private headOf: Uint32Array = new Uint32Array(256);
  private tailOf: Uint32Array = new Uint32Array(256);

  /**
   * The entry of the text at `from`, if it is the one that followed last time; the pointer in it is
   * read into `pointer`. Else -1. The kernel repeats itself: five of six guesses are right, and a
   * right one is found out by comparing, without a search.
   */
  guess(cpu: number, bytes: Uint8Array, from: number, pointer: PointerText): number {
    const entry = this.next[this.slot(cpu)]! - 1;
    if (entry < 0) return -1;
    const head = this.headOf[entry]!;
    const { heads, tails } = this;
    if (!heads.startsAt(head, bytes, from)) return -1;
    if (!pointer.read(bytes, from + heads.lengthOf(head))) return -1;
    const tail = this.tailOf[entry]!;
    const end = pointer.end + tails.lengthOf(tail);
    if (bytes[end] !== NEWLINE || !tails.startsAt(tail, bytes, pointer.end)) return -1;
    this.lineEnd = end;
    return entry;
  }

  /** Takes note of a call, for the next guesses. */
  called(cpu: number, entry: number): void {
    this.next[this.slot(cpu)] = entry + 1;
    this.before[cpu] = this.last[cpu]!;
    this.last[cpu] = entry + 1;
  }

  private slot(cpu: number): number {
    const mixed = Math.imul(this.last[cpu]!, 0x9e3779b1) ^ Math.imul(this.before[cpu]!, 0x85ebca6b);
    return mixed >>> (32 - GUESS_BITS);
  }

  /** The text before a pointer as a number, or -1. */
  findHead(bytes: Uint8Array, from: number, to: number): number {
    return this.heads.find(bytes, from, to);
  }

  /** The entry of a head with the text from `from` to the end of the line, or -1. */
  findTail(head: number, bytes: Uint8Array, from: number): number {
    const tail = this.lastTail[head]!;
    if (tail >= 0) {
      const end = from + this.tails.lengthOf(tail);
      if (bytes[end] === NEWLINE && this.tails.startsAt(tail, bytes, from)) {
        this.lineEnd = end;
        return this.lastEntry[head]!;
      }
    }
    return this.findOther(head, bytes, from);
  }

  private findOther(head: number, bytes: Uint8Array, from: number): number {
    let end = from;
    while (bytes[end] !== NEWLINE) end++;
    const tail = this.tails.find(bytes, from, end);
    const entry = tail < 0 ? -1 : this.entries.get(head, tail);
    if (entry >= 0) {
      this.lastTail[head] = tail;
      this.lastEntry[head] = entry;
    }
    this.lineEnd = end;
    return entry;
  }

  /** Remembers what a text means: bytes [from, headEnd) and [tailFrom, to). */
  add(
    bytes: Uint8Array,
    from: number,
    headEnd: number,
    tailFrom: number,
    to: number,
    meaning: TextCall,
  ): void {
    if (headEnd - from > MAX_TEXT || to - tailFrom > MAX_TEXT) return;
    if (this.count >= MAX_TEXTS) this.forget();
    const head = this.heads.intern(bytes, from, headEnd);
    const tail = this.tails.intern(bytes, tailFrom, to);
    const entry = this.count++;
    this.entries.set(head, tail, entry);
    this.calls = ensureLength(this.calls, this.count);
    this.notes = ensureLength(this.notes, this.count);
    this.headOf = ensureLength(this.headOf, this.count);
    this.tailOf = ensureLength(this.tailOf, this.count);
    this.headOf[entry] = head;
    this.tailOf[entry] = tail;
    this.calls[entry] = meaning.call;
    this.notes[entry] = meaning.notes;
    const heads = this.lastTail.length;
    if (head >= heads) {
      this.lastTail = ensureLength(this.lastTail, head + 1).fill(-1, heads);
      this.lastEntry = ensureLength(this.lastEntry, head + 1);
    }
  }

  private forget(): void {
    this.heads = new ByteTable();
    this.tails = new ByteTable();
    this.entries = new AddressMap();
    this.lastTail.fill(-1);
    this.next.fill(0);
    this.count = 0;
  }
}
