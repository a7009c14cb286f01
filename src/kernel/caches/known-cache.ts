// The caches of a recorded kernel, under the names that /proc/slabinfo gives them: what naming the
// caches of events, slab sizes in reports and the replay go by. From the sysfs capture, else from
// /proc/slabinfo alone.

import type { ProcSlabinfo } from './proc-slabinfo.ts';
import { resolveSlabCacheNames } from './slab-cache-names.ts';
import type { SlabCacheSysfs } from './slab-cache-sysfs.ts';
import type { SlabSysfs } from './slab-sysfs.ts';

/** One cache as sysfs and /proc/slabinfo showed it; null where neither did. */
export interface KnownCache {
  /** As in /proc/slabinfo and in `kmem_cache_free … name=`: its first creator's. */
  readonly name: string;
  /** Names of the caches that were merged into it. */
  readonly aliases: readonly string[];
  readonly objectSize: number | null;
  /** Bytes from object to object, debug metadata included (`size`, in the events bytes_alloc). */
  readonly slabSize: number;
  readonly objsPerSlab: number;
  readonly order: number;
  readonly slabs: number | null;
  /** Objects in use as the kernel counts them: free ones on CPU slabs and in sheaves included. */
  readonly activeObjects: number | null;
  readonly totalObjects: number | null;
  /** SLAB_ACCOUNT, where a merged cache's id tells ('A'); null where nothing does. */
  readonly accounted: boolean | null;
  /** The sysfs folder with everything else; null where only /proc/slabinfo was recorded. */
  readonly sysfs: SlabCacheSysfs | null;
}

export class KnownCaches {
  readonly all: readonly KnownCache[];
  private readonly byAnyName = new Map<string, KnownCache>();

  constructor(caches: readonly KnownCache[]) {
    this.all = caches;
    for (const cache of caches) for (const name of cache.aliases) this.byAnyName.set(name, cache);
    for (const cache of caches) {
      if (cache.sysfs !== null) this.byAnyName.set(cache.sysfs.id, cache);
      this.byAnyName.set(cache.name, cache);
    }
  }

  /** The cache of a name: its own, its sysfs id, or that of a cache merged into it. */
  find(name: string): KnownCache | undefined {
    return this.byAnyName.get(name);
  }

  /** Caches whose objects take `slabSize` bytes. */
  ofSlabSize(slabSize: number): KnownCache[] {
    return this.all.filter((cache) => cache.slabSize === slabSize);
  }
}

/**
 * The caches of a recording; undefined where it holds neither capture.
 * @param eventNames cache names that its events print, which tell a merged cache's true name
 */
export function buildKnownCaches(
  sysfs: SlabSysfs | undefined,
  slabinfo: ProcSlabinfo | undefined,
  eventNames: ReadonlySet<string>,
): KnownCaches | undefined {
  if (sysfs !== undefined && sysfs.caches.length > 0) {
    const names = resolveSlabCacheNames(sysfs, { slabinfo: slabinfo ?? null, eventNames });
    return new KnownCaches(
      sysfs.caches.map((c) => ({
        name: names.get(c.id)?.name ?? c.id,
        aliases: sysfs.aliasNames.get(c.id) ?? [],
        objectSize: c.objectSize,
        slabSize: c.slabSize,
        objsPerSlab: c.objsPerSlab,
        order: c.order,
        slabs: c.unread.has('slabs') ? null : c.slabs,
        activeObjects: c.unread.has('objects') ? null : c.objects,
        totalObjects: c.unread.has('total_objects') ? null : c.totalObjects,
        accounted: accountedById(c.id),
        sysfs: c,
      })),
    );
  }
  if (slabinfo === undefined || slabinfo.caches.length === 0) return undefined;
  return new KnownCaches(
    slabinfo.caches.map((c) => ({
      name: c.name,
      aliases: [],
      objectSize: null,
      slabSize: c.objsize,
      objsPerSlab: c.objperslab,
      order: Math.ceil(Math.log2(Math.max(1, c.pagesperslab))),
      slabs: c.numSlabs,
      activeObjects: c.activeObjs,
      totalObjects: c.numObjs,
      accounted: null,
      sysfs: null,
    })),
  );
}

/** `:A-0000256` is a merged cache with SLAB_ACCOUNT (mm/slub.c, create_unique_id()). */
function accountedById(id: string): boolean | null {
  const letters = /^:(?:(\w*)-)?\d+$/.exec(id);
  return letters === null ? null : (letters[1]?.includes('A') ?? false);
}
