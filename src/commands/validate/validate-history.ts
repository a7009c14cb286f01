// Damaged objects → what the trace knows of them and of their neighbours in the slab: who had each
// place last. The trace is read only where there is something to tell of.

import { type LastOwner, LastOwners } from '../../analysis/last-owners.ts';
import { describeEvent, type ObjectOwner } from '../../analysis/owners.ts';
import { hiOf, loOf } from '../../base/address.ts';
import { formatAddress } from '../../base/format-address.ts';
import { type OpenedRun, openRun } from '../../run/open-run.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import type { SourceOptions } from '../../run/source.ts';
import type { TraceEvidence } from '../../snapshot/kernel/match-trace.ts';
import type { SlabReport } from '../../snapshot/validate/slab-report.ts';

/** Where an address is beside the damaged object. */
type Relation = 'object' | 'before' | 'after';

/** As `history` has them. */
export interface HistoryOwner extends ObjectOwner {
  readonly relation: Relation;
}

export interface TraceHistory {
  readonly opened: OpenedRun;
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
  const owners = new LastOwners();
  for (const report of reports) {
    for (const { address } of placesOf(report)) owners.watch(loOf(address), hiOf(address));
  }
  const opened = await openRun(source, { trackers: { owners: () => owners } });
  const { run } = opened;
  return {
    opened,
    live: liveSample(run),
    of: (report) =>
      placesOf(report).flatMap(({ relation, address }) =>
        owners
          .of(loOf(address), hiOf(address))
          .slice(0, relation === 'object' ? OWN_SHOWN : 1)
          .map((owner) => ownerOf(run, relation, address, owner)),
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

function ownerOf(
  run: ResolvedRun,
  relation: Relation,
  address: bigint,
  { alloc, free, freedUnseen }: LastOwner,
): HistoryOwner {
  const { calls } = run.dictionary;
  return {
    relation,
    address: formatAddress(address),
    cache: run.names.ofCall[(alloc ?? free)?.call ?? 0] ?? null,
    bytesReq: alloc === undefined ? null : calls.bytesReq(alloc.call),
    bytesAlloc: alloc === undefined ? null : calls.bytesAlloc(alloc.call),
    alloc: alloc === undefined ? null : describeEvent(run, alloc),
    free: free === undefined ? null : describeEvent(run, free),
    freedUnseen,
  };
}

/** The trace's live objects, of all caches, which must be on slabs of the snapshot. */
function liveSample({ live, held, dictionary, info }: ResolvedRun): TraceEvidence['live'] {
  if (info.hashedPointers) return undefined;
  const rows = live.inOrder(held);
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
