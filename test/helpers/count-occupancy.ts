// What each cache of an image holds, for comparing with the kernel's own figures.

import type { Findings } from '../../src/snapshot/findings.ts';
import {
  addSlab,
  type CacheOccupancy,
  emptyOccupancy,
} from '../../src/snapshot/slub-walk/occupancy.ts';
import { type SlubImage, walkSlabs } from '../../src/snapshot/slub-walk/walk-slabs.ts';

/** In the order of the walk's caches. */
export function countOccupancy(slub: SlubImage, findings?: Findings): CacheOccupancy[] {
  const counts = slub.caches.map((cache) => emptyOccupancy(cache.name));
  walkSlabs(
    slub,
    (slab) => {
      const count = counts[slab.cacheIndex];
      if (count !== undefined) addSlab(count, slab);
    },
    findings,
  );
  return counts;
}
