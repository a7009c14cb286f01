// Damaged objects → what the trace knows of them and of their neighbours in the slab: who had each
// place last. The trace is read only where there is something to tell of.

import { ObjectOwners, type Owner, type OwnerEvent } from '../analysis/object-owners.ts';
import type { ResolvedRun } from '../analysis/resolved-run.ts';
import { absoluteTime } from '../analysis/run-summary.ts';
import { formatAddress } from '../base/format-address.ts';
import { hiOf, loOf } from '../snapshot/address.ts';
import type { TraceEvidence } from '../snapshot/match-trace.ts';
import type { SlabReport } from '../snapshot/validate/slab-report.ts';
import { type LoadedRun, loadRun, type SourceOptions } from './load-run.ts';

/** Where an address lies beside the damaged object. */
type Relation = 'object' | 'before' | 'after';

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
  /** Of an allocation; null of a free. */
  readonly bytesReq: number | null;
}

export interface HistoryOwner {
  readonly relation: Relation;
  readonly address: string | null;
  /** Null: before the trace, or without an event. */
  readonly alloc: HistoryEvent | null;
  readonly free: HistoryEvent | null;
  /** The address was given out again without a free. */
  readonly freedUnseen: boolean;
}

export interface TraceHistory {
  readonly loaded: LoadedRun;
  /** What the trace says of its boot. */
  readonly live: TraceEvidence['live'];
  /** The last owners of an object and of those beside it, the object's own first. */
  of(report: SlabReport): readonly HistoryOwner[];
}

/** Owners of the object itself that are shown; of a neighbour only the last. */
const OWN_SHOWN = 2;

/** Reads the trace of a source for what it knows of the objects in some reports. */
export async function readHistory(
  source: SourceOptions,
  reports: readonly SlabReport[],
): Promise<TraceHistory> {
  const owners = new ObjectOwners();
  for (const report of reports) {
    for (const { address } of placesOf(report)) owners.watch(loOf(address), hiOf(address));
  }
  const loaded = await loadRun(source, [() => owners]);
  const { run } = loaded;
  return {
    loaded,
    live: liveSample(run),
    of: (report) =>
      placesOf(report).flatMap(({ relation, address }) =>
        owners
          .of(loOf(address), hiOf(address))
          .slice(0, relation === 'object' ? OWN_SHOWN : 1)
          .map((owner) => describeOwner(run, relation, address, owner)),
      ),
  };
}

/** The object of a report and those beside it; of slab padding the last object. */
function placesOf({ objects }: SlabReport): readonly { relation: Relation; address: bigint }[] {
  const { object, before, after } = objects;
  return [
    { relation: 'object' as const, address: object },
    { relation: 'before' as const, address: before },
    { relation: 'after' as const, address: after },
  ].flatMap(({ relation, address }) => (address === undefined ? [] : [{ relation, address }]));
}

function describeOwner(
  run: ResolvedRun,
  relation: Relation,
  address: bigint,
  { alloc, free, freedUnseen }: Owner,
): HistoryOwner {
  return {
    relation,
    address: formatAddress(address),
    alloc: alloc === undefined ? null : describeEvent(run, alloc, true),
    free: free === undefined ? null : describeEvent(run, free, false),
    freedUnseen,
  };
}

function describeEvent(run: ResolvedRun, event: OwnerEvent, isAlloc: boolean): HistoryEvent {
  const { calls, tasks, strings } = run.dictionary;
  const { address, symbol, module } = run.sites.get(calls.site(event.call));
  return {
    atNs: absoluteTime(run, event.ts),
    cpu: event.cpu,
    pid: tasks.pid(event.task),
    comm: strings.get(tasks.comm(event.task)),
    site: formatAddress(address),
    symbol,
    module,
    bytesReq: isAlloc ? calls.bytesReq(event.call) : null,
  };
}

/** The trace's live objects, which must lie on slabs of the snapshot. */
function liveSample({ live, rows, dictionary, info }: ResolvedRun): TraceEvidence['live'] {
  if (info.hashedPointers) return undefined;
  const count = rows.length;
  const sample = {
    count,
    hi: new Uint32Array(count),
    lo: new Uint32Array(count),
    bytesAlloc: new Uint32Array(count),
  };
  for (const [i, row] of rows.entries()) {
    sample.hi[i] = live.ptrHi(row);
    sample.lo[i] = live.ptrLo(row);
    sample.bytesAlloc[i] = dictionary.calls.bytesAlloc(live.call(row));
  }
  return sample;
}
