// The first event of each call that something was seen in, and how many there were.

import { ensureLength } from '../../base/growable.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';

export class CallSightings {
  private counts: Uint32Array = new Uint32Array(0);
  private firstTs: Float64Array = new Float64Array(0);
  private firstCpu: Uint16Array = new Uint16Array(0);
  private firstTask: Uint32Array = new Uint32Array(0);
  private firstFlags: Uint16Array = new Uint16Array(0);
  private firstLo: Uint32Array = new Uint32Array(0);
  private firstHi: Uint32Array = new Uint32Array(0);

  /** Events that were noted. */
  total = 0;

  note(call: number, batch: EventBatch, i: number): void {
    if (call >= this.counts.length) this.grow(call + 1);
    this.total++;
    if (this.counts[call]!++ > 0) return;
    this.firstTs[call] = batch.ts[i]!;
    this.firstCpu[call] = batch.cpu[i]!;
    this.firstTask[call] = batch.task[i]!;
    this.firstFlags[call] = batch.flags[i]!;
    this.firstLo[call] = batch.ptrLo[i]!;
    this.firstHi[call] = batch.ptrHi[i]!;
  }

  count(call: number): number {
    return this.counts[call] ?? 0;
  }

  has(call: number): boolean {
    return this.count(call) > 0;
  }

  ts(call: number): number {
    return this.firstTs[call]!;
  }

  cpu(call: number): number {
    return this.firstCpu[call]!;
  }

  task(call: number): number {
    return this.firstTask[call]!;
  }

  flags(call: number): number {
    return this.firstFlags[call]!;
  }

  address(call: number): bigint {
    return (BigInt(this.firstHi[call]!) << 32n) | BigInt(this.firstLo[call]!);
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
