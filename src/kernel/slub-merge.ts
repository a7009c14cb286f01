// Which caches become one: mm/slab_common.c find_mergeable(), slab_unmergeable(); mm/slub.c
// __kmem_cache_alias(), create_unique_id(), sysfs_slab_add() (6.1.192, 6.12.117).

import { isUniqueId } from './slab-cache-names.ts';
import { DEBUG_METADATA_FLAGS, SLAB, SLAB_MERGE_SAME } from './slab-flags.ts';
import { cacheDebugFlags } from './slub-debug.ts';
import { calculateAlignment, roundUp } from './slub-layout.ts';
import type { SlubParameters } from './slub-parameters.ts';

/** A cache as its creator asks for it. */
export interface MergeRequest {
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
}

/** A cache that exists. */
export interface MergeCandidate extends MergeRequest {
  /** From object to object. */
  readonly size: number;
}

type MergeParameters = Pick<SlubParameters, 'rules' | 'debug' | 'noMerge' | 'cacheLine'>;

/** True for the two caches that are made before all others: never merged, without sheaves. */
export function isBootCache(name: string): boolean {
  return name === 'kmem_cache' || name === 'kmem_cache_node';
}

/**
 * True for a cache into which none is merged and which is merged into none (slab_unmergeable());
 * it stands in sysfs under its own name.
 * @param flags of the cache, those of slub_debug included
 */
function isUnmergeable(
  cache: MergeRequest,
  flags: number,
  { rules, noMerge }: Pick<MergeParameters, 'rules' | 'noMerge'>,
): boolean {
  if (noMerge || (flags & rules.neverMerge) !== 0) return true;
  if (cache.hasCtor || isBootCache(cache.name)) return true;
  if (rules.sheavesBlockMerge && (cache.askedSheaf ?? 0) > 0) return true;
  return rules.usersizeBlocksMerge && cache.usersize > 0;
}

/**
 * The existing cache that a new one is merged into, undefined where it becomes its own.
 * @param caches that exist, in the order in which they were made: the first that fits is taken
 */
export function findMergeable<T extends MergeCandidate>(
  request: MergeRequest,
  caches: readonly T[],
  parameters: MergeParameters,
): T | undefined {
  const flags = cacheDebugFlags(parameters.debug, request.flags, request.name);
  if (isUnmergeable(request, flags, parameters)) return undefined;
  const rounded = roundUp(request.objectSize, 8);
  const align = calculateAlignment(request.flags, request.align, rounded, parameters.cacheLine);
  const size = roundUp(rounded, align);
  return caches.find((cache) => {
    const theirs = cacheDebugFlags(parameters.debug, cache.flags, cache.name);
    if (isUnmergeable(cache, theirs, parameters)) return false;
    const fits = size <= cache.size && cache.size - size < 8 && cache.size % align === 0;
    return fits && (flags & SLAB_MERGE_SAME) === (theirs & SLAB_MERGE_SAME);
  });
}

/** What merging makes of a cache: the contents grow, the distance of objects does not. */
export function mergedObject(
  cache: { readonly objectSize: number; readonly inuse: number },
  objectSize: number,
): { readonly objectSize: number; readonly inuse: number } {
  return {
    objectSize: Math.max(cache.objectSize, objectSize),
    inuse: Math.max(cache.inuse, roundUp(objectSize, 8)),
  };
}

const ID_LETTERS: readonly (readonly [number, string])[] = [
  [SLAB.CACHE_DMA, 'd'],
  [SLAB.CACHE_DMA32, 'D'],
  [SLAB.RECLAIM_ACCOUNT, 'a'],
  [SLAB.CONSISTENCY_CHECKS, 'F'],
  [SLAB.ACCOUNT, 'A'],
];

/** The directory of a mergeable cache in sysfs: `:aA-0000192` (create_unique_id()). */
export function uniqueId(size: number, flags: number): string {
  const letters = ID_LETTERS.map(([flag, letter]) => ((flags & flag) !== 0 ? letter : '')).join('');
  return `:${letters}${letters === '' ? '' : '-'}${String(size).padStart(7, '0')}`;
}

/**
 * The directory of a new cache in sysfs (sysfs_slab_add()). With slub_debug's letter O and metadata
 * for all caches even a mergeable one stands under its name.
 * @param flags of the cache, those of slub_debug included
 */
export function sysfsDirectory(
  cache: MergeCandidate,
  flags: number,
  parameters: Pick<MergeParameters, 'rules' | 'debug' | 'noMerge'>,
): string {
  const { debug } = parameters;
  const named = debug.noHigherOrder && (debug.global & DEBUG_METADATA_FLAGS) !== 0;
  const ownName = named || isUnmergeable(cache, flags, parameters);
  return ownName ? cache.name : uniqueId(cache.size, flags);
}

/** The names under which a recorded cache was made that a slub_debug option takes out of it. */
export function namesTakenOut(
  id: string,
  names: readonly string[],
  flags: number,
  { rules, debug }: Pick<MergeParameters, 'rules' | 'debug'>,
): string[] {
  if (!isUniqueId(id)) return [];
  return names.filter((name) => (cacheDebugFlags(debug, flags, name) & rules.neverMerge) !== 0);
}
