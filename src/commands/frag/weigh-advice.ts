// What a piece of advice would save in whole slabs: the caches that it touches are simulated as they
// are and as they would be, all pieces in one pass beside the replay of the recorded machine.

import type { SizeAdvice, SlabSavings } from '../../analysis/size-advice.ts';
import { present } from '../../base/assert.ts';
import { kmallocCacheName } from '../../kernel/caches/kmalloc-caches.ts';
import { column } from '../../kernel/column.ts';
import { isKmalloc } from '../../kernel/events/event-kind.ts';
import type { Call } from '../../kernel/indices.ts';
import { type CachePlan, NOT_PLANNED } from '../../replay/machine/cache-plan.ts';
import { planChanged } from '../../replay/machine/changed-plan.ts';
import { Simulation, unlearnedOrders } from '../../replay/simulate/simulation.ts';
import { observeRun } from '../../run/observe-run.ts';
import type { OpenedRun } from '../../run/open-run.ts';
import type { ReplayBasis } from '../../run/prepare-replay.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import { siteLabel } from '../../run/site-names.ts';

/** Pieces of advice that are simulated; the rest keeps what objects save. */
const MOST_WEIGHED = 10;

/** The same advice, the first pieces of it with what they save in slabs. */
export async function weighAdvice(
  opened: OpenedRun,
  basis: ReplayBasis,
  advice: readonly SizeAdvice[],
): Promise<SizeAdvice[]> {
  const { run } = opened;
  const trials = advice.slice(0, MOST_WEIGHED).map((piece) => ({
    shrunk: piece.shrinkTo === null ? undefined : shrink(run, basis, piece, piece.shrinkTo),
    apart: piece.ownCacheSavesAtPeak === null ? undefined : setApart(run, basis, piece),
  }));
  const simulations = trials.flatMap(({ shrunk, apart }) => [
    ...(shrunk === undefined ? [] : [shrunk.before, shrunk.after]),
    ...(apart === undefined ? [] : [apart.before, apart.after]),
  ]);
  await observeRun(opened, basis, { beside: simulations });
  return advice.map((piece, i): SizeAdvice => {
    const trial = trials[i];
    if (trial === undefined) return piece;
    return {
      ...piece,
      shrinkSavesSlabs: saved(trial.shrunk),
      ownCacheSavesSlabs: saved(trial.apart),
    };
  });
}

interface Trial {
  readonly before: Simulation;
  readonly after: Simulation;
}

function saved(trial: Trial | undefined): SlabSavings | null {
  if (trial === undefined) return null;
  const before = trial.before.replay.usage;
  const after = trial.after.replay.usage;
  return { now: before.bytes - after.bytes, atPeak: before.peakBytes - after.peakBytes };
}

/** The calls in the caches of the class below. */
function shrink(
  run: ResolvedRun,
  basis: ReplayBasis,
  piece: SizeAdvice,
  shrinkTo: number,
): Trial | undefined {
  const { plan, machine } = basis;
  const table = run.dictionary.calls;
  const numbers = new Map(plan.caches.map(({ name }, number) => [name, number]));
  const cacheOfCall: CachePlan['cacheOfCall'] = column(plan.cacheOfCall.slice());
  const own = callsOf(run, piece);
  for (const call of own) {
    const gfp = table.gfp(call);
    const name = kmallocCacheName(machine.classes, shrinkTo, gfp, table.accounted(call));
    const number = numbers.get(name);
    if (number === undefined) return undefined;
    cacheOfCall[call] = number;
  }
  return trialOf(run, basis, own, { caches: plan.caches, cacheOfCall });
}

/** The calls in a cache of their own. */
function setApart(run: ResolvedRun, basis: ReplayBasis, piece: SizeAdvice): Trial {
  const { plan, machine } = basis;
  const own = callsOf(run, piece);
  const dedicated = [{ name: 'own cache', calls: new Set(own) }];
  const changed = planChanged(plan, run.dictionary.calls, machine, {}, dedicated);
  return trialOf(run, basis, own, changed);
}

/** Both plans with only the caches that the calls are in, before or after. */
function trialOf(
  run: ResolvedRun,
  { plan, machine, nodes, cpus, orders }: ReplayBasis,
  own: readonly number[],
  changed: CachePlan,
): Trial {
  const { calls } = run.dictionary;
  const touched = new Set(
    own.flatMap((call) => [plan.cacheOfCall[call], changed.cacheOfCall[call]]),
  );
  const only = ({ caches, cacheOfCall }: CachePlan): CachePlan => ({
    caches,
    cacheOfCall: column(
      cacheOfCall.map((number, call) =>
        touched.has(number) && (number !== NOT_PLANNED.large || own.includes(call))
          ? number
          : NOT_PLANNED.unknown,
      ),
    ),
  });
  const fresh = unlearnedOrders(changed, machine.isRandom ?? true);
  const changedOrders = changed.caches.map((_, number) => orders[number] ?? present(fresh[number]));
  return {
    before: new Simulation(machine, only(plan), orders, nodes, calls, cpus),
    after: new Simulation(machine, only(changed), changedOrders, nodes, calls, cpus),
  };
}

/** The kmalloc calls of a site that ask for as much. */
function callsOf({ dictionary, sites }: ResolvedRun, piece: SizeAdvice): number[] {
  const { calls } = dictionary;
  const wanted = siteLabel({ ...piece, address: piece.site === null ? null : BigInt(piece.site) });
  const found: number[] = [];
  for (let call: Call = 1; call < calls.length; call++) {
    if (!isKmalloc(calls.kind(call)) || calls.bytesReq(call) !== piece.bytesReq) continue;
    if (siteLabel(sites.get(calls.site(call))) === wanted) found.push(call);
  }
  return found;
}
