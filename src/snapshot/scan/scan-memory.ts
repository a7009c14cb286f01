// A plan's ranges → the references in them: every aligned 64-bit word that points into an object,
// interior pointers too (scan_block() of mm/kmemleak.c).
// Memory is read in windows in the order of the addresses; what the image lacks is counted.

import { addHi, addLo, distance } from '../../base/address.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { ObjectIndex } from './object-index.ts';
import { createPointerFilter, type PointerFilter } from './pointer-filter.ts';
import { isStructPages, type ScanPlan } from './scan-plan.ts';

const WINDOW = 1024 * 1024;
/** Ranges further apart than this are read apart. */
const MAX_GAP = 16 * 1024;
const PAGE = 4096;
const WORD = 8;
/** 32-bit words that are looked at together. */
const GROUP = 8;

/** Takes what a scan finds; of `source` as in a plan. */
export interface ReferenceSink {
  /** A word that points into an object, perhaps into the one it is in itself. */
  add(source: number, target: number, place: WordPlace, at: number): void;
  /** Bytes of a range that were scanned, and those that the image does not have. */
  addBytes(source: number, bytes: number, missing: number): void;
}

/** Tells the address of a word of the window. */
interface WordPlace {
  hiOf(at: number): number;
  loOf(at: number): number;
}

/** Where _refcount is in a struct page, and how large that is. */
export interface PageFields {
  readonly size: number;
  readonly refcount: number;
}

export class MemoryScan implements WordPlace {
  private readonly space: AddressSpace;
  private readonly plan: ScanPlan;
  private readonly index: ObjectIndex;
  private readonly pages: PageFields;
  private readonly sink: ReferenceSink;
  private readonly filter: PointerFilter = createPointerFilter(WINDOW + PAGE);
  /** Signed, as the index takes them. */
  private readonly words: Int32Array = new Int32Array(this.filter.buffer, 0, (WINDOW + PAGE) / 4);
  private readonly hasOffsets: boolean;
  /** By place: the object that the word there points into, or -1. */
  private readonly targets: Int32Array = new Int32Array((WINDOW + PAGE) / WORD + 1);
  private readonly bytes: Uint8Array = new Uint8Array(this.filter.buffer, 0, WINDOW + PAGE);
  /** What the window has of its memory: offsets [from, to) in order. */
  private readonly from: number[] = [];
  private readonly to: number[] = [];
  /** The address of the window's first byte, a multiple of 8. */
  private baseHi = 0;
  private baseLo = 0;

  constructor(
    space: AddressSpace,
    plan: ScanPlan,
    index: ObjectIndex,
    pages: PageFields,
    sink: ReferenceSink,
  ) {
    this.space = space;
    this.plan = plan;
    this.index = index;
    this.hasOffsets = index.maxOffsetHi >= index.minOffsetHi;
    this.pages = pages;
    this.sink = sink;
  }

  /** Scans the ranges [first, end) of the plan. */
  run(first: number, end: number): void {
    const { hi, lo, length } = this.plan;
    for (let i = first; i < end; ) {
      if (length[i]! > WINDOW) {
        this.longRange(i++);
        continue;
      }
      let last = i;
      let bytes = length[i]!;
      while (last + 1 < end) {
        const start = distance(hi[last + 1]!, lo[last + 1]!, hi[i]!, lo[i]!);
        if (start - bytes > MAX_GAP || start + length[last + 1]! > WINDOW) break;
        bytes = Math.max(bytes, start + length[last + 1]!);
        last++;
      }
      this.load(hi[i]!, lo[i]!, bytes);
      for (; i <= last; i++) {
        const start = distance(hi[i]!, lo[i]!, this.baseHi, this.baseLo);
        this.range(start, length[i]!, this.plan.source[i]!);
      }
    }
  }

  hiOf(at: number): number {
    return addHi(this.baseHi, this.baseLo, at * 4);
  }

  loOf(at: number): number {
    return addLo(this.baseLo, at * 4);
  }

  private longRange(i: number): void {
    const { hi, lo, length, source } = this.plan;
    for (let done = 0; done < length[i]!; done += WINDOW) {
      const part = Math.min(WINDOW, length[i]! - done);
      this.load(addHi(hi[i]!, lo[i]!, done), addLo(lo[i]!, done), part);
      this.range(addLo(lo[i]!, done) % WORD, part, source[i]!);
    }
  }

  /** Reads a window of at most WINDOW bytes. */
  private load(hi: number, lo: number, bytes: number): void {
    const within = lo % WORD;
    this.baseHi = hi;
    this.baseLo = lo - within;
    this.from.length = 0;
    this.to.length = 0;
    if (this.space.read(hi, this.baseLo, this.bytes.subarray(0, bytes + within))) {
      this.there(0, bytes + within);
      return;
    }
    for (const run of this.space.runs(hi, this.baseLo, bytes + within)) {
      const at = distance(run.hi, run.lo, hi, this.baseLo);
      if (this.space.readRun(run, 0, this.bytes.subarray(at, at + run.length))) {
        this.there(at, at + run.length);
        continue;
      }
      // One page that cannot be read does not take its neighbours with it.
      for (let done = 0; done < run.length; ) {
        const n = Math.min(run.length - done, PAGE - ((run.lo + done) % PAGE));
        const part = this.bytes.subarray(at + done, at + done + n);
        if (this.space.readRun(run, done, part)) this.there(at + done, at + done + n);
        done += n;
      }
    }
  }

  private there(from: number, to: number): void {
    const last = this.to.length - 1;
    if (this.to[last] === from) this.to[last] = to;
    else {
      this.from.push(from);
      this.to.push(to);
    }
  }

  /** Scans what the window has of a range that begins `start` bytes into it. */
  private range(start: number, length: number, source: number): void {
    const end = start + length;
    let there = 0;
    for (let i = 0; i < this.from.length; i++) {
      const from = Math.max(start, this.from[i]!);
      const to = Math.min(end, this.to[i]!);
      if (from >= to) continue;
      there += to - from;
      const firstWord = Math.ceil(from / WORD) * 2;
      const endWord = Math.floor(to / WORD) * 2;
      if (isStructPages(source)) this.structPages(firstWord, endWord, source);
      else this.scan(firstWord, endWord, source);
    }
    this.sink.addBytes(source, there, length - there);
  }

  /** Only pages in use: _refcount is not 0. */
  private structPages(first: number, end: number, source: number): void {
    const { size, refcount } = this.pages;
    const step = size / 4;
    for (let at = first; at + step <= end; at += step) {
      if (this.words[at + refcount / 4] !== 0) this.scan(at, at + step, source);
    }
  }

  /**
   * Two passes: which words may be pointers at all (their high half says so), then what those few
   * point to.
   * @param first index into `words`, of the low half of a 64-bit word
   */
  private scan(first: number, end: number, source: number): void {
    const { index, sink, words, filter, targets } = this;
    const count = this.collect(first, end);
    const { places } = filter;
    index.findAll(words, places, count, targets, source);
    for (let i = 0; i < count; i++) {
      if (targets[i]! >= 0) sink.add(source, targets[i]!, this, places[i]!);
    }
  }

  /** Fills `filter.places`; the words behind the last group of four one by one. */
  private collect(first: number, end: number): number {
    const { index, filter, words } = this;
    const { minHi, maxHi, minOffsetHi, maxOffsetHi, minOffsetLo, maxOffsetLo } = index;
    const span = maxHi - minHi;
    const grouped = end - ((end - first) % GROUP);
    let count = this.hasOffsets
      ? filter.collectWithOffsets(
          first,
          grouped,
          minHi,
          span,
          minOffsetHi,
          maxOffsetHi - minOffsetHi,
          minOffsetLo,
          Math.max(0, maxOffsetLo - minOffsetLo),
        )
      : filter.collect(first, grouped, minHi, span);
    for (let at = grouped; at < end; at += 2) {
      const hi = words[at + 1]! >>> 0;
      const isPointer = hi >= minHi && hi <= maxHi;
      const lo = words[at]! >>> 0;
      const isOffset =
        hi >= minOffsetHi &&
        hi <= maxOffsetHi &&
        (hi > 0 || (lo >= minOffsetLo && lo <= maxOffsetLo));
      if (isPointer || isOffset) filter.places[count++] = at;
    }
    return count;
  }
}
