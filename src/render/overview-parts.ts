// Parts of the overview that the report's page shows too: how far the numbers can be trusted, and what
// the memory at the end and at the peak consists of.

import type { Analysis, CacheRow, CallSiteRow, Totals } from '../analysis/overview.ts';
import { counted, formatShare } from '../base/bytes-format.ts';
import type { Completeness, LateEvent } from '../run/run-summary.ts';
import type { FreeEvent } from '../run/verdicts/unrecorded-frees.ts';
import { fidelityText, impossibleText } from './fidelity-text.ts';
import { doubts } from './run-text.ts';

/** What makes the numbers exact or less than exact: a word and a sentence each. */
export function trustLines({
  completeness,
  events,
  caches,
  callSites,
  totals,
  recorder,
  fidelity,
}: Analysis): [name: string, text: string][] {
  const c = completeness;
  const begin = c.startsAtBoot
    ? 'the recording starts at boot'
    : 'the recording starts on a running machine';
  const lost = c.lostEvents === 0 ? 'no events lost' : `${counted(c.lostEvents, 'event')} lost`;
  const lines: [string, string][] = [
    [c.sampled ? 'events' : 'complete', `${counted(events.total, 'event')}, ${lost}; ${begin}`],
  ];
  // How it was sampled stands before all else, and first among the notes.
  const [how = '', ...others] = c.sampled ? doubts(c) : ['', ...doubts(c)];
  if (c.sampled) lines.unshift(['sampled', how]);
  const late = lateText(c);
  if (late !== '') lines.push(['late', late]);
  const gaps = gapsText(c, totals, callSites);
  if (gaps !== '') lines.push(['gaps', gaps]);
  const certain = c.lostEvents === 0 ? '' : certainText(totals, caches);
  if (certain !== '') lines.push(['certain', certain]);
  if (c.freesOfUnknown > 0) {
    lines.push([
      'older',
      counted(
        c.freesOfUnknown,
        'free was of an object from before the recording, or allocated in bulk',
        'frees were of objects from before the recording, or allocated in bulk',
      ),
    ]);
  }
  if (fidelity !== null) lines.push(['fidelity', fidelityText(fidelity)]);
  if (fidelity !== null && fidelity.impossible > 0) {
    lines.push(['impossible', impossibleText(fidelity.impossible)]);
  }
  if (recorder.bytesAlloc > 0 && totals.bytesAlloc > 0) {
    lines.push([
      'recorder',
      `${formatShare(recorder.bytesAlloc, totals.bytesAlloc)} of the bytes were allocated by ` +
        `${recorder.tasks.join(', ')} (leave out with --exclude-comm)`,
    ]);
  }
  for (const line of others) lines.push(['note', line]);
  return lines;
}

/** What it means that the recording began on a running machine, and with which events. */
function lateText({ startsAtBoot, lateEvents, sampled }: Completeness): string {
  if (startsAtBoot) return '';
  const older = 'what was allocated before the recording is not in these numbers';
  if (lateEvents.length === 0 || sampled) return older;
  const after = ({ afterSec }: LateEvent): string =>
    afterSec === null ? 'later' : `${afterSec.toFixed(1)} s`;
  const which = lateEvents.map((late) => `${late.event} ${after(late)}`).join(', ');
  return (
    `${older}; events began one by one (${which} after the first), and what was allocated before ` +
    'frees were recorded may be freed already'
  );
}

/** Frees that were not recorded, and what of the live objects they put in doubt. */
function gapsText(
  { allocsOfLive, lostEvents, unrecordedFrees, sampled, someTasksOnly }: Completeness,
  { liveUncertain }: Totals,
  callSites: readonly CallSiteRow[],
): string {
  // What is uncertain for want of frees is not put down to kfree_rcu: a note says so.
  if (unrecordedFrees.length > 0 || sampled || someTasksOnly) return '';
  if (allocsOfLive === 0 && liveUncertain === 0) return '';
  let text = 'some call sites free by kfree_rcu only, which leaves no event';
  if (allocsOfLive > 0 && lostEvents > 0) {
    text =
      `${counted(allocsOfLive, 'free')} ${allocsOfLive === 1 ? 'is' : 'are'} missing, among the ` +
      'lost events or without one (kfree_rcu, bulk)';
  } else if (allocsOfLive > 0) {
    text = `at least ${counted(allocsOfLive, 'free')} left no event (kfree_rcu, bulk)`;
  } else if (lostEvents > 0) text = 'some frees leave no event (kfree_rcu), or theirs was lost';
  if (liveUncertain === 0) return text;
  const sites = callSites.filter((site) => site.liveUncertain > 0).length;
  return (
    `${text}; ${counted(liveUncertain, 'live object')} of ${counted(sites, 'call site')} ` +
    `may be freed already and ${liveUncertain === 1 ? 'is' : 'are'} kept apart`
  );
}

/** Caches that are named as the least certain. */
const LEAST_CERTAIN = 3;

/** How much of what is live at the end can be believed, where events were lost. */
function certainText({ liveObjects, liveUncertain }: Totals, caches: readonly CacheRow[]): string {
  if (liveUncertain === 0) return '';
  const certain = liveObjects - liveUncertain;
  const least = caches
    .filter((cache) => cache.liveUncertain > 0)
    .sort((a, b) => b.liveUncertain - a.liveUncertain)
    .slice(0, LEAST_CERTAIN)
    .map((cache) => {
      const share = formatShare(cache.live - cache.liveUncertain, cache.live);
      return `${share} of ${counted(cache.live, 'object')} in ${cache.name ?? '?'}`;
    });
  const text =
    `${formatShare(certain, liveObjects)} of ${counted(liveObjects, 'live object')}, as a lost free ` +
    'leaves an object that looks live';
  return least.length === 0 ? text : `${text}; where it matters most: ${least.join(', ')}`;
}

type MemoryRow = [name: string, end: number, peak: number | null, note: string];

/** What the bytes at the end and at the peak consist of. */
export function memoryRows({
  totals,
  memory: { end, peak, slabs },
  completeness,
}: Analysis): MemoryRow[] {
  const share = (bytes: number): string => `(${formatShare(bytes, end.bytesAlloc)})`;
  const rows: MemoryRow[] = [
    ['allocated', end.bytesAlloc, peak.bytesAlloc, counted(totals.liveObjects, 'object')],
    ['requested', end.bytesReq, peak.bytesReq, ''],
    ['wasted', end.rounding, null, `rounding up to size classes ${share(end.rounding)}`],
  ];
  if (end.padding > 0) {
    rows.push(['', end.padding, null, `alignment in named caches ${share(end.padding)}`]);
  }
  if (end.metadata > 0) {
    rows.push(['', end.metadata, null, `metadata of slub_debug or KASAN ${share(end.metadata)}`]);
  }
  if (slabs !== null) {
    const free = completeness.startsAtBoot ? 'free slots in them' : 'free slots or older objects';
    const of = (bytes: number): string => `(${formatShare(bytes, slabs.bytes)})`;
    rows.push([
      'in slabs',
      slabs.bytes,
      null,
      `${counted(slabs.slabs, 'slab')} that the events show`,
    ]);
    rows.push(['', slabs.freeBytes, null, `${free} ${of(slabs.freeBytes)}`]);
    rows.push(['', slabs.tailBytes, null, `slab tails ${of(slabs.tailBytes)}`]);
  }
  const uncertain = totals.liveUncertainBytesAlloc;
  if (uncertain > 0) {
    rows.push(['uncertain', uncertain, null, 'of the allocated, may be freed already']);
  }
  return rows;
}

/** True where no free of anything that it allocates is in the recording. */
export function lacksAllFrees({ completeness, events }: Analysis): boolean {
  const { unrecordedFrees } = completeness;
  const isMissing = (event: FreeEvent, allocs: number): boolean =>
    allocs === 0 || unrecordedFrees.includes(event);
  return (
    unrecordedFrees.length > 0 &&
    isMissing('kfree', events.kmalloc) &&
    isMissing('kmem_cache_free', events.kmemCacheAlloc)
  );
}
