// The name of each directory of /sys/kernel/slab as /proc/slabinfo (and the trace events) print it.
// Truth: mm/slub.c sysfs_slab_add(), create_unique_id(), sysfs_slab_alias(): a mergeable cache lives
// under an id such as `:A-0000256`, and every name that was merged into it, the first included, is a
// symlink to it. s->name stays the first one's, which sysfs does not tell but slabinfo does.

import { groupBy } from '../../base/keyed.ts';
import type { ProcSlabCache, ProcSlabinfo } from './proc-slabinfo.ts';
import type { SlabCacheSysfs } from './slab-cache-sysfs.ts';
import type { SlabSysfs } from './slab-sysfs.ts';

export interface SlabCacheName {
  readonly name: string;
  /** True where the name was chosen among several, or none was to be had and it is the id. */
  readonly guessed: boolean;
}

/** What else knows the true names. */
export interface NameEvidence {
  /** The recording's /proc/slabinfo. */
  readonly slabinfo?: ProcSlabinfo | null;
  /** `name=` of the recording's kmem_cache_alloc and kmem_cache_free events. */
  readonly eventNames?: ReadonlySet<string>;
}

/** The name of every directory, by id. */
export function resolveSlabCacheNames(
  sysfs: SlabSysfs,
  evidence: NameEvidence = {},
): ReadonlyMap<string, SlabCacheName> {
  const names = new Map<string, SlabCacheName>();
  const unresolved: SlabCacheSysfs[] = [];
  for (const cache of sysfs.caches) {
    const name = nameByLinks(cache, sysfs.aliasNames.get(cache.id) ?? [], evidence);
    if (name === undefined) unresolved.push(cache);
    else names.set(cache.id, { name, guessed: false });
  }

  const taken = new Set([...names.values()].map((entry) => entry.name));
  const rows = (evidence.slabinfo?.caches ?? []).filter((row) => !taken.has(row.name));
  const rowsByNumbers = groupBy(rows, rowNumbers);
  const cachesByNumbers = groupBy(unresolved, cacheNumbers);
  for (const cache of unresolved) {
    const numbers = cacheNumbers(cache);
    const [row, ...otherRows] = rowsByNumbers.get(numbers) ?? [];
    // It finds a first creator that was destroyed (its link is gone, its name stays) and names in
    // captures without links.
    const one = otherRows.length === 0 && cachesByNumbers.get(numbers)?.length === 1;
    const alias = pickAlias(sysfs.aliasNames.get(cache.id) ?? []);
    if (row !== undefined && one) names.set(cache.id, { name: row.name, guessed: false });
    else names.set(cache.id, { name: alias ?? cache.id, guessed: true });
  }
  return names;
}

/** True for a unique id, which is no cache's name. */
export function isUniqueId(id: string): boolean {
  return id.startsWith(':');
}

/**
 * The alias that the kernel's slabinfo tool shows for a merged cache: the first that begins with
 * "kmall" and is longer than those before it, else the first of the longest (find_one_alias()).
 */
export function pickAlias(aliases: readonly string[]): string | undefined {
  let best: string | undefined;
  for (const alias of aliases) {
    if (best !== undefined && best.length >= alias.length) continue;
    if (alias.startsWith('kmall')) return alias;
    best = alias;
  }
  return best;
}

function nameByLinks(
  cache: SlabCacheSysfs,
  aliases: readonly string[],
  { slabinfo, eventNames }: NameEvidence,
): string | undefined {
  if (!isUniqueId(cache.id)) return cache.id;
  const listed = aliases.filter((alias) => slabinfo?.byName.has(alias));
  if (listed.length > 0) return listed[0];
  const seen = aliases.filter((alias) => eventNames?.has(alias));
  if (seen.length === 1) return seen[0];
  // Nothing was merged into it: its one link is its own.
  return aliases.length === 1 && cache.aliases === 0 ? aliases[0] : undefined;
}

/** The numbers that slabinfo and sysfs both print. */
function rowNumbers(row: ProcSlabCache): string {
  return [row.objsize, row.objperslab, row.pagesperslab, row.numObjs, row.numSlabs].join();
}

function cacheNumbers(cache: SlabCacheSysfs): string {
  const { slabSize, objsPerSlab, order, totalObjects, slabs } = cache;
  return [slabSize, objsPerSlab, 2 ** order, totalObjects, slabs].join();
}
