// A cache becomes a line of the slabinfo list. Truth: tools/mm/slabinfo.c (6.12) slabcache(): its
// percentages are truncated, and 100 where there are no slabs.

import type { SlabCacheSysfs } from '../../kernel/caches/slab-cache-sysfs.ts';
import type { SlabinfoActivity, SlabinfoRow } from './sections.ts';
import type { ToolCache } from './tool-caches.ts';

/** @param isSlabinfo true where the capture is /proc/slabinfo, which tells no partial and CPU slabs */
export function buildRow(tool: ToolCache, name: string, isSlabinfo: boolean): SlabinfoRow {
  const { cache, space, loss } = tool;
  return {
    name,
    id: cache.id,
    objects: cache.objects,
    objectSize: cache.objectSize,
    space,
    loss,
    slabs: cache.slabs,
    partial: isSlabinfo ? null : cache.partial,
    cpuSlabs: isSlabinfo ? null : cache.cpuSlabs,
    objsPerSlab: cache.objsPerSlab,
    order: cache.order,
    pctFr: cache.slabs === 0 ? 100 : isSlabinfo ? null : percentOf(cache.partial, cache.slabs),
    pctEf: cache.slabs === 0 ? 100 : percentOf(cache.objects * cache.objectSize, space),
    flags: flagsOf(cache),
    activity: activityOf(cache),
  };
}

function flagsOf(cache: SlabCacheSysfs): string {
  const letters: readonly (readonly [boolean, string])[] = [
    [cache.aliases !== 0, '*'],
    [cache.cacheDma, 'd'],
    [cache.hwcacheAlign, 'A'],
    [cache.poison, 'P'],
    [cache.reclaimAccount, 'a'],
    [cache.redZone, 'Z'],
    [cache.sanityChecks, 'F'],
    [cache.storeUser, 'U'],
    [cache.trace, 'T'],
  ];
  return letters.map(([set, letter]) => (set ? letter : '')).join('');
}

const NO_ACTIVITY: SlabinfoActivity = {
  alloc: 0,
  free: 0,
  fastAllocPct: 0,
  fastFreePct: 0,
  orderFallback: 0,
  cmpxchgDoubleFail: 0,
  cmpxchgDoubleCpuFail: 0,
};

function activityOf({ stats }: SlabCacheSysfs): SlabinfoActivity {
  if (stats === null) return NO_ACTIVITY;
  const alloc = stats.alloc_fastpath + stats.alloc_slowpath;
  const free = stats.free_fastpath + stats.free_slowpath;
  return {
    alloc,
    free,
    fastAllocPct: percentOf(stats.alloc_fastpath, alloc),
    fastFreePct: percentOf(stats.free_fastpath, free),
    orderFallback: stats.order_fallback,
    cmpxchgDoubleFail: stats.cmpxchg_double_fail,
    cmpxchgDoubleCpuFail: stats.cmpxchg_double_cpu_fail,
  };
}

/** Truncated; 0 of nothing. */
function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.trunc((part * 100) / whole);
}
