// When the total of live bytes was highest, and what everything counted had been then. A count that
// has not changed since the latest peak is the peak's; so each count is copied at most once a peak,
// when it changes for the first time after it.

import { ensureLength } from '../base/growable.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import type { EventRow } from '../kernel/indices.ts';

export class PeakClock {
  /** Grows with each new peak. */
  number: number = 0;
  bytes: number = 0;
  peakBytes: number = 0;
  /** As `EventBatch.ts`. */
  peakTs: number = 0;

  /** To be called when all counts of the allocation in row `i` have been changed. */
  add(bytes: number, batch: EventBatch, i: EventRow): void {
    this.bytes += bytes;
    if (this.bytes > this.peakBytes) {
      this.peakBytes = this.bytes;
      this.peakTs = batch.ts[i];
      this.number++;
    }
  }

  subtract(bytes: number): void {
    this.bytes -= bytes;
  }
}

/** Live objects of numbered things, now and at the latest peak. */
export class PeakCounts {
  /** Now, by number. */
  now: Float64Array = new Float64Array(0);
  private atPeak: Float64Array = new Float64Array(0);
  /** The peak since which the count of `atPeak` was kept; another: `now` has not changed since. */
  private keptFor: Float64Array = new Float64Array(0);
  private readonly peak: PeakClock;

  constructor(peak: PeakClock) {
    this.peak = peak;
  }

  /** Makes room for numbers below `length`. */
  reserve(length: number): void {
    this.now = ensureLength(this.now, length);
    this.atPeak = ensureLength(this.atPeak, length);
    this.keptFor = ensureLength(this.keptFor, length);
  }

  born(i: number): void {
    this.keep(i);
    this.now[i]!++;
  }

  gone(i: number): void {
    this.keep(i);
    this.now[i]!--;
  }

  /** The object that was just born as one of `from` is, and was from the start, one of `to`. */
  move(from: number, to: number): void {
    const wasAtPeak = this.keptFor[from] !== this.peak.number;
    if (!wasAtPeak) this.keep(to);
    else if (this.keptFor[to] === this.peak.number) this.atPeak[to]!++;
    this.now[from]!--;
    this.now[to]!++;
  }

  /** What was live at the latest peak. */
  ofPeak(i: number): number {
    return (this.keptFor[i] === this.peak.number ? this.atPeak : this.now)[i] ?? 0;
  }

  private keep(i: number): void {
    if (this.keptFor[i] === this.peak.number) return;
    this.keptFor[i] = this.peak.number;
    this.atPeak[i] = this.now[i]!;
  }
}
