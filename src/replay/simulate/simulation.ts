// Another machine under the same events: the recorded machine and the changed one both replayed in
// simulated mode, so that nothing but the change makes the difference.

import { SeededRandom } from '../../base/seeded-random.ts';
import type { CallTable } from '../../kernel/events/dictionary.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import type { CachePlan } from '../machine/cache-plan.ts';
import type { Machine } from '../machine/machine.ts';
import type { MemoryNodes } from '../machine/memory-nodes.ts';
import { FreshOrder } from '../model/fresh-order.ts';
import { SlubModel } from '../slub-model.ts';
import { SimulatedReplay } from './simulated-replay.ts';

/** Any number does, see SimulatedReplay. */
const SEED = 0xf8e5;

/** A machine under simulated replay. */
export class Simulation {
  readonly machine: Machine;
  readonly plan: CachePlan;
  readonly slub: SlubModel;
  readonly replay: SimulatedReplay;

  /** @param cpus that the events name; a machine of fewer takes them together */
  constructor(
    machine: Machine,
    plan: CachePlan,
    orders: readonly FreshOrder[],
    nodes: MemoryNodes,
    calls: CallTable,
    cpus: number,
  ) {
    this.machine = machine;
    this.plan = plan;
    this.slub = new SlubModel({ plan, parameters: machine.parameters, cpus, nodes, orders });
    this.replay = new SimulatedReplay(calls, this.slub);
  }

  add(batch: EventBatch): void {
    this.replay.add(batch);
  }
}

/** Orders for caches that were never recorded: shuffled where the kernel shuffles. */
export function unlearnedOrders(plan: CachePlan, isRandom: boolean): FreshOrder[] {
  const random = new SeededRandom(SEED);
  return plan.caches.map(({ geometry: { objsPerSlab } }) =>
    isRandom ? FreshOrder.shuffled(objsPerSlab, random) : FreshOrder.sequential(objsPerSlab),
  );
}
