// The pages of one CPU's ring buffer as a stream of records, in the order in which the CPU wrote them.

import { present } from '../../base/assert.ts';
import type { TraceStats } from '../../kernel/events/trace-stats.ts';
import type { EventFields } from '../events/event-fields.ts';
import type { TimedStream } from '../events/time-order.ts';
import type { CpuLosses } from './cpu-stats.ts';
import { type ByteLayout, cutPage, PageRecords, pageTimestamp, type TimeOrigin } from './page.ts';
import { pageDigest, SeenPages } from './seen-pages.ts';

/** Gives the pages of one CPU from front to back. */
export interface PageSource {
  /**
   * A view of the next pages (a whole number of them) and where in the file they lie,
   * or undefined at the end. The view is valid until the next call.
   */
  next(): { readonly view: DataView; readonly position: number } | undefined;
  /** How much was given, 0 to 1. */
  readonly progress: number;
  /** True where pages are missing before what `next` gave last, or at the end before its time. */
  readonly broken: boolean;
  /** A place as messages name it: 'byte 4096', with the file where there are several. */
  place(position: number): string;
}

/** How times of the pages become times of events: those since the origin, floor(t * scale + offset). */
export interface TimeScale {
  readonly origin: TimeOrigin;
  readonly scale: number;
  readonly offset: number;
}

export class CpuStream implements TimedStream {
  readonly cpu: number;
  /** Time stamp of the first page; undefined where the CPU has none. */
  readonly firstStamp: TimeOrigin | undefined = undefined;
  private readonly pages: PageSource;
  private readonly layout: ByteLayout;
  private readonly stats: TraceStats;
  private readonly losses: CpuLosses | undefined;
  private readonly records = new PageRecords();
  private chunk: { readonly view: DataView; readonly position: number } | undefined;
  /** Offset in the chunk of the page after the one in `records`. */
  private nextPage = 0;
  private index = 0;
  /** Events lost before the record at `index`, still to be told; -1: an unknown number. */
  private missed = 0;
  /** Events that the pages say were lost. */
  private told = 0;
  /** True where records before the one at `index` could not be read. */
  private gap = false;
  /** Time of the last record of the page before, unscaled. */
  private lastTime = -Infinity;
  private readonly seen = new SeenPages();
  private time: TimeScale = { origin: { lo: 0, hi: 0 }, scale: 1, offset: 0 };
  private fields: EventFields | undefined;

  /** @param losses what the tracer counted as lost on this CPU, where that is known */
  constructor(
    cpu: number,
    pages: PageSource,
    layout: ByteLayout,
    stats: TraceStats,
    losses?: CpuLosses,
  ) {
    this.cpu = cpu;
    this.pages = pages;
    this.layout = layout;
    this.stats = stats;
    this.losses = losses;
    this.chunk = pages.next();
    this.gap = pages.broken;
    const view = this.chunk?.view;
    if (view !== undefined && view.byteLength >= 8)
      this.firstStamp = pageTimestamp(view, 0, layout);
  }

  /** Begins to cut; returns false where there is no record at all. */
  start(time: TimeScale, fields: EventFields): boolean {
    this.time = time;
    this.fields = fields;
    if (this.advancePage()) return true;
    this.countLosses();
    return false;
  }

  /** Cuts all pages and counts the records whose event id is `wanted`; instead of `start`. */
  count(wanted: (id: number) => boolean): number {
    const { records, layout } = this;
    let count = 0;
    while (this.advancePage()) {
      const { view } = present(this.chunk);
      for (let i = 0; i < records.length; i++) {
        if (records.size[i]! < 2) continue;
        if (wanted(view.getUint16(records.offset[i]!, layout.littleEndian))) count++;
      }
    }
    return count;
  }

  get progress(): number {
    return this.pages.progress;
  }

  get ts(): number {
    return this.records.ts[this.index]!;
  }

  run(bound: number, inclusive: boolean): boolean {
    const { records, cpu } = this;
    const fields = present(this.fields);
    const { view } = present(this.chunk);
    const { ts, offset, size, length } = records;
    let i = this.index;
    if (this.missed !== 0 || this.gap) this.tellLost(ts[i]!);
    do {
      fields.add(view, offset[i]!, size[i]!, ts[i]!, cpu);
      i++;
    } while (i < length && (ts[i]! < bound || (inclusive && ts[i] === bound)));
    this.index = i;
    if (i < length) return true;
    const last = ts[i - 1]!;
    if (this.advancePage()) return true;
    this.end(last);
    return false;
  }

  /** Cuts pages until one has records; false at the end. */
  private advancePage(): boolean {
    for (;;) {
      // What stands behind the damage of the page before is missing here.
      if (!this.records.intact) this.gap = true;
      if (this.chunk !== undefined && this.nextPage >= this.chunk.view.byteLength) {
        this.chunk = this.pages.next();
        this.nextPage = 0;
        if (this.pages.broken) this.gap = true;
      }
      if (this.chunk === undefined) {
        this.records.intact = true;
        return false;
      }
      cutPage(this.chunk.view, this.nextPage, this.layout, this.time.origin, this.records);
      if (this.records.missed !== 0) this.addMissed(this.records.missed);
      if (this.records.length > 0) this.judgePage(this.chunk.view);
      if (!this.records.intact) {
        this.stats.add('bad_page', 1, this.pages.place(this.chunk.position + this.nextPage));
      }
      this.nextPage += this.layout.pageSize;
      this.index = 0;
      if (this.records.length === 0) continue;
      this.scaleTimes();
      return true;
    }
  }

  /**
   * Empties a page that stands here for the second time, or has a time that no clock reaches. Times
   * that step back are no damage: a clock that is not in step with that of the other CPUs, or was set
   * (suspend, an unstable TSC), does that, and the order in which the CPU wrote is still true.
   */
  private judgePage(view: DataView): void {
    const { records, layout, nextPage, lastTime } = this;
    const first = records.ts[0]!;
    const last = records.ts[records.length - 1]!;
    const digest = pageDigest(view, nextPage, layout);
    if (Math.max(Math.abs(first), Math.abs(last)) > Number.MAX_SAFE_INTEGER) {
      records.length = 0;
      records.intact = false;
    } else if (first < lastTime && this.seen.has(first, digest)) {
      // Nothing is missing here: no gap.
      records.length = 0;
      this.stats.add('bad_page', 1, this.pages.place(present(this.chunk).position + nextPage));
    } else {
      this.seen.add(first, digest);
      this.lastTime = last;
    }
  }

  private scaleTimes(): void {
    const { scale, offset } = this.time;
    if (scale === 1 && offset === 0) return;
    const { ts, length } = this.records;
    for (let i = 0; i < length; i++) ts[i] = Math.floor(ts[i]! * scale + offset);
  }

  private addMissed(count: number): void {
    if (count > 0) this.told += count;
    this.missed = count > 0 && this.missed >= 0 ? this.missed + count : -1;
  }

  private tellLost(ts: number): void {
    const fields = present(this.fields);
    if (this.missed !== 0) fields.addLost(this.missed, ts, this.cpu);
    else fields.addGap(ts, this.cpu);
    this.missed = 0;
    this.gap = false;
  }

  /** Tells what was lost behind the last record. */
  private end(last: number): void {
    if (this.missed !== 0 || this.gap) this.tellLost(last);
    const dropped = this.losses?.dropped ?? 0;
    if (dropped > 0) this.fields?.addLost(dropped, last, this.cpu);
    this.countLosses(dropped);
  }

  /** Counts what the tracer counted beyond what the pages tell (whose sum it is, as a rule). */
  private countLosses(dropped = 0): void {
    if (this.losses === undefined) return;
    const rest = this.losses.overrun + this.losses.dropped - dropped - this.told;
    if (rest > 0) this.stats.add('lost_events', rest, `CPU ${this.cpu}`);
  }
}
