// `rates`: a source in, rates out.

import { present } from '../../base/assert.ts';
import { RateBins } from '../../pairing/rate-bins.ts';
import { loadRun, type SourceOptions } from '../../run/load-run.ts';
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
  const bins: RateBins[] = [];
  const { run, origin } = await loadRun(options, [
    ({ calls }) => {
      bins.push(new RateBins(calls, interval));
      return present(bins[0]);
    },
  ]);
  return buildRates(run, present(bins[0]), by, wantsSeries, origin);
}
