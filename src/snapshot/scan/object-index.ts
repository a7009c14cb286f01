// An address → the object it points into (lookup_object() of mm/kmemleak.c, alias = 1: anywhere in
// [pointer, pointer + size)). A hash table over the pages that objects lie on leads to the first
// object of the page; halving finds the one among them. Shared memory, as the objects are.

import { addHi, addLo, distance, pageNumber } from '../address.ts';
import type { ObjectColumns } from './object-list.ts';

const PAGE_BITS = 12;
/** 32-bit words of an entry: page (low and high half of its number), first object, objects. */
const STRIDE = 4;
const HALF = 2 ** 32;

/** Plain data, for every thread. */
export interface PageTableOfObjects {
  readonly words: Uint32Array;
  readonly shift: number;
  /** The high halves of objects lie in [loHi, hiHi] of one of two ranges. */
  readonly ranges: Uint32Array;
}

/** High halves from here on are the kernel's half; below lie per-CPU offsets. */
const KERNEL_HI = 0xff000000;

function hashPage(pageLo: number, pageHi: number, shift: number): number {
  return Math.imul(pageLo ^ Math.imul(pageHi, 0x85ebca6b), 0x9e3779b1) >>> shift;
}

/** @throws RangeError where objects lie on more than 2^27 pages (512 GiB) */
export function indexObjects(objects: ObjectColumns): PageTableOfObjects {
  let pages = 0;
  eachPage(objects, () => pages++);
  const bits = Math.max(4, Math.ceil(Math.log2(pages * 2 + 1)));
  if (bits > 28) throw new RangeError('objects on more pages than an index holds');
  const shift = 32 - bits;
  const words = new Uint32Array(new SharedArrayBuffer(2 ** bits * STRIDE * 4));
  const ranges = new Uint32Array(new SharedArrayBuffer(16));
  ranges.set([HALF - 1, 0, HALF - 1, 0]);
  eachPage(objects, (page, object) => insert(words, shift, page, object));
  for (let i = 0; i < objects.count; i++) {
    const hi = objects.hi[i]!;
    const last = addHi(hi, objects.lo[i]!, objects.size[i]! - 1);
    const at = hi >= KERNEL_HI ? 0 : 2;
    ranges[at] = Math.min(ranges[at]!, hi);
    ranges[at + 1] = Math.max(ranges[at + 1]!, last);
  }
  return { words, shift, ranges };
}

/** Each page that an object touches, in the order of the objects. */
function eachPage(objects: ObjectColumns, visit: (page: number, object: number) => void): void {
  for (let i = 0; i < objects.count; i++) {
    const hi = objects.hi[i]!;
    const lo = objects.lo[i]!;
    const bytes = objects.size[i]! - 1;
    const first = pageNumber(hi, lo);
    const last = pageNumber(addHi(hi, lo, bytes), addLo(lo, bytes));
    for (let page = first; page <= last; page++) visit(page, i);
  }
}

function insert(words: Uint32Array, shift: number, page: number, object: number): void {
  const pageLo = page % HALF;
  const pageHi = Math.floor(page / HALF);
  const mask = 2 ** (32 - shift) - 1;
  let slot = hashPage(pageLo | 0, pageHi, shift);
  for (;;) {
    const at = slot * STRIDE;
    if (words[at + 3] === 0) {
      words[at] = pageLo;
      words[at + 1] = pageHi;
      words[at + 2] = object;
      words[at + 3] = 1;
      return;
    }
    if (words[at] === pageLo && words[at + 1] === pageHi) {
      words[at + 3]!++;
      return;
    }
    slot = (slot + 1) & mask;
  }
}

/** Looks objects up; every thread has its own over the same memory. */
export class ObjectIndex {
  readonly objects: ObjectColumns;
  /** Words whose high half lies in neither range point to no object. */
  readonly minHi: number;
  readonly maxHi: number;
  readonly minOffsetHi: number;
  readonly maxOffsetHi: number;
  private readonly words: Uint32Array;
  private readonly shift: number;
  private readonly mask: number;

  constructor(objects: ObjectColumns, table: PageTableOfObjects) {
    this.objects = objects;
    this.words = table.words;
    this.shift = table.shift;
    this.mask = 2 ** (32 - table.shift) - 1;
    this.minHi = table.ranges[0]!;
    this.maxHi = table.ranges[1]!;
    this.minOffsetHi = table.ranges[2]!;
    this.maxOffsetHi = table.ranges[3]!;
  }

  /** The object that holds an address, or -1. */
  find(hi: number, lo: number): number {
    const { words, mask } = this;
    // The page's number, 52 bits, in two halves.
    const pageLo = ((hi << (32 - PAGE_BITS)) | (lo >>> PAGE_BITS)) >>> 0;
    const pageHi = hi >>> PAGE_BITS;
    let slot = hashPage(pageLo | 0, pageHi, this.shift);
    for (;;) {
      const at = slot * STRIDE;
      const count = words[at + 3]!;
      if (count === 0) return -1;
      if (words[at] === pageLo && words[at + 1] === pageHi) {
        return this.among(words[at + 2]!, count, hi, lo);
      }
      slot = (slot + 1) & mask;
    }
  }

  /** Of `count` objects that touch the page from `first` on: the one that holds the address. */
  private among(first: number, count: number, hi: number, lo: number): number {
    const { objects } = this;
    const starts = objects.lo;
    // All but the first begin on this page: their high half is the address's own.
    let low = first + 1;
    let high = first + count;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (starts[mid]! <= lo) low = mid + 1;
      else high = mid;
    }
    const i = low - 1;
    const behind = distance(hi, lo, objects.hi[i]!, starts[i]!);
    return behind >= 0 && behind < objects.size[i]! ? i : -1;
  }
}
