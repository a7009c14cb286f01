import { describe, expect, test } from 'vitest';
import { SLAB } from '../../../src/kernel/slab-flags.ts';
import { readSlubDebug } from '../../../src/kernel/slub-debug.ts';
import {
  findMergeable,
  type MergeCandidate,
  type MergeRequest,
  mergedObject,
  namesTakenOut,
  sysfsDirectory,
  uniqueId,
} from '../../../src/kernel/slub-merge.ts';
import { rulesFor } from '../../../src/kernel/slub-rules.ts';

function machine(release = '6.1', debug = '-', noMerge = false) {
  return { rules: rulesFor(release), debug: readSlubDebug(debug), noMerge, cacheLine: 64 };
}

function cache(name: string, objectSize: number, over: Partial<MergeCandidate> = {}) {
  const base = { name, objectSize, align: 8, flags: 0, hasCtor: false, usersize: 0 };
  return { ...base, size: Math.ceil(objectSize / 8) * 8, ...over };
}

function merges(request: MergeRequest, into: MergeCandidate, parameters = machine()): boolean {
  return findMergeable(request, [into], parameters) === into;
}

describe('sizes and alignment', () => {
  test('less than a word may be lost', () => {
    expect(merges(cache('b', 58), cache('a', 64))).toBe(true);
    expect(merges(cache('b', 56), cache('a', 64))).toBe(false);
    expect(merges(cache('b', 65), cache('a', 64))).toBe(false);
  });

  test('the size must be a multiple of the new alignment', () => {
    const root = cache('a', 184, { align: 64, size: 192 });
    expect(merges(cache('b', 190, { align: 64 }), root)).toBe(true);
    expect(merges(cache('b', 190, { align: 128 }), root)).toBe(false);
    // 40 bytes aligned to a cache line take 64.
    const line = { flags: SLAB.HWCACHE_ALIGN };
    expect(merges(cache('b', 40, line), cache('a', 64))).toBe(true);
    expect(merges(cache('b', 40, line), cache('a', 40))).toBe(false);
  });

  test('the oldest cache that fits is taken', () => {
    const caches = [cache('x', 32), cache('first', 64), cache('second', 64)];
    expect(findMergeable(cache('b', 64), caches, machine())?.name).toBe('first');
  });

  test('contents grow', () => {
    expect(mergedObject({ objectSize: 60, inuse: 64 }, 64)).toEqual({ objectSize: 64, inuse: 64 });
    expect(mergedObject({ objectSize: 64, inuse: 64 }, 58)).toEqual({ objectSize: 64, inuse: 64 });
    expect(mergedObject({ objectSize: 120, inuse: 120 }, 121)).toEqual({
      objectSize: 121,
      inuse: 128,
    });
  });
});

describe('what keeps caches apart', () => {
  const plain = cache('a', 64);
  test.each([
    ['RCU readers', { flags: SLAB.TYPESAFE_BY_RCU }],
    ['a constructor', { hasCtor: true }],
    ['user copies', { usersize: 64 }],
    ['NO_MERGE', { flags: SLAB.NO_MERGE }],
    ['kmemleak', { flags: SLAB.NOLEAKTRACE }],
    ['poison', { flags: SLAB.POISON }],
    ['other accounting', { flags: SLAB.ACCOUNT }],
    ['other reclaim', { flags: SLAB.RECLAIM_ACCOUNT }],
  ])('%s', (_what, over) => {
    expect(merges(cache('b', 64, over), plain)).toBe(false);
    expect(merges(cache('b', 64), cache('a', 64, over))).toBe(false);
  });

  test('the two boot caches', () => {
    expect(merges(cache('b', 64), cache('kmem_cache_node', 64))).toBe(false);
  });

  test('equal accounting does not', () => {
    const accounted = { flags: SLAB.ACCOUNT | SLAB.RECLAIM_ACCOUNT };
    expect(merges(cache('b', 64, accounted), cache('a', 64, accounted))).toBe(true);
  });

  test('sanity checks do since 7.0', () => {
    expect(merges(cache('b', 64), plain, machine('6.1', 'F'))).toBe(true);
    expect(merges(cache('b', 64), plain, machine('7.2', 'F'))).toBe(false);
  });

  test('asking for sheaves does in 6.18 only', () => {
    const asking = cache('b', 64, { askedSheaf: 32 });
    expect(merges(asking, plain, machine('6.12'))).toBe(true);
    expect(merges(asking, plain, machine('6.18'))).toBe(false);
    expect(merges(asking, plain, machine('7.2'))).toBe(true);
  });

  test('slab_nomerge and debug options', () => {
    expect(merges(cache('b', 64), plain, machine('6.1', '-', true))).toBe(false);
    expect(merges(cache('b', 64), plain, machine('6.1', 'FZPU'))).toBe(false);
    expect(merges(cache('b', 64), plain, machine('6.1', 'P,b'))).toBe(false);
    expect(merges(cache('b', 64), plain, machine('6.1', 'P,a'))).toBe(false);
    expect(merges(cache('b', 64), plain, machine('6.1', 'P,c'))).toBe(true);
  });
});

describe('names in sysfs', () => {
  test('ids of mergeable caches', () => {
    expect(uniqueId(64, 0)).toBe(':0000064');
    expect(uniqueId(192, SLAB.RECLAIM_ACCOUNT | SLAB.ACCOUNT)).toBe(':aA-0000192');
    expect(uniqueId(256, SLAB.CACHE_DMA)).toBe(':d-0000256');
    expect(uniqueId(64, SLAB.CACHE_DMA32 | SLAB.CONSISTENCY_CHECKS)).toBe(':DF-0000064');
    expect(uniqueId(12_345_678, 0)).toBe(':12345678');
  });

  test('a directory is named after its cache where that never merges', () => {
    expect(sysfsDirectory(cache('a', 64), 0, machine())).toBe(':0000064');
    expect(sysfsDirectory(cache('a', 64), SLAB.POISON, machine())).toBe('a');
    expect(sysfsDirectory(cache('a', 64), 0, machine('6.1', 'FZPUO'))).toBe('a');
    expect(sysfsDirectory(cache('a', 64), SLAB.CONSISTENCY_CHECKS, machine('6.1', 'F'))).toBe(
      ':F-0000064',
    );
  });

  test('a debug option takes names out of a merged cache', () => {
    const names = ['vm_area_struct', 'cred', 'pid'];
    expect(namesTakenOut(':0000128', names, 0, machine('6.1', 'P,cred'))).toEqual(['cred']);
    expect(namesTakenOut(':0000128', names, 0, machine('6.1', 'FZPU'))).toEqual(names);
    expect(namesTakenOut(':0000128', names, 0, machine('6.1', 'F,cred'))).toEqual([]);
    expect(namesTakenOut('dentry', ['dentry'], 0, machine('6.1', 'FZPU'))).toEqual([]);
  });
});
