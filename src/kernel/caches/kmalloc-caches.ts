// Which kmalloc cache serves a request: mm/slab_common.c (kmalloc_info[], kmalloc_slab()),
// include/linux/slab.h (kmalloc_type()). Which classes exist is not fixed (arm64 has other
// smallest ones, 16 KiB pages have larger ones), so the recorded caches say it where there are any.

import { ACCOUNTED } from '../events/dictionary.ts';
import { GFP } from '../events/gfp-flags.ts';

/** What page-backed kmalloc is called in reports; the kernel has no cache for it. */
export const KMALLOC_LARGE = 'kmalloc-large';

export interface KmallocClasses {
  /** Object sizes, ascending. */
  readonly sizes: readonly number[];
  /** Larger requests go to the page allocator. */
  readonly maxCacheSize: number;
  /** Kinds of caches that exist beside kmalloc-N. */
  readonly hasCgroup: boolean;
  readonly hasReclaim: boolean;
  readonly hasDma: boolean;
  readonly naming: KmallocNaming;
}

/**
 * 'short': kmalloc-1k (since 4.20); 'long': kmalloc-1024; 'size': size-1024, of SLAB until 3.6
 * (mm/slab.c, cache_names).
 */
export type KmallocNaming = 'short' | 'long' | 'size';

/** The sizes of a machine that has recorded none: 8 … 2 pages, with 96 and 192. */
export function defaultKmallocSizes(pageSize: number, minimum = 8): number[] {
  const sizes: number[] = [];
  for (let size = minimum; size <= pageSize * 2; size *= 2) {
    sizes.push(size);
    if (size === 64 && minimum <= 32) sizes.push(96);
    if (size === 128 && minimum <= 64) sizes.push(192);
  }
  return sizes;
}

const KMALLOC_NAME = /^(dma-)?kmalloc-(cg-|rcl-)?(\d+)(k?)$/;
const SIZE_NAME = /^size-(\d+)(\(DMA\))?$/;

/** Of ARCH_KMALLOC_MINALIGN: no machine's smallest class is larger. */
const LARGEST_MINIMUM = 256;

/** True where every power of two from a smallest class to two pages is there. */
function isWhole(sizes: ReadonlySet<number>, pageSize: number): boolean {
  const smallest = Math.min(...sizes);
  if (smallest > LARGEST_MINIMUM) return false;
  for (let size = smallest; size <= pageSize * 2; size *= 2) if (!sizes.has(size)) return false;
  return true;
}

/** How the caches in a list are named; undefined where it has no kmalloc cache that tells. */
export function kmallocNamingOf(names: Iterable<string>): KmallocNaming | undefined {
  for (const name of names) {
    if (SIZE_NAME.test(name)) return 'size';
    const [, , , digits, k] = KMALLOC_NAME.exec(name) ?? [];
    if (k === 'k') return 'short';
    if (Number(digits) >= 1024) return 'long';
  }
  return undefined;
}

/**
 * The classes that a list of recorded cache names shows; undefined where it shows none, or only
 * some (what someone picked out of slabinfo): that a class is not in such a list says nothing.
 */
export function kmallocClassesOf(
  names: Iterable<string>,
  pageSize: number,
): KmallocClasses | undefined {
  const sizes = new Set<number>();
  const kinds = { cg: false, rcl: false, dma: false };
  const list = [...names];
  for (const name of list) {
    const [, ofSlab, isDma] = SIZE_NAME.exec(name) ?? [];
    if (ofSlab !== undefined) {
      if (isDma === undefined) sizes.add(Number(ofSlab));
      else kinds.dma = true;
    }
    const [, dma, type, digits, k] = KMALLOC_NAME.exec(name) ?? [];
    if (digits === undefined) continue;
    const size = Number(digits) * (k === 'k' ? 1024 : 1);
    if (dma === undefined && type === undefined) sizes.add(size);
    kinds.cg ||= type === 'cg-';
    kinds.rcl ||= type === 'rcl-';
    kinds.dma ||= dma !== undefined;
  }
  if (!isWhole(sizes, pageSize)) return undefined;
  return {
    sizes: [...sizes].sort((a, b) => a - b),
    // SLAB has larger ones.
    maxCacheSize: Math.max(pageSize * 2, ...sizes),
    hasCgroup: kinds.cg,
    hasReclaim: kinds.rcl,
    hasDma: kinds.dma,
    naming: kmallocNamingOf(list) ?? 'long',
  };
}

/** The object size that serves a request, or undefined where it goes to the page allocator. */
export function kmallocClassSize(classes: KmallocClasses, bytesReq: number): number | undefined {
  if (bytesReq > classes.maxCacheSize) return undefined;
  return classes.sizes.find((size) => size >= bytesReq);
}

/**
 * Bytes that a kmalloc takes on a machine that has recorded no caches: its class, or whole pages in
 * a power of two (kmalloc_size_roundup() in mm/slab_common.c, 6.12).
 * Model: debug flags and a larger minimum alignment are not known here.
 */
export function kmallocAllocatedSize(bytesReq: number, pageSize: number): number {
  const size = defaultKmallocSizes(pageSize).find((size) => size >= bytesReq);
  return size ?? 2 ** Math.ceil(Math.log2(bytesReq));
}

/**
 * The name of the cache that a kmalloc was served from.
 * @param accounted ACCOUNTED: what the event prints; by gfp_flags where it prints nothing
 */
export function kmallocCacheName(
  classes: KmallocClasses,
  bytesReq: number,
  gfp: number,
  accounted: number,
): string {
  const size = kmallocClassSize(classes, bytesReq);
  if (size === undefined) return KMALLOC_LARGE;
  const isAccounted =
    accounted === ACCOUNTED.unknown ? (gfp & GFP.ACCOUNT) !== 0 : accounted === ACCOUNTED.yes;
  if (classes.naming === 'size') {
    return (gfp & GFP.DMA) !== 0 && classes.hasDma ? `size-${size}(DMA)` : `size-${size}`;
  }
  const suffix = sizeSuffix(size, classes.naming === 'short');
  if ((gfp & GFP.DMA) !== 0 && classes.hasDma) return `dma-kmalloc-${suffix}`;
  if ((gfp & GFP.RECLAIMABLE) !== 0 && classes.hasReclaim) return `kmalloc-rcl-${suffix}`;
  if (isAccounted && classes.hasCgroup) return `kmalloc-cg-${suffix}`;
  return `kmalloc-${suffix}`;
}

function sizeSuffix(size: number, short: boolean): string {
  return short && size % 1024 === 0 ? `${size / 1024}k` : String(size);
}

/** True for every cache that serves kmalloc, also bucket and random ones by their kind of name. */
export function isKmallocCacheName(name: string): boolean {
  return (
    name === KMALLOC_LARGE ||
    /^(dma-)?kmalloc-(cg-|rcl-|rnd-\d+-|part-\d+-|no-objext-)?\d+k?$/.test(name) ||
    SIZE_NAME.test(name)
  );
}
