// Which allocations a command speaks of: --pid, --comm, --exclude-comm, --cpu and --time, judged by
// an event's own fields. What --cache selects is decided where caches have names.

import { globToRegExp } from '../base/glob.ts';
import type { Dictionary } from '../kernel/events/dictionary.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import type { ClockUnit } from '../kernel/events/trace-info.ts';
import type { EventFilter } from './pairing.ts';

export interface FilterOptions {
  readonly pids: readonly number[];
  readonly comms: readonly string[];
  readonly excludedComms: readonly string[];
  readonly cpus: readonly number[];
  readonly from: TimeBound | undefined;
  readonly to: TimeBound | undefined;
}

export const NO_FILTER: FilterOptions = {
  pids: [],
  comms: [],
  excludedComms: [],
  cpus: [],
  from: undefined,
  to: undefined,
};

/** A moment as an option gives it: in seconds (or units of another clock), nine decimals kept. */
export interface TimeBound {
  /** True where it counts from the first event. */
  readonly relative: boolean;
  /** Billionths. */
  readonly nano: bigint;
}

/** What times are counted from and in. */
export interface TimeScale {
  readonly originNs: bigint;
  readonly clockUnit: ClockUnit;
  /** Time of the first event, as `EventBatch.ts`. */
  readonly firstTs: number;
}

/** A moment as `EventBatch.ts`. */
export function toEventTime(bound: TimeBound, scale: TimeScale): number {
  const units = scale.clockUnit === 'ns' ? bound.nano : bound.nano / 1_000_000_000n;
  return bound.relative ? scale.firstTs + Number(units) : Number(units - scale.originNs);
}

/** True where nothing is left out. */
export function selectsEverything(options: FilterOptions): boolean {
  const { pids, comms, excludedComms, cpus, from, to } = options;
  const lists = [pids, comms, excludedComms, cpus];
  return lists.every(({ length }) => length === 0) && from === undefined && to === undefined;
}

/** The filter of some options; undefined where they leave nothing out. */
export function createEventFilter(
  options: FilterOptions,
  dictionary: Dictionary,
  scale: TimeScale,
): EventFilter | undefined {
  const byTask = options.pids.length + options.comms.length + options.excludedComms.length > 0;
  if (selectsEverything(options)) return undefined;
  const from = options.from === undefined ? -Infinity : toEventTime(options.from, scale);
  const to = options.to === undefined ? Infinity : toEventTime(options.to, scale);
  const pids = new Set(options.pids);
  const cpus = new Set(options.cpus);
  const comms = options.comms.map(globToRegExp);
  const excluded = options.excludedComms.map(globToRegExp);
  /** By task: undefined where not judged yet. */
  const tasks: (boolean | undefined)[] = [];
  const judgeTask = (task: number): boolean => {
    const comm = dictionary.strings.get(dictionary.tasks.comm(task));
    // Task 0 is none that the trace tells, pid 0 an idle task.
    if (pids.size > 0 && (task === 0 || !pids.has(dictionary.tasks.pid(task)))) return false;
    if (comms.length > 0 && !comms.some((glob) => glob.test(comm))) return false;
    return !excluded.some((glob) => glob.test(comm));
  };
  return {
    selects(batch: EventBatch, i: number): boolean {
      const ts = batch.ts[i]!;
      if (ts < from || ts > to) return false;
      if (cpus.size > 0 && !cpus.has(batch.cpu[i]!)) return false;
      if (!byTask) return true;
      const task = batch.task[i]!;
      tasks[task] ??= judgeTask(task);
      return tasks[task];
    },
  };
}
