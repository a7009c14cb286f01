import { expect, test } from 'vitest';
import { specOfCreation } from '../../../../src/kernel/slub/cache-creation.ts';
import { SLAB } from '../../../../src/kernel/slub/slab-flags.ts';

test('size, alignment, flags and constructor of a created cache', () => {
  const attributes = 'align=64, flags=SLAB_HWCACHE_ALIGN|ACCOUNT|SLAB_NEW, ctor=init_once, x=1';
  expect(specOfCreation('things', 100, attributes)).toEqual({
    name: 'things',
    objectSize: 100,
    align: 64,
    flags: SLAB.HWCACHE_ALIGN | SLAB.ACCOUNT,
    hasCtor: true,
    usersize: 0,
  });
});

test('what is not said is not asked for', () => {
  const plain = { name: 'a', objectSize: 8, align: 0, flags: 0, hasCtor: false, usersize: 0 };
  expect(specOfCreation('a', 8, '')).toEqual(plain);
  expect(specOfCreation('a', 8, 'align=-1,flags=toString,ctor=0')).toEqual(plain);
  expect(specOfCreation('a', 8, 'align=9999999,usersize=4')).toEqual({ ...plain, usersize: 4 });
});
