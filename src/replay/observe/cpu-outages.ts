// When a CPU was switched off. No event says so, but its thread cpuhp/N runs the callbacks of the
// states that the CPU leaves, allocating and freeing on the CPU; then the CPU is silent, and the
// first that allocates there again is cpuhp/N, for the states that it enters (kernel/cpu.c,
// cpuhp_thread_fun(), 5.10 to 7.2). In between slub_cpu_dead() (mm/slub.c) has flushed what the CPU
// had of every cache.
// cpuhp/N also runs callbacks that a driver installs on all CPUs; then the CPU is not off. Going down
// and coming up both begin with the callbacks of the scheduler and of RCU, so with the same call.

import { ensureLength } from '../../base/growable.ts';
import { type Column, column } from '../../kernel/column.ts';
import type { Dictionary } from '../../kernel/events/dictionary.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import type { Cpu, Task } from '../../kernel/indices.ts';

/** Events of a CPU after the last of its cpuhp/N: it is still up for a short time. */
const MOST_AFTER = 1024;
/** Events of other tasks on a CPU between two runs of its cpuhp/N. */
const BETWEEN_RUNS = 16;
/** Events of others while a CPU is off, below which nothing is concluded. */
const LEAST_MEANWHILE = 256;
/** The same where it is off to the end. */
const LEAST_TO_THE_END = 65_536;
/** Events of a CPU before it is switched off: in a boot cpuhp/N runs when hardly anything else does. */
const LEAST_OWN = 1024;

/** A CPU that is off after a time. */
export interface CpuOutage {
  readonly cpu: Cpu;
  /** Time of its last event, as `EventBatch.ts`. */
  readonly since: number;
}

const NOT_LOOKED_UP = -2;
const NO_HOTPLUG_THREAD = -1;

export class CpuOutages {
  private readonly dictionary: Pick<Dictionary, 'tasks' | 'strings'>;
  private readonly found: CpuOutage[] = [];
  /** By task: N where it is cpuhp/N. */
  private threadOf: Column<Task, Int32Array> = column(new Int32Array(0));
  /** By CPU: its events. */
  private own: Column<Cpu, Float64Array> = column(new Float64Array(0));
  /** By CPU: its events since its cpuhp/N ran; infinite where that never did. */
  private after: Column<Cpu, Float64Array> = column(new Float64Array(0));
  /** By CPU: the call with which the latest run of its cpuhp/N began. */
  private firstCall: Column<Cpu, Uint32Array> = column(new Uint32Array(0));
  /** By CPU: time and number of its last event. */
  private lastTs: Column<Cpu, Float64Array> = column(new Float64Array(0));
  private lastNumber: Column<Cpu, Float64Array> = column(new Float64Array(0));
  private count = 0;

  constructor(dictionary: Pick<Dictionary, 'tasks' | 'strings'>) {
    this.dictionary = dictionary;
  }

  add(batch: EventBatch): void {
    for (let i = 0; i < batch.length; i++) {
      const cpu: Cpu = batch.cpu[i]!;
      if (cpu >= this.own.length) this.grow(cpu + 1);
      const isThread = this.hotplugThread(batch.task[i]!) === cpu;
      if (isThread) this.threadRuns(cpu, batch.call[i]!);
      this.own[cpu]++;
      this.after[cpu] = isThread ? 0 : this.after[cpu] + 1;
      this.lastTs[cpu] = batch.ts[i]!;
      this.lastNumber[cpu] = this.count++;
    }
  }

  /** What there was, in the order of time. */
  outages(): CpuOutage[] {
    const toTheEnd: CpuOutage[] = [];
    for (let cpu: Cpu = 0; cpu < this.own.length; cpu++) {
      if (this.wasOff(cpu, LEAST_TO_THE_END)) toTheEnd.push({ cpu, since: this.lastTs[cpu] });
    }
    return [...this.found, ...toTheEnd].sort((a, b) => a.since - b.since);
  }

  private threadRuns(cpu: Cpu, call: number): void {
    const isSilent = this.wasOff(cpu, LEAST_MEANWHILE);
    if (isSilent && call === this.firstCall[cpu]) {
      this.found.push({ cpu, since: this.lastTs[cpu] });
    }
    if (isSilent || this.after[cpu] > BETWEEN_RUNS) this.firstCall[cpu] = call;
  }

  /** True where cpuhp/N was among the last that ran there, and others had so many events since. */
  private wasOff(cpu: Cpu, meanwhile: number): boolean {
    return (
      this.own[cpu] >= LEAST_OWN &&
      this.after[cpu] <= MOST_AFTER &&
      this.count - this.lastNumber[cpu] - 1 >= meanwhile
    );
  }

  private hotplugThread(task: Task): number {
    if (task >= this.threadOf.length) {
      const known = this.threadOf.length;
      this.threadOf = ensureLength(this.threadOf, task + 1).fill(NOT_LOOKED_UP, known);
    }
    if (this.threadOf[task] === NOT_LOOKED_UP) {
      const { tasks, strings } = this.dictionary;
      const cpu = /^cpuhp\/(\d+)$/.exec(strings.get(tasks.comm(task)))?.[1];
      this.threadOf[task] = cpu === undefined ? NO_HOTPLUG_THREAD : Number(cpu);
    }
    return this.threadOf[task];
  }

  private grow(cpus: number): void {
    const known = this.own.length;
    this.own = ensureLength(this.own, cpus);
    this.after = ensureLength(this.after, cpus).fill(Infinity, known);
    this.firstCall = ensureLength(this.firstCall, cpus);
    this.lastTs = ensureLength(this.lastTs, cpus);
    this.lastNumber = ensureLength(this.lastNumber, cpus);
  }
}
