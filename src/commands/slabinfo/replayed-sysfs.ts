// The replayed state as /sys/kernel/slab would show it, so that the slabinfo tables print it: the
// counts are the model's; the rest is as recorded, or where nothing was recorded as computed.

import { buildSlabCache, type SlabCacheSysfs } from '../../kernel/caches/slab-cache-sysfs.ts';
import { buildSlabSysfs, type SlabSysfs } from '../../kernel/caches/slab-sysfs.ts';
import { SLAB } from '../../kernel/slub/slab-flags.ts';
import type { ModelCache, SlubModel } from '../../replay/slub-model.ts';

/** @param recorded the capture: its order, ids and aliases are kept */
export function replayedSysfs(slub: SlubModel, recorded: SlabSysfs | undefined): SlabSysfs {
  const rows = slub.table.rowsByCache(slub.caches.length);
  const caches = slub.caches.map((cache, number) => {
    const shown = cache.plan.known?.sysfs ?? describeCache(cache);
    return { ...shown, ...countsOf(slub, cache, rows[number] ?? []) };
  });
  const place = new Map(recorded?.caches.map(({ id }, i) => [id, i]));
  const placeOf = ({ id }: SlabCacheSysfs): number => place.get(id) ?? place.size;
  caches.sort((a, b) => placeOf(a) - placeOf(b));
  return buildSlabSysfs(caches, recorded?.aliases ?? []);
}

/** A cache that no capture shows. */
function describeCache({ plan }: ModelCache): SlabCacheSysfs {
  const { objectSize, slabSize, align, objsPerSlab, order, flags, ...rest } = plan.geometry;
  const flag = (bit: number): number => ((flags & bit) === 0 ? 0 : 1);
  const files = {
    object_size: objectSize,
    slab_size: slabSize,
    align,
    objs_per_slab: objsPerSlab,
    order,
    min_partial: rest.minPartial,
    cpu_partial: rest.cpuPartial,
    hwcache_align: flag(SLAB.HWCACHE_ALIGN),
    reclaim_account: flag(SLAB.RECLAIM_ACCOUNT),
    cache_dma: flag(SLAB.CACHE_DMA),
    destroy_by_rcu: flag(SLAB.TYPESAFE_BY_RCU),
    sanity_checks: flag(SLAB.CONSISTENCY_CHECKS),
    red_zone: flag(SLAB.RED_ZONE),
    poison: flag(SLAB.POISON),
    store_user: flag(SLAB.STORE_USER),
    trace: flag(SLAB.TRACE),
  };
  const texts = Object.entries(files).map(([name, value]) => [name, String(value)] as const);
  return buildSlabCache(plan.name, new Map(texts));
}

type Counts = Pick<
  SlabCacheSysfs,
  | 'objects'
  | 'totalObjects'
  | 'objectsPartial'
  | 'slabs'
  | 'partial'
  | 'cpuSlabs'
  | 'byNode'
  | 'slabsCpuPartial'
  | 'stats'
>;

/** As show_slab_objects() counts (mm/slub.c): objects of CPU slabs are in use. */
function countsOf(
  { table }: SlubModel,
  { plan, model }: ModelCache,
  rows: readonly number[],
): Counts {
  const counts = model.count();
  const { objsPerSlab } = plan.geometry;
  const slabs = new Map<number, number>();
  const partial = new Map<number, number>();
  const more = (counts: Map<number, number>, node: number, n: number): void => {
    if (n > 0) counts.set(node, (counts.get(node) ?? 0) + n);
  };
  for (const row of rows) more(slabs, table.node[row]!, 1);
  for (const list of model.lists().slabs) {
    if (list.kind === 'nodePartial') more(partial, list.owner, list.slabs.length);
  }
  const free = counts.totalObjects - counts.activeObjects;
  const none = new Map<number, number>();
  return {
    objects: counts.activeObjects,
    totalObjects: counts.totalObjects,
    objectsPartial: counts.partial * objsPerSlab - free,
    slabs: counts.slabs,
    partial: counts.partial,
    cpuSlabs: counts.cpuSlabs + counts.cpuPartialSlabs,
    byNode: {
      objects: none,
      totalObjects: new Map([...slabs].map(([node, n]) => [node, n * objsPerSlab])),
      objectsPartial: none,
      slabs,
      partial,
      cpuSlabs: none,
    },
    slabsCpuPartial: null,
    stats: null,
  };
}
