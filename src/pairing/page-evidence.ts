// What was seen last on each page of memory: which object size was allocated there, which cache a
// free named. A page belongs to one slab, a slab to one cache; so neighbours name each other's
// cache, and a page with objects of another size has left its old slab, with all that was on it. So
// has one that went back to the page allocator, where the trace has its events. Where only frees name
// caches (until 6.18), the names that a page had before are kept too: they tell the cache of what was
// allocated there in their time.

import { TWO_32 } from '../base/address.ts';
import { AddressMap } from '../base/address-map.ts';
import { ensureLength } from '../base/growable.ts';
import { type Column, column } from '../kernel/column.ts';
import type { Dictionary } from '../kernel/events/dictionary.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import { EVENT_KIND, isKmalloc } from '../kernel/events/event-kind.ts';
import type { EventRow, Row } from '../kernel/indices.ts';
import { DirectMap } from './direct-map.ts';
import { OUTCOME, type PairedBatch } from './paired-batch.ts';

/** The smallest page of any machine, 4 KiB; where pages are larger, each has several of these. */
const PAGE_SHIFT = 12;
const PAGE_BYTES = 2 ** PAGE_SHIFT;
/** kmalloc gives at most 4 MiB (KMALLOC_MAX_SIZE); more pages than that are not looked at. */
const MAX_PAGES_OF_OBJECT = 1024;

/** The low half of an address's page number, signed. */
function pageLow(lo: number, hi: number): number {
  return (lo >>> PAGE_SHIFT) | (hi << (32 - PAGE_SHIFT));
}

/** The number of the page, counted in pages of 4 KiB from address 0. */
function pageNumber(lo: number, hi: number): number {
  return hi * (TWO_32 / PAGE_BYTES) + (lo >>> PAGE_SHIFT);
}

export class PageEvidence {
  private readonly dictionary: Dictionary;
  private readonly pages = new AddressMap(4096);
  private count = 0;
  /** When something was last allocated on the page; -Infinity where only frees were seen. */
  private allocTs: Column<Row, Float64Array> = column(new Float64Array(0));
  /** `bytes_alloc` of what was allocated there last: the stride of its slab; 0 where nothing was. */
  private stride: Column<Row, Float64Array> = column(new Float64Array(0));
  /** Index into `strings` of the cache that a free or an allocation named last; 0 for none. */
  private cache: Column<Row> = column(new Uint32Array(0));
  private cacheTs: Column<Row, Float64Array> = column(new Float64Array(0));
  /** The last of its earlier names + 1, a row of `before`; 0 for none. */
  private earlier: Column<Row> = column(new Uint32Array(0));
  private readonly before = new EarlierNames();
  private namesAllocations = false;
  /** When the page allocator last took or gave the page; -Infinity where that was not seen. */
  private leftTs: Column<Row, Float64Array> = column(new Float64Array(0));
  private readonly directMap = new DirectMap();
  /** The page that was asked for last, often asked for again. */
  private lastLo = -1;
  private lastHi = -1;
  private lastRow = -1;

  constructor(dictionary: Dictionary) {
    this.dictionary = dictionary;
  }

  add(batch: EventBatch, paired: PairedBatch): void {
    const { calls } = this.dictionary;
    const { outcome } = paired;
    for (let i: EventRow = 0; i < batch.length; i++) {
      switch (outcome[i]) {
        case OUTCOME.alloc:
        case OUTCOME.allocOnLive: {
          if (this.directMap.isLearning) {
            const page = pageNumber(batch.ptrLo[i], batch.ptrHi[i]);
            this.directMap.objectAllocated(batch.cpu[i], batch.task[i], page);
          }
          this.allocated(batch, i);
          break;
        }
        case OUTCOME.free:
        case OUTCOME.freeUnknown:
        case OUTCOME.freeLate: {
          const call = batch.call[i];
          const cache = calls.cache(call);
          if (cache !== 0 && calls.kind(call) === EVENT_KIND.kmem_cache_free) {
            this.name(this.row(batch.ptrLo[i] | 0, batch.ptrHi[i] | 0), cache, batch.ts[i]);
          }
          break;
        }
        case OUTCOME.none:
          this.pagesMoved(batch, i);
          break;
      }
    }
  }

  /**
   * The cache that was named last on the page of an address (index into `strings`), 0 for none.
   * @param since leaves out names given before this time: the page may have had another slab then
   */
  cacheAt(lo: number, hi: number, since: number = -Infinity): number {
    const row = this.find(lo, hi);
    return row < 0 || this.cacheTs[row] < since ? 0 : this.cache[row];
  }

  /** As `cacheAt`, but only a name given after `ts`. */
  cacheAfter(lo: number, hi: number, ts: number): number {
    const row = this.find(lo, hi);
    return row < 0 || this.cacheTs[row] <= ts ? 0 : this.cache[row];
  }

  /** When the page of an address was last named; -Infinity where it has no name. */
  namedAt(lo: number, hi: number): number {
    const row = this.find(lo, hi);
    return row < 0 || this.cache[row] === 0 ? -Infinity : this.cacheTs[row];
  }

  /**
   * The first cache (index into `strings`) that was named on the page of an address at `ts` or after;
   * 0 for none. As long as nothing left the page unseen, it is that of what was allocated at `ts`.
   */
  cacheFrom(lo: number, hi: number, ts: number): number {
    const row = this.find(lo, hi);
    if (row < 0) return 0;
    let found = this.cache[row] !== 0 && this.cacheTs[row] >= ts ? this.cache[row] : 0;
    const { before } = this;
    for (let next = this.earlier[row]; next !== 0; ) {
      const at: Row = next - 1;
      if (before.ts[at] < ts) break;
      found = before.cache[at];
      next = before.earlier[at];
    }
    return found;
  }

  /**
   * True where the page of an address was given back after `ts`, or used for objects of another
   * stride: what was allocated there at `ts` is gone.
   */
  wasReused(lo: number, hi: number, ts: number, bytesAlloc: number): boolean {
    const row = this.find(lo, hi);
    if (row < 0) return false;
    return this.leftTs[row] > ts || (this.allocTs[row] > ts && this.stride[row] !== bytesAlloc);
  }

  /** Pages that the page allocator takes back or gives out hold no objects any more. */
  private pagesMoved(batch: EventBatch, i: EventRow): void {
    const call = batch.call[i];
    const kind = this.dictionary.calls.kind(call);
    if (kind !== EVENT_KIND.mm_page_alloc && kind !== EVENT_KIND.mm_page_free) return;
    const first = pageNumber(batch.ptrLo[i], batch.ptrHi[i]);
    const count = this.dictionary.calls.bytesAlloc(call) / PAGE_BYTES;
    if (kind === EVENT_KIND.mm_page_alloc) {
      this.directMap.pagesAllocated(batch.cpu[i], batch.task[i], first, count);
    }
    const { distance } = this.directMap;
    if (distance === undefined) return;
    for (let page = first + distance; page < first + distance + count; page++) {
      const row: Row = this.pages.get(page | 0, Math.floor(page / TWO_32));
      if (row < 0) continue;
      this.leftTs[row] = batch.ts[i];
      this.forgetName(row);
    }
  }

  private name(row: Row, cache: number, ts: number): void {
    if (this.cache[row] !== cache) this.forgetName(row);
    this.cache[row] = cache;
    this.cacheTs[row] = ts;
  }

  private forgetName(row: Row): void {
    const cache = this.cache[row];
    if (cache === 0) return;
    this.cache[row] = 0;
    if (this.namesAllocations) return; // then no event needs an earlier name
    this.earlier[row] = this.before.add(cache, this.cacheTs[row], this.earlier[row]);
  }

  private allocated(batch: EventBatch, i: EventRow): void {
    const { calls } = this.dictionary;
    const call = batch.call[i];
    const stride = calls.bytesAlloc(call);
    const row = this.row(batch.ptrLo[i] | 0, batch.ptrHi[i] | 0);
    if (this.stride[row] !== stride) {
      if (this.stride[row] !== 0) this.forgetName(row);
      this.stride[row] = stride;
    }
    this.allocTs[row] = batch.ts[i];
    const cache = calls.cache(call);
    if (cache !== 0) {
      this.namesAllocations = true;
      this.name(row, cache, batch.ts[i]);
    }
    if (stride > 2 * PAGE_BYTES && isKmalloc(calls.kind(call)))
      this.allocatedLarge(batch, i, stride);
  }

  /** Large kmalloc: all of its pages are its own. */
  private allocatedLarge(batch: EventBatch, i: EventRow, bytes: number): void {
    const pages = Math.min(bytes / PAGE_BYTES, MAX_PAGES_OF_OBJECT);
    for (let n = 1; n < pages; n++) {
      const sum = batch.ptrLo[i] + n * PAGE_BYTES;
      const row = this.row(sum | 0, batch.ptrHi[i] + (sum >= TWO_32 ? 1 : 0));
      if (this.stride[row] !== 0 && this.stride[row] !== bytes) this.forgetName(row);
      this.stride[row] = bytes;
      this.allocTs[row] = batch.ts[i];
    }
  }

  private row(lo: number, hi: number): Row {
    const found = this.find(lo, hi);
    return found < 0 ? this.create(pageLow(lo, hi), hi >>> PAGE_SHIFT) : found;
  }

  /** The row of an address's page, or -1. */
  private find(lo: number, hi: number): Row {
    const pageLo = pageLow(lo, hi);
    const pageHi = hi >>> PAGE_SHIFT;
    if (pageLo === this.lastLo && pageHi === this.lastHi) return this.lastRow;
    const row: Row = this.pages.get(pageLo, pageHi);
    if (row >= 0) {
      this.lastLo = pageLo;
      this.lastHi = pageHi;
      this.lastRow = row;
    }
    return row;
  }

  private create(pageLo: number, pageHi: number): Row {
    const row: Row = this.count++;
    this.pages.set(pageLo, pageHi, row);
    if (row >= this.allocTs.length) this.grow();
    this.allocTs[row] = -Infinity;
    this.leftTs[row] = -Infinity;
    return row;
  }

  private grow(): void {
    const length = Math.max(4096, this.count * 2);
    this.allocTs = ensureLength(this.allocTs, length);
    this.stride = ensureLength(this.stride, length);
    this.cache = ensureLength(this.cache, length);
    this.cacheTs = ensureLength(this.cacheTs, length);
    this.leftTs = ensureLength(this.leftTs, length);
    this.earlier = ensureLength(this.earlier, length);
  }
}

/** Names that pages do not have any more, as lists from the last one back. */
class EarlierNames {
  cache: Column<Row> = column(new Uint32Array(0));
  /** When the page was last named so. */
  ts: Column<Row, Float64Array> = column(new Float64Array(0));
  /** The name before + 1, 0 for none. */
  earlier: Column<Row> = column(new Uint32Array(0));
  private length = 0;

  /** @returns the new row + 1 */
  add(cache: number, ts: number, earlier: number): number {
    const row: Row = this.length++;
    if (row >= this.cache.length) {
      const length = Math.max(1024, this.length * 2);
      this.cache = ensureLength(this.cache, length);
      this.ts = ensureLength(this.ts, length);
      this.earlier = ensureLength(this.earlier, length);
    }
    this.cache[row] = cache;
    this.ts[row] = ts;
    this.earlier[row] = earlier;
    return row + 1;
  }
}
