// Sums over calls and live objects by a key: the rows of every table by cache, call site, size, task
// or stack.

import { withKeys } from '../base/keyed.ts';
import type { Call, LiveRow } from '../kernel/indices.ts';
import {
  addLiveObject,
  createSums,
  SUMS,
  type SumColumns,
  type SumName,
  sumsAt,
} from './call-columns.ts';
import { objectBytes } from './object-size.ts';
import type { ResolvedRun } from './resolved-run.ts';

/** What the objects of some calls add up to (call-columns.ts). */
export type CallSums = Readonly<Record<SumName, number>> & {
  /** When the oldest live object was allocated, as `EventBatch.ts`; Infinity where none is. */
  readonly oldestTs: number;
};

export type CallGroup<K> = CallSums & {
  readonly key: K;
  /** None where the group has only live objects of another cache than their call's. */
  readonly calls: readonly number[];
};

/** A key and the text that tells whether two keys are the same. */
export interface GroupKey<K> {
  readonly id: string;
  readonly key: K;
}

/**
 * Sums calls, and their live objects, by a key.
 * @param keyOf the key of a call whose objects are of `cache`, or undefined to leave it out. (A
 *   live object may be of another cache than most of its call's; it is counted under that key.)
 */
export function groupCalls<K>(
  run: ResolvedRun,
  keyOf: (call: Call, cache: string | null) => GroupKey<K> | undefined,
): CallGroup<K>[] {
  const groups = new Groups<K>();
  const { calls, sums, oldestTs } = run.columns;
  for (const call of calls) {
    if (sums.allocs[call] === 0 && sums.failed[call] === 0) continue;
    const key = keyOf(call, run.names.ofCall[call] ?? null);
    if (key !== undefined) groups.addCall(groups.of(key), call, oldestTs[call]!);
  }
  const strays: [row: LiveRow, group: number][] = [];
  for (const [row, own] of run.names.ofRow) {
    const key = run.isListed(row) ? keyOf(run.live.call(row), own) : undefined;
    if (key !== undefined) strays.push([row, groups.of(key)]);
  }
  const columns = groups.sum(sums);
  for (const [row, group] of strays) {
    const size = objectBytes(run.dictionary, run.facts, run.live.call(row));
    addLiveObject(run, row, size, columns, group);
    groups.extendOldest(group, run.live.ts(row));
  }
  return groups.rows(columns);
}

/**
 * Sums the live objects by a key of their own (their task, their stack); what is not live any more
 * has no such key here, so only the sums of what is live are filled.
 * @param keyOf the key of a live object, or undefined to leave it out
 */
export function groupLive<K>(
  run: ResolvedRun,
  keyOf: (row: LiveRow) => GroupKey<K> | undefined,
): CallGroup<K>[] {
  const groups = new Groups<K>();
  const at = Int32Array.from(run.rows, (row) => {
    const key = keyOf(row);
    return key === undefined ? -1 : groups.of(key);
  });
  const columns = createSums(groups.length);
  run.rows.forEach((row, i) => {
    const group = at[i]!;
    if (group < 0) return;
    const size = objectBytes(run.dictionary, run.facts, run.live.call(row));
    addLiveObject(run, row, size, columns, group);
    groups.extendOldest(group, run.live.ts(row));
  });
  return groups.rows(columns);
}

/** True where a group has allocations of its own, not only live objects of another group's calls. */
export function hasCalls<K>({ calls }: CallGroup<K>): boolean {
  return calls.length > 0;
}

/** Adds up groups that get the same key. */
export function mergeGroups<K, M>(
  groups: readonly CallGroup<K>[],
  keyOf: (key: K) => GroupKey<M>,
): CallGroup<M>[] {
  const merged = new Map<string, CallGroup<M>>();
  for (const group of groups) {
    const { id, key } = keyOf(group.key);
    const known = merged.get(id) ?? { ...emptySums(), key, calls: [] };
    merged.set(id, {
      ...withKeys(SUMS, (name) => known[name] + group[name]),
      oldestTs: Math.min(known.oldestTs, group.oldestTs),
      key,
      calls: [...known.calls, ...group.calls],
    });
  }
  return [...merged.values()];
}

/** All sums of a run as one row. */
export function totalSums(run: ResolvedRun): CallSums {
  const [row] = groupCalls(run, () => ({ id: '', key: undefined }));
  return row ?? emptySums();
}

/** The sums of no call at all. */
export function emptySums(): CallSums {
  return { ...withKeys(SUMS, () => 0), oldestTs: Number.POSITIVE_INFINITY };
}

/** Keys numbered as they come, and the calls of each. */
class Groups<K> {
  private readonly numbers = new Map<string, number>();
  private readonly keys: K[] = [];
  private readonly calls: number[][] = [];
  private readonly oldest: number[] = [];

  get length(): number {
    return this.keys.length;
  }

  /** The number of a key's group. */
  of({ id, key }: GroupKey<K>): number {
    let group = this.numbers.get(id);
    if (group === undefined) {
      group = this.keys.length;
      this.numbers.set(id, group);
      this.keys.push(key);
      this.calls.push([]);
      this.oldest.push(Number.POSITIVE_INFINITY);
    }
    return group;
  }

  addCall(group: number, call: Call, oldestTs: number): void {
    this.calls[group]!.push(call);
    this.extendOldest(group, oldestTs);
  }

  extendOldest(group: number, ts: number): void {
    if (ts < this.oldest[group]!) this.oldest[group] = ts;
  }

  /** Sums columns by call into columns by group. */
  sum(columns: SumColumns): SumColumns {
    const sums = createSums(this.length);
    for (const name of SUMS) {
      const from = columns[name];
      const to = sums[name];
      this.calls.forEach((calls, group) => {
        let total = 0;
        for (const call of calls) total += from[call]!;
        to[group] = total;
      });
    }
    return sums;
  }

  rows(sums: SumColumns): CallGroup<K>[] {
    return this.keys.map((key, group) => ({
      key,
      calls: this.calls[group]!,
      ...sumsAt(sums, group),
      oldestTs: this.oldest[group]!,
    }));
  }
}
