// What a replay came to: the machine that was modelled, how far the model agrees with the kernel, and
// each cache's slabs beside the kernel's own figures.

import { compareText } from '../base/format-address.ts';
import type { KnownCache } from '../kernel/caches/known-cache.ts';
import type { GeometryOrigin } from '../replay/machine/cache-plan.ts';
import type { Machine } from '../replay/machine/machine.ts';
import type { Fidelity, MismatchCause } from '../replay/observe/fidelity.ts';
import type { ObservedReplay } from '../replay/observe/observed-replay.ts';
import type { ModelCache, SlubModel } from '../replay/slub-model.ts';

/** The modelled kernel. */
export interface ReplayedModel {
  /** Release; null where nothing tells. */
  readonly kernel: string | null;
  /** The recorded kernel whose rules are followed: '6.1'. */
  readonly rules: string;
  /** As in `slub_debug=`; empty for none. */
  readonly slubDebug: string;
  readonly cpus: number;
  readonly nodes: number;
  readonly pageSize: number;
  readonly slubMinOrder: number;
  readonly slubMaxOrder: number;
  /** 0: by the number of CPUs. */
  readonly slubMinObjects: number;
  readonly slabNomerge: boolean;
}

/** How often the model chose what the kernel chose (docs/model-rules.md). */
interface FidelityFigures {
  /** Slab allocations of known caches. */
  readonly allocations: number;
  /** First objects of new slabs in a random order: nothing can know them. */
  readonly undetermined: number;
  readonly slotMatches: number;
  readonly slabMatches: number;
  readonly cpuSlabHits: number;
  readonly mismatches: Readonly<Record<MismatchCause, number>>;
  /**
   * Objects that are allocated in the model although their latest event is a free; null in a cache
   * whose objects are also allocated without an event (kmem_cache_alloc_bulk()).
   */
  readonly impossible: number | null;
}

export interface ReplayFidelity extends FidelityFigures {
  /** Of all caches that are not served in bulk. */
  readonly impossible: number;
  /** 2 where the orders of new slabs were learned before the replay. */
  readonly passes: number;
  readonly leftOut: {
    readonly large: number;
    readonly unknownCache: number;
    /** At addresses where no object of their cache can begin. */
    readonly misplaced: number;
  };
}

export interface ReplayedCache {
  readonly name: string;
  readonly slabSize: number;
  readonly objectSize: number;
  readonly order: number;
  readonly objsPerSlab: number;
  /** Slabs that the events show. */
  readonly slabs: number;
  readonly totalObjects: number;
  /** As the kernel counts: free objects on CPU slabs and CPU partial slabs are active. */
  readonly activeObjects: number;
  readonly allocated: number;
  /** Slabs on node partial lists. */
  readonly partial: number;
  readonly cpuSlabs: number;
  readonly cpuPartialSlabs: number;
  /** Limits. */
  readonly cpuPartial: number;
  readonly minPartial: number;
  readonly align: number;
  readonly bytes: number;
  /** Where its sizes are from. */
  readonly geometry: GeometryOrigin;
  /** Null in a what-if. */
  readonly fidelity: FidelityFigures | null;
  /** The kernel's own figures at the end of the recording. */
  readonly kernel: KernelFigures | null;
}

/** Null where the recording does not tell. */
interface KernelFigures {
  readonly slabs: number | null;
  readonly totalObjects: number | null;
  readonly activeObjects: number | null;
  /** Null where only /proc/slabinfo was recorded. */
  readonly partial: number | null;
  readonly cpuSlabs: number | null;
}

/** The run's replay through the SLUB model. */
export interface ReplayedRun {
  readonly fidelity: ReplayFidelity;
  readonly caches: readonly ReplayedCache[];
  /** False where only some tasks, CPUs or times were asked for: slabs are shared. */
  readonly isWhole: boolean;
}

export function describeModel(machine: Machine, nodes: number): ReplayedModel {
  const { parameters } = machine;
  return {
    kernel: machine.release,
    rules: parameters.rules.generation,
    slubDebug: parameters.debug.text,
    cpus: parameters.cpus,
    nodes,
    pageSize: parameters.pageSize,
    slubMinOrder: parameters.minOrder,
    slubMaxOrder: parameters.maxOrder,
    slubMinObjects: parameters.minObjects,
    slabNomerge: parameters.noMerge,
  };
}

export function summarizeFidelity(replay: ObservedReplay, passes: number): ReplayFidelity {
  const impossible = replay.impossible().reduce<number>((sum, count) => sum + (count ?? 0), 0);
  return {
    passes,
    ...figuresOf(replay.total(), impossible),
    impossible,
    leftOut: {
      large: replay.large,
      unknownCache: replay.unknownCache,
      misplaced: replay.misplaced,
    },
  };
}

/**
 * The caches of the model, those with the most slab memory first.
 * @param observed null where the model chose the objects itself
 */
export function summarizeCaches(slub: SlubModel, observed: ObservedReplay | null): ReplayedCache[] {
  const impossible = observed?.impossible();
  return slub.caches
    .map((cache, number) => {
      const fidelity =
        observed && figuresOf(observed.fidelityOf(number), impossible?.[number] ?? null);
      return summarizeCache(slub, cache, fidelity);
    })
    .sort((a, b) => b.bytes - a.bytes || compareText(a.name, b.name));
}

function summarizeCache(
  slub: SlubModel,
  { plan, model }: ModelCache,
  fidelity: FidelityFigures | null,
): ReplayedCache {
  const { geometry, known } = plan;
  const counts = model.count();
  return {
    name: plan.name,
    slabSize: geometry.slabSize,
    objectSize: geometry.objectSize,
    order: geometry.order,
    objsPerSlab: geometry.objsPerSlab,
    ...counts,
    cpuPartial: geometry.cpuPartial,
    minPartial: geometry.minPartial,
    align: geometry.align,
    bytes: counts.slabs * slub.pageSize * 2 ** geometry.order,
    geometry: plan.origin,
    fidelity,
    kernel: known === undefined ? null : kernelFigures(known),
  };
}

function kernelFigures({ slabs, totalObjects, activeObjects, sysfs }: KnownCache): KernelFigures {
  return {
    slabs,
    totalObjects,
    activeObjects,
    partial: sysfs === null || sysfs.unread.has('partial') ? null : sysfs.partial,
    cpuSlabs: sysfs === null || sysfs.unread.has('cpu_slabs') ? null : sysfs.cpuSlabs,
  };
}

function figuresOf(fidelity: Fidelity, impossible: number | null): FidelityFigures {
  const { allocations, undetermined, slotMatches, slabMatches, cpuSlabHits } = fidelity;
  const mismatches = { ...fidelity.mismatches };
  return {
    allocations,
    undetermined,
    slotMatches,
    slabMatches,
    cpuSlabHits,
    mismatches,
    impossible,
  };
}
