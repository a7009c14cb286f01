// Who had which place when: the allocations and frees of a block, paired.

import { present } from '../base/assert.ts';
import { formatAddress } from '../base/format-address.ts';
import { EVENT_KIND, isAlloc, isFree } from '../kernel/events/event-kind.ts';
import type { Row } from '../kernel/indices.ts';
import type { ResolvedRun } from '../run/resolved-run.ts';
import { absoluteTime } from '../run/run-summary.ts';
import type { BlockEvents } from './block-events.ts';

/** An allocation or a free, in words. */
export interface HistoryEvent {
  /** Decimal digits, in the clock's unit. */
  readonly atNs: string;
  readonly cpu: number;
  readonly pid: number;
  readonly comm: string;
  /** The call site: its address, and what it is called. */
  readonly site: string | null;
  readonly symbol: string | null;
  readonly module: string | null;
  /** The innermost frame first; null where none were recorded. */
  readonly stack: readonly string[] | null;
}

/** One life of an object. */
export interface ObjectOwner {
  readonly address: string;
  /** Null where nothing tells. */
  readonly cache: string | null;
  readonly bytesReq: number | null;
  readonly bytesAlloc: number | null;
  /** Null: before the trace, or without an event. */
  readonly alloc: HistoryEvent | null;
  /** Null: it is live, or was freed without an event. */
  readonly free: HistoryEvent | null;
  /** The place was given out again without a free. */
  readonly freedUnseen: boolean;
}

/** An owner with what deciding needs. */
export interface Owner {
  readonly base: bigint;
  /** Bytes of its place, as far as they are known. */
  readonly size: number;
  readonly cache: string | undefined;
  /** Rows of the block's events; -1 where there is none. */
  readonly alloc: number;
  readonly free: number;
  /** As `EventBatch.ts`; -Infinity and Infinity where not known. */
  readonly from: number;
  readonly to: number;
  readonly freedUnseen: boolean;
}

/** All owners in the order in which they came. */
export function findOwners(run: ResolvedRun, events: BlockEvents): Owner[] {
  const { calls } = run.dictionary;
  const owners: Owner[] = [];
  const open = new Map<bigint, number>();
  const close = (address: bigint, to: number, free: number, freedUnseen: boolean): void => {
    const at = open.get(address);
    if (at === undefined) return;
    owners[at] = { ...present(owners[at]), to, free, freedUnseen };
    open.delete(address);
  };
  for (let row: Row = 0; row < events.length; row++) {
    const call = events.call[row];
    const kind = calls.kind(call);
    const address = events.address(row);
    const ts = events.ts[row];
    if (isAlloc(kind)) {
      const isSecondEvent = open.has(address) && isSameAllocation(run, events, owners, open, row);
      if (isSecondEvent) continue;
      close(address, ts, -1, true);
      open.set(address, owners.length);
      const cache = run.names.ofCall[call];
      const known = cache === undefined ? undefined : run.facts.caches?.find(cache);
      owners.push({
        base: address,
        size: Math.max(known?.slabSize ?? 0, calls.bytesAlloc(call), 1),
        cache,
        alloc: row,
        free: -1,
        from: ts,
        to: Infinity,
        freedUnseen: false,
      });
    } else if (isFree(kind) || kind === EVENT_KIND.bulk_free) {
      if (open.has(address)) close(address, ts, row, false);
      else owners.push(olderOwner(run, events, row, owners));
    }
  }
  return owners;
}

/** Two events in a row of one large kmalloc (6.12). */
function isSameAllocation(
  { dictionary: { calls } }: ResolvedRun,
  events: BlockEvents,
  owners: readonly Owner[],
  open: ReadonlyMap<bigint, number>,
  row: Row,
): boolean {
  const before = owners[open.get(events.address(row)) ?? -1]?.alloc ?? -1;
  if (before < 0) return false;
  const first = events.call[before]!;
  const second = events.call[row];
  return (
    first !== second &&
    events.cpu[before] === events.cpu[row] &&
    events.task[before] === events.task[row] &&
    calls.bytesReq(first) === calls.bytesReq(second) &&
    calls.bytesAlloc(first) > 8192 &&
    row === before + 1
  );
}

/** A free without an allocation before it: an object from before the trace, or of a bulk allocation. */
function olderOwner(
  run: ResolvedRun,
  events: BlockEvents,
  row: Row,
  owners: readonly Owner[],
): Owner {
  const { calls, strings } = run.dictionary;
  const base = events.address(row);
  const printed = calls.cache(events.call[row]);
  const cache = printed === 0 ? undefined : strings.get(printed);
  const known = cache === undefined ? undefined : run.facts.caches?.find(cache);
  const last = owners.findLast((owner) => owner.base === base);
  return {
    base,
    size: known?.slabSize ?? last?.size ?? 1,
    cache: cache ?? last?.cache,
    alloc: -1,
    free: row,
    from: last === undefined ? -Infinity : last.to,
    to: events.ts[row],
    freedUnseen: false,
  };
}

export function describeOwner(run: ResolvedRun, events: BlockEvents, owner: Owner): ObjectOwner {
  const { calls } = run.dictionary;
  const call = owner.alloc < 0 ? 0 : events.call[owner.alloc]!;
  return {
    address: formatAddress(owner.base),
    cache: owner.cache ?? null,
    bytesReq: owner.alloc < 0 ? null : calls.bytesReq(call),
    bytesAlloc: owner.alloc < 0 ? null : calls.bytesAlloc(call),
    alloc: owner.alloc < 0 ? null : describeEvent(run, eventAt(events, owner.alloc)),
    free: owner.free < 0 ? null : describeEvent(run, eventAt(events, owner.free)),
    freedUnseen: owner.freedUnseen,
  };
}

/** One event, as indexes into the run's dictionary. */
export interface KeptEvent {
  /** As `EventBatch.ts`. */
  readonly ts: number;
  readonly call: number;
  readonly task: number;
  readonly cpu: number;
  readonly stack: number;
}

export function eventAt({ ts, call, task, cpu, stack }: BlockEvents, row: Row): KeptEvent {
  return {
    ts: ts[row],
    call: call[row],
    task: task[row],
    cpu: cpu[row],
    stack: stack[row],
  };
}

export function describeEvent(run: ResolvedRun, event: KeptEvent): HistoryEvent {
  const { calls, tasks, strings, stacks } = run.dictionary;
  const { address, symbol, module } = run.sites.get(calls.site(event.call));
  const { stack } = event;
  return {
    atNs: absoluteTime(run, event.ts),
    cpu: event.cpu,
    pid: tasks.pid(event.task),
    comm: strings.get(tasks.comm(event.task)),
    site: formatAddress(address),
    symbol,
    module,
    stack: stack === 0 ? null : Array.from(stacks.frames(stack), (site) => run.sites.label(site)),
  };
}
