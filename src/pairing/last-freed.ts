// Addresses whose last event is a free, since the first loss of events: had that free been lost, they
// would be held live. Nothing is kept while nothing was lost.

import { AddressMap } from '../base/address-map.ts';
import { ensureLength } from '../base/growable.ts';
import { type Column, column } from '../kernel/column.ts';
import type { CallTable } from '../kernel/events/dictionary.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import { EVENT_KIND } from '../kernel/events/event-kind.ts';
import type { Call, EventRow, Row } from '../kernel/indices.ts';
import { OUTCOME, type PairedBatch } from './paired-batch.ts';

export class LastFreed {
  /** Rows in use are below this; those of `call` 0 were allocated again. */
  length: number = 0;
  /** The call that allocated the object, and when. */
  call: Column<Row, Uint32Array, Call> = column(new Uint32Array(0));
  ts: Column<Row, Float64Array> = column(new Float64Array(0));
  ptrLo: Column<Row> = column(new Uint32Array(0));
  ptrHi: Column<Row> = column(new Uint32Array(0));
  private readonly rows = new AddressMap();
  private readonly unused: Row[] = [];
  private readonly calls: CallTable;
  private hasLoss = false;

  constructor(calls: CallTable) {
    this.calls = calls;
  }

  add(batch: EventBatch, paired: PairedBatch): void {
    const { outcome } = paired;
    for (let i: EventRow = 0; i < batch.length; i++) {
      if (outcome[i] === OUTCOME.none) {
        this.hasLoss ||= this.calls.kind(batch.call[i]) === EVENT_KIND.lost;
      } else if (this.hasLoss) {
        if (outcome[i] === OUTCOME.alloc) this.allocated(batch.ptrLo[i], batch.ptrHi[i]);
        else if (outcome[i] === OUTCOME.free) this.freed(batch, paired, i);
      }
    }
  }

  private allocated(lo: number, hi: EventRow): void {
    const row: Row = this.rows.delete(lo, hi);
    if (row < 0) return;
    this.call[row] = 0;
    this.unused.push(row);
  }

  private freed(batch: EventBatch, paired: PairedBatch, i: EventRow): void {
    const row: Row = this.unused.pop() ?? this.length++;
    if (row >= this.call.length) this.grow();
    const lo = batch.ptrLo[i];
    const hi = batch.ptrHi[i];
    this.rows.set(lo, hi, row);
    this.call[row] = paired.objectCall[i];
    this.ts[row] = paired.objectTs[i];
    this.ptrLo[row] = lo;
    this.ptrHi[row] = hi;
  }

  private grow(): void {
    const length = Math.max(4096, this.length * 2);
    this.call = ensureLength(this.call, length);
    this.ts = ensureLength(this.ts, length);
    this.ptrLo = ensureLength(this.ptrLo, length);
    this.ptrHi = ensureLength(this.ptrHi, length);
  }
}
