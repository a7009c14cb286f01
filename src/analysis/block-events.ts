// The events of some blocks of memory, in their order: everything that happened to an address and to
// what lies around it. A block is as large as the largest slab, and slabs lie at multiples of their
// size, so the slab of an address is in the block of that address.

import { joinHalves } from '../base/address.ts';
import { AddressMap } from '../base/address-map.ts';
import { ensureLength } from '../base/growable.ts';
import { type Column, column } from '../kernel/column.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import type { Call, Cpu, EventRow, Row, Stack, Task } from '../kernel/indices.ts';
import type { PairedBatch } from '../pairing/paired-batch.ts';
import type { Tracker } from '../pairing/run-tracker.ts';

/** 2^17: 32 pages of 4 KiB, or two of 64 KiB. */
const BLOCK_BITS = 17;

export class BlockEvents implements Tracker {
  length = 0;
  ts: Column<Row, Float64Array> = column(new Float64Array(256));
  call: Column<Row, Uint32Array, Call> = column(new Uint32Array(256));
  task: Column<Row, Uint32Array, Task> = column(new Uint32Array(256));
  cpu: Column<Row, Uint16Array, Cpu> = column(new Uint16Array(256));
  stack: Column<Row, Uint32Array, Stack> = column(new Uint32Array(256));
  lo: Column<Row> = column(new Uint32Array(256));
  hi: Column<Row> = column(new Uint32Array(256));
  /** As `PairedBatch.selected`. */
  selected: Column<Row, Uint8Array> = column(new Uint8Array(256));
  private readonly blocks = new AddressMap(64);

  /** @param addresses whose blocks are wanted */
  constructor(addresses: readonly bigint[]) {
    for (const address of addresses) {
      const key = address >> BigInt(BLOCK_BITS);
      this.blocks.set(Number(key & 0xffffffffn), Number(key >> 32n), 0);
    }
  }

  add(batch: EventBatch, { selected }: PairedBatch): void {
    const { blocks } = this;
    for (let i: EventRow = 0; i < batch.length; i++) {
      const lo = batch.ptrLo[i];
      const hi = batch.ptrHi[i];
      const keyLo = ((lo >>> BLOCK_BITS) | (hi << (32 - BLOCK_BITS))) >>> 0;
      if (blocks.get(keyLo, hi >>> BLOCK_BITS) >= 0) this.note(batch, i, selected[i]);
    }
  }

  address(row: Row): bigint {
    return joinHalves(this.hi[row], this.lo[row]);
  }

  private note(batch: EventBatch, i: EventRow, selected: number): void {
    const row = this.length++;
    if (row >= this.ts.length) this.grow();
    this.ts[row] = batch.ts[i];
    this.call[row] = batch.call[i];
    this.task[row] = batch.task[i];
    this.cpu[row] = batch.cpu[i];
    this.stack[row] = batch.stack[i];
    this.lo[row] = batch.ptrLo[i];
    this.hi[row] = batch.ptrHi[i];
    this.selected[row] = selected;
  }

  private grow(): void {
    this.ts = ensureLength(this.ts, this.length);
    this.call = ensureLength(this.call, this.length);
    this.task = ensureLength(this.task, this.length);
    this.cpu = ensureLength(this.cpu, this.length);
    this.stack = ensureLength(this.stack, this.length);
    this.lo = ensureLength(this.lo, this.length);
    this.hi = ensureLength(this.hi, this.length);
    this.selected = ensureLength(this.selected, this.length);
  }
}
