// `rates`: a source in, rates out.

import { RateBins } from '../../pairing/rate-bins.ts';
import { openRun } from '../../run/open-run.ts';
import type { SourceOptions } from '../../run/source.ts';
import { buildRates, type Rates, type RatesBy } from './rates.ts';

/**
 * Rates over the whole trace and by intervals.
 * @param interval length of an interval in the unit of the trace's clock (ns where it has real time)
 */
export async function rateRun(
  options: SourceOptions,
  by: RatesBy,
  interval: number,
  wantsSeries: boolean,
): Promise<Rates> {
  const { run, origin, trackers } = await openRun(options, {
    trackers: { bins: ({ calls }) => new RateBins(calls, interval) },
  });
  return buildRates(run, trackers.bins, by, wantsSeries, origin);
}
