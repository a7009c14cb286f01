// What each task allocated over the whole trace, and what of it was live at the peak: the rows of
// TaskTally summed over the calls whose cache the command speaks of.

import type { Row, Task } from '../kernel/indices.ts';
import type { TaskTally } from '../pairing/task-tally.ts';
import { objectBytes } from './object-size.ts';
import type { ResolvedRun } from './resolved-run.ts';

export interface TaskTotal {
  /** Index into `Dictionary.tasks`; 0 where the trace does not name the task. */
  readonly task: number;
  readonly allocs: number;
  /** Its objects that anyone freed with an event. */
  readonly frees: number;
  readonly bytesReq: number;
  readonly bytesAlloc: number;
  /** What was live of it when the total of all tasks was highest, and where its bytes went. */
  readonly atPeak: {
    readonly objects: number;
    readonly requested: number;
    readonly allocated: number;
    readonly rounding: number;
    readonly padding: number;
    readonly metadata: number;
  };
}

type Building<T> = { -readonly [K in keyof T]: T[K] extends number ? T[K] : Building<T[K]> };

/** One row for each task that allocated, in the order in which the tasks were first met. */
export function taskTotals(run: ResolvedRun, tally: TaskTally): TaskTotal[] {
  const totals: (Building<TaskTotal> | undefined)[] = [];
  const { sums } = run.columns;
  for (let row: Row = 0; row < tally.length; row++) {
    const call = tally.call[row];
    const allocs = tally.allocs[row];
    if (allocs === 0 || sums.allocs[call] === 0) continue;
    const task = tally.task[row];
    const size = objectBytes(run.dictionary, run.facts, call);
    const total = totals[task] ?? emptyTotal(task);
    totals[task] = total;
    total.allocs += allocs;
    total.frees += tally.frees[row];
    total.bytesReq += allocs * size.requested;
    total.bytesAlloc += allocs * size.allocated;
    const objects = tally.liveAtPeak(row);
    total.atPeak.objects += objects;
    total.atPeak.requested += objects * size.requested;
    total.atPeak.allocated += objects * size.allocated;
    total.atPeak.rounding += objects * size.rounding;
    total.atPeak.padding += objects * size.padding;
    total.atPeak.metadata += objects * size.metadata;
  }
  return totals.filter((total) => total !== undefined);
}

function emptyTotal(task: Task): Building<TaskTotal> {
  return {
    task,
    allocs: 0,
    frees: 0,
    bytesReq: 0,
    bytesAlloc: 0,
    atPeak: { objects: 0, requested: 0, allocated: 0, rounding: 0, padding: 0, metadata: 0 },
  };
}
