import { describe, expect, test } from 'vitest';
import {
  isArm64,
  type KmallocMachine,
  kmallocBuild,
  kmallocCacheSet,
  kmallocClassesOfBuild,
  kmallocSizes,
} from '../../../../src/kernel/caches/kmalloc-set.ts';
import { parseKernelConfig } from '../../../../src/kernel/machine/kernel-config.ts';
import { rulesFor } from '../../../../src/kernel/slub/releases.ts';
import { SLAB } from '../../../../src/kernel/slub/slab-flags.ts';

function build(release: string, over: Partial<KmallocMachine> = {}) {
  const { config } = over;
  const rules = rulesFor(release, config);
  return kmallocBuild({ rules, pageSize: 4096, cacheLine: 64, arm64: false, ...over });
}

/** Names by type, sizes cut off. */
function kinds(release: string, over: Partial<KmallocMachine> = {}): string[] {
  const names = kmallocCacheSet(build(release, over)).map(({ name }) => name);
  return [...new Set(names.map((name) => name.replace(/-\d+k?$/, '')))];
}

describe('sizes', () => {
  const X86 = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192];

  test('x86 has the same in every kernel', () => {
    for (const release of ['5.10', '6.1', '6.12', '6.18', '7.2']) {
      expect(kmallocSizes(build(release))).toEqual(X86);
    }
  });

  test('16 KiB pages add 16k and 32k', () => {
    const names = kmallocCacheSet(build('6.12', { pageSize: 16_384 })).map(({ name }) => name);
    expect(names).toContain('kmalloc-32k');
    expect(names).not.toContain('kmalloc-64k');
  });

  test('arm64: 128 and up until 6.4, all with bounce buffers since, else by the cache line', () => {
    expect(kmallocSizes(build('6.1', { arm64: true })).slice(0, 3)).toEqual([128, 256, 512]);
    expect(kmallocSizes(build('6.12', { arm64: true }))).toEqual(X86);
    const noforce = { arm64: true, options: { memcgKmem: true, swiotlb: false } };
    expect(kmallocSizes(build('6.12', noforce)).slice(0, 5)).toEqual([64, 128, 192, 256, 512]);
    expect(kmallocSizes(build('6.12', { ...noforce, cacheLine: 256 })).slice(0, 2)).toEqual([
      256, 512,
    ]);
    const config = parseKernelConfig('CONFIG_ARM64=y\n# no DMA_BOUNCE_UNALIGNED_KMALLOC\n');
    expect(kmallocSizes(build('6.12', { arm64: true, config }))[0]).toBe(64);
  });

  test('another table of classes', () => {
    const set = kmallocCacheSet(build('6.12'), [8, 1536, 2048]).filter((c) => c.type === 'normal');
    expect(set.map(({ name, align }) => `${name} ${align}`)).toEqual([
      'kmalloc-8 8',
      'kmalloc-1536 512',
      'kmalloc-2k 2048',
    ]);
  });

  test('an arm64 kernel is known by its configuration or its name', () => {
    expect(isArm64(undefined, '6.12.117+deb12-arm64-16k')).toBe(true);
    expect(isArm64(undefined, '6.12.117+deb12-amd64')).toBe(false);
    expect(isArm64(parseKernelConfig('CONFIG_ARM64=y'), '6.12.117')).toBe(true);
    expect(isArm64(parseKernelConfig('CONFIG_X86_64=y'), 'my-arm64-host')).toBe(false);
  });

  test('the classes name the cache of an event', () => {
    expect(kmallocClassesOfBuild(build('6.12'))).toEqual({
      sizes: X86,
      maxCacheSize: 8192,
      hasCgroup: true,
      hasReclaim: true,
      hasDma: true,
      naming: 'short',
    });
  });
});

describe('kinds of caches', () => {
  const COMMON = ['kmalloc', 'kmalloc-rcl', 'dma-kmalloc'];

  test('by release', () => {
    expect(kinds('5.10')).toEqual(COMMON);
    expect(kinds('6.1')).toEqual([...COMMON, 'kmalloc-cg']);
    expect(kinds('6.12')).toEqual([
      ...COMMON,
      'kmalloc-cg',
      'kmalloc_buckets',
      'memdup_user',
      'msg_msg',
    ]);
  });

  test('by configuration and boot options', () => {
    const bare = parseKernelConfig('CONFIG_SLUB=y\n');
    expect(kinds('6.12', { config: bare })).toEqual(['kmalloc', 'kmalloc-rcl']);
    const memcg = parseKernelConfig('CONFIG_MEMCG=y\n');
    expect(kinds('6.12', { config: memcg })).toEqual(['kmalloc', 'kmalloc-rcl', 'kmalloc-cg']);
    expect(kinds('6.1', { config: memcg })).toEqual(['kmalloc', 'kmalloc-rcl']);
    const tiny = parseKernelConfig('CONFIG_SLUB_TINY=y\nCONFIG_SLAB_BUCKETS=y\n');
    expect(kinds('6.12', { config: tiny })).toEqual(['kmalloc']);
    expect(kinds('6.1', { options: { memcgKmem: false, swiotlb: true } })).toEqual(COMMON);
  });

  test('15 copies, under two names', () => {
    const random = parseKernelConfig('CONFIG_RANDOM_KMALLOC_CACHES=y\n');
    const copies = kinds('6.6', { config: random }).filter((kind) => kind.includes('rnd'));
    expect(copies).toHaveLength(15);
    expect(copies[0]).toBe('kmalloc-rnd-01');
    expect(copies[14]).toBe('kmalloc-rnd-15');
    expect(kinds('6.1', { config: random })).toEqual(['kmalloc', 'kmalloc-rcl']);
    const parts = parseKernelConfig('CONFIG_KMALLOC_PARTITION_CACHES=y\n');
    expect(kinds('7.2', { config: parts })[1]).toBe('kmalloc-part-01');
  });
});

describe('a cache of the set', () => {
  const of = (release: string, name: string, over: Partial<KmallocMachine> = {}) =>
    kmallocCacheSet(build(release, over)).find((cache) => cache.name === name);

  test('alignment: 96 and 192 changed with 6.12', () => {
    expect(of('6.1', 'kmalloc-96')?.align).toBe(8);
    expect(of('6.1', 'kmalloc-192')?.align).toBe(8);
    expect(of('6.1', 'kmalloc-256')?.align).toBe(256);
    expect(of('6.12', 'kmalloc-96')?.align).toBe(32);
    expect(of('6.12', 'kmalloc-192')?.align).toBe(64);
    expect(of('6.12', 'kmalloc-8k')?.align).toBe(8192);
    expect(of('6.12', 'memdup_user-64')?.align).toBe(8);
  });

  test('flags', () => {
    expect(of('6.12', 'kmalloc-64')?.flags).toBe(SLAB.KMALLOC | SLAB.NO_MERGE);
    expect(of('6.12', 'kmalloc-cg-64')?.flags).toBe(SLAB.KMALLOC | SLAB.ACCOUNT);
    expect(of('6.12', 'kmalloc-rcl-64')?.flags).toBe(SLAB.KMALLOC | SLAB.RECLAIM_ACCOUNT);
    expect(of('6.12', 'dma-kmalloc-64')?.flags).toBe(SLAB.KMALLOC | SLAB.CACHE_DMA);
    expect(of('6.12', 'msg_msg-64')?.flags).toBe(SLAB.ACCOUNT | SLAB.NO_MERGE);
  });

  test('what user space may copy', () => {
    expect(of('6.12', 'kmalloc-64')?.usersize).toBe(64);
    expect(of('6.12', 'memdup_user-8k')?.usersize).toBe(8192);
    expect(of('6.12', 'msg_msg-32')?.usersize).toBe(0);
    expect(of('6.12', 'msg_msg-96')?.usersize).toBe(48);
    expect(of('6.12', 'msg_msg-8k')?.usersize).toBe(4048);
    const unhardened = parseKernelConfig('CONFIG_SLUB=y\n');
    expect(of('6.12', 'kmalloc-64', { config: unhardened })?.usersize).toBe(0);
    expect(of('6.1', 'kmalloc-64', { config: unhardened })?.usersize).toBe(64);
  });

  test('kmalloc_buckets holds a pointer for each class index', () => {
    expect(of('6.12', 'kmalloc_buckets')?.objectSize).toBe(112);
    expect(of('6.12', 'kmalloc_buckets', { pageSize: 16_384 })?.objectSize).toBe(128);
  });
});
