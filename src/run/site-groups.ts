// Rows by call site: allocations by cache, site and size. Those that a wrapper made (kvmalloc_node,
// kmemdup) and whose stack is known go to the site of its caller; what is live at the end has a stack,
// so that at the peak sites stay those of the events.

import type { Call, Row, Stack } from '../kernel/indices.ts';
import type { StackTally } from '../pairing/stack-tally.ts';
import { type CallGroup, emptySums, type GroupKey, groupCalls, groupLive } from './group-calls.ts';
import type { ResolvedRun } from './resolved-run.ts';

export interface SiteKey {
  readonly cache: string | null;
  /** Index into `Dictionary.sites`. */
  readonly siteId: number | null;
  /** Bytes requested each. */
  readonly size: number | null;
  /** True where a struct devres is part of each object. */
  readonly isDevres: boolean;
  /** True where what was freed is not summed (but in `allocs`): only live objects have their stack. */
  readonly isByStack: boolean;
}

/** @param stacks how often each call was made from each stack; none: no site is looked through */
export function groupSites(
  run: ResolvedRun,
  at: 'end' | 'peak',
  stacks: StackTally | undefined,
): CallGroup<SiteKey>[] {
  const { calls } = run.dictionary;
  const devres = devresCalls(run);
  const isByStack = (call: Call): boolean =>
    at === 'end' && stacks !== undefined && run.callers.isWrapper(calls.site(call));
  const keyOf = (call: Call, stack: Stack, cache: string | null): GroupKey<SiteKey> => {
    const siteId = run.callers.callerOf(calls.site(call), stack);
    const size = calls.bytesReq(call);
    const isDevres = devres.has(call);
    return {
      id: `${run.sites.label(siteId)} ${size} ${isDevres} ${cache ?? ''}`,
      key: { cache, siteId, size, isDevres, isByStack: isByStack(call) },
    };
  };
  const direct = groupCalls(run, (call, cache) =>
    isByStack(call) ? undefined : keyOf(call, 0, cache),
  );
  if (stacks === undefined) return direct;
  const groups = new Map<string, CallGroup<SiteKey>>();
  const { sums } = run.columns;
  for (let row: Row = 0; row < stacks.length; row++) {
    const call = stacks.call[row];
    const allocs = stacks.allocs[row];
    if (allocs === 0 || sums.allocs[call] === 0 || !isByStack(call)) continue;
    const { id, key } = keyOf(call, stacks.stack[row], run.names.ofCall[call] ?? null);
    const group = groups.get(id) ?? { ...emptySums(), key, calls: [] };
    groups.set(id, { ...group, allocs: group.allocs + allocs });
  }
  const live = groupLive(run, (row) => {
    const call = run.live.call(row);
    if (!isByStack(call)) return undefined;
    const { id, key } = keyOf(call, run.live.stack(row), run.cacheOfRow(row) ?? null);
    return { id, key: { id, key } };
  });
  for (const group of live) {
    const { id, key } = group.key;
    groups.set(id, { ...group, key, allocs: groups.get(id)?.allocs ?? 0 });
  }
  return [...direct, ...groups.values()];
}

/** Calls that make managed memory; told by their site, or by the stack of what is live of them. */
function devresCalls(run: ResolvedRun): Set<number> {
  const { calls } = run.dictionary;
  const found = new Set<number>();
  const seen = new Set<string>();
  for (let call: Call = 1; call < calls.length; call++) {
    if (run.callers.isDevres(calls.site(call), 0)) found.add(call);
  }
  for (const row of run.rows) {
    const call = run.live.call(row);
    const stack = run.live.stack(row);
    if (stack === 0 || found.has(call)) continue;
    const id = `${call} ${stack}`;
    if (seen.has(id)) continue;
    seen.add(id);
    if (run.callers.isDevres(calls.site(call), stack)) found.add(call);
  }
  return found;
}
