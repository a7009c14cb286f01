// How often objects of one call were freed by another: who frees what.

import { AddressMap } from '../base/address-map.ts';
import { ensureLength } from '../base/growable.ts';
import { type Column, column } from '../kernel/column.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import type { Call, EventRow, Row } from '../kernel/indices.ts';
import type { PairedBatch } from './paired-batch.ts';

export class PairTally {
  /** Keyed by (allocating call, freeing call). */
  private readonly rows = new AddressMap(1024);
  /** By allocating call: the row of its last free + 1. Most calls are freed by one. */
  private lastRow: Column<Call> = column(new Uint32Array(1024));
  alloc: Column<Row, Uint32Array, Call> = column(new Uint32Array(256));
  free: Column<Row, Uint32Array, Call> = column(new Uint32Array(256));
  count: Column<Row, Float64Array> = column(new Float64Array(256));
  length: number = 0;

  add(batch: EventBatch, { freed, objectCall }: PairedBatch): void {
    for (let i: EventRow = 0; i < batch.length; i++) {
      if (freed[i] === 1) this.countPair(objectCall[i], batch.call[i]);
    }
  }

  private countPair(alloc: Call, free: Call): void {
    if (alloc >= this.lastRow.length) this.lastRow = ensureLength(this.lastRow, alloc + 1);
    const last: Row = this.lastRow[alloc] - 1;
    if (last >= 0 && this.free[last] === free) {
      this.count[last]++;
      return;
    }
    let row: Row = this.rows.get(alloc, free);
    if (row < 0) {
      row = this.length++;
      this.rows.set(alloc, free, row);
      this.alloc = ensureLength(this.alloc, this.length);
      this.free = ensureLength(this.free, this.length);
      this.count = ensureLength(this.count, this.length);
      this.alloc[row] = alloc;
      this.free[row] = free;
    }
    this.count[row]++;
    this.lastRow[alloc] = row + 1;
  }
}
