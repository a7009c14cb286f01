// One cache as /sys/kernel/slab/<cache>/ shows it: attribute texts become a typed object.
// Truth: mm/slub.c, the SLAB_ATTR*() show functions; their units and versions in each.
// Counts are "TOTAL N0=… N1=…": nodes that have none are left out, and without CONFIG_NUMA all are.

import { withKeys } from '../../base/keyed.ts';

/** Counters of CONFIG_SLUB_STATS (mm/slub.c STAT_ATTR(), 6.12), as their files are named. */
const SLAB_STATS = [
  'alloc_fastpath',
  'alloc_slowpath',
  'free_fastpath',
  'free_slowpath',
  'free_frozen',
  'free_add_partial',
  'free_remove_partial',
  'alloc_from_partial',
  'alloc_slab',
  'alloc_refill',
  'alloc_node_mismatch',
  'free_slab',
  'cpuslab_flush',
  'deactivate_full',
  'deactivate_empty',
  'deactivate_to_head',
  'deactivate_to_tail',
  'deactivate_remote_frees',
  'deactivate_bypass',
  'order_fallback',
  'cmpxchg_double_cpu_fail',
  'cmpxchg_double_fail',
  'cpu_partial_alloc',
  'cpu_partial_free',
  'cpu_partial_node',
  'cpu_partial_drain',
] as const;

type SlabStatName = (typeof SLAB_STATS)[number];
export type SlabStats = Readonly<Record<SlabStatName, number>>;

/** Counts of one attribute by NUMA node; a node that is missing has none. */
type NodeCounts = ReadonlyMap<number, number>;

/** `slabs_cpu_partial`: slabs on per-CPU partial lists, and the free objects guessed in them. */
interface SlabsCpuPartial {
  readonly objects: number;
  readonly slabs: number;
  readonly cpus: readonly {
    readonly cpu: number;
    readonly objects: number;
    readonly slabs: number;
  }[];
}

/**
 * A cache. What every SLUB kernel shows (with CONFIG_SLUB_DEBUG) is a number or a flag, 0 or false
 * where the capture lacks it; what only some kernels show is null where it is not there.
 */
export interface SlabCacheSysfs {
  /** The directory: the cache's name, or the unique id of a mergeable one (`:A-0000256`). */
  readonly id: string;
  /**
   * Sizes and counts (SIZES, COUNTS) that the capture lacks, or whose text is no number from 0 on:
   * they are 0 here, as the kernel's slabinfo tool reads them, and known to nothing else.
   */
  readonly unread: ReadonlySet<SlabFigure>;
  readonly objectSize: number;
  readonly slabSize: number;
  readonly align: number;
  readonly objsPerSlab: number;
  readonly order: number;
  /** Further caches merged into this one; -1 on a cache that is being destroyed. */
  readonly aliases: number;

  /** Allocated objects; all objects of CPU slabs and CPU partial slabs count as allocated. */
  readonly objects: number;
  readonly totalObjects: number;
  readonly objectsPartial: number;
  readonly slabs: number;
  /** Slabs on the nodes' partial lists. */
  readonly partial: number;
  /** CPU slabs and slabs on per-CPU partial lists. */
  readonly cpuSlabs: number;
  readonly byNode: {
    readonly objects: NodeCounts;
    readonly totalObjects: NodeCounts;
    readonly objectsPartial: NodeCounts;
    readonly slabs: NodeCounts;
    readonly partial: NodeCounts;
    readonly cpuSlabs: NodeCounts;
  };

  readonly hwcacheAlign: boolean;
  readonly reclaimAccount: boolean;
  readonly cacheDma: boolean;
  readonly destroyByRcu: boolean;
  readonly sanityChecks: boolean;
  readonly redZone: boolean;
  readonly poison: boolean;
  readonly storeUser: boolean;
  readonly trace: boolean;
  readonly failslab: boolean | null;
  readonly skipKfence: boolean | null;

  readonly minPartial: number | null;
  /** In objects, as sysfs shows it. */
  readonly cpuPartial: number | null;
  readonly usersize: number | null;
  readonly remoteNodeDefragRatio: number | null;
  /** From 6.18 on. */
  readonly sheafCapacity: number | null;
  readonly slabsCpuPartial: SlabsCpuPartial | null;
  /** `init_once+0x0/0x10`, empty where the cache has none. */
  readonly ctor: string | null;
  /** Texts of several lines that old kernels have (alloc_calls and free_calls: until 5.13). */
  readonly ops: string | null;
  readonly allocCalls: string | null;
  readonly freeCalls: string | null;
  /** Sums over all CPUs; null without CONFIG_SLUB_STATS. */
  readonly stats: SlabStats | null;
}

/** What every SLUB kernel shows of a cache's layout. */
const SIZES = ['object_size', 'slab_size', 'objs_per_slab', 'order'] as const;

/** How much of a cache there was. */
const COUNTS = [
  'objects',
  'total_objects',
  'objects_partial',
  'slabs',
  'partial',
  'cpu_slabs',
] as const;

type SlabFigure = (typeof SIZES)[number] | (typeof COUNTS)[number];

const NUMBERS = [
  ...SIZES,
  ...COUNTS,
  'align',
  'aliases',
  'min_partial',
  'cpu_partial',
  'usersize',
  'remote_node_defrag_ratio',
  'sheaf_capacity',
  'slabs_cpu_partial',
] as const;

const FLAGS = [
  'hwcache_align',
  'reclaim_account',
  'cache_dma',
  'destroy_by_rcu',
  'sanity_checks',
  'red_zone',
  'poison',
  'store_user',
  'trace',
  'failslab',
  'skip_kfence',
] as const;

const TEXTS = ['ctor', 'ops', 'alloc_calls', 'free_calls'] as const;

type Attribute =
  | (typeof NUMBERS)[number]
  | (typeof FLAGS)[number]
  | (typeof TEXTS)[number]
  | SlabStatName;

const KNOWN: ReadonlySet<string> = new Set([...NUMBERS, ...FLAGS, ...TEXTS, ...SLAB_STATS]);

/** True for a file whose content `buildSlabCache` reads; `shrink`, `validate` and unknown: false. */
export function isSlabAttribute(name: string): boolean {
  return KNOWN.has(name);
}

/** True for a file that may have several lines. */
export function isSlabText(name: string): boolean {
  return TEXTS.some((text) => text === name);
}

/** The cache that a directory's files describe. */
export function buildSlabCache(id: string, files: ReadonlyMap<string, string>): SlabCacheSysfs {
  const text = (name: Attribute): string | null => files.get(name) ?? null;
  const known = (name: Attribute): number | null => {
    const value = files.get(name);
    return value === undefined || !isCount(value) ? null : leadingInteger(value);
  };
  const number = (name: Attribute): number => leadingInteger(files.get(name) ?? '');
  const flag = (name: Attribute): boolean => number(name) !== 0;
  const knownFlag = (name: Attribute): boolean | null => (files.has(name) ? flag(name) : null);
  const nodes = (name: Attribute): NodeCounts => parseNodeCounts(files.get(name) ?? '');
  const cpuPartialText = text('slabs_cpu_partial');

  return {
    id,
    unread: new Set([...SIZES, ...COUNTS].filter((name) => !isCount(files.get(name) ?? ''))),
    objectSize: number('object_size'),
    slabSize: number('slab_size'),
    align: number('align'),
    objsPerSlab: number('objs_per_slab'),
    order: number('order'),
    aliases: number('aliases'),
    objects: number('objects'),
    totalObjects: number('total_objects'),
    objectsPartial: number('objects_partial'),
    slabs: number('slabs'),
    partial: number('partial'),
    cpuSlabs: number('cpu_slabs'),
    byNode: {
      objects: nodes('objects'),
      totalObjects: nodes('total_objects'),
      objectsPartial: nodes('objects_partial'),
      slabs: nodes('slabs'),
      partial: nodes('partial'),
      cpuSlabs: nodes('cpu_slabs'),
    },
    hwcacheAlign: flag('hwcache_align'),
    reclaimAccount: flag('reclaim_account'),
    cacheDma: flag('cache_dma'),
    destroyByRcu: flag('destroy_by_rcu'),
    sanityChecks: flag('sanity_checks'),
    redZone: flag('red_zone'),
    poison: flag('poison'),
    storeUser: flag('store_user'),
    trace: flag('trace'),
    failslab: knownFlag('failslab'),
    skipKfence: knownFlag('skip_kfence'),
    minPartial: known('min_partial'),
    cpuPartial: known('cpu_partial'),
    usersize: known('usersize'),
    remoteNodeDefragRatio: known('remote_node_defrag_ratio'),
    sheafCapacity: atMost(MAX_SHEAF_CAPACITY, known('sheaf_capacity')),
    slabsCpuPartial: cpuPartialText === null ? null : parseSlabsCpuPartial(cpuPartialText),
    ctor: text('ctor'),
    ops: text('ops'),
    allocCalls: text('alloc_calls'),
    freeCalls: text('free_calls'),
    stats: buildStats(files),
  };
}

/** Pointers that kmalloc's largest cache of any page size holds (KMALLOC_MAX_CACHE_SIZE: 128 KiB). */
const MAX_SHEAF_CAPACITY = 16384;

function atMost(limit: number, value: number | null): number | null {
  return value === null || value > limit ? null : value;
}

function buildStats(files: ReadonlyMap<string, string>): SlabStats | null {
  if (!SLAB_STATS.some((name) => files.has(name))) return null;
  return withKeys(SLAB_STATS, (name) => leadingInteger(files.get(name) ?? ''));
}

/** True for a number from 0 on, alone or before counts by node or CPU. */
function isCount(text: string): boolean {
  return Number(/^\s*(\d{1,16})(?=\s|$)/.exec(text)?.[1]) <= Number.MAX_SAFE_INTEGER;
}

/** The number that a text begins with, 0 where it begins with none, as atol(3) reads it. */
function leadingInteger(text: string): number {
  const digits = /^\s*([+-]?\d{1,20})/.exec(text)?.[1];
  if (digits === undefined) return 0;
  const limit = Number.MAX_SAFE_INTEGER;
  return Math.min(limit, Math.max(-limit, Number(digits)));
}

/** More than any kernel has (CONFIG_NODES_SHIFT is at most 10). */
const MAX_NODES = 1024;

// 227 N0=121 N1=106
function parseNodeCounts(text: string): NodeCounts {
  const counts = new Map<number, number>();
  for (const [, node, count] of text.matchAll(/ N(\d{1,20})=(\d{1,20})/g)) {
    if (Number(node) < MAX_NODES) counts.set(Number(node), leadingInteger(count ?? ''));
  }
  return counts;
}

// 128(4) C0=32(1) C1=96(3)
function parseSlabsCpuPartial(text: string): SlabsCpuPartial {
  const cpus: { cpu: number; objects: number; slabs: number }[] = [];
  for (const [, cpu, objects, slabs] of text.matchAll(
    / C(\d{1,9})=(-?\d{1,15})\((-?\d{1,15})\)/g,
  )) {
    cpus.push({ cpu: Number(cpu), objects: Number(objects), slabs: Number(slabs) });
  }
  const slabs = /^\s*-?\d+\((-?\d{1,15})\)/.exec(text)?.[1] ?? '0';
  return { objects: leadingInteger(text), slabs: Number(slabs), cpus };
}
