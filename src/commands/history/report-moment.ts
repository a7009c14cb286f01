// The time that a kernel log prints → the time of a trace. printk stamps with local_clock()
// (kernel/printk/printk.c, vprintk_store()), in whole microseconds. Of the tracer's clocks
// (kernel/trace/trace_clock.c, 6.12) `global` and `perf` are that clock too, `local` is sched_clock()
// without its offset, `mono` and its kin are the timekeeper's. How far these are from local_clock() the
// kernel prints once at boot: "sched_clock: Marking stable (gtod, offset)->(raw, offset)"
// (kernel/sched/clock.c, __set_sched_clock_stable()).

import { formatSeconds } from '../../base/bytes-format.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import { absoluteTime } from '../../run/run-summary.ts';

/** What local_clock() is ahead of other clocks, ns. */
export interface LogClock {
  /** Of ktime_get(). */
  readonly aheadOfMono: number;
  /** Of sched_clock(). */
  readonly aheadOfSched: number;
}

/** When a report was printed. */
export interface ReportMoment {
  /** As `EventBatch.ts`; Infinity where it is not known: the end of the trace counts. */
  readonly at: number;
  /** How far that may be off, ns. */
  readonly slack: number;
  /** What makes it unsure, a sentence. */
  readonly note: string | null;
}

/** printk cuts off what is below a microsecond. */
const CUT_OFF = 999;
/** What the clocks of machines and guests were seen apart, where the log does not say how far. */
const UNKNOWN_OFFSET = 50e6;
/** What NTP may have moved the timekeeper by, a second in ten thousand. */
const DRIFT = 1e-4;
/** No machine is up so long; from here on seconds are those since 1970 (2001). */
const SINCE_1970 = 1e18;

const LOG_CLOCKS: readonly string[] = ['global', 'perf'];
const TIMEKEEPER: readonly string[] = ['mono', 'mono_raw', 'boot'];

/** Undefined where the log does not have the line, as on machines whose clocks are one. */
export function parseLogClock(log: string): LogClock | undefined {
  const found = /sched_clock: Marking stable \(-?\d+, (-?\d+)\)->\(-?\d+, (-?\d+)\)/.exec(log);
  return found === null
    ? undefined
    : { aheadOfMono: Number(found[1]), aheadOfSched: Number(found[2]) };
}

/** @param atSec as the log prints it; null where it prints none */
export function reportMoment(
  run: ResolvedRun,
  atSec: number | null,
  clock: LogClock | undefined,
): ReportMoment {
  const { info, tallies } = run;
  if (atSec === null) return unknown('The log has no times: the end of the trace counts.');
  const { originNs } = info;
  if (info.clockUnit !== 'ns' || isSince1970(run)) {
    const name = info.clock === null ? '' : ` (${info.clock})`;
    return unknown(
      `The clock of the trace${name} does not count from boot as the log does: the end of the trace counts.`,
    );
  }
  const printed = Number(BigInt(Math.round(atSec * 1e9)) - originNs) + CUT_OFF;
  const { ahead, slack } = distance(info.clock, atSec, clock);
  const at = printed - ahead;
  if (at + slack < tallies.firstTs) {
    return {
      at,
      slack,
      note: `Printed before the trace begins (${seconds(run, tallies.firstTs)}).`,
    };
  }
  if (at - slack > tallies.lastTs) {
    return { at, slack, note: `Printed after the trace ends (${seconds(run, tallies.lastTs)}).` };
  }
  return { at, slack, note: null };
}

function unknown(note: string): ReportMoment {
  return { at: Infinity, slack: 0, note };
}

/** How far the log's clock is ahead of a trace's, and how far that may be off, ns. */
function distance(
  name: string | null,
  atSec: number,
  clock: LogClock | undefined,
): { readonly ahead: number; readonly slack: number } {
  if (name !== null && LOG_CLOCKS.includes(name)) return { ahead: 0, slack: 0 };
  const drift = atSec * 1e9 * DRIFT;
  if (name !== null && TIMEKEEPER.includes(name)) {
    return clock === undefined
      ? { ahead: 0, slack: UNKNOWN_OFFSET + drift }
      : { ahead: clock.aheadOfMono, slack: drift };
  }
  if (name === 'local' && clock !== undefined) return { ahead: clock.aheadOfSched, slack: 0 };
  return { ahead: 0, slack: UNKNOWN_OFFSET };
}

/** Clocks `tai` and `realtime`, and traces to which a date was added. */
function isSince1970({ info, tallies }: ResolvedRun): boolean {
  return Number(info.originNs) + tallies.firstTs >= SINCE_1970;
}

function seconds(run: ResolvedRun, ts: number): string {
  return formatSeconds(Number(absoluteTime(run, ts)) / 1e9);
}
