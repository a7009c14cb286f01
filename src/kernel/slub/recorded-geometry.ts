// A recorded cache becomes the request it was made by and its geometry: recorded values come before
// computed ones, and what the rules do not give is reported.
// Truth: the recorded /sys/kernel/slab (mm/slub.c SLAB_ATTR*()), else /proc/slabinfo.

import { keysOf } from '../../base/keyed.ts';
import { isKmallocCacheName } from '../caches/kmalloc-caches.ts';
import type { KnownCache } from '../caches/known-cache.ts';
import type { SlabCacheSysfs } from '../caches/slab-cache-sysfs.ts';
import { type CacheGeometry, type CacheSpec, computeGeometry } from './cache-geometry.ts';
import { minOrderObjects } from './calculate-order.ts';
import { cpuPartialSlabs } from './list-limits.ts';
import { flagsOfSysfs, SLAB } from './slab-flags.ts';
import { cacheDebugFlags, defaultSlubDebug, type SlubDebug } from './slub-debug-option.ts';
import type { SlubParameters } from './slub-parameters.ts';

/** Caches of debugging tools (SLAB_NOLEAKTRACE), which sysfs does not tell. */
const NOLEAKTRACE_CACHES: ReadonlySet<string> = new Set([
  'kmemleak_object',
  'kmemleak_scan_area',
  'debug_objects_cache',
]);

/** Caches whose creators ask for sheaves (lib/maple_tree.c, mm/vma_init.c; 6.18.15). */
const SHEAF_USERS: ReadonlyMap<string, number> = new Map([
  ['maple_node', 32],
  ['vm_area_struct', 32],
]);

const NO_DEBUG: SlubDebug = defaultSlubDebug();

/**
 * What the creator of a recorded cache asked for, as far as sysfs shows: of a cache into which others
 * were merged the largest object size.
 * @param debug the option that the recorded kernel ran with: its flags are taken off again
 */
export function specOfSysfs(cache: SlabCacheSysfs, name: string, debug: SlubDebug): CacheSpec {
  const kmalloc = isKmallocCacheName(name) ? SLAB.KMALLOC : 0;
  const quiet = NOLEAKTRACE_CACHES.has(name) ? SLAB.NOLEAKTRACE : 0;
  const recorded: CacheSpec = {
    name,
    objectSize: cache.objectSize,
    align: cache.align,
    flags: flagsOfSysfs(cache) | kmalloc | quiet,
    hasCtor: cache.ctor !== null && cache.ctor !== '',
    usersize: cache.usersize ?? 0,
    askedSheaf: SHEAF_USERS.get(name),
  };
  return withoutOption(recorded, debug);
}

/**
 * Without the flags that an option gave a cache.
 * Model: flags that its creator asked for as well are taken off with them.
 */
function withoutOption(spec: CacheSpec, debug: SlubDebug): CacheSpec {
  const added = cacheDebugFlags(debug, 0, spec.name);
  return { ...spec, flags: spec.flags & ~added };
}

/** A recorded cache: its geometry, and how far it can be relied on. */
export interface RecordedGeometry {
  readonly geometry: CacheGeometry;
  /** What the cache would be made from again under other parameters. */
  readonly spec: CacheSpec;
  /** Recorded figures that the rules do not give; the recorded ones are in `geometry`. */
  readonly differing: readonly (keyof CacheGeometry)[];
  /** The creator placed the free pointer in the object: nothing else gives this slab_size. */
  readonly placedFreePointer: boolean;
  /** `offset` is what the kernel has, not only a place that fits. */
  readonly offsetCertain: boolean;
}

/**
 * The geometry of a recorded cache; undefined where no kernel would make it (a damaged capture).
 * Without sysfs (slabinfo alone) the object is taken to fill the distance from object to object.
 */
export function recordedGeometry(
  cache: KnownCache,
  parameters: SlubParameters,
): RecordedGeometry | undefined {
  const { sysfs } = cache;
  const asRecorded =
    sysfs === null ? specOfSizes(cache, parameters) : specOfSysfs(sysfs, cache.name, NO_DEBUG);
  const fit = fitFreePointer(asRecorded, cache.slabSize, { ...parameters, debug: NO_DEBUG });
  const { spec, computed } = fit;
  if (computed === undefined) return undefined;
  const recorded = recordedFigures(cache, computed);
  const names = keysOf(recorded);
  const least = minOrderObjects(cache.slabSize, parameters.pageSize);
  // `aliases` counts those of now; the link of one that was destroyed stays (sysfs_slab_alias(),
  // mm/slub.c of 6.12), and so does the place of the free pointer that its object size gave.
  const merged = (sysfs?.aliases ?? 0) > 0 || cache.aliases.length > 1;
  const isMiddle = !computed.layout.freePointerOutside;
  return {
    geometry: {
      ...computed,
      ...recorded,
      cpuPartialSlabs: cpuPartialSlabs(recorded.cpuPartial, recorded.objsPerSlab, parameters.rules),
      minOrder: least.order,
      minObjsPerSlab: least.objects,
    },
    spec: withoutOption(spec, parameters.debug),
    differing: names.filter((name) => recorded[name] !== computed[name]),
    placedFreePointer: fit.placed,
    offsetCertain: sysfs !== null && fit.decided && !(merged && isMiddle),
  };
}

function recordedFigures(
  cache: KnownCache,
  computed: CacheGeometry,
): Pick<
  CacheGeometry,
  'slabSize' | 'order' | 'objsPerSlab' | 'cpuPartial' | 'minPartial' | 'sheafCapacity'
> {
  return {
    slabSize: cache.slabSize,
    order: cache.order,
    objsPerSlab: cache.objsPerSlab,
    cpuPartial: cache.sysfs?.cpuPartial ?? computed.cpuPartial,
    minPartial: cache.sysfs?.minPartial ?? computed.minPartial,
    sheafCapacity: cache.sysfs?.sheafCapacity ?? computed.sheafCapacity,
  };
}

/**
 * A cache of which only sizes are known: as its creator may have asked for it, so that the rules give
 * them again.
 * Model: of several alignments that do, none and then the cache line's come before others.
 */
function specOfSizes(cache: KnownCache, parameters: SlubParameters): CacheSpec {
  const { name, slabSize } = cache;
  const { debug, cacheLine, pageSize } = parameters;
  const kmalloc = isKmallocCacheName(name) ? SLAB.KMALLOC : 0;
  const spec: CacheSpec = {
    name,
    objectSize: cache.objectSize ?? slabSize,
    align: 0,
    flags: cacheDebugFlags(debug, kmalloc, name),
    hasCtor: false,
    usersize: 0,
  };
  const alignments = [0, cacheLine];
  for (let align = 16; align <= pageSize; align *= 2) alignments.push(align);
  for (const hasCtor of [false, true]) {
    for (const align of alignments) {
      const tried = { ...spec, align, hasCtor };
      const computed = computeGeometry(tried, { ...parameters, debug: NO_DEBUG });
      if (computed?.slabSize === slabSize) return tried;
    }
  }
  return spec;
}

interface FreePointerFit {
  readonly spec: CacheSpec;
  readonly computed: CacheGeometry | undefined;
  /** The creator placed the free pointer, somewhere in the object. */
  readonly placed: boolean;
  /** The other way was not possible, or would show. */
  readonly decided: boolean;
}

/**
 * Caches of TYPESAFE_BY_RCU objects may place the free pointer in the object. sysfs does not tell,
 * but the slab_size can be smaller for it.
 */
function fitFreePointer(
  spec: CacheSpec,
  slabSize: number,
  parameters: SlubParameters,
): FreePointerFit {
  const computed = computeGeometry(spec, parameters);
  const placedSpec = { ...spec, freeptrOffset: 0 };
  const placed = computeGeometry(placedSpec, parameters);
  const isChoice = placed?.layout.freePointerOutside !== computed?.layout.freePointerOutside;
  if (!isChoice || placed?.slabSize !== slabSize) {
    return { spec, computed, placed: false, decided: true };
  }
  return computed?.slabSize === slabSize
    ? { spec, computed, placed: false, decided: false }
    : { spec: placedSpec, computed: placed, placed: true, decided: false };
}
