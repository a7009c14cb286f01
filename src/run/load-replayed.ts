// A run read once, or twice: then its events have also gone through the SLUB model.

import { NO_FILTER, selectsEverything } from '../pairing/event-filter.ts';
import { canReadTwice } from '../recording/find-source.ts';
import { type LoadedRun, loadRun, type SourceOptions, type TrackerFactory } from './load-run.ts';
import type { ObservedRun } from './observe-run.ts';
import type { ReplayedRun } from './replay-summary.ts';

export interface LoadedReplay {
  readonly loaded: LoadedRun;
  /** Undefined where it was not asked for, or where the source does not allow it. */
  readonly replayed: ReplayedRun | undefined;
  /** The model after the last event. */
  readonly model: ObservedRun | undefined;
}

/**
 * Reads a source and, where asked for, replays it. Standard input and hashed pointers cannot be.
 * @param extra trackers of the first pass
 */
export async function loadReplayed(
  options: SourceOptions,
  replays: boolean,
  extra: readonly TrackerFactory[] = [],
): Promise<LoadedReplay> {
  if (!replays || !canReadTwice(options.source)) {
    return { loaded: await loadRun(options, extra), replayed: undefined, model: undefined };
  }
  const { prepareReplay } = await import('./prepare-replay.ts');
  const prepared = await prepareReplay(options, {}, extra);
  const { loaded } = prepared;
  if (loaded.run.info.hashedPointers) return { loaded, replayed: undefined, model: undefined };
  const { observeRun } = await import('./observe-run.ts');
  const model = await observeRun(options, prepared, [], true);
  const { slub, observed } = model;
  const { summarizeCaches, summarizeFidelity } = await import('./replay-summary.ts');
  const replayed = {
    fidelity: summarizeFidelity(observed, 2),
    caches: summarizeCaches(slub, (cache) => observed.fidelityOf(cache)),
    isWhole: selectsEverything(options.filter ?? NO_FILTER),
  };
  return { loaded, replayed, model };
}
