// An address → the object it points into (lookup_object() of mm/kmemleak.c, alias = 1: anywhere in
// [pointer, pointer + size)). A hash table over the pages that objects are on leads to the first
// object of the page; where a page has several, one number for each 128 bytes of it (in the same entry)
// leads on to the last one that begins before them. Shared memory, as the objects are.

import { addHi, addLo, distance, pageNumber, TWO_32 } from '../../base/address.ts';
import type { ObjectColumns } from './object-list.ts';

/**
 * 32-bit words of an entry: the low half of the page's number; its high half (20 bits) and above it
 * how many objects touch the page (1 to 513); the first of them; one unused; then a half-word for each
 * line. What is needed of an entry is side by side, so that it comes from memory in one go.
 */
const STRIDE = 20;
const LINES_AT = 4;
const HI_BITS = 20;
const HI_MASK: number = 2 ** HI_BITS - 1;
/** Lines of a page, and the bits of an address within one. */
const LINES = 32;
const LINE_BITS = 7;
/** An object in one word: where it begins in its page (12 bits), its size above (20 bits). */
const PAGE = 4096;
const START_MASK: number = PAGE - 1;
const SIZE_SHIFT = 12;
/** Sizes from here on do not fit there. */
const LARGE = 2 ** 20 - 1;
/** Of an object on more pages than this only the first and the last have entries. */
const LARGE_PAGES = 16;

/** High halves from here on are the kernel's half; below are per-CPU offsets. */
const KERNEL_HI = 0xff000000;

/** Plain data, for every thread. */
export interface ObjectPages {
  /** Entries. A line's half-word: the last object that begins at or before it, from the page's first. */
  readonly words: Uint32Array;
  /** Objects on many pages, in order: what has no entry is looked for among them. */
  readonly large: Uint32Array;
  /** By object: start and size. */
  readonly places: Uint32Array;
  readonly shift: number;
  /**
   * High halves of objects: lowest and highest of the kernel's half, then of per-CPU offsets; then the
   * lowest and highest low half of offsets below 4 GiB.
   */
  readonly ranges: Uint32Array;
}

function hashPage(pageLo: number, pageHi: number, shift: number): number {
  return Math.imul(pageLo ^ Math.imul(pageHi, 0x85ebca6b), 0x9e3779b1) >>> shift;
}

export function indexObjects(objects: ObjectColumns): ObjectPages {
  let pages = 0;
  eachPage(objects, () => {
    pages++;
  });
  const bits = Math.max(4, Math.ceil(Math.log2(pages * 2 + 1)));
  const shift = 32 - bits;
  const words = new Uint32Array(new SharedArrayBuffer(2 ** bits * STRIDE * 4));
  const lines = new Uint16Array(words.buffer);
  eachPage(objects, (page, first, count) => {
    const at = (insert(words, shift, page, first, count) + LINES_AT) * 2;
    if (count > 1) fillLines(lines.subarray(at, at + LINES), objects, page, first, count);
  });
  const large = largeObjects(objects);
  return { words, large, places: placesOf(objects), shift, ranges: highHalves(objects) };
}

function largeObjects({ count, size }: ObjectColumns): Uint32Array {
  const large: number[] = [];
  for (let i = 0; i < count; i++) if (size[i]! > LARGE_PAGES * PAGE) large.push(i);
  const shared = new Uint32Array(new SharedArrayBuffer(large.length * 4));
  shared.set(large);
  return shared;
}

function placesOf({ count, lo, size }: ObjectColumns): Uint32Array {
  const places = new Uint32Array(new SharedArrayBuffer(count * 4));
  for (let i = 0; i < count; i++) {
    places[i] = (lo[i]! & START_MASK) + Math.min(LARGE, size[i]!) * 2 ** SIZE_SHIFT;
  }
  return places;
}

/** Each page that objects touch, with the first of them and how many; in order. */
function eachPage(
  objects: ObjectColumns,
  visit: (page: number, first: number, count: number) => void,
): void {
  let page = -1;
  let first = 0;
  for (let i = 0; i < objects.count; i++) {
    const from = pageNumber(objects.hi[i]!, objects.lo[i]!);
    if (page >= 0 && from > page) visit(page, first, i - first);
    if (from > page) first = i;
    const bytes = objects.size[i]! - 1;
    const last = pageNumber(
      addHi(objects.hi[i]!, objects.lo[i]!, bytes),
      addLo(objects.lo[i]!, bytes),
    );
    // The page that the object begins on, then those it has to itself; the last may have more.
    const isLarge = objects.size[i]! > LARGE_PAGES * PAGE;
    for (page = from; page < last; page = isLarge ? last : page + 1) {
      visit(page, first, i + 1 - first);
      first = i;
    }
  }
  if (page >= 0) visit(page, first, objects.count - first);
}

/** Where the entry was put. */
function insert(
  words: Uint32Array,
  shift: number,
  page: number,
  first: number,
  count: number,
): number {
  const pageLo = page % TWO_32;
  const pageHi = Math.floor(page / TWO_32);
  const mask = 2 ** (32 - shift) - 1;
  let slot = hashPage(pageLo | 0, pageHi, shift);
  while (words[slot * STRIDE + 1] !== 0) slot = (slot + 1) & mask;
  const at = slot * STRIDE;
  words[at] = pageLo;
  words[at + 1] = pageHi + count * 2 ** HI_BITS;
  words[at + 2] = first;
  return at;
}

function fillLines(
  lines: Uint16Array,
  objects: ObjectColumns,
  page: number,
  first: number,
  count: number,
): void {
  let object = 0;
  for (let line = 0; line < LINES; line++) {
    while (object + 1 < count) {
      const i = first + object + 1;
      const within = objects.lo[i]! & START_MASK;
      // Only the first object may have begun on an earlier page.
      if (pageNumber(objects.hi[i]!, objects.lo[i]!) !== page) break;
      if (within > line << LINE_BITS) break;
      object++;
    }
    lines[line] = object;
  }
}

function highHalves(objects: ObjectColumns): Uint32Array {
  const ranges = new Uint32Array(new SharedArrayBuffer(24));
  ranges.set([TWO_32 - 1, 0, TWO_32 - 1, 0, TWO_32 - 1, 0]);
  for (let i = 0; i < objects.count; i++) {
    const hi = objects.hi[i]!;
    const last = addHi(hi, objects.lo[i]!, objects.size[i]! - 1);
    const at = hi >= KERNEL_HI ? 0 : 2;
    ranges[at] = Math.min(ranges[at]!, hi);
    ranges[at + 1] = Math.max(ranges[at + 1]!, last);
    if (hi !== 0) continue;
    ranges[4] = Math.min(ranges[4]!, objects.lo[i]!);
    ranges[5] = last > 0 ? TWO_32 - 1 : Math.max(ranges[5]!, objects.lo[i]! + objects.size[i]! - 1);
  }
  return ranges;
}

/**
 * Looks objects up; every thread has its own over the same memory. Halves of addresses are taken as
 * signed 32-bit numbers, which is what the processor computes with: any others are slow here.
 */
export class ObjectIndex {
  readonly objects: ObjectColumns;
  /** Words whose high half is in neither range point to no object; unsigned, as the others. */
  readonly minHi: number;
  readonly maxHi: number;
  readonly minOffsetHi: number;
  readonly maxOffsetHi: number;
  readonly minOffsetLo: number;
  readonly maxOffsetLo: number;
  private readonly words: Int32Array;
  private readonly lines: Uint16Array;
  private readonly places: Int32Array;
  private readonly large: Uint32Array;
  private readonly shift: number;
  private readonly mask: number;

  constructor(objects: ObjectColumns, pages: ObjectPages) {
    this.objects = objects;
    this.words = new Int32Array(pages.words.buffer);
    this.lines = new Uint16Array(pages.words.buffer);
    this.places = new Int32Array(pages.places.buffer);
    this.large = pages.large;
    this.shift = pages.shift | 0;
    this.mask = (2 ** (32 - pages.shift) - 1) | 0;
    this.minHi = pages.ranges[0]!;
    this.maxHi = pages.ranges[1]!;
    this.minOffsetHi = pages.ranges[2]!;
    this.maxOffsetHi = pages.ranges[3]!;
    this.minOffsetLo = pages.ranges[4]!;
    this.maxOffsetLo = pages.ranges[5]!;
  }

  /** The object that holds an address, or -1. */
  find(hi: number, lo: number): number {
    const { words } = this;
    const at = this.entryOf((hi << HI_BITS) | (lo >>> 12), (hi >>> 12) | 0);
    if (at < 0) return this.inLarge(hi, lo);
    return this.among(words[at + 2]!, words[at + 1]! >>> HI_BITS, at, hi, lo);
  }

  /**
   * The same for many words at once: `targets[i]` is the object that the 64-bit word at `places[i]`
   * points into, -1 also for `self`. Half of all pointers lead to the page that the one before them
   * led to, and of those in objects every third into the object itself (heads of empty lists).
   * @param window its 32-bit words, low halves first
   * @param self the object that the words are in, or below 0
   */
  findAll(
    window: Int32Array,
    places: Int32Array,
    count: number,
    targets: Int32Array,
    self: number,
  ): void {
    const { words } = this;
    let pageLo = 0;
    let pageHi = -1;
    let first = 0;
    let objects = 0;
    let found = 0;
    // An object that reaches across 4 GiB is not known here: `add` of the sink sees to that.
    const selfHi = self < 0 ? 1 : this.objects.hi[self]! | 0;
    const selfLo = self < 0 ? 0 : this.objects.lo[self]! | 0;
    const selfSize = self < 0 ? 0 : this.objects.size[self]!;
    for (let i = 0; i < count; i++) {
      const at = places[i]!;
      const lo = window[at]!;
      const hi = window[at + 1]!;
      if (hi === selfHi && (lo - selfLo) >>> 0 < selfSize) {
        targets[i] = -1;
        continue;
      }
      const ownLo = (hi << HI_BITS) | (lo >>> 12);
      const ownHi = (hi >>> 12) | 0;
      if (ownLo !== pageLo || ownHi !== pageHi) {
        pageLo = ownLo;
        pageHi = ownHi;
        const entry = this.entryOf(ownLo, ownHi);
        objects = 0;
        if (entry >= 0) {
          objects = words[entry + 1]! >>> HI_BITS;
          first = words[entry + 2]!;
          found = entry;
        }
      }
      targets[i] = objects === 0 ? this.inLarge(hi, lo) : this.among(first, objects, found, hi, lo);
    }
  }

  /** Where the entry of a page begins, or -1. The page's number, 52 bits, in two halves. */
  private entryOf(pageLo: number, pageHi: number): number {
    const { words, mask } = this;
    let slot = hashPage(pageLo, pageHi, this.shift);
    for (;;) {
      const at = slot * STRIDE;
      const hiAndCount = words[at + 1]!;
      if (hiAndCount === 0) return -1;
      if (words[at] === pageLo && (hiAndCount & HI_MASK) === pageHi) return at;
      slot = (slot + 1) & mask;
    }
  }

  /** Of `count` objects that touch the page from `first` on: the one that holds the address. */
  private among(first: number, count: number, entry: number, hi: number, lo: number): number {
    const { places } = this;
    const within = lo & START_MASK;
    let i = first;
    if (count > 1) {
      i += this.lines[(entry + LINES_AT) * 2 + (within >>> LINE_BITS)]!;
      // All but the first begin on this page.
      for (const end = first + count; i + 1 < end; i++) {
        if ((places[i + 1]! & START_MASK) > within) break;
      }
    }
    const place = places[i]!;
    const size = place >>> SIZE_SHIFT;
    const behind = within - (place & START_MASK);
    if (behind >= 0 && behind < size && i > first) return i;
    return i > first && size < LARGE ? -1 : this.inFirst(i, hi, lo);
  }

  /** The last large object that begins at or before the address, where it holds it; or -1. */
  private inLarge(hi: number, lo: number): number {
    const { large, objects } = this;
    let low = 0;
    let high = large.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      const i = large[mid]!;
      if (distance(hi >>> 0, lo >>> 0, objects.hi[i]!, objects.lo[i]!) >= 0) low = mid + 1;
      else high = mid;
    }
    return low === 0 ? -1 : this.inFirst(large[low - 1]!, hi, lo);
  }

  /** The first object of a page may begin before it. */
  private inFirst(i: number, hi: number, lo: number): number {
    const { objects } = this;
    const behind = distance(hi >>> 0, lo >>> 0, objects.hi[i]!, objects.lo[i]!);
    return behind >= 0 && behind < objects.size[i]! ? i : -1;
  }
}
