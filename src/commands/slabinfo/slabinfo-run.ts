// The kernel's slabinfo tables: of a recording's sysfs capture, for which no events are read, or of
// the replayed state at a moment.

import { readingTwice } from '../../analysis/store-run/open-database.ts';
import { TraceFormatError, UsageError } from '../../base/errors.ts';
import { resolveSlabCacheNames, type SlabCacheName } from '../../kernel/caches/slab-cache-names.ts';
import type { SlabSysfs } from '../../kernel/caches/slab-sysfs.ts';
import { emptyTraceInfo } from '../../kernel/events/trace-info.ts';
import { canReadTwice } from '../../recording/find-source.ts';
import {
  pageSizeOf,
  readFacts,
  readProcSlabinfo,
  readSlabSysfs,
} from '../../recording/read-facts.ts';
import type { SidecarFiles } from '../../recording/sidecars.ts';
import {
  captureOfRecordedSlabinfo,
  readPipedCapture,
  readSlabCapture,
  type SlabCapture,
} from '../../recording/slab-capture.ts';
import { observeRun, replayBasis } from '../../run/observe-run.ts';
import { openRun } from '../../run/open-run.ts';
import {
  type Completeness,
  judgeCompleteness,
  type RunSummary,
  summarizeRun,
} from '../../run/run-summary.ts';
import { openSource, type SourceOptions } from '../../run/source.ts';
import { assertInTrace } from '../../run/trace-range.ts';
import type { SlabinfoOptions } from './options.ts';
import { replayedSysfs } from './replayed-sysfs.ts';
import { computeSlabinfo, type SlabinfoResult } from './slabinfo.ts';

export interface SlabinfoRun {
  /** What of it needs events is null where none were read. */
  readonly run: { readonly [K in keyof RunSummary]: RunSummary[K] | null };
  readonly completeness: Completeness | null;
  readonly result: SlabinfoResult;
  /** True where the capture is /proc/slabinfo, which tells less than sysfs. */
  readonly isSlabinfo: boolean;
  /** Names of the directories, by id. */
  readonly names: ReadonlyMap<string, SlabCacheName>;
  /** Of a replayed state: slabs that the kernel had at the end and no event shows. */
  readonly olderSlabs: number;
  /** What of the recording's files could not be used, in sentences that name the file. */
  readonly notes: readonly string[];
}

/** @throws TraceFormatError where the source has no capture of /sys/kernel/slab */
export async function slabinfoRun(
  from: SourceOptions,
  options: SlabinfoOptions,
): Promise<SlabinfoRun> {
  const { source } = from;
  const own = canReadTwice(source) ? readSlabCapture(source) : await readPipedCapture(source);
  // Files beside a capture are perhaps of another machine.
  const opened = await openSource(own === undefined ? from : { ...from, sidecars: 'none' });
  const { label, sidecars } = opened;
  const capture = own ?? recordedCapture(source, sidecars);
  if (capture.isSlabinfo) assertToldBySlabinfo(source, options);
  const pageSize = pageSizeOf(sidecars) ?? capture.pageSize ?? 4096;
  const facts = readFacts(sidecars, emptyTraceInfo(''), new Set());
  return {
    run: {
      label,
      sources: [source],
      format: null,
      kernelRelease: facts.release,
      cpus: facts.cpus,
      pageSize,
      clock: null,
      clockUnit: null,
      firstNs: null,
      lastNs: null,
      durationSec: null,
    },
    completeness: null,
    isSlabinfo: capture.isSlabinfo,
    result: computeSlabinfo(capture.sysfs, pageSize, options, capture.isSlabinfo),
    names: capture.isSlabinfo ? new Map() : namesOf(capture.sysfs, sidecars),
    olderSlabs: 0,
    notes: [...new Set([...capture.notes, ...facts.notes])],
  };
}

/** What the files of a recording tell of its caches. */
function recordedCapture(source: string, sidecars: SidecarFiles): SlabCapture {
  const read = readSlabSysfs(sidecars);
  if (read !== undefined) {
    return { sysfs: read.capture, isSlabinfo: false, pageSize: undefined, notes: [] };
  }
  const slabinfo = captureOfRecordedSlabinfo(sidecars);
  if (slabinfo !== undefined) return slabinfo;
  throw new TraceFormatError(`${source}: no slab_sysfs.txt and no slabinfo.txt in this recording`, {
    hint:
      'Take one, as root: `grep -rH . /sys/kernel/slab > slab_sysfs.txt`; `slabreplay record` ' +
      'does. --from replay needs none.',
  });
}

/** The tables that need more than /proc/slabinfo tells, by the options that ask for them. */
const NOT_TOLD: readonly (readonly [keyof SlabinfoOptions, string])[] = [
  ['aliases', '-a: aliases'],
  ['numa', '-n: slabs by node'],
  ['tracking', '-t: where objects were allocated'],
  ['ops', '-o: operations'],
  ['activity', '-D: activity'],
  ['sortActivity', '-A: activity'],
  ['sortPartial', '-P: partial slabs'],
  ['report', '-r: flags and debug options'],
  ['totals', '-T: sums of partial slabs'],
  ['extendedTotals', '-X: sums of partial slabs'],
  ['unreclaimOnly', '-U: which caches are reclaimable'],
];

function assertToldBySlabinfo(source: string, options: SlabinfoOptions): void {
  const missing = NOT_TOLD.filter(([key]) => options[key] === true).map(([, what]) => what);
  if (missing.length === 0) return;
  throw new UsageError(`${source}: /proc/slabinfo does not tell ${missing.join('; ')}`, {
    hint: 'A capture of sysfs does: `grep -rH . /sys/kernel/slab > slab_sysfs.txt`, as root.',
  });
}

/** The same tables of the replayed state: at the end, or where `until` of the source options says. */
export function replayedSlabinfoRun(
  source: SourceOptions,
  options: SlabinfoOptions,
): Promise<SlabinfoRun> {
  return readingTwice(source, async (twice) => {
    const { until } = source;
    const opened = await openRun({ ...twice, until: undefined }, { replay: {} });
    const { run, origin, sidecars } = opened;
    assertInTrace(run.info, run.tallies, until);
    const { slub } = await observeRun(opened, replayBasis(opened), { until });
    const sysfs = replayedSysfs(slub, readSlabSysfs(sidecars)?.capture);
    const older = slub.caches.map(({ plan: { known }, model }) =>
      Math.max(0, (known?.slabs ?? 0) - model.count().slabs),
    );
    return {
      run: summarizeRun(run, origin),
      completeness: judgeCompleteness(run),
      isSlabinfo: false,
      result: computeSlabinfo(sysfs, slub.pageSize, options),
      names: namesOf(sysfs, sidecars),
      olderSlabs: until === undefined ? older.reduce((sum, n) => sum + n, 0) : 0,
      notes: run.facts.notes,
    };
  });
}

function namesOf(sysfs: SlabSysfs, sidecars: SidecarFiles): ReadonlyMap<string, SlabCacheName> {
  return resolveSlabCacheNames(sysfs, { slabinfo: readProcSlabinfo(sidecars)?.capture ?? null });
}
