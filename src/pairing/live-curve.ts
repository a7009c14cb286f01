// How many objects of each call were live at moments spread evenly over the events, of short traces
// too. When there are too many moments, every second one is dropped and the distance doubled, so
// memory does not grow with the trace.

import { ensureLength } from '../base/growable.ts';
import { type Column, column } from '../kernel/column.ts';
import type { CallTable } from '../kernel/events/dictionary.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import type { Call, EventRow } from '../kernel/indices.ts';
import type { LiveSample } from './live-series.ts';
import type { PairedBatch } from './paired-batch.ts';

const MAX_MOMENTS = 1024;
/** Numbers kept of all moments together: 32 MB. */
const MAX_VALUES = 8 * 1024 * 1024;

export class LiveCurve {
  private taken: LiveSample[] = [];
  private readonly calls: CallTable;
  private live: Column<Call, Int32Array> = column(new Int32Array(0));
  /** Events from moment to moment. */
  private distance = 1;
  private events = 0;
  private lastTs = 0;

  constructor(calls: CallTable) {
    this.calls = calls;
  }

  /** The moments, and the end. */
  get samples(): readonly LiveSample[] {
    return [...this.taken, this.sample(this.lastTs)];
  }

  add(batch: EventBatch, paired: PairedBatch): void {
    if (this.calls.length > this.live.length) {
      this.live = ensureLength(this.live, this.calls.length * 2);
    }
    const { live } = this;
    const { born, gone, renamed, objectCall } = paired;
    for (let i: EventRow = 0; i < batch.length; i++) {
      if (gone[i] === 1 || renamed[i] === 1) live[objectCall[i]]--;
      if (born[i] === 1 || renamed[i] === 1) live[batch.call[i]]++;
      this.lastTs = batch.ts[i];
      if (++this.events % this.distance === 0) this.take();
    }
  }

  private take(): void {
    this.taken.push(this.sample(this.lastTs));
    const most = Math.min(MAX_MOMENTS, Math.ceil(MAX_VALUES / this.live.length));
    if (this.taken.length < most) return;
    this.taken = this.taken.filter((_, i) => i % 2 === 1);
    this.distance *= 2;
  }

  private sample(ts: number): LiveSample {
    return { ts, live: column(new Float32Array(this.live.subarray(0, this.calls.length))) };
  }
}
