// The life of an address, or of every object that a kernel log reports on.

import { BlockEvents } from '../../analysis/block-events.ts';
import { joinHalves } from '../../base/address.ts';
import { TraceFormatError, UsageError } from '../../base/errors.ts';
import { formatAddress } from '../../base/format-address.ts';
import { readWhole } from '../../base/read-whole.ts';
import type { MemoryReport } from '../../kernel/memory-reports/memory-report.ts';
import { parseMemoryReports } from '../../kernel/memory-reports/parse-memory-reports.ts';
import { EVERYTHING, selectsEverything, toEventTime } from '../../pairing/event-filter.ts';
import { readAgain } from '../../run/observe-run.ts';
import { openRun } from '../../run/open-run.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import {
  type Completeness,
  judgeCompleteness,
  type RunSummary,
  summarizeRun,
} from '../../run/run-summary.ts';
import { selectionText } from '../../run/selection.ts';
import type { Source, SourceOptions } from '../../run/source.ts';
import { assertInTrace } from '../../run/trace-range.ts';
import { CandidateSearch, type Candidates } from './candidates.ts';
import {
  buildHistory,
  buildReportHistory,
  hasKnownAddress,
  type ReportedHistory,
  type SelectedHistory,
} from './history.ts';
import { parseLogClock, type ReportMoment, reportMoment } from './report-moment.ts';
import { type ShownReport, showReport } from './shown-report.ts';
import { verdictOf } from './verdict.ts';

export interface History extends SelectedHistory {
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
  /** Of a report without an address that the trace knows: what it can be about; else null. */
  readonly candidates: Candidates | null;
  /** Which bytes, how far from the object, who likely wrote them: a sentence. */
  readonly verdict: string;
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
 * @throws TraceFormatError where it has no report; UsageError where only some allocations are selected
 */
export async function reportHistories(
  options: SourceOptions,
  log: string,
): Promise<ReportHistories> {
  const { selection = EVERYTHING } = options;
  if (!selectsEverything(selection)) {
    throw new UsageError(`${selectionText(selection)}: not with --dmesg`, {
      hint: 'The owner of what a report is on is looked for among all objects. Filters take an ADDRESS.',
    });
  }
  const text = logText(readWhole(log, MOST_LOG_BYTES));
  const { reports, others } = parseMemoryReports(text);
  if (reports.length === 0) throw noReports(log, others);
  const addresses = reports.flatMap(({ address, objects }) => [
    ...(address === null ? [] : [address]),
    ...objects.map((object) => object.address),
  ]);
  const { source, run, events, head } = await readBlocks(options, addresses);
  const clock = parseLogClock(text);
  const until = options.until === undefined ? Infinity : toEventTime(options.until, scaleOf(run));
  const joined = reports
    .map((report) => ({ report, moment: reportMoment(run, report.atSec, clock) }))
    .filter(({ moment }) => !Number.isFinite(moment.at) || moment.at - moment.slack <= until)
    .map((item) => ({
      ...item,
      history: buildReportHistory(run, events, item.report, item.moment),
    }));
  const searches = await searchCandidates(source, run, joined);
  return {
    ...head,
    reports: joined.map(({ report, history }) => {
      const candidates = searches.get(report) ?? null;
      return {
        report: showReport(report),
        ...history,
        candidates,
        verdict: verdictOf(report, { ...history, candidates }),
      };
    }),
    otherReports: Object.fromEntries(others),
  };
}

interface Joined {
  readonly report: MemoryReport;
  readonly moment: ReportMoment;
  readonly history: ReportedHistory;
}

/** Candidates of the reports that were not found by an address; none of a source that is read once. */
async function searchCandidates(
  source: Source,
  run: ResolvedRun,
  joined: readonly Joined[],
): Promise<Map<MemoryReport, Candidates>> {
  const searches = joined
    .filter(({ report }) => !hasKnownAddress(report, run))
    .map(({ report, moment }) => ({ report, search: new CandidateSearch(run, report, moment) }))
    .filter(({ search }) => search.isPossible);
  if (searches.length === 0 || !source.isRereadable) return new Map();
  await readAgain(source, Infinity, (batch) => {
    for (const { search } of searches) search.add(batch);
  });
  return new Map(searches.map(({ report, search }) => [report, search.finish()]));
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

function liveRange({ live, held }: ResolvedRun): History['liveRange'] {
  let low: bigint | undefined;
  let high: bigint | undefined;
  for (const row of held) {
    const address = joinHalves(live.ptrHi(row), live.ptrLo(row));
    if (low === undefined || address < low) low = address;
    if (high === undefined || address > high) high = address;
  }
  if (low === undefined || high === undefined) return null;
  return { low: formatAddress(low), high: formatAddress(high) };
}

interface Blocks {
  readonly source: Source;
  readonly run: ResolvedRun;
  readonly events: BlockEvents;
  readonly head: Pick<History, 'type' | 'run' | 'completeness'>;
}

async function readBlocks(options: SourceOptions, addresses: readonly bigint[]): Promise<Blocks> {
  const opened = await openRun(
    { ...options, until: undefined },
    { trackers: { events: () => new BlockEvents(addresses) } },
  );
  const { run, origin } = opened;
  const head = {
    type: 'history' as const,
    run: summarizeRun(run, origin),
    completeness: judgeCompleteness(run),
  };
  return { source: opened.source, run, events: opened.trackers.events, head };
}

function scaleOf({ info, tallies }: ResolvedRun): Parameters<typeof toEventTime>[1] {
  return { originNs: info.originNs, clockUnit: info.clockUnit, firstTs: tallies.firstTs };
}
