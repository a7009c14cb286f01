// What a cache was created with, as one number: kmem_cache.flags.
// Names: include/linux/slab.h, mm/slab.h (SLAB_DEBUG_FLAGS), mm/slab_common.c (SLAB_NEVER_MERGE,
// SLAB_MERGE_SAME), mm/slub.c (DEBUG_METADATA_FLAGS). The bits are ours: the kernel's differ between
// 6.1 and 6.12, and no recording shows them but memory dumps.

import type { SlabCacheSysfs } from '../caches/slab-cache-sysfs.ts';

export const SLAB = {
  CONSISTENCY_CHECKS: 0x1,
  RED_ZONE: 0x2,
  POISON: 0x4,
  STORE_USER: 0x8,
  TRACE: 0x10,
  FAILSLAB: 0x20,
  HWCACHE_ALIGN: 0x40,
  RECLAIM_ACCOUNT: 0x80,
  CACHE_DMA: 0x100,
  CACHE_DMA32: 0x200,
  ACCOUNT: 0x400,
  TYPESAFE_BY_RCU: 0x800,
  NOLEAKTRACE: 0x1000,
  /** Since 5.18: slub_debug does not touch the cache. */
  NO_USER_FLAGS: 0x2000,
  /** Since 6.5. */
  NO_MERGE: 0x4000,
  /** Made by create_kmalloc_cache(); since 6.1 it decides layout (orig_size) and alignment. */
  KMALLOC: 0x8000,
} as const;

/** Any of these makes a cache take the debug path: no CPU slab, no CPU partial list, no sheaves. */
export const SLAB_DEBUG_FLAGS: number =
  SLAB.CONSISTENCY_CHECKS | SLAB.RED_ZONE | SLAB.POISON | SLAB.STORE_USER | SLAB.TRACE;

/** What `slub_debug` without letters switches on: FZPU (DEBUG_DEFAULT_FLAGS). */
export const DEBUG_DEFAULT_FLAGS: number =
  SLAB.CONSISTENCY_CHECKS | SLAB.RED_ZONE | SLAB.POISON | SLAB.STORE_USER;

/** The flags that make objects larger; the letter O drops them where that raises the order. */
export const DEBUG_METADATA_FLAGS: number = SLAB.RED_ZONE | SLAB.POISON | SLAB.STORE_USER;

/** A cache with one of these is never merged. F is not among them. */
export const SLAB_NEVER_MERGE: number =
  SLAB.RED_ZONE |
  SLAB.POISON |
  SLAB.STORE_USER |
  SLAB.TRACE |
  SLAB.TYPESAFE_BY_RCU |
  SLAB.NOLEAKTRACE |
  SLAB.FAILSLAB |
  SLAB.NO_MERGE;

/** The flags that sysfs shows as files, and those in a merged cache's id (`:aA-0000192`). */
export function flagsOfSysfs(cache: SlabCacheSysfs): number {
  const letters = /^:(\w*)-\d+$/.exec(cache.id)?.[1] ?? '';
  return (
    (cache.sanityChecks ? SLAB.CONSISTENCY_CHECKS : 0) |
    (cache.redZone ? SLAB.RED_ZONE : 0) |
    (cache.poison ? SLAB.POISON : 0) |
    (cache.storeUser ? SLAB.STORE_USER : 0) |
    (cache.trace ? SLAB.TRACE : 0) |
    (cache.failslab === true ? SLAB.FAILSLAB : 0) |
    (cache.hwcacheAlign ? SLAB.HWCACHE_ALIGN : 0) |
    (cache.reclaimAccount ? SLAB.RECLAIM_ACCOUNT : 0) |
    (cache.cacheDma ? SLAB.CACHE_DMA : 0) |
    (cache.destroyByRcu ? SLAB.TYPESAFE_BY_RCU : 0) |
    (letters.includes('D') ? SLAB.CACHE_DMA32 : 0) |
    (letters.includes('A') ? SLAB.ACCOUNT : 0)
  );
}
