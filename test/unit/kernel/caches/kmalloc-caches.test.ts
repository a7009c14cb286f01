import { describe, expect, test } from 'vitest';
import {
  defaultKmallocSizes,
  isKmallocCacheName,
  type KmallocClasses,
  kmallocCacheName,
  kmallocClassesOf,
  kmallocClassSize,
  kmallocNamingOf,
} from '../../../../src/kernel/caches/kmalloc-caches.ts';
import { ACCOUNTED } from '../../../../src/kernel/events/dictionary.ts';
import { GFP } from '../../../../src/kernel/events/gfp-flags.ts';

const X86 = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192];

const CLASSES: KmallocClasses = {
  sizes: X86,
  maxCacheSize: 8192,
  hasCgroup: true,
  hasReclaim: true,
  hasDma: true,
  naming: 'short',
};

const KERNEL = 0xcc0;

describe('the sizes of a machine that recorded none', () => {
  test('are those of x86-64: powers of two, with 96 and 192', () => {
    expect(defaultKmallocSizes(4096)).toEqual(X86);
  });

  test('reach two pages', () => {
    expect(defaultKmallocSizes(16384).at(-1)).toBe(32768);
  });

  test('begin at what DMA alignment asks for, which also takes 96 and 192 away', () => {
    // arm64 booted with swiotlb=noforce, and with 128-byte DMA alignment.
    expect(defaultKmallocSizes(4096, 64).slice(0, 4)).toEqual([64, 128, 192, 256]);
    expect(defaultKmallocSizes(4096, 128).slice(0, 3)).toEqual([128, 256, 512]);
  });
});

describe('the class of a request', () => {
  // mm/slab_common.c, kmalloc_info[] and kmalloc_index(): 1-8 → 8, … 4097-8192 → 8192.
  test.each([
    [1, 8],
    [8, 8],
    [9, 16],
    [16, 16],
    [17, 32],
    [32, 32],
    [33, 64],
    [64, 64],
    [65, 96],
    [96, 96],
    [97, 128],
    [128, 128],
    [129, 192],
    [140, 192],
    [192, 192],
    [193, 256],
    [256, 256],
    [257, 512],
    [1024, 1024],
    [1025, 2048],
    [4096, 4096],
    [4097, 8192],
    [8192, 8192],
  ])('of %i bytes is %i', (bytes, size) => {
    expect(kmallocClassSize(CLASSES, bytes)).toBe(size);
  });

  test('above two pages is none: those come from the page allocator', () => {
    expect(kmallocClassSize(CLASSES, 8193)).toBeUndefined();
    expect(kmallocClassSize(CLASSES, 2 ** 64)).toBeUndefined();
  });
});

describe('the cache of a request', () => {
  const name = (bytes: number, gfp: number, accounted: number = ACCOUNTED.unknown): string =>
    kmallocCacheName(CLASSES, bytes, gfp, accounted);

  test('is named by its class, from 1024 on in k', () => {
    expect([140, 513, 1025, 4097].map((bytes) => name(bytes, KERNEL))).toEqual([
      'kmalloc-192',
      'kmalloc-1k',
      'kmalloc-2k',
      'kmalloc-8k',
    ]);
    expect(name(9000, KERNEL)).toBe('kmalloc-large');
  });

  test('is in bytes before 4.20', () => {
    const old: KmallocClasses = { ...CLASSES, naming: 'long' };
    expect(kmallocCacheName(old, 1000, KERNEL, ACCOUNTED.no)).toBe('kmalloc-1024');
  });

  test('follows the flags: dma before reclaimable before accounted', () => {
    const { ACCOUNT, DMA, RECLAIMABLE } = GFP;
    expect(name(64, KERNEL | ACCOUNT)).toBe('kmalloc-cg-64');
    expect(name(64, KERNEL | RECLAIMABLE)).toBe('kmalloc-rcl-64');
    expect(name(64, KERNEL | DMA)).toBe('dma-kmalloc-64');
    expect(name(64, KERNEL | ACCOUNT | RECLAIMABLE)).toBe('kmalloc-rcl-64');
    expect(name(64, KERNEL | ACCOUNT | RECLAIMABLE | DMA)).toBe('dma-kmalloc-64');
  });

  test('goes by what the event prints of accounting, not by the flag', () => {
    // A kernel without memory cgroups prints accounted=false and uses kmalloc-N.
    expect(name(64, KERNEL | GFP.ACCOUNT, ACCOUNTED.no)).toBe('kmalloc-64');
    expect(name(64, KERNEL, ACCOUNTED.yes)).toBe('kmalloc-cg-64');
  });

  test('is the plain one where the machine has no such kind', () => {
    const plain = { ...CLASSES, hasCgroup: false, hasReclaim: false, hasDma: false };
    const all = KERNEL | GFP.ACCOUNT | GFP.RECLAIMABLE | GFP.DMA;
    expect(kmallocCacheName(plain, 64, all, ACCOUNTED.unknown)).toBe('kmalloc-64');
  });
});

describe('the classes that recorded names show', () => {
  const powers = '128 256 512 1k 2k 4k 8k'.split(' ').map((size) => `kmalloc-${size}`);

  test('are sizes and kinds', () => {
    const names = ['dentry', 'kmalloc-64', ...powers, 'kmalloc-96', 'kmalloc-cg-64', ':0000128'];
    expect(kmallocClassesOf(names, 4096)).toEqual({
      sizes: [64, 96, 128, 256, 512, 1024, 2048, 4096, 8192],
      maxCacheSize: 8192,
      hasCgroup: true,
      hasReclaim: false,
      hasDma: false,
      naming: 'short',
    });
  });

  test('have reclaimable and dma kinds where there are such names', () => {
    const classes = kmallocClassesOf([...powers, 'kmalloc-rcl-128', 'dma-kmalloc-128'], 4096);
    expect(classes).toMatchObject({ hasReclaim: true, hasDma: true, hasCgroup: false });
  });

  test('are those of SLAB, larger ones included', () => {
    const sizes = [32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 131072];
    const names = sizes.flatMap((size) => [`size-${size}(DMA)`, `size-${size}`]);
    const classes = kmallocClassesOf(names, 4096);
    expect(classes).toMatchObject({ sizes, maxCacheSize: 131072, hasDma: true, naming: 'size' });
    const name = (bytes: number, gfp: number): string =>
      classes === undefined ? '' : kmallocCacheName(classes, bytes, gfp, ACCOUNTED.unknown);
    expect(name(40, KERNEL)).toBe('size-64');
    expect(name(40, KERNEL | GFP.DMA)).toBe('size-64(DMA)');
    expect(name(100_000, KERNEL)).toBe('size-131072');
    expect(name(40, KERNEL | GFP.RECLAIMABLE)).toBe('size-64');
    expect(isKmallocCacheName('size-64(DMA)')).toBe(true);
    expect(isKmallocCacheName('size-x')).toBe(false);
  });

  test.each([
    ['size', ['dentry', 'size-64']],
    ['short', ['kmalloc-64', 'kmalloc-rcl-1k']],
    ['long', ['kmalloc-64', 'kmalloc-1024']],
    [undefined, ['kmalloc-64', 'dentry']],
  ])('are named as %s where only some are listed', (naming, names) => {
    expect(kmallocNamingOf(names)).toBe(naming);
  });

  test('are none where no name is of kmalloc', () => {
    expect(kmallocClassesOf(['dentry', 'kmalloc_buckets', 'memdup_user-64'], 4096)).toBeUndefined();
    expect(kmallocClassesOf([], 4096)).toBeUndefined();
  });
});

test('names of kmalloc caches are told from others', () => {
  const kmalloc = ['kmalloc-8', 'kmalloc-cg-2k', 'kmalloc-rcl-96', 'dma-kmalloc-64'];
  const special = ['kmalloc-rnd-07-64', 'kmalloc-no-objext-8', 'kmalloc-large'];
  expect([...kmalloc, ...special].filter((name) => !isKmallocCacheName(name))).toEqual([]);
  const others = ['dentry', 'kmalloc_buckets', 'memdup_user-64', 'kmalloc-', 'xkmalloc-8'];
  expect(others.filter(isKmallocCacheName)).toEqual([]);
});

test('a part of the classes is no evidence that the others are not there', () => {
  for (const names of [
    ['kmalloc-1k'],
    ['kmalloc-64', 'kmalloc-128'],
    ['kmalloc-4k', 'kmalloc-8k'],
  ]) {
    expect(kmallocClassesOf(names, 4096)).toBeUndefined();
  }
  const arm64 = [128, 256, 512].map((size) => `kmalloc-${size}`);
  const large = [1, 2, 4, 8].map((size) => `kmalloc-${size}k`);
  expect(kmallocClassesOf([...arm64, ...large], 4096)?.sizes[0]).toBe(128);
});
