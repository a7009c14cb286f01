// What the objects of each call add up to, as columns by call: computed once for a run, summed by
// group-calls.ts for every table. Bytes are of whole objects, counts of objects.

import { withKeys } from '../base/keyed.ts';
import { type Column, column } from '../kernel/column.ts';
import { isAlloc } from '../kernel/events/event-kind.ts';
import type { Call, LiveRow, Row } from '../kernel/indices.ts';
import { type ObjectBytes, objectBytes } from './object-size.ts';
import type { ResolvedRun } from './resolved-run.ts';
import { VERDICT } from './verdicts/live-verdicts.ts';

/** What is summed over the whole trace, or at its peak. */
const TRACE_SUMS = [
  'allocs',
  'failed',
  'frees',
  'untracedFrees',
  'crossCpuFrees',
  'temporary',
  'bytesReq',
  'bytesAlloc',
  'bytesFreed',
  'lifetimeSum',
  'atPeak',
  'atPeakBytesReq',
  'atPeakBytesAlloc',
  'atPeakRounding',
] as const;

/** What is summed over the objects that are live at the end. */
const LIVE_SUMS = [
  'live',
  'liveUncertain',
  'liveBytesReq',
  'liveBytesAlloc',
  'liveUncertainBytesAlloc',
  'liveRounding',
  'livePadding',
  'liveMetadata',
  // Rounding of all objects times how long they lived, byte-seconds; of live ones until the end.
  'roundingByteSeconds',
] as const;

export const SUMS: readonly SumName[] = [...TRACE_SUMS, ...LIVE_SUMS];
export type SumName = (typeof TRACE_SUMS)[number] | (typeof LIVE_SUMS)[number];
export type SumColumns = Readonly<Record<SumName, Column<Call | Row, Float64Array>>>;

/** Zeros for `length` calls, or rows of a table of groups. */
export function createSums(length: number): SumColumns {
  return withKeys(SUMS, () => column(new Float64Array(length)));
}

/** One row of the sums as an object. (Written out: objects made field by field in a loop are slow.) */
export function sumsAt(sums: SumColumns, row: Row): Record<SumName, number> {
  return {
    allocs: sums.allocs[row],
    failed: sums.failed[row],
    frees: sums.frees[row],
    untracedFrees: sums.untracedFrees[row],
    crossCpuFrees: sums.crossCpuFrees[row],
    temporary: sums.temporary[row],
    bytesReq: sums.bytesReq[row],
    bytesAlloc: sums.bytesAlloc[row],
    bytesFreed: sums.bytesFreed[row],
    lifetimeSum: sums.lifetimeSum[row],
    atPeak: sums.atPeak[row],
    atPeakBytesReq: sums.atPeakBytesReq[row],
    atPeakBytesAlloc: sums.atPeakBytesAlloc[row],
    atPeakRounding: sums.atPeakRounding[row],
    live: sums.live[row],
    liveUncertain: sums.liveUncertain[row],
    liveBytesReq: sums.liveBytesReq[row],
    liveBytesAlloc: sums.liveBytesAlloc[row],
    liveUncertainBytesAlloc: sums.liveUncertainBytesAlloc[row],
    liveRounding: sums.liveRounding[row],
    livePadding: sums.livePadding[row],
    liveMetadata: sums.liveMetadata[row],
    roundingByteSeconds: sums.roundingByteSeconds[row],
  };
}

export interface CallColumns {
  /**
   * Calls that allocate what the command speaks of; the sums of others are 0. One of these has sums of
   * 0 where a later event of each allocation named another caller: at moments between it had objects.
   */
  readonly calls: Uint32Array;
  readonly sums: SumColumns;
  /** When the oldest live object was allocated, as `EventBatch.ts`; Infinity where none is. */
  readonly oldestTs: Column<Call, Float64Array>;
}

/**
 * The columns of a run. Live objects whose own cache is not their call's (CacheNames.ofRow) are left
 * out; `addLiveObject` counts them where they belong.
 */
export function buildCallColumns(run: ResolvedRun): CallColumns {
  const { calls } = run.dictionary;
  const sums = createSums(calls.length);
  const oldestTs: Column<Call, Float64Array> = column(
    new Float64Array(calls.length).fill(Number.POSITIVE_INFINITY),
  );
  const sizes = sizesOfCalls(run);
  const tally = run.tallies.calls;
  for (const [call, size] of sizes) {
    const allocs = tally.allocs[call];
    const atPeak = tally.liveAtPeak(call);
    sums.allocs[call] = allocs;
    sums.failed[call] = tally.failed[call];
    sums.frees[call] = tally.frees[call];
    sums.untracedFrees[call] = tally.untracedFrees[call];
    sums.crossCpuFrees[call] = tally.crossCpuFrees[call];
    sums.temporary[call] = tally.temporary[call];
    sums.bytesReq[call] = allocs * size.requested;
    sums.bytesAlloc[call] = allocs * size.allocated;
    sums.bytesFreed[call] = tally.frees[call] * size.allocated;
    sums.lifetimeSum[call] = tally.lifetimeSum[call];
    sums.atPeak[call] = atPeak;
    sums.atPeakBytesReq[call] = atPeak * size.requested;
    sums.atPeakBytesAlloc[call] = atPeak * size.allocated;
    sums.atPeakRounding[call] = atPeak * size.rounding;
    sums.roundingByteSeconds[call] = (tally.lifetimeSum[call] / 1e9) * size.rounding;
  }
  const hasOwn = run.names.ofRow.size > 0;
  const { live, liveUncertain, roundingByteSeconds } = sums;
  const { lastTs } = run.tallies;
  const verdicts = run.verdicts.ofRow;
  const livedUnits: Column<Call, Float64Array> = column(new Float64Array(calls.length));
  run.listed.forEach((row) => {
    if (hasOwn && run.names.ofRow.has(row)) return;
    const call = run.live.call(row);
    const ts = run.live.ts(row);
    live[call]!++;
    if (verdicts[row] !== VERDICT.certain) liveUncertain[call]!++;
    livedUnits[call]! += lastTs - ts;
    if (ts < oldestTs[call]!) oldestTs[call] = ts;
  });
  for (const [call, size] of sizes) {
    if (live[call] === 0) continue;
    addBytes(sums, call, size, live[call], liveUncertain[call]);
    roundingByteSeconds[call] += (livedUnits[call] / 1e9) * size.rounding;
  }
  return { calls: Uint32Array.from(sizes, ([call]) => call), sums, oldestTs };
}

/** The calls that allocate what the command speaks of, with the bytes of an object of each. */
function sizesOfCalls(run: ResolvedRun): [call: Call, size: ObjectBytes][] {
  const { calls } = run.dictionary;
  const sizes: [Call, ObjectBytes][] = [];
  for (let call: Call = 1; call < calls.length; call++) {
    if (!isAlloc(calls.kind(call)) || !run.selectsCache(run.names.ofCall[call])) continue;
    sizes.push([call, objectBytes(run.dictionary, run.facts, call)]);
  }
  return sizes;
}

/** Counts one live object in row `at` of some sums. */
export function addLiveObject(
  run: ResolvedRun,
  row: LiveRow,
  size: ObjectBytes,
  sums: SumColumns,
  at: Row,
): void {
  const uncertain = run.verdicts.ofRow[row] === VERDICT.certain ? 0 : 1;
  sums.live[at]++;
  sums.liveUncertain[at] += uncertain;
  addBytes(sums, at, size, 1, uncertain);
  const lived = (run.tallies.lastTs - run.live.ts(row)) / 1e9;
  sums.roundingByteSeconds[at] += lived * size.rounding;
}

/** The bytes of some live objects of one size, `uncertain` of them uncertain. */
function addBytes(
  sums: SumColumns,
  at: Call | Row,
  size: ObjectBytes,
  count: number,
  uncertain: number,
): void {
  sums.liveBytesReq[at] += count * size.requested;
  sums.liveBytesAlloc[at] += count * size.allocated;
  sums.liveRounding[at] += count * size.rounding;
  sums.livePadding[at] += count * size.padding;
  sums.liveMetadata[at] += count * size.metadata;
  sums.liveUncertainBytesAlloc[at] += uncertain * size.allocated;
}
