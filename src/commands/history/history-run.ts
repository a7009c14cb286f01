// The life of an address, or of every object that a kernel log reports on.

import { BlockEvents } from '../../analysis/block-events.ts';
import { TraceFormatError } from '../../base/errors.ts';
import { formatAddress } from '../../base/format-address.ts';
import { readWhole } from '../../base/read-whole.ts';
import { parseMemoryReports } from '../../kernel/memory-reports/parse-memory-reports.ts';
import { toEventTime } from '../../pairing/event-filter.ts';
import { openRun } from '../../run/open-run.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import {
  type Completeness,
  judgeCompleteness,
  type RunSummary,
  summarizeRun,
} from '../../run/run-summary.ts';
import type { SourceOptions } from '../../run/source.ts';
import { assertInTrace } from '../../run/trace-range.ts';
import {
  type AddressHistory,
  buildHistory,
  buildReportHistory,
  type ReportedHistory,
} from './history.ts';
import { parseLogClock, reportMoment } from './report-moment.ts';
import { type ShownReport, showReport } from './shown-report.ts';

export interface History extends AddressHistory {
  readonly type: 'history';
  readonly run: RunSummary;
  readonly completeness: Completeness;
  /** Where the objects lie that are live at the end; null where none is. */
  readonly liveRange: { readonly low: string; readonly high: string } | null;
}

export interface ReportHistories {
  readonly type: 'history';
  readonly run: RunSummary;
  readonly completeness: Completeness;
  /** In the order of the log. */
  readonly reports: readonly ReportHistory[];
  /** Reports of the log that are not about objects of a slab: how many, by who made them. */
  readonly otherReports: Readonly<Record<string, number>>;
}

export interface ReportHistory extends ReportedHistory {
  readonly report: ShownReport;
}

/** A kernel log is text; larger ones are something else. */
const MOST_LOG_BYTES = 256 * 1024 * 1024;

/** @throws TraceFormatError where pointers are hashed */
export async function historyRun(source: SourceOptions, address: bigint): Promise<History> {
  const { run, events, head } = await readBlocks(source, [address]);
  if (run.info.hashedPointers) {
    throw new TraceFormatError(`${source.source}: its pointers are hashed: no address is known`, {
      hint: 'Record with `echo nohash-ptr > trace_options`, or as trace.dat, which has raw pointers.',
    });
  }
  assertInTrace(run.info, run.tallies, source.until);
  const at = source.until === undefined ? Infinity : toEventTime(source.until, scaleOf(run));
  return { ...head, ...buildHistory(run, events, address, at), liveRange: liveRange(run) };
}

/**
 * @param log path of a kernel log, maybe packed
 * @throws TraceFormatError where it has no report
 */
export async function reportHistories(
  source: SourceOptions,
  log: string,
): Promise<ReportHistories> {
  const text = logText(readWhole(log, MOST_LOG_BYTES));
  const { reports, others } = parseMemoryReports(text);
  if (reports.length === 0) throw noReports(log, others);
  const addresses = reports.flatMap(({ address, objects }) => [
    ...(address === null ? [] : [address]),
    ...objects.map((object) => object.address),
  ]);
  const { run, events, head } = await readBlocks(source, addresses);
  const clock = parseLogClock(text);
  return {
    ...head,
    reports: reports.map((report) => ({
      report: showReport(report),
      ...buildReportHistory(run, events, report, reportMoment(run, report.atSec, clock)),
    })),
    otherReports: Object.fromEntries(others),
  };
}

/** Logs of Windows' terminals are UTF-16. */
function logText(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString('utf16le', 2);
  return bytes.toString('utf8');
}

function noReports(log: string, others: ReadonlyMap<string, number>): TraceFormatError {
  const looked = 'Looked for lines `BUG cache (…): what`, `BUG: KASAN: …` and `BUG: KFENCE: …`.';
  const found = Array.from(others, ([tool, count]) => `${count} of ${tool}`).join(', ');
  return new TraceFormatError(`${log}: no report of SLUB, KASAN or KFENCE in this log`, {
    hint:
      found === ''
        ? looked
        : `It has reports that are not about the memory of an object: ${found}. ${looked}`,
  });
}

function liveRange({ live, listed }: ResolvedRun): History['liveRange'] {
  let low: bigint | undefined;
  let high: bigint | undefined;
  for (const row of listed) {
    const address = (BigInt(live.ptrHi(row)) << 32n) | BigInt(live.ptrLo(row));
    if (low === undefined || address < low) low = address;
    if (high === undefined || address > high) high = address;
  }
  if (low === undefined || high === undefined) return null;
  return { low: formatAddress(low), high: formatAddress(high) };
}

interface Blocks {
  readonly run: ResolvedRun;
  readonly events: BlockEvents;
  readonly head: Pick<History, 'type' | 'run' | 'completeness'>;
}

async function readBlocks(source: SourceOptions, addresses: readonly bigint[]): Promise<Blocks> {
  const opened = await openRun(
    { ...source, until: undefined },
    { trackers: { events: () => new BlockEvents(addresses) } },
  );
  const { run, origin } = opened;
  const head = {
    type: 'history' as const,
    run: summarizeRun(run, origin),
    completeness: judgeCompleteness(run),
  };
  return { run, events: opened.trackers.events, head };
}

function scaleOf({ info, tallies }: ResolvedRun): Parameters<typeof toEventTime>[1] {
  return { originNs: info.originNs, clockUnit: info.clockUnit, firstTs: tallies.firstTs };
}
