// The owners of a place and a report on it → the owner that counts: who held it when the report was
// printed, or else had held it last before, never after; of a double free the second free.

import type { Owner } from '../../analysis/owners.ts';
import { formatSeconds } from '../../base/bytes-format.ts';
import type { MemoryReport, ReportedTrack } from '../../kernel/memory-reports/memory-report.ts';
import type { ReportMoment } from './report-moment.ts';

export interface JoinedReport {
  /** Without what is no owner: the second free of an object has no allocation. */
  readonly owners: readonly Owner[];
  readonly last: Owner | undefined;
  /** The "owner" that only the second free made. */
  readonly second: Owner | undefined;
  readonly note: string | null;
}

/** What is to be known of owners. */
export interface OwnerFacts {
  /** `symbol+0xoff` of the allocation, where it was seen. */
  siteOf(owner: Owner): string | null;
  /** Whether the event of the free was written after the free was done, and reported on. */
  comesAfterTheAct(owner: Owner): boolean;
}

/** "Object already free" (SLUB), "double-free" (KASAN), "invalid free" (KFENCE has one name for both). */
const DOUBLE_FREE = /already free|double[- ]free|^invalid free$/i;
/** The object was free by then: use-after-free, Poison overwritten, Freechain corrupt … */
export const OF_FREE_OBJECT: RegExp = /free|poison/i;

/** @param all owners of the place, the first one first */
export function joinReport(
  all: readonly Owner[],
  report: Pick<MemoryReport, 'title' | 'allocated'>,
  moment: ReportMoment,
  facts: OwnerFacts,
): JoinedReport {
  const second = DOUBLE_FREE.test(report.title) ? secondFree(all, moment, facts) : undefined;
  const owners = second === undefined ? all : all.slice(0, firstOfRow(all, all.indexOf(second)));
  const wasFree = OF_FREE_OBJECT.test(report.title);
  const at = (time: number): Owner | undefined =>
    owners.findLast((owner) => beginOf(owner, wasFree, owners) <= time);
  const isFromThere = (owner: Owner | undefined): boolean =>
    owner !== undefined && isOfTrack(facts.siteOf(owner), report.allocated);
  const near = [at(moment.at), at(moment.at - moment.slack), at(moment.at + moment.slack)];
  const candidates = Number.isFinite(moment.at) ? near : [...near, ...owners.toReversed()];
  const told = report.allocated === null ? undefined : candidates.find(isFromThere);
  const isUnsure = new Set(near).size > 1 && told === undefined;
  return {
    owners: second === undefined ? all : all.filter((owner) => owner !== second),
    last: told ?? near[0],
    second,
    note:
      moment.note ?? (isUnsure ? unsure(moment) : contradiction(report, told ?? near[0], facts)),
  };
}

/** Whether a call site is that of a reported stack: its caller, or a frame nearer to the allocator. */
export function isOfTrack(site: string | null, track: ReportedTrack | null): boolean {
  if (site === null || track === null) return false;
  // Decoded frames have lost their offset.
  const isSame = (frame: string | null): boolean =>
    frame !== null && (frame.includes('+') ? frame === site : site.split('+')[0] === frame);
  return isSame(track.in) || track.stack.some(isSame);
}

/** A free of what was freed already, the last event of the place before the report. */
function secondFree(
  all: readonly Owner[],
  { at, slack }: ReportMoment,
  facts: OwnerFacts,
): Owner | undefined {
  const i = all.findLastIndex((owner) => beginOf(owner, true, all) <= at + slack);
  if (isFreeAgain(all, i)) return all[i];
  const next = all[i + 1];
  return next !== undefined && isFreeAgain(all, i + 1) && facts.comesAfterTheAct(next)
    ? next
    : undefined;
}

/** True where the free of an owner without an allocation follows on a free. */
function isFreeAgain(all: readonly Owner[], i: number): boolean {
  const owner = all[i];
  return owner !== undefined && owner.alloc < 0 && owner.free >= 0 && (all[i - 1]?.free ?? -1) >= 0;
}

/** The first of several frees in a row of what was free already. */
function firstOfRow(all: readonly Owner[], i: number): number {
  let first = i;
  while (isFreeAgain(all, first - 1)) first--;
  return first;
}

/**
 * From when on an owner is one. Of an allocation that was not seen only the free is sure, where others
 * had the place before it.
 */
function beginOf(owner: Owner, wasFree: boolean, all: readonly Owner[]): number {
  return owner.alloc < 0 && wasFree && owner !== all[0] ? owner.to : owner.from;
}

/** The log names another call site than the trace: the allocation it means was not recorded. */
function contradiction(
  { allocated }: Pick<MemoryReport, 'allocated'>,
  owner: Owner | undefined,
  facts: OwnerFacts,
): string | null {
  const site = owner === undefined ? null : facts.siteOf(owner);
  if (site === null || allocated === null || allocated.in === null) return null;
  if (isOfTrack(site, allocated)) return null;
  return `The log says that it was allocated in ${allocated.in}: that allocation is not in the trace.`;
}

function unsure({ slack }: ReportMoment): string {
  return (
    `The clocks of trace and log may be ${formatSeconds(slack / 1e9)} apart, and the place changed ` +
    'its owner in that time.'
  );
}
