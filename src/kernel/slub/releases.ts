// What SLUB does differently from release to release, in one table: 5.10 is the ground, each later
// change on top. Truth: mm/slub.c, mm/slab_common.c, include/linux/slab.h of the releases named.
// 5.10.262, 6.1.192 and 6.12.117 were read as wholes, 6.18 and 7.2 are known by their recordings; the
// releases between them by the commits named here. A release takes all changes that are not newer.

import { isConfigured, type KernelConfig } from '../machine/kernel-config.ts';
import { isAtLeast, type KernelVersion, parseRelease } from '../machine/kernel-version.ts';

/** The kernels that were recorded: whose behaviour as a whole a model can be held to. */
export type SlubGeneration = '5.10' | '6.1' | '6.12' | '6.18' | '7.2';

export interface SlubRules {
  /** The newest recorded kernel that is not newer than this one. */
  readonly generation: SlubGeneration;

  /** sizeof(struct track), of which STORE_USER keeps two per object. */
  readonly trackSize: number;
  /** Bytes for the requested size of a kmalloc, behind the tracks; 0 where it is not kept. */
  readonly origSizeBytes: number;
  /** A kept request size extends the right red zone, so the free pointer leaves the object. */
  readonly origSizeMovesFreePointer: boolean;
  /** Which caches may say where in the object the free pointer goes (kmem_cache_args). */
  readonly freeptrOffset: 'none' | 'rcu' | 'rcu-or-ctor';

  /** calculate_order(): which of its two forms. */
  readonly orderLoop: 'fewer-objects' | 'fixed-start';
  /** The CPUs it counts: nr_cpu_ids, or those present where that is more than one. */
  readonly orderCpus: 'possible' | 'present';
  /** The boot options keep min_order and max_order in order. */
  readonly clampsOrders: boolean;
  /** Boot options are called slab_*; slub_* still works. */
  readonly slabOptions: boolean;

  /** cpu_partial for objects of a page and more, 1024, 256 bytes and more, and below. */
  readonly cpuPartial: readonly [number, number, number, number] | null;
  /** Per-CPU partial lists are limited in slabs (cpu_partial_slabs); before, in objects. */
  readonly cpuPartialInSlabs: boolean;
  /** Caches with sheaves: none, those that ask for them, or (without CPU slabs) all. */
  readonly sheaves: 'none' | 'asked-for' | 'all';

  /** A free clears the object's free pointer before anything is checked (slab_free_freelist_hook()). */
  readonly freeClearsPointer: boolean;

  /** Alignment of kmalloc caches of 96 and 192 bytes: 8, or 32 and 64. */
  readonly kmallocAlign: 'power-of-two' | 'largest-divisor';
  /** The build option that makes kmalloc-cg-*; null where there are none. */
  readonly cgroupOption: 'MEMCG_KMEM' | 'MEMCG' | null;
  /** Copies of kmalloc-* and the option that makes them. */
  readonly kmallocCopies: { readonly option: string; readonly prefix: string } | null;
  /** kmem_buckets_create() exists. */
  readonly buckets: boolean;
  /** ARCH_KMALLOC_MINALIGN on arm64. */
  readonly arm64KmallocMinimum: number;

  /** Without HARDENED_USERCOPY there is no usersize at all. */
  readonly usersizeIsOption: boolean;
  /** A cache with a usersize is never merged. */
  readonly usersizeBlocksMerge: boolean;
  /** kmalloc-N is not merged where memory cgroups count kernel memory. */
  readonly normalKmallocMerges: boolean;
}

/** struct track with 16 stack entries, or none; with a stack depot handle instead. */
const TRACK_WITH_STACK = 152;
const TRACK_WITH_HANDLE = 32;
const TRACK_BARE = 24;

const GROUND: SlubRules = {
  generation: '5.10',
  trackSize: TRACK_WITH_STACK,
  origSizeBytes: 0,
  origSizeMovesFreePointer: false,
  freeptrOffset: 'none',
  orderLoop: 'fewer-objects',
  orderCpus: 'possible',
  clampsOrders: false,
  slabOptions: false,
  cpuPartial: [2, 6, 13, 30],
  cpuPartialInSlabs: false,
  sheaves: 'none',
  freeClearsPointer: true,
  kmallocAlign: 'power-of-two',
  cgroupOption: null,
  kmallocCopies: null,
  buckets: false,
  arm64KmallocMinimum: 128,
  usersizeIsOption: false,
  usersizeBlocksMerge: true,
  normalKmallocMerges: false,
};

interface Change {
  readonly since: KernelVersion;
  readonly rules: Partial<SlubRules>;
}

function since(release: string, rules: Partial<SlubRules>): Change {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  return { since: { major, minor }, rules };
}

/** Oldest first. */
const CHANGES: readonly Change[] = [
  // Linux kernel commit 3286222fc609 ("mm, slub: better heuristic for number of cpus when
  // calculating slab order") (in v5.11)
  since('5.11', { orderCpus: 'present' }),
  // 494c1dfe855e ("mm: memcg/slab: create a new set of kmalloc-cg-<n> caches") (in v5.14)
  since('5.14', { cgroupOption: 'MEMCG_KMEM' }),
  // b47291ef02b0 ("mm, slub: change percpu partial accounting from objects to pages") (in v5.16)
  since('5.16', { cpuPartial: [6, 24, 52, 120], cpuPartialInSlabs: true }),
  // 5cf909c553e9 ("mm/slub: use stackdepot to save stack trace in objects") (in v5.19)
  since('5.19', { trackSize: TRACK_WITH_HANDLE }),
  // 6edf2576a6cc ("mm/slub: enable debugging memory wasting of kmalloc") (in v6.1)
  since('6.1', { generation: '6.1', origSizeBytes: 4 }),
  // 946fa0dbf2d8 ("mm/slub: extend redzone check to extra allocated kmalloc space than requested"),
  // 346907ceb9d1 ("mm, slab: ignore hardened usercopy parameters when disabled") (in v6.2)
  since('6.2', { origSizeMovesFreePointer: true, usersizeIsOption: true }),
  // 9382bc44b5f5 ("arm64: allow kmalloc() caches aligned to the smaller cache_line_size()") (in v6.5)
  since('6.5', { arm64KmallocMinimum: 8 }),
  // 3c6152940584 ("Randomized slab caches for kmalloc()") (in v6.6)
  since('6.6', { kmallocCopies: { option: 'RANDOM_KMALLOC_CACHES', prefix: 'kmalloc-rnd-' } }),
  // 0fe2735d5e2e ("mm/slub: remove min_objects loop from calculate_order()"),
  // e519ce7a26b4 ("mm/slub: add sanity check for slub_min/max_order cmdline setup") (in v6.8)
  // "mm/slub: handle bulk and single object freeing separately" (in v6.8)
  since('6.8', { orderLoop: 'fixed-start', clampsOrders: true, freeClearsPointer: false }),
  // 671776b32b26 ("mm/slub: unify all sl[au]b parameters with "slab_$param"") (in v6.9)
  since('6.9', { slabOptions: true }),
  // b32801d1255b ("mm/slab: Introduce kmem_buckets_create() and family"),
  // 3a3b7fec3974 ("mm: remove CONFIG_MEMCG_KMEM") (in v6.11)
  since('6.11', { buckets: true, cgroupOption: 'MEMCG' }),
  // ad59baa31695 ("slab, rust: extend kmalloc() alignment guarantees to remove Rust padding"),
  // d345bd2e9834 ("mm: add kmem_cache_create_rcu()") (in v6.12)
  // Model: b85f369b81ae ("mm/slab: use unsigned long for orig_size to ensure proper metadata align")
  // (in v7.0) is in 6.12.117; kernels of 6.12 without it keep 4 bytes. No size depends on it.
  since('6.12', {
    generation: '6.12',
    origSizeBytes: 8,
    freeptrOffset: 'rcu',
    kmallocAlign: 'largest-divisor',
  }),
  // 2d517aa09bbc ("slab: add opt-in caching layer of percpu sheaves") (in v6.18)
  since('6.18', { generation: '6.18', sheaves: 'asked-for' }),
  // "slab: add sheaves to most caches", "slab: remove SLUB_CPU_PARTIAL", "mm/slab: allow specifying
  // free pointer offset when using constructor" (in v7.0)
  since('7.0', {
    generation: '7.2',
    sheaves: 'all',
    cpuPartial: null,
    cpuPartialInSlabs: false,
    freeptrOffset: 'rcu-or-ctor',
  }),
  // CONFIG_KMALLOC_PARTITION_CACHES takes the place of CONFIG_RANDOM_KMALLOC_CACHES (in v7.2)
  since('7.2', {
    kmallocCopies: { option: 'KMALLOC_PARTITION_CACHES', prefix: 'kmalloc-part-' },
  }),
];

/** The recorded kernels, oldest first. */
export const SLUB_GENERATIONS: readonly SlubGeneration[] = ['5.10', '6.1', '6.12', '6.18', '7.2'];

/**
 * The rules of a release ('6.1', '6.1.0-56-amd64'), of the newest where it is unknown, and of 5.10
 * where it is older. A build configuration decides what it can; without one the build is taken to be
 * a distribution's. It must be that release's own: options come and go, so none is given where another
 * kernel is asked after than the recorded one.
 */
export function rulesFor(
  release: KernelVersion | string | null | undefined,
  config?: KernelConfig,
): SlubRules {
  const version = typeof release === 'string' ? parseRelease(release) : (release ?? undefined);
  let rules = GROUND;
  for (const change of CHANGES) {
    if (isAtLeast(version, change.since.major, change.since.minor)) {
      rules = { ...rules, ...change.rules };
    }
  }
  return config === undefined ? rules : asBuilt(rules, config);
}

function asBuilt(rules: SlubRules, config: KernelConfig): SlubRules {
  const built = { ...rules };
  const stackOption = rules.trackSize === TRACK_WITH_STACK ? 'STACKTRACE' : 'STACKDEPOT';
  if (!isConfigured(config, stackOption, true)) built.trackSize = TRACK_BARE;
  if (!isConfigured(config, 'SLUB_CPU_PARTIAL', true)) built.cpuPartial = null;
  if (rules.usersizeIsOption && !isConfigured(config, 'HARDENED_USERCOPY', true)) {
    built.usersizeBlocksMerge = false;
  }
  if (!isConfigured(config, rules.cgroupOption ?? 'MEMCG', true)) built.normalKmallocMerges = true;
  return built;
}
