// The counts that every report starts from, kept in one pass over the paired events.

import { ensureLength } from '../base/growable.ts';
import { type Column, column } from '../kernel/column.ts';
import type { Dictionary } from '../kernel/events/dictionary.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import { EVENT_NAMES } from '../kernel/events/event-kind.ts';
import type { Call, EventRow, Task } from '../kernel/indices.ts';
import { CallTally } from './call-tally.ts';
import { OUTCOME, type PairedBatch } from './paired-batch.ts';
import { PeakClock } from './peak-clock.ts';

export class Tallies {
  readonly peak: PeakClock = new PeakClock();
  readonly calls: CallTally = new CallTally(this.peak);
  /** bytes_alloc of the allocations of each task. */
  taskBytes: Column<Task, Float64Array> = column(new Float64Array(0));
  /** Recorded events by kind, selected or not. */
  readonly kinds: Float64Array = new Float64Array(EVENT_NAMES.length);
  /** Events by outcome of pairing (OUTCOME), selected ones only. */
  readonly outcomes: Float64Array = new Float64Array(Object.keys(OUTCOME).length);
  /** Times of the first and the last event, as `EventBatch.ts`; NaN where there is none. */
  firstTs: number = Number.NaN;
  lastTs: number = Number.NaN;
  /** The highest CPU number seen, -1 where there is no event. */
  maxCpu: number = -1;
  private readonly dictionary: Dictionary;

  constructor(dictionary: Dictionary) {
    this.dictionary = dictionary;
  }

  /** Makes room for everything the dictionary has by now. */
  reserve(): void {
    this.calls.reserve(this.dictionary.calls.length);
    const tasks = this.dictionary.tasks.length;
    if (tasks > this.taskBytes.length) this.taskBytes = ensureLength(this.taskBytes, tasks * 2);
  }

  add(batch: EventBatch, paired: PairedBatch): void {
    const { calls, kinds, outcomes, peak } = this;
    const table = this.dictionary.calls;
    this.reserve();
    this.extendTime(batch);
    for (let i: EventRow = 0; i < batch.length; i++) {
      const call = batch.call[i];
      kinds[table.kind(call)]!++;
      if (batch.cpu[i] > this.maxCpu) this.maxCpu = batch.cpu[i];
      const outcome = paired.outcome[i];
      const object = paired.objectCall[i];
      if (paired.gone[i] === 1) {
        if (outcome === OUTCOME.allocOnLive) this.settle(object);
        else this.remove(object);
      }
      if (paired.selected[i] === 0) continue;
      outcomes[outcome]!++;
      if (paired.born[i] === 1) {
        const bytesAlloc = table.bytesAlloc(call);
        calls.born(call);
        this.taskBytes[batch.task[i]] += bytesAlloc;
        peak.add(bytesAlloc, batch, i);
      } else if (paired.freed[i] === 1) {
        if (outcome === OUTCOME.freeLate) calls.untracedFrees[object]--;
        const lifetime = Math.max(0, batch.ts[i] - paired.objectTs[i]);
        const isCrossCpu = paired.objectCpu[i] !== batch.cpu[i];
        calls.free(object, call, table.bytesAlloc(object), lifetime, isCrossCpu);
        if (paired.temporary[i] === 1) calls.temporary[object]++;
      } else if (paired.renamed[i] === 1) calls.renamed(object, call);
      else this.countOther(outcome, call);
    }
  }

  /** A live object of a call turned out to be gone: it was freed without an event. */
  settle(call: Call): void {
    this.remove(call);
    this.calls.untracedFrees[call]++;
  }

  /** An event by which no known object comes or goes. */
  private countOther(outcome: number, call: Call): void {
    const { calls } = this;
    switch (outcome) {
      case OUTCOME.allocFailed:
        calls.failed[call]++;
        break;
      case OUTCOME.freeNull:
        calls.nullFrees[call]++;
        break;
      case OUTCOME.freeUnknown:
        calls.unknownFrees[call]++;
        break;
    }
  }

  private remove(call: Call): void {
    this.calls.gone(call);
    this.peak.subtract(this.dictionary.calls.bytesAlloc(call));
  }

  private extendTime(batch: EventBatch): void {
    const { ts, length } = batch;
    for (let i: EventRow = 0; i < length; i++) {
      const t = ts[i];
      if (!(t >= this.firstTs)) this.firstTs = t;
      if (!(t <= this.lastTs)) this.lastTs = t;
    }
  }
}
