// What each task allocated by which calls, and what of it is live at the peak: one row for each task
// and call, so that bytes and caches can be told when the calls have names (task-totals.ts).

import { AddressMap } from '../base/address-map.ts';
import { ensureLength } from '../base/growable.ts';
import { type Column, column } from '../kernel/column.ts';
import type { CallTable, Dictionary } from '../kernel/events/dictionary.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import type { Call, EventRow, Row, Task } from '../kernel/indices.ts';
import type { PairedBatch } from './paired-batch.ts';
import { PeakClock, PeakCounts } from './peak-clock.ts';

export class TaskTally {
  /** Rows in use. */
  length: number = 0;
  task: Column<Row, Uint32Array, Task> = column(new Uint32Array(0));
  /** The allocating call. */
  call: Column<Row, Uint32Array, Call> = column(new Uint32Array(0));
  allocs: Column<Row, Float64Array> = column(new Float64Array(0));
  /** Objects of the row that anyone freed with an event. */
  frees: Column<Row, Float64Array> = column(new Float64Array(0));
  private readonly peak = new PeakClock();
  private readonly alive = new PeakCounts(this.peak);
  private readonly calls: CallTable;
  private readonly rows = new AddressMap(4096);

  constructor(dictionary: Dictionary) {
    this.calls = dictionary.calls;
  }

  add(batch: EventBatch, paired: PairedBatch): void {
    const { born, gone, renamed, freed } = paired;
    for (let i: EventRow = 0; i < batch.length; i++) {
      if (freed[i] === 1) this.frees[this.rowOfObject(paired, i)]++;
      if (gone[i] === 1) this.gone(this.rowOfObject(paired, i));
      if (born[i] === 1) this.born(batch, i);
      if (renamed[i] === 1) this.renamed(this.rowOfObject(paired, i), this.rowOf(batch, i));
    }
  }

  /** Objects of a row that were live when the total of bytes was highest. */
  liveAtPeak(row: Row): number {
    return this.alive.ofPeak(row);
  }

  private born(batch: EventBatch, i: EventRow): void {
    const row = this.rowOf(batch, i);
    this.allocs[row]++;
    this.alive.born(row);
    this.peak.add(this.calls.bytesAlloc(batch.call[i]), batch, i);
  }

  private gone(row: Row): void {
    this.alive.gone(row);
    this.peak.subtract(this.calls.bytesAlloc(this.call[row]));
  }

  private renamed(from: Row, to: Row): void {
    this.allocs[from]--;
    this.allocs[to]++;
    this.alive.move(from, to);
  }

  private rowOf(batch: EventBatch, i: EventRow): Row {
    return this.row(batch.task[i], batch.call[i]);
  }

  private rowOfObject(paired: PairedBatch, i: EventRow): Row {
    return this.row(paired.objectTask[i], paired.objectCall[i]);
  }

  private row(task: Task, call: Call): Row {
    const found = this.rows.get(task, call);
    if (found >= 0) return found;
    const row: Row = this.length++;
    this.rows.set(task, call, row);
    this.task = ensureLength(this.task, this.length);
    this.call = ensureLength(this.call, this.length);
    this.allocs = ensureLength(this.allocs, this.length);
    this.frees = ensureLength(this.frees, this.length);
    this.alive.reserve(this.length);
    this.task[row] = task;
    this.call[row] = call;
    return row;
  }
}
