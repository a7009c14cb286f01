// What the commands that read a run once ask for: a source in, a result out.

import { buildFragmentation, type FragBy, type Fragmentation } from '../analysis/fragmentation.ts';
import { type Analysis, buildAnalysis } from '../analysis/overview.ts';
import { RateBins } from '../analysis/rate-bins.ts';
import { buildRates, type Rates, type RatesBy } from '../analysis/rates.ts';
import { TaskTally } from '../analysis/task-tally.ts';
import type { Dictionary } from '../kernel/dictionary.ts';
import { loadReplayed } from './load-replayed.ts';
import { loadRun, type SourceOptions } from './load-run.ts';

/** The overview of a run; with `replays` also through the SLUB model, where the source allows it. */
export async function analyseRun(options: SourceOptions, replays: boolean): Promise<Analysis> {
  const { loaded, replayed } = await loadReplayed(options, replays);
  return buildAnalysis(loaded.run, loaded.series, loaded.origin, replayed);
}

/** Where memory goes that nobody asked for. */
export async function fragmentRun(
  options: SourceOptions,
  by: FragBy,
  at: 'end' | 'peak',
): Promise<Fragmentation> {
  const tallies: TaskTally[] = [];
  const { run, origin } = await loadRun(options, [
    ...(by === 'task'
      ? [(dictionary: Dictionary) => keep(tallies, new TaskTally(dictionary))]
      : []),
  ]);
  return buildFragmentation(run, by, at, origin, tallies[0]);
}

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
    (dictionary) => keep(bins, new RateBins(dictionary.calls, interval)),
  ]);
  return buildRates(run, bins[0] as RateBins, by, wantsSeries, origin);
}

/** A tracker that is made later, noted where the result is built. */
function keep<T>(place: T[], tracker: T): T {
  place.push(tracker);
  return tracker;
}
