// Where every reader puts its events: fills batches and hands on full ones. One full batch is held
// back, because the stack of an event stands after it in the trace (often behind events of other
// CPUs) and is added to it when it comes.

import { formatDuration } from '../../base/bytes-format.ts';
import { ensureLength } from '../../base/growable.ts';
import type { Dictionary } from '../../kernel/events/dictionary.ts';
import { BATCH_CAPACITY, createBatch, type EventBatch } from '../../kernel/events/event-batch.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { TraceStats } from '../../kernel/events/trace-stats.ts';

/** Takes full batches and gives back empty ones, so that buffers are used again. */
export interface BatchOutlet {
  /** @param batch in time order as the trace has it; the receiver owns it from here on */
  emit(batch: EventBatch): void;
  /** A batch to fill, whatever its rows hold. */
  obtain(): EventBatch;
}

/** The first batches are small, so that the receiver has something to do early; each next one doubles. */
export const FIRST_EVENTS: number = BATCH_CAPACITY / 16;

export class BatchWriter {
  readonly dictionary: Dictionary;
  readonly stats: TraceStats;
  private readonly outlet: BatchOutlet;
  private readonly info: TraceInfo;
  private current: EventBatch;
  private held: EventBatch | undefined;
  /** Events in batches before `current`. */
  private before = 0;
  /** Events at which `current` is full. */
  private limit = FIRST_EVENTS;
  /** Number of the last event of each CPU, and its time. */
  private lastEvent: Float64Array = new Float64Array(64).fill(-1);
  private lastTs: Float64Array = new Float64Array(64).fill(-Infinity);

  /** @param info has the origin of times before the first event comes */
  constructor(dictionary: Dictionary, stats: TraceStats, outlet: BatchOutlet, info: TraceInfo) {
    this.dictionary = dictionary;
    this.stats = stats;
    this.outlet = outlet;
    this.info = info;
    this.current = outlet.obtain();
    this.current.length = 0;
  }

  /** Events written so far. */
  get count(): number {
    return this.before + this.current.length;
  }

  add(
    ts: number,
    call: number,
    task: number,
    ptrLo: number,
    ptrHi: number,
    cpu: number,
    flags: number,
  ): void {
    if (this.current.length === this.limit) this.turn();
    const batch = this.current;
    const i = batch.length++;
    batch.ts[i] = ts;
    batch.call[i] = call;
    batch.task[i] = task;
    batch.ptrLo[i] = ptrLo;
    batch.ptrHi[i] = ptrHi;
    batch.cpu[i] = cpu;
    batch.flags[i] = flags;
    batch.stack[i] = 0;
    if (cpu >= this.lastEvent.length) this.growCpus(cpu);
    if (ts <= this.lastTs[cpu]!) this.countStep(ts, call, task, ptrLo, ptrHi, cpu);
    this.lastEvent[cpu] = this.before + i;
    this.lastTs[cpu] = ts;
  }

  /** Counts an event that stands before the last one of its CPU, or is the same once more. */
  private countStep(
    ts: number,
    call: number,
    task: number,
    ptrLo: number,
    ptrHi: number,
    cpu: number,
  ): void {
    const step = this.lastTs[cpu]! - ts;
    if (step > 0) {
      const isFirst = this.stats.get('backward_steps') === 0;
      this.stats.add('backward_steps', 1, isFirst ? this.describeStep(cpu, step) : '');
      return;
    }
    // kfree(NULL) may well be called twice in one tick of the clock, no object twice the same way.
    if (ptrLo === 0 && ptrHi === 0) return;
    const inCurrent = this.lastEvent[cpu]! - this.before;
    const batch = inCurrent >= 0 ? this.current : this.held;
    const i = inCurrent >= 0 ? inCurrent : inCurrent + (batch?.length ?? 0);
    if (
      batch !== undefined &&
      batch.call[i] === call &&
      batch.task[i] === task &&
      batch.ptrLo[i] === ptrLo &&
      batch.ptrHi[i] === ptrHi
    ) {
      this.stats.add('duplicate_records', 1, `event ${this.count - 1}`);
    }
  }

  /** `CPU 1, by 3.0 ms at 0.008 s`: from which time on which CPU a step led back how far. */
  private describeStep(cpu: number, step: number): string {
    const { clockUnit, originNs } = this.info;
    const from = originNs + BigInt(Math.round(this.lastTs[cpu]!));
    return clockUnit === 'ns'
      ? `CPU ${cpu}, by ${formatDuration(step)} at ${(Number(from) / 1e9).toFixed(3)} s`
      : `CPU ${cpu}, by ${step} at ${from}`;
  }

  /** Adds a stack to the last event of a CPU. */
  attachStack(cpu: number, stack: number): void {
    const event = this.lastEvent[cpu] ?? -1;
    const i = event - this.before;
    if (event >= 0 && i >= 0) this.current.stack[i] = stack;
    else if (event >= 0 && this.held !== undefined && i + this.held.length >= 0) {
      this.held.stack[i + this.held.length] = stack;
    } else this.stats.add('stack_without_event');
  }

  /** Gives an event that was written a short while ago another call; one that is gone keeps its own. */
  replaceCall(event: number, call: number): void {
    const i = event - this.before;
    if (i >= 0) this.current.call[i] = call;
    else if (this.held !== undefined && i + this.held.length >= 0) {
      this.held.call[i + this.held.length] = call;
    }
  }

  /** Hands on what is left. */
  finish(): void {
    if (this.held !== undefined) this.outlet.emit(this.held);
    this.held = undefined;
    if (this.current.length > 0) {
      this.before += this.current.length;
      this.outlet.emit(this.current);
    }
    this.current = createBatch(0);
  }

  private turn(): void {
    this.before += this.current.length;
    this.limit = Math.min(this.before, BATCH_CAPACITY);
    if (this.held !== undefined) this.outlet.emit(this.held);
    this.held = this.current;
    this.current = this.outlet.obtain();
    this.current.length = 0;
  }

  private growCpus(cpu: number): void {
    const from = this.lastEvent.length;
    this.lastEvent = ensureLength(this.lastEvent, cpu + 1).fill(-1, from);
    this.lastTs = ensureLength(this.lastTs, cpu + 1).fill(-Infinity, from);
  }
}
