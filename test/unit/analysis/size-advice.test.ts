import { describe, expect, test } from 'vitest';
import { adviseSizes, type SizeAdvice } from '../../../src/analysis/size-advice.ts';
import { kernelFacts, type ResolveOptions, resolve } from '../../helpers/tracked.ts';

const advise = (lines: string, options?: ResolveOptions): readonly SizeAdvice[] =>
  adviseSizes(resolve(lines, options).run);

/** `count` objects of a size at a site, live until the end. */
function keep(count: number, bytes: string, site = 'f'): string {
  return Array.from(
    { length: count },
    (_, i) => `alloc kmalloc ${site}${bytes.replace('/', '_')}_${i} ${bytes} by=${site}+0x1`,
  ).join('\n');
}

describe('a request just over a size class', () => {
  test('of 140 bytes is served by kmalloc-192; fitting 128 saves 64 each', () => {
    expect(advise(keep(3, '140/192'))).toEqual([
      {
        site: null,
        symbol: 'f+0x1',
        module: null,
        bytesReq: 140,
        classSize: 192,
        shrinkTo: 128,
        allocs: 3,
        live: 3,
        atPeak: 3,
        shrinkSavesNow: 192,
        shrinkSavesAtPeak: 192,
        ownCacheSavesNow: null,
        ownCacheSavesAtPeak: null,
        shrinkSavesSlabs: null,
        ownCacheSavesSlabs: null,
      },
    ]);
  });

  test('of 4097 bytes is served by kmalloc-8k; fitting 4096 saves a page each', () => {
    expect(advise(keep(2, '4097/8192'))[0]).toMatchObject({
      classSize: 8192,
      shrinkTo: 4096,
      shrinkSavesNow: 8192,
    });
  });

  test('of 8193 bytes takes four pages; fitting kmalloc-8k saves two', () => {
    expect(advise(keep(1, '8193/16384'))).toEqual([
      expect.objectContaining({ classSize: 16384, shrinkTo: 8192, shrinkSavesNow: 8192 }),
    ]);
    expect(advise(keep(1, '33000/65536'))[0]).toMatchObject({ classSize: 65536, shrinkTo: 32768 });
  });

  test('is one up to an eighth over it', () => {
    const over = (bytes: string): (number | null)[] =>
      advise(keep(1, bytes)).map((a) => a.shrinkTo);
    expect(over('144/192')).toEqual([128]);
    expect(over('145/192')).toEqual([]);
    expect(over('9/16')).toEqual([8]);
    expect(over('128/128')).toEqual([]);
    expect(over('9216/16384')).toEqual([8192]);
    expect(over('9217/16384')).toEqual([]);
  });

  test('counts what was live at the peak where nothing is live at the end', () => {
    expect(advise('alloc kmalloc A 140/192\nfree A')[0]).toMatchObject({
      live: 0,
      atPeak: 1,
      shrinkSavesNow: 0,
      shrinkSavesAtPeak: 64,
    });
  });

  test('that never was live at the peak or the end saves nothing', () => {
    expect(
      advise('alloc kmalloc-8k A\nfree A\nalloc kmalloc B 140/192\nfree B\nalloc kmalloc-64 C'),
    ).toEqual([]);
  });
});

describe('a cache of its own', () => {
  test('is advised from 64 objects on, where it makes them smaller', () => {
    expect(advise(keep(63, '600/1024'))).toEqual([]);
    expect(advise(keep(64, '600/1024'))).toEqual([
      expect.objectContaining({
        shrinkTo: null,
        shrinkSavesNow: null,
        ownCacheSavesNow: 64 * 424,
        ownCacheSavesAtPeak: 64 * 424,
      }),
    ]);
  });

  test('rounds objects to 8 bytes', () => {
    expect(advise(keep(64, '601/1024'))[0]?.ownCacheSavesNow).toBe(64 * (1024 - 608));
    expect(advise(keep(64, '1017/1024'))).toEqual([]);
  });

  test('is advised by what is live at the end as well, where that is more than at the peak', () => {
    const lines = `alloc kmalloc A 4000000/4194304\nfree A\n${keep(64, '600/1024')}`;
    expect(advise(lines).filter((a) => a.bytesReq === 600)).toEqual([
      expect.objectContaining({
        live: 64,
        atPeak: 0,
        ownCacheSavesNow: 64 * 424,
        ownCacheSavesAtPeak: 0,
      }),
    ]);
  });

  test('is nothing for page-backed kmalloc', () => {
    expect(advise(keep(64, '12000/16384'))).toEqual([]);
  });
});

test('the most that can be saved comes first', () => {
  const lines = [keep(1, '140/192', 'a'), keep(2, '4097/8192', 'b'), keep(100, '600/1024', 'c')];
  expect(advise(lines.join('\n')).map((a) => [a.symbol, a.bytesReq])).toEqual([
    ['c+0x1', 600],
    ['b+0x1', 4097],
    ['a+0x1', 140],
  ]);
});

test('one site with several sizes has a row for each, whatever cache serves them', () => {
  const lines = 'alloc kmalloc A 140/192 by=f+0x1\nalloc kmalloc B 140/192 gfp=0x400cc0 by=f+0x1';
  expect(
    advise(`${lines}\nalloc kmalloc C 9/16 by=f+0x1`).map((a) => [a.bytesReq, a.live]),
  ).toEqual([
    [140, 2],
    [9, 1],
  ]);
});

test('named caches and empty requests get no advice', () => {
  expect(advise('alloc dentry A 140/192\nalloc kmalloc B 0/8')).toEqual([]);
});

test('under slub_debug classes are compared, not strides', () => {
  const facts = kernelFacts({ slubDebug: true });
  expect(advise(keep(1, '140/384'), { facts })[0]).toMatchObject({
    classSize: 192,
    shrinkSavesNow: 64,
  });
});
