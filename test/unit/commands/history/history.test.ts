import { describe, expect, test } from 'vitest';
import { BlockEvents } from '../../../../src/analysis/block-events.ts';
import { type AddressHistory, buildHistory } from '../../../../src/commands/history/history.ts';
import { TestTrace } from '../../../helpers/builders.ts';
import { kernelFacts, knownCache, resolve } from '../../../helpers/tracked.ts';

function history(lines: string, object: string, at = Infinity): AddressHistory {
  const trace = new TestTrace(lines);
  const address = trace.address(object);
  const events = new BlockEvents([address]);
  const facts = kernelFacts({ caches: [knownCache('kmalloc-64', 64), knownCache('dentry', 192)] });
  const { run } = resolve(trace, { extra: () => [events], facts });
  return buildHistory(run, events, address, at);
}

const who = (h: AddressHistory): (string | null | undefined)[][] =>
  h.owners.map(({ alloc, free }) => [alloc?.symbol, free?.symbol]);

test('every owner of an address, in order', () => {
  const h = history(
    `alloc kmalloc-64 A 40 by=one+0x1
     free A by=drop+0x1
     alloc kmalloc-64 A 50 by=two+0x1
     alloc kmalloc-64 A 60 by=three+0x1`,
    'A',
  );
  expect(who(h)).toEqual([
    ['one+0x1', 'drop+0x1'],
    ['two+0x1', undefined],
    ['three+0x1', undefined],
  ]);
  expect(h.owners.map(({ freedUnseen }) => freedUnseen)).toEqual([false, true, false]);
  expect(h.holder?.alloc?.symbol).toBe('three+0x1');
});

test('any byte of an object will do, also behind what was asked for', () => {
  const lines = 'alloc kmalloc-64 A 40 by=one+0x1\nalloc kmalloc-64 A+64 40 by=two+0x1';
  expect(history(lines, 'A+63').owners).toMatchObject([
    { offset: 63, alloc: { symbol: 'one+0x1' } },
  ]);
  expect(history(lines, 'A+64').owners).toMatchObject([
    { offset: 0, alloc: { symbol: 'two+0x1' } },
  ]);
});

test('an object from before the trace', () => {
  const h = history('free dentry A by=d_free+0x1', 'A');
  expect(h.owners).toMatchObject([
    { cache: 'dentry', alloc: null, free: { symbol: 'd_free+0x1' }, bytesReq: null },
  ]);
});

describe('a moment', () => {
  const lines = `@1000 alloc kmalloc-64 A 40 by=one+0x1
    @2000 alloc kmalloc-64 A+64 40 by=right+0x1
    @3000 free A
    @4000 alloc kmalloc-64 A 40 by=two+0x1
    @5000 free A+64
    @6000 alloc kmalloc-64 A+128 40 by=far+0x1
    @7000 alloc kmalloc-64 A+4096 40 by=other_slab+0x1`;

  test.each([
    [500, undefined],
    [1000, 'one+0x1'],
    [2999, 'one+0x1'],
    [3500, undefined],
    [4000, 'two+0x1'],
  ])('who held it at %s', (at, symbol) => {
    expect(history(lines, 'A', at).holder?.alloc?.symbol).toBe(symbol);
  });

  test.each([
    [4500, [[64, true, true]]],
    [
      9000,
      [
        [64, true, false],
        [128, false, true],
      ],
    ],
  ])('who was beside it at %s: in the same slab only', (at, want) => {
    const { neighbours } = history(lines, 'A', at);
    expect(neighbours.map((n) => [n.distance, n.isNext, n.isLive])).toEqual(want);
  });
});

test('how its page came and went', () => {
  const h = history(
    `page_alloc 0xffff888000000
     alloc kmalloc-64 A 40
     free A
     page_free 0xffff888000000`,
    'A',
  );
  expect(h.pages.map(({ event, bytes }) => [event, bytes])).toEqual([
    ['mm_page_alloc', 4096],
    ['mm_page_free', 4096],
  ]);
});
