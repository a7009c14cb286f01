// Which allocations a command speaks of (docs/filters.md): --pid, --comm, --exclude-comm, --cpu, --time
// and --size, judged by an event's own fields, and --age, which a pass before this one has judged
// (age-pass.ts). What --cache selects is decided where caches have names (run/resolved-run.ts).

import { globToRegExp } from '../base/glob.ts';
import type { CallTable, Dictionary } from '../kernel/events/dictionary.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import { isAlloc } from '../kernel/events/event-kind.ts';
import type { ClockUnit } from '../kernel/events/trace-info.ts';
import type { Call, EventRow, Task } from '../kernel/indices.ts';
import type { EventFilter } from './pairing.ts';

export interface Selection {
  /** Globs of names of caches; all caches where there is none. */
  readonly caches: readonly string[];
  readonly pids: readonly number[];
  readonly comms: readonly string[];
  readonly excludedComms: readonly string[];
  readonly cpus: readonly number[];
  readonly from: TimeBound | undefined;
  readonly to: TimeBound | undefined;
  readonly sizes: SizeRange | undefined;
  readonly ages: AgeRange | undefined;
}

/** Requested bytes; both ends are included. */
export interface SizeRange {
  readonly from: number;
  /** Infinity: no end. */
  readonly to: number;
}

/** How long objects lived, or are live: `atLeast` <= age < `below`. */
export interface AgeRange {
  readonly atLeast: Age | undefined;
  readonly below: Age | undefined;
}

/** A time as an option gives it: in seconds (or units of another clock), nine decimals kept. */
export interface Age {
  /** Billionths. */
  readonly nano: bigint;
  /** True where it names a unit of time, which not every clock counts. */
  readonly hasUnit: boolean;
}

/** Nothing is left out. */
export const EVERYTHING: Selection = {
  caches: [],
  pids: [],
  comms: [],
  excludedComms: [],
  cpus: [],
  from: undefined,
  to: undefined,
  sizes: undefined,
  ages: undefined,
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

/** True where no event is left out. Caches may be (`caches`): that leaves out whole ones. */
export function selectsEveryEvent(options: Selection): boolean {
  const { pids, comms, excludedComms, cpus, from, to, sizes, ages } = options;
  const lists = [pids, comms, excludedComms, cpus];
  const bounds = [from, to, sizes, ages];
  return lists.every(({ length }) => length === 0) && bounds.every((bound) => bound === undefined);
}

export function selectsEverything(options: Selection): boolean {
  return selectsEveryEvent(options) && options.caches.length === 0;
}

/**
 * The filter of some options; undefined where they leave no event out. It must see every event once and
 * in order.
 * @param isOfAge what the pass before this one found of the event with this number (from 0); always
 *   true where no age is asked for
 */
export function createEventFilter(
  options: Selection,
  dictionary: Dictionary,
  scale: TimeScale,
  isOfAge?: (event: number) => boolean,
): EventFilter | undefined {
  const byTask = options.pids.length + options.comms.length + options.excludedComms.length > 0;
  if (selectsEveryEvent(options)) return undefined;
  const { sizes } = options;
  const { calls } = dictionary;
  let events = 0;
  const from = options.from === undefined ? -Infinity : toEventTime(options.from, scale);
  const to = options.to === undefined ? Infinity : toEventTime(options.to, scale);
  const pids = new Set(options.pids);
  const cpus = new Set(options.cpus);
  const comms = options.comms.map(globToRegExp);
  const excluded = options.excludedComms.map(globToRegExp);
  /** By task: undefined where not judged yet. */
  const tasks: (boolean | undefined)[] = [];
  const judgeTask = (task: Task): boolean => {
    const comm = dictionary.strings.get(dictionary.tasks.comm(task));
    // Task 0 is none that the trace tells, pid 0 an idle task.
    if (pids.size > 0 && (task === 0 || !pids.has(dictionary.tasks.pid(task)))) return false;
    if (comms.length > 0 && !comms.some((glob) => glob.test(comm))) return false;
    return !excluded.some((glob) => glob.test(comm));
  };
  return {
    selects(batch: EventBatch, i: EventRow): boolean {
      const event = events++;
      if (isOfAge !== undefined && !isOfAge(event)) return false;
      const ts = batch.ts[i];
      if (ts < from || ts > to) return false;
      if (cpus.size > 0 && !cpus.has(batch.cpu[i])) return false;
      if (sizes !== undefined && !isOfSize(calls, batch.call[i], sizes)) return false;
      if (!byTask) return true;
      const task = batch.task[i];
      tasks[task] ??= judgeTask(task);
      return tasks[task];
    },
  };
}

/** A free tells no size; 0 is a size that the trace does not tell. */
function isOfSize(calls: CallTable, call: Call, { from, to }: SizeRange): boolean {
  const size = calls.bytesReq(call);
  return size > 0 && size >= from && size <= to && isAlloc(calls.kind(call));
}
