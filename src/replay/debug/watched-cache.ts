// Which caches of a plan are watched, and with which debug flags.

import { isBulkCache } from '../../kernel/caches/bulk-caches.ts';
import type { CheckedCache } from '../../kernel/checks/checked-slab.ts';
import type { SlubRules } from '../../kernel/slub/releases.ts';
import { SLAB, SLAB_DEBUG_FLAGS, SLAB_NEVER_MERGE } from '../../kernel/slub/slab-flags.ts';
import type { PlannedCache } from '../machine/cache-plan.ts';

/**
 * A cache with the flags that it has, else with those that are asked after: then the recording ran
 * without them, its objects are elsewhere than they would be, and only the events show anything.
 */
export function watchedCache(
  { name, geometry }: PlannedCache,
  rules: SlubRules,
  askedFlags: number,
): CheckedCache | undefined {
  if ((geometry.flags & SLAB_DEBUG_FLAGS) !== 0) {
    // A constructor's bytes, and those of an object that is not poisoned, are in no trace.
    return { name, geometry, rules, contentsKnown: geometry.layout.objectPoison };
  }
  if ((askedFlags & SLAB.CONSISTENCY_CHECKS) === 0) return undefined;
  const asked = { ...geometry, flags: askedFlags };
  return { name, geometry: asked, rules, contentsKnown: false, layoutKnown: false };
}

/** True for a cache of which the kernel itself checks no free. */
export function isUnchecked({ layoutKnown }: CheckedCache): boolean {
  return layoutKnown === false;
}

/**
 * True where kmem_cache_alloc_bulk() may serve the cache: by its name, or one that is merged with it. Of
 * a cache that can be merged nobody may know.
 */
export function mayBeBulk({ name, geometry, known }: PlannedCache): boolean {
  const isApart = (geometry.flags & SLAB_NEVER_MERGE) !== 0;
  const aliases = known?.aliases ?? [];
  const isKnown = isApart || (known?.sysfs?.aliases ?? Infinity) <= aliases.length;
  return !isKnown || [name, ...aliases].some(isBulkCache);
}
