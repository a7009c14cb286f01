// When events were lost: a loss on a CPU lasts from the event before it to the one that follows, which
// is where the tracer tells of it.

import { ensureLength } from '../base/growable.ts';
import { type Column, column } from '../kernel/column.ts';
import type { Row } from '../kernel/indices.ts';

export class LossSpans {
  length: Row = 0;
  private from: Column<Row, Float64Array> = column(new Float64Array(16));
  private to: Column<Row, Float64Array> = column(new Float64Array(16));

  /** Losses are told in order of their ends. */
  add(from: number, to: number): void {
    this.from = ensureLength(this.from, this.length + 1);
    this.to = ensureLength(this.to, this.length + 1);
    // One that began earlier covers those before it that ended after it began.
    let begin = from;
    while (this.length > 0 && this.to[this.length - 1]! >= begin) {
      begin = Math.min(begin, this.from[this.length - 1]!);
      this.length--;
    }
    this.from[this.length] = begin;
    this.to[this.length] = to;
    this.length++;
  }

  /** When the first loss began that lasted beyond `ts`; `ts` within one; Infinity where none did. */
  firstAfter(ts: number): number {
    let low: Row = 0;
    let high = this.length;
    while (low < high) {
      const middle: Row = (low + high) >>> 1;
      if (this.to[middle] >= ts) high = middle;
      else low = middle + 1;
    }
    return low === this.length ? Infinity : Math.max(ts, this.from[low]);
  }
}
