// Frees whose event is written but that are not done yet. kfree() and kmem_cache_free() write their
// event first (trace_kfree() in mm/slub.c; 5.10's kmem_cache_free() writes it last). A task that is
// preempted in between frees its object only when it runs again: before its own next event, on the
// CPU that it runs on then. Until that, the object is not where the model has put it.

import { ensureLength } from '../../base/growable.ts';
import { type Column, column } from '../../kernel/column.ts';
import { type EventBatch, FLAGS_UNKNOWN, IRQ_FLAG } from '../../kernel/events/event-batch.ts';
import type { Cpu, EventRow } from '../../kernel/indices.ts';

/** Frees of a CPU that are remembered: so many tasks may have been preempted, one by the other. */
const REMEMBERED = 16;

const IN_INTERRUPT = IRQ_FLAG.hardirq | IRQ_FLAG.softirq | IRQ_FLAG.nmi;

/** An address. */
export interface Freed {
  readonly lo: number;
  readonly hi: number;
}

export class PreemptedFrees {
  /** Number of the event at hand. */
  private now = 0;
  private task = 0;
  private isInTask = true;
  /** By task: number of its latest event outside of interrupts. */
  private latest: Float64Array = new Float64Array(0);
  /** Rings of the latest frees, one after the other by CPU. */
  private readonly lo: Uint32Array;
  private readonly hi: Uint32Array;
  private readonly tasks: Uint32Array;
  private readonly numbers: Float64Array;
  private readonly next: Column<Cpu, Uint8Array>;
  /** Frees that were found not to be done, by the task that will do them. */
  private readonly pending = new Map<number, Freed>();

  constructor(cpus: number) {
    this.lo = new Uint32Array(cpus * REMEMBERED);
    this.hi = new Uint32Array(cpus * REMEMBERED);
    this.tasks = new Uint32Array(cpus * REMEMBERED);
    this.numbers = new Float64Array(cpus * REMEMBERED);
    this.next = column(new Uint8Array(cpus));
  }

  /**
   * To be called for each event, in their order.
   * @returns a free of its task that is done by now
   */
  event(batch: EventBatch, i: EventRow): Freed | undefined {
    const flags = batch.flags[i];
    this.now++;
    this.isInTask = flags === FLAGS_UNKNOWN || (flags & IN_INTERRUPT) === 0;
    if (!this.isInTask) return undefined;
    const task = batch.task[i];
    this.task = task;
    if (task >= this.latest.length) this.latest = ensureLength(this.latest, task + 1);
    this.latest[task] = this.now;
    if (this.pending.size === 0) return undefined;
    const done = this.pending.get(task);
    if (done !== undefined) this.pending.delete(task);
    return done;
  }

  /** The event at hand is a free. */
  freed(cpu: Cpu, lo: number, hi: number): void {
    if (!this.isInTask) return;
    const at = cpu * REMEMBERED + this.next[cpu];
    this.next[cpu] = (this.next[cpu] + 1) % REMEMBERED;
    this.lo[at] = lo;
    this.hi[at] = hi;
    this.tasks[at] = this.task;
    this.numbers[at] = this.now;
  }

  /** The task that may still have to free an object on this CPU: another one, silent since; -1: none. */
  ownerOf(cpu: Cpu, { lo, hi }: Freed): number {
    for (let at = cpu * REMEMBERED; at < (cpu + 1) * REMEMBERED; at++) {
      if (this.lo[at] !== lo || this.hi[at] !== hi) continue;
      const task = this.tasks[at]!;
      const isSilent = this.latest[task] === this.numbers[at];
      if (isSilent && task !== this.task && !this.pending.has(task)) return task;
    }
    return -1;
  }

  /** The task will free the object when it runs again. */
  postpone(task: number, freed: Freed): void {
    this.pending.set(task, freed);
  }

  /** True where the free of an object was postponed; it is done now. */
  finish({ lo, hi }: Freed): boolean {
    for (const [task, freed] of this.pending) {
      if (freed.lo === lo && freed.hi === hi) return this.pending.delete(task);
    }
    return false;
  }
}
