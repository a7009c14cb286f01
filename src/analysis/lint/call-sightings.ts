// The first event of each call that something was seen in, and how many there were.

import { joinHalves } from '../../base/address.ts';
import { ensureLength } from '../../base/growable.ts';
import { type Column, column } from '../../kernel/column.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import type { Call, Cpu, EventRow, Task } from '../../kernel/indices.ts';

export class CallSightings {
  private counts: Column<Call> = column(new Uint32Array(0));
  private firstTs: Column<Call, Float64Array> = column(new Float64Array(0));
  private firstCpu: Column<Call, Uint16Array, Cpu> = column(new Uint16Array(0));
  private firstTask: Column<Call, Uint32Array, Task> = column(new Uint32Array(0));
  private firstFlags: Column<Call, Uint16Array> = column(new Uint16Array(0));
  private firstLo: Column<Call> = column(new Uint32Array(0));
  private firstHi: Column<Call> = column(new Uint32Array(0));

  /** Events that were noted. */
  total = 0;

  note(call: Call, batch: EventBatch, i: EventRow): void {
    if (call >= this.counts.length) this.grow(call + 1);
    this.total++;
    if (this.counts[call]++ > 0) return;
    this.firstTs[call] = batch.ts[i];
    this.firstCpu[call] = batch.cpu[i];
    this.firstTask[call] = batch.task[i];
    this.firstFlags[call] = batch.flags[i];
    this.firstLo[call] = batch.ptrLo[i];
    this.firstHi[call] = batch.ptrHi[i];
  }

  count(call: Call): number {
    return this.counts[call] ?? 0;
  }

  has(call: Call): boolean {
    return this.count(call) > 0;
  }

  ts(call: Call): number {
    return this.firstTs[call];
  }

  cpu(call: Call): number {
    return this.firstCpu[call];
  }

  task(call: Call): number {
    return this.firstTask[call];
  }

  flags(call: Call): number {
    return this.firstFlags[call];
  }

  address(call: Call): bigint {
    return joinHalves(this.firstHi[call], this.firstLo[call]);
  }

  private grow(length: number): void {
    this.counts = ensureLength(this.counts, length);
    this.firstTs = ensureLength(this.firstTs, length);
    this.firstCpu = ensureLength(this.firstCpu, length);
    this.firstTask = ensureLength(this.firstTask, length);
    this.firstFlags = ensureLength(this.firstFlags, length);
    this.firstLo = ensureLength(this.firstLo, length);
    this.firstHi = ensureLength(this.firstHi, length);
  }
}
