import { describe, expect, test } from 'vitest';
import { buildCallChains, type CallChains } from '../../../../src/analysis/call-chains.ts';
import { buildProfile, type Profile } from '../../../../src/analysis/profile.ts';
import { buildLifetimes } from '../../../../src/commands/report/lifetime-histogram.ts';
import { buildLiveBands } from '../../../../src/commands/report/live-bands.ts';
import { buildSizeHistogram } from '../../../../src/commands/report/size-histogram.ts';
import { StackTally } from '../../../../src/pairing/stack-tally.ts';
import { ORIGIN, resolve } from '../../../helpers/tracked.ts';

describe('live bands', () => {
  const curve = (cache: string | null, ...points: [time: number, bytes: number][]) => ({
    cache,
    points: points.map(([time, bytes]) => ({ time: BigInt(time), bytes })),
  });

  test('curves at common moments: each holds its bytes until its next point', () => {
    const bands = buildLiveBands([
      curve('dentry', [100, 192], [300, 384]),
      curve(null, [200, 64], [300, 0]),
    ]);
    expect(bands).toEqual({
      originNs: '100',
      times: [0, 100, 200],
      bands: [
        { cache: 'dentry', caches: 1, bytes: [192, 192, 384] },
        { cache: null, caches: 1, bytes: [0, 64, 0] },
      ],
    });
  });

  test('ten caches: eight of their own, two as one', () => {
    const curves = Array.from({ length: 10 }, (_, i) => curve(`c${i}`, [1, 100 - i]));
    const { bands } = buildLiveBands(curves) ?? { bands: [] };
    expect(bands).toHaveLength(9);
    expect(bands.at(-1)).toEqual({ cache: null, caches: 2, bytes: [92 + 91] });
  });

  test('nine caches have nine bands; none has none', () => {
    const curves = Array.from({ length: 9 }, (_, i) => curve(`c${i}`, [1, 1]));
    expect(buildLiveBands(curves)?.bands.map(({ caches }) => caches)).toEqual(Array(9).fill(1));
    expect(buildLiveBands([])).toBeUndefined();
  });
});

test('sizes: a request lies in the eighth of its class where its bytes end', () => {
  const { run } = resolve(`
    alloc kmalloc-64 A 33 by=one
    alloc kmalloc-64 B 64 by=two
    alloc kmalloc-64 C 40 by=one
    free C
    alloc kmalloc-16k D 9000/16384 by=large
    alloc dentry E 192 by=d_alloc
  `);
  const classes = buildSizeHistogram(run);
  expect(classes.map(({ size, above, isClass }) => [size, above, isClass])).toEqual([
    [64, 32, true],
    [16384, 8192, false],
  ]);
  // 33 to 36 bytes, 37 to 40, …, 61 to 64
  const [, second, ...rest] = classes[0]?.parts ?? [];
  expect(classes[0]?.parts[0]).toEqual({
    allocs: { objects: 1, requested: 33, rounding: 31 },
    live: { objects: 1, requested: 33, rounding: 31 },
    commonest: 33,
  });
  expect(second).toEqual({
    allocs: { objects: 1, requested: 40, rounding: 24 },
    live: { objects: 0, requested: 0, rounding: 0 },
    commonest: 40,
  });
  expect(rest.map(({ allocs }) => allocs.objects)).toEqual([0, 0, 0, 0, 0, 1]);
  expect(classes[1]?.parts[0]?.live).toEqual({ objects: 1, requested: 9000, rounding: 7384 });
});

describe('lifetimes', () => {
  const LINES = `
    @1000 alloc dentry A 192 name=dentry
    @1000 alloc kmalloc-64 B 40
    @1003 free A
    @2024 free B
    @2024 alloc dentry C 192 name=dentry
    @2026 free C
    @9000 alloc dentry D 192 name=dentry
  `;

  test('by powers of two: 3 and 2 ns, 1024 ns', () => {
    const found = buildLifetimes(resolve(LINES, { info: { clockUnit: 'ns' } }).run);
    expect(found?.total.frees).toBe(3);
    expect(found?.total.buckets[1]).toBe(2);
    expect(found?.total.buckets[10]).toBe(1);
    expect(found?.caches.map(({ cache, frees }) => [cache, frees])).toEqual([
      ['dentry', 2],
      ['kmalloc-64', 1],
    ]);
  });

  test('none where the clock counts events, or nothing was freed', () => {
    expect(buildLifetimes(resolve(LINES, { info: { clockUnit: 'count' } }).run)).toBeUndefined();
    const held = resolve('@1 alloc dentry A 192', { info: { clockUnit: 'ns' } });
    expect(buildLifetimes(held.run)).toBeUndefined();
  });
});

describe('call chains', () => {
  function profileOf(lines: string): Profile {
    const tally = new StackTally();
    const { run } = resolve(lines, { extra: () => [tally] });
    return buildProfile(run, tally, ORIGIN);
  }
  const chainsOf = ({ names, chains, amounts }: CallChains): [string, ...number[]][] =>
    chains.map((chain, i) => [chain.map((n) => names[n]).join(' '), ...(amounts[i] ?? [])]);

  test('live, live wasted, allocated, allocated wasted bytes', () => {
    const profile = profileOf(`
      alloc kmalloc-64 A 40 by=probe+0x10 stack=probe+0x10;open+0x1
      alloc kmalloc-64 B 60 by=probe+0x10 stack=probe+0x10;open+0x1
      free A
    `);
    expect(chainsOf(buildCallChains([[profile]]))).toEqual([
      ['open probe [kmalloc-64]', 64, 4, 128, 28],
    ]);
  });

  test('two sides: the average run of each', () => {
    const one = profileOf('alloc kmalloc-64 A 64 by=probe+0x10');
    const two = profileOf(`
      alloc kmalloc-64 A 64 by=probe+0x10
      alloc kmalloc-64 B 64 by=probe+0x10
      alloc kmalloc-64 C 64 by=probe+0x10
    `);
    const three = profileOf('alloc kmalloc-32 A 32 by=other+0x10');
    const found = chainsOf(buildCallChains([[one, two], [three]]));
    expect(found.sort()).toEqual([
      ['other [kmalloc-32]', 0, 0, 0, 0, 32, 0, 32, 0],
      ['probe [kmalloc-64]', 128, 0, 128, 0, 0, 0, 0, 0],
    ]);
  });

  test('with too many the smallest become one for each cache, and no byte is lost', () => {
    const lines = Array.from(
      { length: 4010 },
      (_, i) => `alloc kmalloc-${i < 5 ? 8 : 64} O${i} ${i < 5 ? 8 : 64} by=f${i}+0x1`,
    );
    const found = buildCallChains([[profileOf(lines.join('\n'))]]);
    expect(found.chains).toHaveLength(4002);
    expect(found.others).toBe(10);
    const rows = chainsOf(found);
    expect(rows.reduce((sum, [, live = 0]) => sum + live, 0)).toBe(5 * 8 + 4005 * 64);
    expect(
      rows
        .slice(-2)
        .map(([name]) => name)
        .sort(),
    ).toEqual(['(other call chains) [kmalloc-64]', '(other call chains) [kmalloc-8]']);
  });
});
