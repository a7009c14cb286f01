// The second pass of a replay: the events drive the model of the recorded machine.

import { toEventTime } from '../pairing/event-filter.ts';
import type { DebugWatch } from '../replay/debug/debug-watch.ts';
import { ObservedReplay } from '../replay/observe/observed-replay.ts';
import type { Simulation } from '../replay/simulate/simulation.ts';
import type { SlubModel } from '../replay/slub-model.ts';
import { readAgain, type SourceOptions } from './load-run.ts';
import { type PreparedReplay, recordedModel } from './prepare-replay.ts';
import type { ResolvedRun } from './resolved-run.ts';
import { watchDebug } from './watch-debug.ts';

export interface ObservedRun {
  readonly slub: SlubModel;
  readonly observed: ObservedReplay;
  /** What its debug checks found. */
  readonly watch: DebugWatch;
}

/**
 * @param source its `until` ends the pass: the state then is the result
 * @param beside simulations that see the same events, and every free that no event shows
 * @param watchesAll see watchDebug
 */
export async function observeRun(
  source: SourceOptions,
  prepared: PreparedReplay,
  beside: readonly Simulation[] = [],
  watchesAll = false,
): Promise<ObservedRun> {
  const { run } = prepared.loaded;
  const slub = recordedModel(prepared);
  const watch = watchDebug(prepared, slub, watchesAll);
  const onGone = (cpu: number, lo: number, hi: number): void => {
    for (const simulation of beside) simulation.replay.free(cpu, lo, hi);
  };
  const observed = new ObservedReplay(run.dictionary.calls, slub, { watch, onGone });
  await readAgain(source, endOf(source, run), (batch) => {
    observed.add(batch);
    for (const simulation of beside) simulation.add(batch);
  });
  return { slub, observed, watch };
}

/** The moment after which events are not looked at, as `EventBatch.ts`. */
function endOf({ until }: SourceOptions, { info, tallies }: ResolvedRun): number {
  if (until === undefined) return Infinity;
  const { originNs, clockUnit } = info;
  return toEventTime(until, { originNs, clockUnit, firstTs: tallies.firstTs });
}
