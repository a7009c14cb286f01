// How many objects of each call were live at moments spread over the trace: the curve behind growth
// and behind the peak of one cache or site. When there are too many moments, every second one is
// dropped and the distance doubled, so memory does not grow with the trace.

import { type Column, column } from '../kernel/column.ts';
import { BATCH_CAPACITY, type EventBatch } from '../kernel/events/event-batch.ts';
import type { Call } from '../kernel/indices.ts';
import type { Tallies } from './tallies.ts';

const MAX_SAMPLES = 512;
/** Numbers kept in all samples together: 32 MB. */
const MAX_VALUES = 8 * 1024 * 1024;

export interface LiveSample {
  /** As `EventBatch.ts`. */
  readonly ts: number;
  /** Live objects by call. */
  readonly live: Column<Call, Float32Array>;
}

export class LiveSeries {
  private readonly tallies: Tallies;
  private readonly step: number;
  private samplesTaken: LiveSample[] = [];
  /** Steps from sample to sample. */
  private distance = 1;
  private events = 0;
  /** The step that the last sample belongs to. */
  private lastStep = 0;

  /**
   * @param tallies must have counted a batch before it is added here
   * @param step events from one possible sample to the next; no batch may cross one
   */
  constructor(tallies: Tallies, step: number = BATCH_CAPACITY) {
    this.tallies = tallies;
    this.step = step;
  }

  get samples(): readonly LiveSample[] {
    return this.samplesTaken;
  }

  add(batch: EventBatch): void {
    this.events += batch.length;
    const step = Math.ceil(this.events / this.step);
    if (step % this.distance !== 0 || batch.length === 0) return;
    // Of a step with several batches the last one counts.
    if (step === this.lastStep) this.samplesTaken.pop();
    this.lastStep = step;
    const live: Column<Call, Float32Array> = column(new Float32Array(this.tallies.calls.live));
    this.samplesTaken.push({ ts: batch.ts[batch.length - 1]!, live });
    const most = Math.min(MAX_SAMPLES, Math.ceil(MAX_VALUES / live.length));
    if (this.samplesTaken.length < most) return;
    this.samplesTaken = this.samplesTaken.filter((_, i) => i % 2 === 1);
    this.distance *= 2;
  }

  /** The largest number of objects that the given calls together had live in any sample. */
  peakOf(calls: readonly number[]): number {
    let peak = 0;
    for (const { live } of this.samplesTaken) {
      let sum = 0;
      for (const call of calls) sum += live[call] ?? 0;
      if (sum > peak) peak = sum;
    }
    return peak;
  }
}
