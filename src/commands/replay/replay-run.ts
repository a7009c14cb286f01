// The replay of a run: the first pass names caches and learns orders, the second one drives the
// model, and beside it the simulations of a what-if.

import { readingTwice } from '../../analysis/store-run/open-database.ts';
import { UsageError } from '../../base/errors.ts';
import type { CachePlan } from '../../replay/machine/cache-plan.ts';
import { changeMachine, type MachineChange } from '../../replay/machine/changed-machine.ts';
import { planChanged } from '../../replay/machine/changed-plan.ts';
import { modelDigest } from '../../replay/model/model-digest.ts';
import { Simulation, unlearnedOrders } from '../../replay/simulate/simulation.ts';
import type { SlubModel } from '../../replay/slub-model.ts';
import { observeRun, replayBasis } from '../../run/observe-run.ts';
import { openRun } from '../../run/open-run.ts';
import type { ReplayBasis } from '../../run/prepare-replay.ts';
import type { ReplayReport } from '../../run/replay-report.ts';
import {
  describeModel,
  type ReplayedCache,
  type ReplayedModel,
  type ReplayFidelity,
  summarizeCaches,
  summarizeFidelity,
} from '../../run/replay-summary.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import {
  absoluteTime,
  type Completeness,
  judgeCompleteness,
  type RunSummary,
  summarizeRun,
} from '../../run/run-summary.ts';
import { findUnmatchedDebug } from '../../run/selection.ts';
import { mapSlabs, type SlabMap } from '../../run/slab-map.ts';
import type { SourceOptions } from '../../run/source.ts';
import { assertInTrace } from '../../run/trace-range.ts';
import { describeReports } from '../../run/watch-debug.ts';
import { findDedicatedCalls } from './dedicated-calls.ts';
import { describeChanges, type ReplayOptions } from './replay-options.ts';
import { buildWhatIf, type WhatIf } from './what-if.ts';

export interface Replay {
  readonly type: 'replay';
  readonly run: RunSummary;
  readonly completeness: Completeness;
  /** The recorded machine. */
  readonly model: ReplayedModel;
  readonly fidelity: ReplayFidelity;
  /** Of the recorded machine; of a what-if those of the changed one. */
  readonly caches: readonly ReplayedCache[];
  /** What the kernel's debug checks would have reported, in the order of the events. */
  readonly reports: readonly ReplayReport[];
  /** Reports beyond those that are kept. */
  readonly reportsLeftOut: number;
  /** Recorded writes that are not judged: under a what-if, and for want of room. */
  readonly writesLeftOut: number;
  readonly whatIf: WhatIf | null;
  /** The moment of `caches`, in seconds as it was asked for; null: the end. */
  readonly at: string | null;
  /** Slab by slab, where a moment and caches were asked for. */
  readonly maps: readonly SlabMap[];
  /** Of the final state of `caches`. */
  readonly digest: string;
}

/**
 * Both passes, of standard input and pipes by way of a database that lives as long as the command.
 * `until` of the source options ends the second one: the state then is the result.
 */
export function replayRun(source: SourceOptions, options: ReplayOptions): Promise<Replay> {
  return readingTwice(source, (twice) => replay(twice, options));
}

/** @throws UsageError for a name in `--slub-debug` that no cache has */
function assertDebugNames(run: ResolvedRun, { debug }: MachineChange): void {
  const [first] = debug === undefined ? [] : findUnmatchedDebug(run, debug);
  if (first !== undefined) throw new UsageError(first.message, { hint: first.hint });
}

async function replay(source: SourceOptions, options: ReplayOptions): Promise<Replay> {
  const { until } = source;
  const opened = await openRun({ ...source, until: undefined }, { replay: options.change });
  const { run, origin } = opened;
  assertInTrace(run.info, run.tallies, until);
  assertDebugNames(run, options.change);
  const basis = replayBasis(opened);
  const simulations = makeSimulations(run, basis, options);
  const beside = simulations === undefined ? [] : [simulations.baseline, simulations.changed];
  const { slub, observed, watch } = await observeRun(opened, basis, { until, beside });
  const caches = summarizeCaches(slub, observed);
  const changed = simulations?.changed;
  const shown = changed === undefined ? caches : summarizeCaches(changed.slub, null);
  const isMapped = options.at !== undefined && run.selection.caches.length > 0;
  const mapped = isMapped ? (changed?.slub ?? slub) : undefined;
  return {
    type: 'replay',
    run: summarizeRun(run, origin),
    completeness: judgeCompleteness(run),
    model: describeModel(basis.machine, basis.nodes.count),
    fidelity: summarizeFidelity(observed, 2),
    caches: shown.filter(({ name }) => run.selectsCache(name)),
    reports: describeReports(run, watch).filter(({ cache }) =>
      run.selectsCache(cache ?? undefined),
    ),
    reportsLeftOut: watch.dropped,
    writesLeftOut: watch.writesLeftOut,
    whatIf:
      simulations === undefined
        ? null
        : buildWhatIf({
            changes: describeChanges(options, basis.change),
            model: describeModel(simulations.changed.machine, basis.nodes.count),
            ...simulations,
            observed: caches,
            absoluteTime: (ts) => absoluteTime(run, ts),
          }),
    at: until === undefined ? null : (options.at ?? null),
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
  readonly noHigherOrder: CachePlan | undefined;
}

function makeSimulations(
  run: ResolvedRun,
  { change, machine, plan, nodes, cpus, orders }: ReplayBasis,
  options: ReplayOptions,
): Simulations | undefined {
  const { calls } = run.dictionary;
  const dedicated = findDedicatedCalls(run, options.dedicated);
  if (change === undefined && dedicated.length === 0) return undefined;
  const changed = changeMachine(machine, change ?? {});
  const planOf = (changes: MachineChange): CachePlan =>
    planChanged(plan, calls, changeMachine(machine, changes), changes, dedicated);
  const changedPlan = planOf(change ?? {});
  const debug = change?.debug;
  const lighter = debug === undefined || debug.noHigherOrder ? undefined : debug;
  const changedOrders = unlearnedOrders(changedPlan, machine.isRandom ?? true);
  const changedCpus = Math.min(cpus, change?.cpus ?? cpus);
  return {
    baseline: new Simulation(machine, plan, orders, nodes, calls, cpus),
    changed: new Simulation(changed, changedPlan, changedOrders, nodes, calls, changedCpus),
    noHigherOrder: lighter && planOf({ ...change, debug: { ...lighter, noHigherOrder: true } }),
  };
}
