// From when to when a trace tells anything, and moments that lie outside of it.

import { UsageError } from '../base/errors.ts';
import type { TraceInfo } from '../kernel/events/trace-info.ts';
import { type TimeBound, toEventTime } from '../pairing/event-filter.ts';

/**
 * Times are printed with three decimals at the least, rounded: a moment that was taken from what is
 * printed may lie as far outside.
 */
const ROUNDING_NS = 1_000_000;

type Info = Pick<TraceInfo, 'originNs' | 'clockUnit'>;

/** Times of the first and the last event, as `EventBatch.ts`; NaN where there is none. */
export interface EventTimes {
  readonly firstTs: number;
  readonly lastTs: number;
}

/** `from 204.013665 s to 204.113598 s`; null where there is no event. */
export function traceRange(
  { originNs, clockUnit }: Info,
  { firstTs, lastTs }: EventTimes,
): string | null {
  if (Number.isNaN(firstTs)) return null;
  const text = (ts: number): string => {
    const units = originNs + BigInt(Math.round(ts));
    return clockUnit === 'ns' ? `${(Number(units) / 1e9).toFixed(6)} s` : units.toString();
  };
  return `from ${text(firstTs)} to ${text(lastTs)}`;
}

/**
 * Of a moment outside of the trace nothing is known.
 * @param at undefined for the end
 * @param times of the whole trace
 * @throws UsageError that tells the trace's range
 */
export function assertInTrace(info: Info, times: EventTimes, at: TimeBound | undefined): void {
  const { firstTs, lastTs } = times;
  const range = traceRange(info, times);
  if (at === undefined || range === null) return;
  const { originNs, clockUnit } = info;
  const ts = toEventTime(at, { originNs, clockUnit, firstTs });
  const slack = clockUnit === 'ns' ? ROUNDING_NS : 0;
  if (ts >= firstTs - slack && ts <= lastTs + slack) return;
  const asked = `${at.relative ? '+' : ''}${Number(at.nano) / 1e9}`;
  throw new UsageError(`--at ${asked}: the trace is ${range}`, {
    hint: 'Name a time in it, or +SECONDS from its first event.',
  });
}
