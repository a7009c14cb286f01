// The caches that serve kmalloc on a machine of which no caches were recorded: release, build and
// boot options become names, sizes, alignments and types.
// Truth: mm/slab_common.c kmalloc_info[], new_kmalloc_cache(), create_kmalloc_caches(),
// create_boot_cache(), kmem_buckets_create(), __kmalloc_minalign(); include/linux/slab.h
// (KMALLOC_MIN_SIZE, KMALLOC_SHIFT_HIGH); mm/util.c, ipc/msgutil.c for the buckets (6.1.192,
// 6.12.117). Where caches were recorded, kmalloc-caches.ts takes the classes from them.
// Model: of the architectures only arm64 has classes of its own; kmalloc-no-objext-N, which 6.12.117
// and 7.2 make for memory allocation profiling, is left out.

import { isConfigured, type KernelConfig } from '../machine/kernel-config.ts';
import type { SlubCmdline } from '../slub/boot-options.ts';
import type { SlubRules } from '../slub/releases.ts';
import { SLAB } from '../slub/slab-flags.ts';
import { defaultKmallocSizes, type KmallocClasses } from './kmalloc-caches.ts';

/** 'copy': of 15 random or partition copies; 'bucket': of a user of kmem_buckets_create(). */
type KmallocType = 'normal' | 'cgroup' | 'reclaim' | 'dma' | 'copy' | 'bucket';

export interface KmallocCache {
  readonly name: string;
  readonly type: KmallocType;
  readonly objectSize: number;
  readonly align: number;
  /** SLAB bits. */
  readonly flags: number;
  readonly usersize: number;
}

/** What decides which kmalloc caches there are. */
export interface KmallocBuild {
  readonly rules: SlubRules;
  readonly pageSize: number;
  readonly arm64: boolean;
  /** KMALLOC_MIN_SIZE: the smallest class that the build knows. */
  readonly minSize: number;
  /** __kmalloc_minalign(): the smallest that the machine's caches allow without bounce buffers. */
  readonly minAlign: number;
  readonly hasCgroup: boolean;
  readonly hasReclaim: boolean;
  readonly hasDma: boolean;
  readonly hasCopies: boolean;
  readonly hasBuckets: boolean;
}

/** What may be known of a machine. */
export interface KmallocMachine {
  readonly rules: SlubRules;
  readonly pageSize: number;
  readonly cacheLine: number;
  /** See isArm64. */
  readonly arm64: boolean;
  readonly config?: KernelConfig | undefined;
  readonly options?: Pick<SlubCmdline, 'memcgKmem' | 'swiotlb'> | undefined;
}

/** True for an arm64 kernel, by its configuration, else by its release or uname ('…-arm64'). */
export function isArm64(config: KernelConfig | undefined, release: string | null): boolean {
  return isConfigured(config, 'ARM64', /arm64|aarch64/.test(release ?? ''));
}

/** Without a configuration the build is taken to be a distribution's. */
export function kmallocBuild(machine: KmallocMachine): KmallocBuild {
  const { rules, config, options, arm64 } = machine;
  const tiny = isConfigured(config, 'SLUB_TINY', false);
  const minSize = arm64 ? rules.arm64KmallocMinimum : 8;
  const bounces = isConfigured(config, 'DMA_BOUNCE_UNALIGNED_KMALLOC', true);
  const swiotlb = bounces && options?.swiotlb !== false;
  const { cgroupOption, kmallocCopies } = rules;
  return {
    rules,
    pageSize: machine.pageSize,
    arm64,
    minSize,
    minAlign: arm64 && !swiotlb ? Math.max(machine.cacheLine, minSize) : minSize,
    hasCgroup:
      cgroupOption !== null &&
      isConfigured(config, cgroupOption, true) &&
      options?.memcgKmem !== false,
    hasReclaim: !tiny,
    hasDma: isConfigured(config, 'ZONE_DMA', true),
    hasCopies: kmallocCopies !== null && isConfigured(config, kmallocCopies.option, false),
    hasBuckets: rules.buckets && !tiny && isConfigured(config, 'SLAB_BUCKETS', true),
  };
}

/** Object sizes of the caches, ascending. */
export function kmallocSizes({ pageSize, minSize, minAlign }: KmallocBuild): number[] {
  const sizes = defaultKmallocSizes(pageSize, minSize);
  // A class that is no multiple of the alignment is served by the next one that is.
  return [...new Set(sizes.map((size) => Math.ceil(size / minAlign) * minAlign))];
}

/** The same in the form that names the cache of an event. */
export function kmallocClassesOfBuild(build: KmallocBuild): KmallocClasses {
  return {
    sizes: kmallocSizes(build),
    maxCacheSize: build.pageSize * 2,
    hasCgroup: build.hasCgroup,
    hasReclaim: build.hasReclaim,
    hasDma: build.hasDma,
    naming: 'short',
  };
}

/**
 * Every kmalloc cache of the machine, `kmalloc_buckets` included, type by type in order of size.
 * @param sizes another table of classes than the kernel's
 */
export function kmallocCacheSet(
  build: KmallocBuild,
  sizes: readonly number[] = kmallocSizes(build),
): KmallocCache[] {
  const caches: KmallocCache[] = [];
  const add = (type: KmallocType, prefix: string, flags: number): void => {
    for (const size of sizes) caches.push(kmallocCache(build, type, prefix, size, flags));
  };
  const { rules } = build;
  add('normal', 'kmalloc-', rules.normalKmallocMerges ? 0 : SLAB.NO_MERGE);
  if (build.hasCopies && rules.kmallocCopies !== null) {
    for (let copy = 1; copy <= COPIES; copy++) {
      const number = String(copy).padStart(2, '0');
      add('copy', `${rules.kmallocCopies.prefix}${number}-`, SLAB.NO_MERGE);
    }
  }
  if (build.hasReclaim) add('reclaim', 'kmalloc-rcl-', SLAB.RECLAIM_ACCOUNT);
  if (build.hasDma) add('dma', 'dma-kmalloc-', SLAB.CACHE_DMA);
  if (build.hasCgroup) add('cgroup', 'kmalloc-cg-', SLAB.ACCOUNT);
  if (build.hasBuckets) {
    caches.push(bucketsCache(build));
    for (const user of BUCKET_USERS) {
      for (const size of sizes) caches.push(bucketCache(build, user, size));
    }
  }
  return caches;
}

/** RANDOM_KMALLOC_CACHES_NR, KMALLOC_PARTITION_CACHES_NR. */
const COPIES = 15;

function kmallocCache(
  { rules, minSize }: KmallocBuild,
  type: KmallocType,
  prefix: string,
  size: number,
  flags: number,
): KmallocCache {
  const divisor = largestPowerOfTwoIn(size);
  const natural = rules.kmallocAlign === 'largest-divisor' || divisor === size ? divisor : 8;
  return {
    name: `${prefix}${sizeSuffix(size)}`,
    type,
    objectSize: size,
    align: Math.max(minSize, natural, 8),
    flags: flags | SLAB.KMALLOC,
    usersize: rules.usersizeBlocksMerge ? size : 0,
  };
}

interface BucketUser {
  readonly name: string;
  readonly flags: number;
  /** What user space may copy begins here and, in pages, ends there. */
  readonly useroffset: number;
  readonly endPages: number;
}

/** sizeof(struct msg_msg); a message's first part ends with its page. */
const MSG_MSG_HEADER = 48;

const BUCKET_USERS: readonly BucketUser[] = [
  { name: 'memdup_user', flags: 0, useroffset: 0, endPages: Number.POSITIVE_INFINITY },
  { name: 'msg_msg', flags: SLAB.ACCOUNT, useroffset: MSG_MSG_HEADER, endPages: 1 },
];

function bucketCache(
  { rules, pageSize }: KmallocBuild,
  user: BucketUser,
  size: number,
): KmallocCache {
  const end = Math.min(size, user.endPages * pageSize);
  return {
    name: `${user.name}-${sizeSuffix(size)}`,
    type: 'bucket',
    objectSize: size,
    align: 8,
    flags: user.flags | SLAB.NO_MERGE,
    usersize: rules.usersizeBlocksMerge ? Math.max(0, end - user.useroffset) : 0,
  };
}

/** The cache of the arrays of bucket caches: a pointer for each index up to KMALLOC_SHIFT_HIGH. */
function bucketsCache({ pageSize }: KmallocBuild): KmallocCache {
  const shiftHigh = Math.log2(pageSize) + 1;
  return {
    name: 'kmalloc_buckets',
    type: 'bucket',
    objectSize: (shiftHigh + 1) * 8,
    align: 8,
    flags: SLAB.NO_MERGE,
    usersize: 0,
  };
}

function largestPowerOfTwoIn(size: number): number {
  return size & -size;
}

function sizeSuffix(size: number): string {
  return size % 1024 === 0 ? `${size / 1024}k` : String(size);
}
