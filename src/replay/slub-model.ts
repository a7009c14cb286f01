// The allocator as a whole: the caches of a plan over one table of slabs, each with the strategy of
// its kernel.

import { present } from '../base/assert.ts';
import { type Column, type List, list } from '../kernel/column.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import type { Cache, Call, EventRow } from '../kernel/indices.ts';
import type { CacheGeometry } from '../kernel/slub/cache-geometry.ts';
import { SLAB_DEBUG_FLAGS } from '../kernel/slub/slab-flags.ts';
import type { SlubParameters } from '../kernel/slub/slub-parameters.ts';
import type { CachePlan, PlannedCache } from './machine/cache-plan.ts';
import type { MemoryNodes } from './machine/memory-nodes.ts';
import type { CpuSlabRules } from './model/cpu-slabs.ts';
import type { FreshOrder } from './model/fresh-order.ts';
import { NodeLists } from './model/node-lists.ts';
import type { CacheShape } from './model/slab-cache.ts';
import { SlabTable } from './model/slab-table.ts';
import type { ReconciledCache } from './observe/reconciled-cache.ts';
import { ReconciledCpuSlabs } from './observe/reconciled-cpu-slabs.ts';
import { ReconciledNodeSlabs } from './observe/reconciled-node-slabs.ts';
import { SheafCache } from './observe/sheaf-cache.ts';

/** A cache of the model. */
export interface ModelCache {
  readonly plan: PlannedCache;
  readonly model: ReconciledCache;
  readonly order: FreshOrder;
}

export interface SlubModelInput {
  readonly plan: CachePlan;
  readonly parameters: SlubParameters;
  /** CPUs that the events name. */
  readonly cpus: number;
  readonly nodes: MemoryNodes;
  /** The order of new slabs of each planned cache. */
  readonly orders: readonly FreshOrder[];
}

/**
 * CPUs times caches that there is room for: 3,000 CPUs on a usual machine. Events may name any CPU.
 * Model: of more CPUs some are taken together.
 */
const MOST_CPU_STATES = 2 ** 20;

/** How many CPUs a model of so many caches has where the events name `named` of them. */
export function modelledCpus(named: number, caches: number): number {
  return Math.min(named, Math.max(1, Math.floor(MOST_CPU_STATES / caches)));
}

export class SlubModel {
  readonly table: SlabTable;
  readonly caches: List<Cache, ModelCache>;
  readonly cacheOfCall: Column<Call, Int32Array, Cache>;
  private readonly mixed: CachePlan['mixed'];
  readonly nodes: MemoryNodes;
  readonly pageSize: number;
  /** CPUs that it has; events of others are theirs, by the remainder. */
  readonly cpus: number;

  constructor({ plan, parameters, nodes, orders, ...input }: SlubModelInput) {
    const { pageSize } = parameters;
    const cpus = modelledCpus(input.cpus, plan.caches.length);
    this.cpus = cpus;
    this.table = new SlabTable(pageSize);
    this.cacheOfCall = plan.cacheOfCall;
    this.mixed = plan.mixed;
    this.nodes = nodes;
    this.pageSize = pageSize;
    this.caches = list(
      plan.caches.map((planned, id) => {
        const order = present(orders[id]);
        const model = makeCache(id, planned, parameters, order, { table: this.table, nodes, cpus });
        return { plan: planned, model, order };
      }),
    );
  }

  /** The number of the cache that the allocation in row `i` is of; NOT_PLANNED. */
  cacheOf(batch: EventBatch, i: EventRow): number {
    const call = batch.call[i];
    const { mixed } = this;
    if (mixed === undefined) return this.cacheOfCall[call];
    const own = mixed.get(call);
    if (own === undefined) return this.cacheOfCall[call];
    return own(batch.ptrLo[i], batch.ptrHi[i], batch.ts[i]);
  }
}

/** What the caches of a model share. */
interface Surroundings {
  readonly table: SlabTable;
  readonly nodes: MemoryNodes;
  readonly cpus: number;
}

/** The strategy of a cache: what its kernel does with a cache of its flags. */
function makeCache(
  id: number,
  { name, geometry }: PlannedCache,
  { rules }: SlubParameters,
  order: FreshOrder,
  { table, nodes, cpus }: Surroundings,
): ReconciledCache {
  const shape = shapeOf(name, geometry);
  const lists = new NodeLists(table, nodes.count, nodes.nodeOfCpu, shape.minPartial);
  const isOldest = rules.generation === '5.10';
  if ((geometry.flags & SLAB_DEBUG_FLAGS) !== 0) {
    return new ReconciledNodeSlabs(id, shape, table, lists, isOldest);
  }
  const cpuSlabRules: CpuSlabRules = {
    limitsByObjects: !rules.cpuPartialInSlabs,
    deactivateReverses: isOldest,
  };
  const backing =
    rules.sheaves === 'all'
      ? new ReconciledNodeSlabs(id, shape, table, lists, false)
      : new ReconciledCpuSlabs(id, shape, table, lists, cpus, cpuSlabRules);
  if (geometry.sheafCapacity === 0) return backing;
  return new SheafCache(backing, table, order, nodes, cpus, geometry.sheafCapacity);
}

function shapeOf(name: string, geometry: CacheGeometry): CacheShape {
  return {
    name,
    slabSize: geometry.slabSize,
    objectSize: geometry.objectSize,
    redLeftPad: geometry.redLeftPad,
    order: geometry.order,
    objsPerSlab: geometry.objsPerSlab,
    minPartial: geometry.minPartial,
    cpuPartial: geometry.cpuPartial,
    cpuPartialSlabs: geometry.cpuPartialSlabs ?? 0,
  };
}
