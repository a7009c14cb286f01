// What lint rules need of single events beyond the common counts: the context of allocations that
// may sleep, and the first event of each call.
//
// The recorded flags are those of the moment before the tracepoint: what it adds to the preempt count
// itself is taken off again when the event is written (tracing_gen_ctx_dec(), kernel/trace/trace.c
// 6.1; preempt_count() - 1 in trace_event_buffer_reserve(), 5.10). perf does not take it off, so a
// depth counts only where some event shows that tasks have a depth of 0.

import type { Dictionary } from '../../kernel/events/dictionary.ts';
import { type EventBatch, FLAGS_UNKNOWN, IRQ_FLAG } from '../../kernel/events/event-batch.ts';
import { isAlloc } from '../../kernel/events/event-kind.ts';
import { GFP } from '../../kernel/events/gfp-flags.ts';
import type { Call, EventRow } from '../../kernel/indices.ts';
import { OUTCOME, type PairedBatch } from '../../pairing/paired-batch.ts';
import type { Tracker } from '../../pairing/run-tracker.ts';
import { CallSightings } from './call-sightings.ts';

const INTERRUPT = IRQ_FLAG.hardirq | IRQ_FLAG.softirq | IRQ_FLAG.nmi;
const ATOMIC = INTERRUPT | IRQ_FLAG.irqsOff | IRQ_FLAG.bhOff;
/** Preempt depth in `EventBatch.flags`. */
const DEPTH = 0x0f00;

export class LintTracker implements Tracker {
  readonly first: CallSightings = new CallSightings();
  /** Allocations that may sleep, in a context that must not. */
  readonly atomic: CallSightings = new CallSightings();
  /** The same where nothing but the preempt depth says so. */
  readonly preemptOff: CallSightings = new CallSightings();
  readonly failed: CallSightings = new CallSightings();
  readonly nullFrees: CallSightings = new CallSightings();
  /** True where some task was seen with a preempt depth of 0. */
  showsDepth = false;
  private readonly dictionary: Dictionary;

  constructor(dictionary: Dictionary) {
    this.dictionary = dictionary;
  }

  add(batch: EventBatch, paired: PairedBatch): void {
    for (let i: EventRow = 0; i < batch.length; i++) {
      if (paired.selected[i] === 0) continue;
      const call = batch.call[i];
      this.first.note(call, batch, i);
      const outcome = paired.outcome[i];
      if (outcome === OUTCOME.allocFailed) this.failed.note(call, batch, i);
      else if (outcome === OUTCOME.freeNull) this.nullFrees.note(call, batch, i);
      const flags = batch.flags[i];
      if (flags === FLAGS_UNKNOWN) continue;
      if ((flags & (DEPTH | ATOMIC)) !== 0) this.noteContext(batch, i, call, flags);
      else if (!this.showsDepth) this.showsDepth = this.pid(batch, i) !== 0;
    }
  }

  /** Of an event outside of plain task context. */
  private noteContext(batch: EventBatch, i: EventRow, call: Call, flags: number): void {
    const { calls } = this.dictionary;
    if (!isAlloc(calls.kind(call)) || (calls.gfp(call) & GFP.DIRECT_RECLAIM) === 0) return;
    // The boot task (pid 0) runs with interrupts and preemption off before there is anyone to
    // schedule, and the allocator does not sleep then (GFP_BOOT_MASK); later it is the idle task.
    const suspicious = flags & (this.pid(batch, i) === 0 ? INTERRUPT : ATOMIC | DEPTH);
    if ((suspicious & ATOMIC) !== 0) this.atomic.note(call, batch, i);
    else if (suspicious !== 0) this.preemptOff.note(call, batch, i);
  }

  private pid(batch: EventBatch, i: EventRow): number {
    return this.dictionary.tasks.pid(batch.task[i]);
  }
}
