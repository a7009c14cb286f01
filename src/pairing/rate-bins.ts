// Allocations and frees of each call by intervals of time. Events come (nearly) in order of time, so
// counts are kept for the current interval only and written down when it ends.

import { UsageError } from '../base/errors.ts';
import { ensureLength } from '../base/growable.ts';
import { type Column, column } from '../kernel/column.ts';
import type { CallTable } from '../kernel/events/dictionary.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import type { Call, EventRow, Row } from '../kernel/indices.ts';
import type { PairedBatch } from './paired-batch.ts';

/** A quarter of a gigabyte. */
const MAX_ROWS = 10_000_000;

export class RateBins {
  /** One row for each call that was active in an interval; an interval may have several for one. */
  length: number = 0;
  /** Number of the interval, counted from time 0 of `EventBatch.ts`; may be negative. */
  bin: Column<Row, Float64Array> = column(new Float64Array(1024));
  call: Column<Row, Uint32Array, Call> = column(new Uint32Array(1024));
  allocs: Column<Row, Int32Array> = column(new Int32Array(1024));
  /** Frees of objects that the call allocated. */
  frees: Column<Row, Int32Array> = column(new Int32Array(1024));
  readonly interval: number;
  private readonly calls: CallTable;
  private current = 0;
  private touched: Call[] = [];
  private isTouched: Column<Call, Uint8Array> = column(new Uint8Array(0));
  private nowAllocs: Column<Call, Int32Array> = column(new Int32Array(0));
  private nowFrees: Column<Call, Int32Array> = column(new Int32Array(0));

  /** @param interval length of an interval, in the unit of `EventBatch.ts` */
  constructor(calls: CallTable, interval: number) {
    this.calls = calls;
    this.interval = interval;
  }

  add(batch: EventBatch, paired: PairedBatch): void {
    if (this.calls.length > this.nowAllocs.length) {
      this.nowAllocs = ensureLength(this.nowAllocs, this.calls.length * 2);
      this.nowFrees = ensureLength(this.nowFrees, this.nowAllocs.length);
      this.isTouched = ensureLength(this.isTouched, this.nowAllocs.length);
    }
    const { born, renamed, freed, objectCall } = paired;
    for (let i: EventRow = 0; i < batch.length; i++) {
      const isAlloc = born[i] === 1 || renamed[i] === 1;
      if (!isAlloc && freed[i] === 0) continue;
      this.turnTo(Math.floor(batch.ts[i] / this.interval));
      if (isAlloc) this.nowAllocs[this.touch(batch.call[i])]++;
      if (renamed[i] === 1) this.nowAllocs[this.touch(objectCall[i])]--;
      if (freed[i] === 1) this.nowFrees[this.touch(objectCall[i])]++;
    }
  }

  /** Ends the interval that is open where another one comes. */
  private turnTo(bin: number): void {
    if (bin === this.current) return;
    this.flush();
    this.current = bin;
  }

  /** A call was active in this interval; returns it. */
  private touch(call: Call): Call {
    if (this.isTouched[call] === 0) {
      this.isTouched[call] = 1;
      this.touched.push(call);
    }
    return call;
  }

  /** Writes down the interval that is still open. */
  flush(): void {
    for (const call of this.touched) {
      const row: Row = this.length++;
      if (row >= MAX_ROWS) {
        throw new UsageError('the intervals are too short for this trace', {
          hint: 'Choose a longer --interval.',
        });
      }
      this.bin = ensureLength(this.bin, this.length);
      this.call = ensureLength(this.call, this.length);
      this.allocs = ensureLength(this.allocs, this.length);
      this.frees = ensureLength(this.frees, this.length);
      this.bin[row] = this.current;
      this.call[row] = call;
      this.allocs[row] = this.nowAllocs[call];
      this.frees[row] = this.nowFrees[call];
      this.nowAllocs[call] = 0;
      this.nowFrees[call] = 0;
      this.isTouched[call] = 0;
    }
    this.touched = [];
  }
}
