// How many free slabs and objects a cache keeps: mm/slub.c set_min_partial(), set_cpu_partial(),
// slub_set_cpu_partial() (5.10, 6.1.192, 6.12.117), calculate_sheaf_capacity() (since 7.0).

import type { SlubRules } from './releases.ts';
import { SLAB, SLAB_DEBUG_FLAGS } from './slab-flags.ts';

const MIN_PARTIAL = 5;
const MAX_PARTIAL = 10;

/** Empty slabs that each node keeps (`min_partial`), by the bytes from object to object. */
export function minPartial(size: number): number {
  const halfLog = Math.floor((31 - Math.clz32(size)) / 2);
  return Math.min(MAX_PARTIAL, Math.max(MIN_PARTIAL, halfLog));
}

/** The objects that a CPU's partial list is meant to hold (`cpu_partial`). */
export function cpuPartial(
  size: number,
  flags: number,
  pageSize: number,
  rules: Pick<SlubRules, 'cpuPartial'>,
): number {
  if (rules.cpuPartial === null || (flags & SLAB_DEBUG_FLAGS) !== 0) return 0;
  return stepOf(size, pageSize, rules.cpuPartial);
}

/**
 * The slabs that a CPU's partial list may hold (`cpu_partial_slabs`): each is taken to be half full.
 * Null where the kernel limits it by objects instead, or has no such list.
 */
export function cpuPartialSlabs(
  cpuPartialObjects: number,
  objsPerSlab: number,
  rules: Pick<SlubRules, 'cpuPartialInSlabs'>,
): number | null {
  if (!rules.cpuPartialInSlabs) return null;
  return Math.ceil((cpuPartialObjects * 2) / objsPerSlab);
}

/** Capacity of a sheaf by size, before it is filled up to the kmalloc class it is in (7.0). */
const SHEAF_STEPS = [4, 12, 26, 60] as const;
/** struct slab_sheaf without its objects, and a pointer. */
const SHEAF_HEADER = 32;
const POINTER = 8;

/**
 * Objects in a sheaf (`sheaf_capacity`), 0 for a cache without sheaves.
 * Model: kmem_cache and kmem_cache_node, made before any other cache, have none.
 * @param asked what the cache's creator asked for (kmem_cache_args.sheaf_capacity)
 */
export function sheafCapacity(
  size: number,
  flags: number,
  pageSize: number,
  rules: Pick<SlubRules, 'sheaves'>,
  asked = 0,
): number {
  if (rules.sheaves === 'none' || (flags & SLAB_DEBUG_FLAGS) !== 0) return 0;
  if (rules.sheaves === 'asked-for') return asked;
  if ((flags & SLAB.NOLEAKTRACE) !== 0) return 0;
  const wanted = SHEAF_HEADER + POINTER * stepOf(size, pageSize, SHEAF_STEPS);
  // 64, 128, 240 and 512 bytes, whose kmalloc classes are powers of two.
  const given = 2 ** Math.ceil(Math.log2(wanted));
  return Math.max(asked, (given - SHEAF_HEADER) / POINTER);
}

function stepOf(
  size: number,
  pageSize: number,
  [pages, kilobyte, quarter, small]: readonly [number, number, number, number],
): number {
  if (size >= pageSize) return pages;
  if (size >= 1024) return kilobyte;
  return size >= 256 ? quarter : small;
}
