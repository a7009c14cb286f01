// A plan's ranges → the references in them: every aligned 64-bit word that points into an object,
// interior pointers too (scan_block() of mm/kmemleak.c).
// Memory is read in windows in the order of the addresses; what the image lacks is counted.

import { addHi, addLo, distance } from '../address.ts';
import type { AddressSpace } from '../address-space.ts';
import type { ObjectIndex } from './object-index.ts';
import { isStructPages, type ScanPlan } from './scan-plan.ts';

const WINDOW = 1024 * 1024;
/** Ranges further apart than this are read apart. */
const MAX_GAP = 16 * 1024;
const PAGE = 4096;
const WORD = 8;

/** Takes what a scan finds; of `source` as in a plan. */
export interface ReferenceSink {
  /** A word at (hi, lo) that points into an object, perhaps into the one it is in itself. */
  add(source: number, target: number, hi: number, lo: number): void;
  addBytes(source: number, bytes: number): void;
  missing: number;
}

/** Where _refcount stands in a struct page, and how large that is. */
export interface PageFields {
  readonly size: number;
  readonly refcount: number;
}

export class MemoryScan {
  private readonly space: AddressSpace;
  private readonly plan: ScanPlan;
  private readonly index: ObjectIndex;
  private readonly pages: PageFields;
  private readonly sink: ReferenceSink;
  private readonly words: Uint32Array = new Uint32Array((WINDOW + PAGE) / 4);
  private readonly bytes: Uint8Array = new Uint8Array(this.words.buffer);
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
    this.sink.addBytes(source, there);
    this.sink.missing += length - there;
  }

  /** Only pages in use: _refcount is not 0. */
  private structPages(first: number, end: number, source: number): void {
    const { size, refcount } = this.pages;
    const step = size / 4;
    for (let at = first; at + step <= end; at += step) {
      if (this.words[at + refcount / 4] !== 0) this.scan(at, at + step, source);
    }
  }

  /** @param first index into `words`, of the low half of a 64-bit word */
  private scan(first: number, end: number, source: number): void {
    const { words, index } = this;
    const { minHi, maxHi, minOffsetHi, maxOffsetHi } = index;
    for (let at = first; at < end; at += 2) {
      const hi = words[at + 1]!;
      if (hi < minHi ? hi < minOffsetHi || hi > maxOffsetHi : hi > maxHi) continue;
      const target = index.find(hi, words[at]!);
      if (target < 0) continue;
      const { baseHi, baseLo } = this;
      this.sink.add(source, target, addHi(baseHi, baseLo, at * 4), addLo(baseLo, at * 4));
    }
  }
}
