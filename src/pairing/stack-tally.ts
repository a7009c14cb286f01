// How often each call was made from each call chain: one row for each stack and call, so that what a
// chain allocated over the whole trace can be told when the calls have names (profile.ts).

import { AddressMap } from '../base/address-map.ts';
import { ensureLength } from '../base/growable.ts';
import { type Column, column } from '../kernel/column.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import type { Call, EventRow, Row, Stack } from '../kernel/indices.ts';
import type { PairedBatch } from './paired-batch.ts';

export class StackTally {
  /** Rows in use. */
  length: number = 0;
  /** Index into `Dictionary.stacks`; 0 where the event has none. */
  stack: Column<Row, Uint32Array, Stack> = column(new Uint32Array(0));
  /** The allocating call. */
  call: Column<Row, Uint32Array, Call> = column(new Uint32Array(0));
  allocs: Column<Row, Float64Array> = column(new Float64Array(0));
  private readonly rows = new AddressMap(4096);
  /** The row of each call's latest allocation, one up; 0 where there is none. */
  private latest: Column<Call> = column(new Uint32Array(0));

  add(batch: EventBatch, { born, renamed, objectCall }: PairedBatch): void {
    for (let i: EventRow = 0; i < batch.length; i++) {
      if (born[i] === 1) this.count(batch.stack[i], batch.call[i]);
      // The second event of one allocation, just behind the first: it names the caller, the stack is
      // that of the first, as that of the live object.
      else if (renamed[i] === 1) this.count(this.takeBack(objectCall[i]), batch.call[i]);
    }
  }

  private count(stack: Stack, call: Call): void {
    const row = this.row(stack, call);
    this.allocs[row]++;
    if (call >= this.latest.length) this.latest = ensureLength(this.latest, call + 1);
    this.latest[call] = row + 1;
  }

  /** Uncounts the latest allocation of a call; returns its stack. */
  private takeBack(call: Call): number {
    const row: Row = (this.latest[call] ?? 0) - 1;
    if (row < 0) return 0;
    this.allocs[row]--;
    return this.stack[row];
  }

  private row(stack: Stack, call: Call): Row {
    const found = this.rows.get(stack, call);
    if (found >= 0) return found;
    const row: Row = this.length++;
    this.rows.set(stack, call, row);
    this.stack = ensureLength(this.stack, this.length);
    this.call = ensureLength(this.call, this.length);
    this.allocs = ensureLength(this.allocs, this.length);
    this.stack[row] = stack;
    this.call[row] = call;
    return row;
  }
}
