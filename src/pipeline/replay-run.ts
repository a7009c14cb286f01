// The replay of a run: the first pass names caches and learns orders, the second one drives the
// model, and beside it the simulations of a what-if.

import { toEventTime } from '../analysis/event-filter.ts';
import {
  describeModel,
  type ReplayedCache,
  type ReplayedModel,
  type ReplayFidelity,
  summarizeCaches,
  summarizeFidelity,
} from '../analysis/replay-summary.ts';
import type { ResolvedRun } from '../analysis/resolved-run.ts';
import {
  absoluteTime,
  type Completeness,
  judgeCompleteness,
  type RunSummary,
  summarizeRun,
} from '../analysis/run-summary.ts';
import { mapSlabs, type SlabMap } from '../analysis/slab-map.ts';
import { buildWhatIf, type WhatIf } from '../analysis/what-if.ts';
import { changeMachine } from '../replay/changed-machine.ts';
import { planChanged } from '../replay/changed-plan.ts';
import { modelDigest } from '../replay/model-digest.ts';
import { ObservedReplay } from '../replay/observed-replay.ts';
import { Simulation, unlearnedOrders } from '../replay/simulation.ts';
import type { SlubModel } from '../replay/slub-model.ts';
import { findDedicatedCalls } from './dedicated-calls.ts';
import { readAgain, type SourceOptions } from './load-run.ts';
import { type PreparedReplay, prepareReplay, recordedModel } from './prepare-replay.ts';
import { describeChanges, type ReplayOptions } from './replay-options.ts';

export interface Replay {
  readonly type: 'replay';
  readonly run: RunSummary;
  readonly completeness: Completeness;
  /** The recorded machine. */
  readonly model: ReplayedModel;
  readonly fidelity: ReplayFidelity;
  /** Of the recorded machine; of a what-if those of the changed one. */
  readonly caches: readonly ReplayedCache[];
  readonly reports: readonly never[];
  readonly whatIf: WhatIf | null;
  /** The moment of `caches`, in seconds as it was asked for; null: the end. */
  readonly at: string | null;
  /** Slab by slab, where a moment and caches were asked for. */
  readonly maps: readonly SlabMap[];
  /** Of the final state of `caches`. */
  readonly digest: string;
}

/** Both passes. `until` of the source options ends the second one: the state then is the result. */
export async function replayRun(source: SourceOptions, options: ReplayOptions): Promise<Replay> {
  const prepared = await prepareReplay(source, options.change);
  const { run, origin } = prepared.loaded;
  const { calls } = run.dictionary;
  const slub = recordedModel(prepared);
  const observed = new ObservedReplay(calls, slub);
  const simulations = makeSimulations(prepared, options);
  const both = simulations === undefined ? [] : [simulations.baseline, simulations.changed];
  observed.onGone = (cpu, lo, hi) => {
    for (const simulation of both) simulation.replay.free(cpu, lo, hi);
  };
  await readAgain(source, endOf(source, run), (batch) => {
    observed.add(batch);
    for (const simulation of both) simulation.add(batch);
  });
  const caches = summarizeCaches(slub, (cache) => observed.fidelityOf(cache));
  const changed = simulations?.changed;
  const shown = changed === undefined ? caches : summarizeCaches(changed.slub, () => null);
  const isMapped = options.at !== undefined && (source.caches ?? []).length > 0;
  const mapped = isMapped ? (changed?.slub ?? slub) : undefined;
  return {
    type: 'replay',
    run: summarizeRun(run, origin),
    completeness: judgeCompleteness(run),
    model: describeModel(prepared.machine, prepared.nodes.count),
    fidelity: summarizeFidelity(observed, 2),
    caches: shown.filter(({ name }) => run.selectsCache(name)),
    reports: [],
    whatIf:
      simulations === undefined
        ? null
        : buildWhatIf({
            changes: describeChanges(options),
            model: describeModel(simulations.changed.machine, prepared.nodes.count),
            ...simulations,
            observed: caches,
            absoluteTime: (ts) => absoluteTime(run, ts),
          }),
    at: source.until === undefined ? null : (options.at ?? null),
    maps: mapped === undefined ? [] : mapsOf(mapped, run),
    digest: modelDigest(changed?.slub ?? slub),
  };
}

function mapsOf(slub: SlubModel, run: ResolvedRun): SlabMap[] {
  return slub.caches
    .filter(({ plan }) => run.selectsCache(plan.name))
    .map((cache) => mapSlabs(slub, cache));
}

interface Simulations {
  readonly baseline: Simulation;
  readonly changed: Simulation;
}

function makeSimulations(
  prepared: PreparedReplay,
  options: ReplayOptions,
): Simulations | undefined {
  const { change, machine, plan, nodes, cpus, orders } = prepared;
  const { run } = prepared.loaded;
  const { calls } = run.dictionary;
  const dedicated = findDedicatedCalls(run, options.dedicated);
  if (change === undefined && dedicated.length === 0) return undefined;
  const changed = changeMachine(machine, change ?? {});
  const changedPlan = planChanged(plan, calls, changed, change ?? {}, dedicated);
  const changedOrders = unlearnedOrders(changedPlan, machine.isRandom ?? true);
  const changedCpus = Math.min(cpus, change?.cpus ?? cpus);
  return {
    baseline: new Simulation(machine, plan, orders, nodes, calls, cpus),
    changed: new Simulation(changed, changedPlan, changedOrders, nodes, calls, changedCpus),
  };
}

/** The moment after which events are not looked at, as `EventBatch.ts`. */
function endOf({ until }: SourceOptions, { info, tallies }: ResolvedRun): number {
  if (until === undefined) return Infinity;
  const { originNs, clockUnit } = info;
  return toEventTime(until, { originNs, clockUnit, firstTs: tallies.firstTs });
}
