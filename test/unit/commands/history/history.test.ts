import { describe, expect, test } from 'vitest';
import { BlockEvents } from '../../../../src/analysis/block-events.ts';
import { buildHistory, type SelectedHistory } from '../../../../src/commands/history/history.ts';
import { TestTrace } from '../../../helpers/builders.ts';
import { kernelFacts, knownCache, type ResolveOptions, resolve } from '../../../helpers/tracked.ts';

function history(
  lines: string,
  object: string,
  at = Infinity,
  selection: Pick<ResolveOptions, 'filter' | 'caches'> = {},
): SelectedHistory {
  const trace = new TestTrace(lines);
  const address = trace.address(object);
  const events = new BlockEvents([address]);
  const facts = kernelFacts({ caches: [knownCache('kmalloc-64', 64), knownCache('dentry', 192)] });
  const { run } = resolve(trace, { extra: () => [events], facts, ...selection });
  return buildHistory(run, events, address, at);
}

const who = (h: SelectedHistory): (string | null | undefined)[][] =>
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

describe('a selection', () => {
  const lines = `@1000 bash-7 alloc kmalloc-64 A 40 by=one+0x1
    @2000 udevd-9 free A
    @3000 udevd-9 alloc dentry A 192 by=two+0x1
    @3500 udevd-9 alloc dentry A+192 192 by=beside+0x1
    @4000 bash-7 free dentry A
    @5000 bash-7 alloc kmalloc-64 A 60 by=three+0x1`;

  test.each([
    [
      'by the task that allocated, whoever frees',
      { filter: { pids: [7] } },
      ['one+0x1', 'three+0x1'],
    ],
    ['by the name of the task', { filter: { comms: ['udev*'] } }, ['two+0x1']],
    ['by size', { filter: { sizes: { from: 50, to: 100 } } }, ['three+0x1']],
    ['by cache', { caches: ['dentry'] }, ['two+0x1']],
    ['that leaves nothing', { caches: ['dentry'], filter: { pids: [7] } }, []],
  ])('%s', (_, selection, owners) => {
    const h = history(lines, 'A', Infinity, selection);
    expect(who(h).map(([alloc]) => alloc)).toEqual(owners);
    expect(h.ownersLeftOut).toBe(3 - owners.length);
    // These are facts about the moment.
    expect(h.holder?.alloc?.symbol).toBe('three+0x1');
  });

  test('does not take the neighbours away', () => {
    const h = history(lines, 'A', 3600, { filter: { pids: [7] } });
    expect(h.holder?.alloc?.symbol).toBe('two+0x1');
    expect(h.neighbours.map(({ alloc }) => alloc?.symbol)).toEqual(['beside+0x1']);
  });

  test('judges an object that was there before the trace by its free', () => {
    const old = 'bash-7 free dentry A by=d_free+0x1';
    expect(history(old, 'A', Infinity, { filter: { pids: [7] } }).owners).toHaveLength(1);
    expect(history(old, 'A', Infinity, { filter: { pids: [9] } }).owners).toHaveLength(0);
  });
});
