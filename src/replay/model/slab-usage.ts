// What the caches of a model take and what was requested, now and when slab memory was highest.

import { type Column, column } from '../../kernel/column.ts';
import type { Cache } from '../../kernel/indices.ts';

/** A figure of each cache. */
export class UsageColumn {
  readonly now: Column<Cache, Float64Array>;
  private readonly atPeak: Column<Cache, Float64Array>;
  /** The peak for which `atPeak` was kept; another: `now` has not changed since the latest one. */
  private readonly keptFor: Column<Cache, Float64Array>;

  constructor(caches: number) {
    this.now = column(new Float64Array(caches));
    this.atPeak = column(new Float64Array(caches));
    this.keptFor = column(new Float64Array(caches));
  }

  add(cache: Cache, change: number, peak: number): void {
    if (this.keptFor[cache] !== peak) {
      this.keptFor[cache] = peak;
      this.atPeak[cache] = this.now[cache];
    }
    this.now[cache] = this.now[cache] + change;
  }

  /** At the peak of number `peak`, the latest. */
  ofPeak(cache: Cache, peak: number): number {
    return (this.keptFor[cache] === peak ? this.atPeak : this.now)[cache];
  }
}

export class SlabUsage {
  /** Of all slabs and of page-backed kmalloc. */
  bytes: number = 0;
  peakBytes: number = 0;
  /** As `EventBatch.ts`. */
  peakTs: number = 0;
  /** Bytes of slabs. */
  readonly slabBytes: UsageColumn;
  readonly objects: UsageColumn;
  /** Requested bytes of the allocated objects. */
  readonly requested: UsageColumn;
  /** Grows with each new peak. */
  private peak = 0;
  private isHigher = false;

  constructor(caches: number) {
    this.slabBytes = new UsageColumn(caches);
    this.objects = new UsageColumn(caches);
    this.requested = new UsageColumn(caches);
  }

  /** Pages come or, negative, go. */
  changePages(cache: Cache, bytes: number): void {
    this.slabBytes.add(cache, bytes, this.peak);
    this.bytes += bytes;
    this.isHigher = this.bytes > this.peakBytes;
  }

  allocated(cache: Cache, bytesReq: number, ts: number): void {
    this.objects.add(cache, 1, this.peak);
    this.requested.add(cache, bytesReq, this.peak);
    if (!this.isHigher) return;
    this.isHigher = false;
    this.peakBytes = this.bytes;
    this.peakTs = ts;
    this.peak++;
  }

  freed(cache: Cache, bytesReq: number): void {
    this.objects.add(cache, -1, this.peak);
    this.requested.add(cache, -bytesReq, this.peak);
  }

  /** What a cache had when slab memory was highest. */
  ofPeak(cache: Cache): { slabBytes: number; objects: number; requested: number } {
    return {
      slabBytes: this.slabBytes.ofPeak(cache, this.peak),
      objects: this.objects.ofPeak(cache, this.peak),
      requested: this.requested.ofPeak(cache, this.peak),
    };
  }
}
