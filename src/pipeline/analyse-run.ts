// What the commands that read a run once ask for: a source in, a result out.

import { NO_FILTER, selectsEverything } from '../analysis/event-filter.ts';
import { buildFragmentation, type FragBy, type Fragmentation } from '../analysis/fragmentation.ts';
import { type Analysis, buildAnalysis } from '../analysis/overview.ts';
import { RateBins } from '../analysis/rate-bins.ts';
import { buildRates, type Rates, type RatesBy } from '../analysis/rates.ts';
import { StackTally } from '../analysis/stack-tally.ts';
import { TaskTally } from '../analysis/task-tally.ts';
import { canReadTwice } from './find-source.ts';
import { loadLinted } from './lint-run.ts';
import { loadRun, type SourceOptions, type TrackerFactory } from './load-run.ts';

/** The overview of a run; with `replays` also through the SLUB model, where the source allows it. */
export async function analyseRun(options: SourceOptions, replays: boolean): Promise<Analysis> {
  const { loaded, replayed, findings } = await loadLinted(options, replays);
  return buildAnalysis(loaded.run, loaded.series, loaded.origin, replayed, findings);
}

/**
 * Where memory goes that nobody asked for.
 * @param replays whether the advice is also weighed in slabs, where the source allows it
 */
export async function fragmentRun(
  options: SourceOptions,
  by: FragBy,
  at: 'end' | 'peak',
  replays: boolean,
): Promise<Fragmentation> {
  const tasks: TaskTally[] = [];
  const stacks: StackTally[] = [];
  const extra: TrackerFactory[] = [];
  if (by === 'task') extra.push((dictionary) => keep(tasks, new TaskTally(dictionary)));
  if (by === 'site') extra.push(() => keep(stacks, new StackTally()));
  const isWhole = selectsEverything(options.filter ?? NO_FILTER);
  if (!replays || !isWhole || !canReadTwice(options.source)) {
    const { run, origin } = await loadRun(options, extra);
    return buildFragmentation(run, by, at, origin, { tasks: tasks[0], stacks: stacks[0] });
  }
  const { prepareReplay } = await import('./prepare-replay.ts');
  const prepared = await prepareReplay(options, {}, extra);
  const { run, origin } = prepared.loaded;
  const result = buildFragmentation(run, by, at, origin, { tasks: tasks[0], stacks: stacks[0] });
  if (run.info.hashedPointers || result.advice.length === 0) return result;
  const { weighAdvice } = await import('./weigh-advice.ts');
  return { ...result, advice: await weighAdvice(options, prepared, result.advice) };
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
