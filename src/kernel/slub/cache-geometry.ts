// A cache's whole geometry: what its creator asks for and the machine's parameters become sizes,
// order and limits, in the order in which the kernel works them out.
// Truth: mm/slub.c do_kmem_cache_create() (6.12.117), kmem_cache_open() (6.1.192).

import type { KmallocCache } from '../caches/kmalloc-set.ts';
import {
  calculateOrderObjects,
  getOrder,
  minOrderObjects,
  orderObjects,
} from './calculate-order.ts';
import {
  calculateAlignment,
  calculateSizes,
  type LayoutRequest,
  type ObjectLayout,
} from './calculate-sizes.ts';
import { cpuPartial, cpuPartialSlabs, minPartial, sheafCapacity } from './list-limits.ts';
import { DEBUG_METADATA_FLAGS, SLAB_DEBUG_FLAGS } from './slab-flags.ts';
import { cacheDebugFlags } from './slub-debug-option.ts';
import type { SlubParameters } from './slub-parameters.ts';

/** What the creator of a cache asks for. */
export interface CacheSpec {
  readonly name: string;
  readonly objectSize: number;
  /** As asked for, or as sysfs shows it: the result is the same. */
  readonly align: number;
  /** SLAB bits of the creator, without those of slub_debug. */
  readonly flags: number;
  readonly hasCtor: boolean;
  readonly usersize: number;
  /** kmem_cache_args.sheaf_capacity. */
  readonly askedSheaf?: number | undefined;
  /** Where in the object the free pointer is to be (use_freeptr_offset). */
  readonly freeptrOffset?: number | undefined;
}

/** True for the two caches that are made before all others: without sheaves. */
function isBootCache(name: string): boolean {
  return name === 'kmem_cache' || name === 'kmem_cache_node';
}

export interface CacheGeometry {
  readonly objectSize: number;
  readonly align: number;
  /** SLAB bits, those of slub_debug included. */
  readonly flags: number;
  readonly inuse: number;
  /** The free pointer, from the object's first byte. */
  readonly offset: number;
  readonly redLeftPad: number;
  /** From object to object. */
  readonly slabSize: number;
  readonly order: number;
  readonly objsPerSlab: number;
  /** Order and objects of a slab for which there were not enough pages. */
  readonly minOrder: number;
  readonly minObjsPerSlab: number;
  /** In objects, as sysfs shows it. */
  readonly cpuPartial: number;
  /** Null where CPU partial lists are limited by objects, or there are none. */
  readonly cpuPartialSlabs: number | null;
  readonly minPartial: number;
  readonly sheafCapacity: number;
  /** Where the metadata are. */
  readonly layout: ObjectLayout;
}

/** The geometry that a kernel gives a new cache; undefined where it refuses to make it. */
export function computeGeometry(
  spec: CacheSpec,
  parameters: SlubParameters,
): CacheGeometry | undefined {
  const { rules, pageSize, debug } = parameters;
  let flags = parameters.debugBuilt
    ? cacheDebugFlags(debug, spec.flags, spec.name)
    : spec.flags & ~SLAB_DEBUG_FLAGS;
  const align = calculateAlignment(spec.flags, spec.align, spec.objectSize, parameters.cacheLine);
  const request: LayoutRequest = { ...spec, align, flags };
  let layout = calculateSizes(request, rules);
  const raised = getOrder(layout.size, pageSize) > getOrder(spec.objectSize, pageSize);
  if (debug.noHigherOrder && raised) {
    flags &= ~DEBUG_METADATA_FLAGS;
    layout = calculateSizes({ ...request, flags }, rules);
  }
  const normal = calculateOrderObjects(layout.size, parameters);
  if (normal === undefined) return undefined;
  return joinGeometry(spec, flags, layout, normal.order, parameters);
}

function joinGeometry(
  spec: CacheSpec,
  flags: number,
  layout: ObjectLayout,
  order: number,
  { rules, pageSize }: SlubParameters,
): CacheGeometry {
  const objsPerSlab = orderObjects(order, layout.size, pageSize);
  const least = minOrderObjects(layout.size, pageSize);
  const cpuPartialObjects = cpuPartial(layout.size, flags, pageSize, rules);
  return {
    objectSize: spec.objectSize,
    align: layout.align,
    flags,
    inuse: layout.inuse,
    offset: layout.offset,
    redLeftPad: layout.redLeftPad,
    slabSize: layout.size,
    order,
    objsPerSlab,
    minOrder: least.order,
    minObjsPerSlab: least.objects,
    cpuPartial: cpuPartialObjects,
    cpuPartialSlabs: cpuPartialSlabs(cpuPartialObjects, objsPerSlab, rules),
    minPartial: minPartial(layout.size),
    sheafCapacity: isBootCache(spec.name)
      ? 0
      : sheafCapacity(layout.size, flags, pageSize, rules, spec.askedSheaf),
    layout,
  };
}

/** What a kmalloc cache's creator asks for. */
export function specOfKmalloc(cache: KmallocCache): CacheSpec {
  return { ...cache, hasCtor: false };
}
