// The times that text shows → times relative to the first event. A time is two whole numbers,
// `hi` * 10^9 + `lo`: seconds and nanoseconds, or the digits of a counter; so nothing is rounded.

import { type ClockUnit, clockUnitOf, parseTraceClock } from '../../kernel/events/trace-info.ts';
import type { SidecarFiles } from '../../recording/sidecars.ts';

export const GIGA = 1e9;

export class TextClock {
  /** True once an event has set the origin. */
  begun = false;
  hi = 0;
  lo = 0;
  /** True where times are whole numbers, of a clock that does not count nanoseconds. */
  whole = false;

  begin(hi: number, lo: number, whole: boolean): void {
    this.begun = true;
    this.hi = hi;
    this.lo = lo;
    this.whole = whole;
  }

  get origin(): bigint {
    return BigInt(this.hi) * BigInt(GIGA) + BigInt(this.lo);
  }
}

/** `1234567` behind the point, as nanoseconds: 123456700. */
export function nanosOf(digits: string): number {
  return Number(digits.padEnd(9, '0'));
}

/** The two parts of a whole number of up to 20 digits. */
export function splitWhole(digits: string): { hi: number; lo: number } {
  return { hi: Number(digits.slice(0, -9)), lo: Number(digits.slice(-9)) };
}

/** The tracer's clock as the recording's folder names it. */
export function recordedClock(sidecars: SidecarFiles): string | null {
  const text = sidecars.text('tracing/trace_clock') ?? sidecars.text('trace_clock');
  return text === undefined ? null : parseTraceClock(text);
}

/**
 * The unit of whole-number times. Where the folder does not name such a clock, `counter` shows
 * itself: it steps by one from event to event; uptime stands still, cycles leap.
 * @param times the first times of the trace
 */
export function wholeUnit(clock: string | null, times: readonly number[]): ClockUnit {
  const named = clockUnitOf(clock);
  if (clock !== null && named !== 'ns') return named;
  const steps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  const ones = steps.filter((step) => step === 1).length;
  return steps.length > 0 && ones * 2 > steps.length ? 'count' : 'tick';
}
