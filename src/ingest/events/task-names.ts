// Threads by number → tasks under the name they had at the time: COMM says that a thread has a new name
// (exec, prctl), FORK that a new one begins with its parent's. To be told in time order.

import { ensureLength } from '../../base/growable.ts';
import type { Dictionary } from '../../kernel/events/dictionary.ts';

/** The thread of an event that is nobody's. */
export const NO_THREAD = 0xffffffff;
/** Thread numbers end here (PID_MAX_LIMIT in include/linux/threads.h). */
const PID_MAX_LIMIT = 4 * 1024 * 1024;

/** Names of threads that nothing names. */
export interface NamelessThreads {
  /** Thread 0. */
  readonly idle: string;
  /** Any other. */
  other(thread: number): string;
}

/** As perf script prints them (tools/perf/util/thread.c, thread__new()). */
export const PERF_NAMELESS: NamelessThreads = {
  idle: 'swapper',
  other: (thread) => `:${thread | 0}`,
};
/** As ftrace prints them (kernel/trace/trace_sched_switch.c, __trace_find_cmdline()). */
export const FTRACE_NAMELESS: NamelessThreads = { idle: '<idle>', other: () => '<...>' };

export class TaskNames {
  private readonly dictionary: Dictionary;
  private readonly nameless: NamelessThreads;
  private savedNames: ReadonlyMap<number, string> = new Map();
  /** Index into `strings` by thread. */
  private readonly comms = new Map<number, number>();
  /** Task index + 1 by thread, 0 where it must be looked up. */
  private tasks: Uint32Array = new Uint32Array(4096);

  constructor(dictionary: Dictionary, nameless: NamelessThreads) {
    this.dictionary = dictionary;
    this.nameless = nameless;
    this.comms.set(0, dictionary.strings.intern(nameless.idle));
  }

  /** @param names for threads that no record names, as the tracer saved them */
  setSavedNames(names: ReadonlyMap<number, string>): void {
    this.savedNames = names;
  }

  /** @param comm index into `strings` */
  setName(thread: number, comm: number): void {
    this.comms.set(thread, comm);
    this.forget(thread);
  }

  fork(thread: number, parent: number): void {
    const comm = this.comms.get(parent);
    if (thread === parent) return;
    if (comm === undefined) this.comms.delete(thread);
    else this.comms.set(thread, comm);
    this.forget(thread);
  }

  /** Index into `tasks`. */
  task(thread: number): number {
    const known = this.tasks[thread];
    return known === undefined || known === 0 ? this.lookUp(thread) : known - 1;
  }

  private lookUp(thread: number): number {
    if (thread === NO_THREAD) return 0;
    const { strings, tasks } = this.dictionary;
    const comm =
      this.comms.get(thread) ??
      strings.intern(this.savedNames.get(thread) ?? this.nameless.other(thread));
    const task = tasks.intern(thread, comm);
    if (thread < PID_MAX_LIMIT) {
      this.tasks = ensureLength(this.tasks, thread + 1);
      this.tasks[thread] = task + 1;
    }
    return task;
  }

  private forget(thread: number): void {
    if (thread < this.tasks.length) this.tasks[thread] = 0;
  }
}
