// Directories of /sys/kernel/slab that a capture has through a symlink (a shell's `*/*` and `grep -R`
// follow them), where no list of the links is beside it: they show what the directory with the cache's
// unique id shows. Truth: mm/slub.c create_unique_id(), sysfs_slab_add(), sysfs_slab_alias(): of a cache
// that may be merged the directory is `:` and flags and size, and each name is a symlink to it.

import { groupBy } from '../../base/keyed.ts';
import type { SlabCacheSysfs } from './slab-cache-sysfs.ts';
import type { SlabAlias } from './slab-sysfs.ts';

/** What is the same whenever a cache is looked at. */
const FIXED = [
  ...['object_size', 'slab_size', 'align', 'objs_per_slab', 'order', 'aliases', 'ctor'],
  ...['min_partial', 'cpu_partial', 'hwcache_align', 'reclaim_account', 'cache_dma', 'usersize'],
  ...['destroy_by_rcu', 'sanity_checks', 'red_zone', 'poison', 'store_user', 'trace'],
];

/**
 * Of names that fit alike, those of kmalloc come last, and after them those of kmem_buckets_create()
 * (ipc/msgutil.c, mm/util.c from 6.11 on), which are never merged.
 */
function rankOf({ id }: SlabCacheSysfs): number {
  if (/^(?:msg_msg|memdup_user)-\d/.test(id)) return 2;
  return /^(?:dma-)?kmalloc-/.test(id) ? 1 : 0;
}

/** @param directories attributes by directory, in the order of the capture */
export function findAliases(
  caches: readonly SlabCacheSysfs[],
  directories: ReadonlyMap<string, ReadonlyMap<string, string>>,
): SlabAlias[] {
  const isUnique = ({ id }: SlabCacheSysfs): boolean => id.startsWith(':');
  if (!caches.some(isUnique)) return [];
  const fixed = ({ id }: SlabCacheSysfs): string => {
    const files = directories.get(id);
    return FIXED.map((name) => files?.get(name) ?? '').join('\n');
  };
  const aliases: SlabAlias[] = [];
  for (const same of groupBy(caches, fixed).values()) {
    const unique = same.filter(isUnique);
    const named = same.filter((cache) => !isUnique(cache));
    if (unique.length === 0) continue;
    // A cache has a link more than it has aliases, its own name, and those of caches that are gone.
    const left = new Map(unique.map((cache) => [cache, cache.aliases + 1]));
    const pairs = unique
      .flatMap((cache) =>
        named.map((name) => ({ cache, name, off: offBy(cache, name), rank: rankOf(name) })),
      )
      .sort((a, b) => a.off - b.off || a.rank - b.rank);
    const taken = new Map<string, string>();
    for (const { cache, name, off, rank } of pairs) {
      const links = left.get(cache) ?? 0;
      const isAlike = off === 0 && rank === 0 && name.totalObjects > 0;
      if ((links <= 0 && !isAlike) || taken.has(name.id)) continue;
      taken.set(name.id, cache.id);
      left.set(cache, links - 1);
    }
    for (const { id } of named) {
      const target = taken.get(id);
      if (target !== undefined) aliases.push({ name: id, target });
    }
  }
  return aliases;
}

/** How far two looks at a cache are apart: between them it goes on being used. */
function offBy(a: SlabCacheSysfs, b: SlabCacheSysfs): number {
  return (
    Math.abs(a.totalObjects - b.totalObjects) +
    Math.abs(a.objects - b.objects) +
    Math.abs(a.objectsPartial - b.objectsPartial)
  );
}
