// The caches that the kernel's slabinfo tool works on: which directories and links it reads, under
// which name it shows them, and in which order. Truth: tools/mm/slabinfo.c (6.12) read_slab_dir(),
// link_slabs(), rename_slabs(), sort_slabs().

import { isUniqueId, pickAlias } from '../../kernel/caches/slab-cache-names.ts';
import type { SlabCacheSysfs } from '../../kernel/caches/slab-cache-sysfs.ts';
import type { SlabAlias, SlabSysfs } from '../../kernel/caches/slab-sysfs.ts';
import { exchangeSort } from './exchange-sort.ts';
import { sortAsExt4 } from './ext4-order.ts';
import type { SlabinfoOptions } from './options.ts';
import { compilePosixRegex } from './posix-regex.ts';

/** A cache with the name that the tool prints for it. */
export interface ToolCache {
  readonly cache: SlabCacheSysfs;
  /** The directory, or an alias; null for a merged cache none of whose aliases was selected. */
  name: string | null;
  /** slabs × bytes of a slab. */
  readonly space: number;
  /** Space without the objects' own bytes; below 0 where a busy kernel's counts disagree. */
  readonly loss: number;
  readonly activity: number;
}

export interface ToolCaches {
  /** In the order read. Sorting it is up to the caller. */
  readonly caches: ToolCache[];
  /** Selected aliases of selected caches, in the order read. */
  readonly aliases: readonly SlabAlias[];
  /** Aliases whose directory was not captured or not selected; the tool itself would stop there. */
  readonly unresolvedAliases: readonly SlabAlias[];
}

/**
 * Bytes of a slab: PAGE_SIZE << order in an int. An order that no kernel has is shifted as the
 * machine does it.
 */
export function slabBytes(cache: SlabCacheSysfs, pageSize: number): number {
  return pageSize << cache.order;
}

/** What the pattern selects. Ids of merged caches are always read: the pattern is for names. */
export function selectCaches(
  sysfs: SlabSysfs,
  pageSize: number,
  { pattern, readOrder }: Pick<SlabinfoOptions, 'pattern' | 'readOrder'>,
): ToolCaches {
  const regex = pattern === null ? undefined : compilePosixRegex(pattern);
  const read = <T>(items: readonly T[], nameOf: (item: T) => string): readonly T[] => {
    const selected = items.filter((item) => {
      const name = nameOf(item);
      return isUniqueId(name) || (regex?.test(name) ?? true);
    });
    return readOrder === 'ext4' ? sortAsExt4(selected, nameOf) : selected;
  };
  const caches = read(sysfs.caches, (cache) => cache.id);
  const aliases = read(sysfs.aliases, (alias) => alias.name);
  const ids = new Set(caches.map((cache) => cache.id));
  return {
    caches: caches.map((cache) => buildToolCache(cache, pageSize)),
    aliases: aliases.filter((alias) => ids.has(alias.target)),
    unresolvedAliases: aliases.filter((alias) => !ids.has(alias.target)),
  };
}

function buildToolCache(cache: SlabCacheSysfs, pageSize: number): ToolCache {
  const space = cache.slabs * slabBytes(cache, pageSize);
  const loss = space - cache.objects * cache.objectSize;
  const { stats } = cache;
  const activity =
    stats === null
      ? 0
      : stats.alloc_fastpath + stats.free_fastpath + stats.alloc_slowpath + stats.free_slowpath;
  return { cache, name: cache.id, space, loss, activity };
}

/** Shows a merged cache under an alias where it has one name, or -f asks for it. */
export function renameCaches({ caches, aliases }: ToolCaches, options: SlabinfoOptions): void {
  const namesOf = new Map<string, string[]>();
  for (const { name, target } of aliases) {
    const names = namesOf.get(target);
    if (names === undefined) namesOf.set(target, [name]);
    else names.push(name);
  }
  for (const tool of caches) {
    if (!isUniqueId(tool.cache.id)) continue;
    const names = namesOf.get(tool.cache.id) ?? [];
    if (names.length <= 1 || options.firstAlias) tool.name = pickAlias(names) ?? null;
  }
}

export type SortKey = 'size' | 'activity' | 'loss' | 'partial' | 'name';

/** The first of the asked for keys in the tool's own order of precedence. */
export function sortKeyOf(
  options: Pick<SlabinfoOptions, 'sortSize' | 'sortActivity' | 'sortLoss' | 'sortPartial'>,
): SortKey {
  if (options.sortSize) return 'size';
  if (options.sortActivity) return 'activity';
  if (options.sortLoss) return 'loss';
  return options.sortPartial ? 'partial' : 'name';
}

/**
 * Sorts in place: largest first, ties and the key 'name' by name. Inverted, the tool negates a
 * comparison that says only "smaller" or "not smaller", so that larger keys never move, and only ties
 * change places.
 */
export function sortCaches(caches: ToolCache[], key: SortKey, inverted: boolean): void {
  const keyed = caches.map((tool) => ({
    tool,
    value: unsigned(numberOf(tool, key)),
    name: foldCase(tool.name ?? '*'),
  }));
  const sign = inverted ? -1 : 1;
  exchangeSort(keyed, (a, b) => {
    if (a.value === b.value) return sign * compareText(a.name, b.name);
    return a.value < b.value ? sign : 0;
  });
  for (const [i, { tool }] of keyed.entries()) caches[i] = tool;
}

function numberOf(tool: ToolCache, key: SortKey): number {
  switch (key) {
    case 'size':
      return tool.space;
    case 'activity':
      return tool.activity;
    case 'loss':
      return tool.loss;
    case 'partial':
      return tool.cache.partial;
    case 'name':
      return 0;
  }
}

/** Below 0 is very large: the tool compares unsigned longs. */
function unsigned(value: number): bigint {
  return BigInt.asUintN(64, BigInt(value));
}

/** Letters as strcasecmp(3) of the C locale compares them. */
export function foldCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
