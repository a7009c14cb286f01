// A memory image → its words and bytes by physical address, with the pages used last at hand.
// Long reads go past the cache, straight into the caller's bytes; single words (page tables, struct
// fields) come out of it without a copy or an allocation. What is missing is never given as zero.

import { PAGE_SIZE } from '../../base/address.ts';
import type { PhysicalImage } from '../image/physical-image.ts';

/** Pages at hand at most; of a small image, about as many as it has. */
const MOST_SLOTS = 4096;
const PAGE_WORDS: number = PAGE_SIZE / 4;
/** From here on a read of its own is cheaper than the pages of the cache. */
const LONG_READ = 2 * PAGE_SIZE;

/** A stretch of physical memory that the image holds. */
export interface PhysicalRange {
  readonly start: number;
  readonly length: number;
}

export class PhysicalMemory {
  /** The cached pages; `word()` says where in here. */
  readonly words: Uint32Array;
  private readonly image: PhysicalImage;
  private readonly bytes: Uint8Array;
  /** The slot of a page is its number by this mask. */
  private readonly mask: number;
  /** The page in each slot, and which of its bytes are there. */
  private readonly pages: Float64Array;
  private readonly from: Uint16Array;
  private readonly to: Uint16Array;

  constructor(image: PhysicalImage) {
    const slots = slotsFor(image);
    this.image = image;
    this.words = new Uint32Array(slots * PAGE_WORDS);
    this.bytes = new Uint8Array(this.words.buffer);
    this.mask = slots - 1;
    this.pages = new Float64Array(slots).fill(-1);
    this.from = new Uint16Array(slots);
    this.to = new Uint16Array(slots);
  }

  /** Every stretch that is there, in the order of the addresses. */
  *ranges(): Generator<PhysicalRange> {
    const { image } = this;
    for (let at = image.nextPresent(0); at >= 0; ) {
      const start = at;
      for (let n = image.presentFrom(at); n > 0; n = image.presentFrom(at)) at += n;
      yield { start, length: at - start };
      at = image.nextPresent(at);
    }
  }

  /** Bytes that are there from `paddr` on without a gap, at most `most`; 0: missing. */
  presentFrom(paddr: number, most: number): number {
    let done = 0;
    while (done < most) {
      const n = this.image.presentFrom(paddr + done);
      if (n === 0) break;
      done += n;
    }
    return Math.min(done, most);
  }

  /** The first address at or after `paddr` that is there, or -1. */
  nextPresent(paddr: number): number {
    return this.image.nextPresent(paddr);
  }

  /** Fills `target` from `paddr`; false where any of it is missing (`target` is then spoilt). */
  read(paddr: number, target: Uint8Array): boolean {
    return this.readSome(paddr, target) === target.length;
  }

  /** Reads up to the first byte that is missing; returns how many. */
  readSome(paddr: number, target: Uint8Array): number {
    if (target.length >= LONG_READ) return this.image.read(paddr, target);
    let done = 0;
    while (done < target.length) {
      const page = Math.floor((paddr + done) / PAGE_SIZE);
      const at = paddr + done - page * PAGE_SIZE;
      const slot = this.slotOf(page, at);
      if (slot < 0) break;
      const n = Math.min(this.to[slot]! - at, target.length - done);
      const from = slot * PAGE_SIZE + at;
      target.set(this.bytes.subarray(from, from + n), done);
      done += n;
    }
    return done;
  }

  /**
   * Where in `words` the 64-bit word at `paddr` (a multiple of 4) is, low half first; -1 where it
   * is missing. Holds until the next call that reads.
   */
  word(paddr: number): number {
    const page = Math.floor(paddr / PAGE_SIZE);
    const at = paddr - page * PAGE_SIZE;
    const slot = this.slotOf(page, at);
    return slot < 0 || at + 8 > this.to[slot]! ? -1 : slot * PAGE_WORDS + (at >>> 2);
  }

  /** The slot with the byte at `at` of a page, or -1 where it is missing. */
  private slotOf(page: number, at: number): number {
    const slot = page & this.mask;
    if (this.pages[slot] === page && at >= this.from[slot]! && at < this.to[slot]!) return slot;
    return this.load(page, at, slot);
  }

  /** Loads what is there of a page around one of its bytes: images may cut through a page. */
  private load(page: number, at: number, slot: number): number {
    const start = page * PAGE_SIZE;
    // A page that was found damaged is kept as one without bytes.
    if (this.pages[slot] === page && this.to[slot] === 0) return -1;
    if (this.image.presentFrom(start + at) === 0) return -1;
    let from = at;
    if (this.presentFrom(start, at) === at) from = 0;
    const base = slot * PAGE_SIZE;
    const into = this.bytes.subarray(base + from, base + PAGE_SIZE);
    const n = this.image.read(start + from, into);
    this.pages[slot] = page;
    this.from[slot] = from;
    this.to[slot] = n === 0 ? 0 : from + n;
    return from + n <= at ? -1 : slot;
  }
}

/** A power of two, of the pages that an image holds or may hold. */
function slotsFor(image: PhysicalImage): number {
  let pages = 0;
  for (let at = image.nextPresent(0); at >= 0 && pages < MOST_SLOTS; ) {
    const length = image.presentFrom(at);
    pages += Math.ceil(length / PAGE_SIZE) + 1; // a stretch may begin inside a page
    at = image.nextPresent(at + length);
  }
  return Math.min(2 ** Math.ceil(Math.log2(Math.max(pages, 16))), MOST_SLOTS);
}
