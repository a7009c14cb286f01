import { expect, test } from 'vitest';
import { PairTally } from '../../../src/pairing/pair-tally.ts';
import { type TrackOptions, track } from '../../helpers/tracked.ts';

/** `SITE > SITE` with how often. */
function pairsOf(lines: string, options: TrackOptions = {}): Record<string, number> {
  const pairs = new PairTally();
  const { trace } = track(lines, { ...options, extra: () => [pairs] });
  const { calls, sites, strings } = trace.dictionary;
  const name = (call: number): string => strings.get(sites.text(calls.site(call)));
  return Object.fromEntries(
    Array.from({ length: pairs.length }, (_, i) => [
      `${name(pairs.alloc[i] ?? 0)} > ${name(pairs.free[i] ?? 0)}`,
      pairs.count[i] ?? 0,
    ]),
  );
}

test('who frees what: each pair of allocating and freeing call is counted', () => {
  const pairs = pairsOf(`
    alloc kmalloc-64 A by=open+0x1
    alloc kmalloc-64 B by=open+0x1
    alloc kmalloc-64 C by=dup+0x1
    free A by=close+0x2
    free B by=close+0x2
    free C by=close+0x2
    alloc kmalloc-64 A by=open+0x1
    free A by=exit+0x3
  `);
  expect(pairs).toEqual({
    'open+0x1 > close+0x2': 2,
    'dup+0x1 > close+0x2': 1,
    'open+0x1 > exit+0x3': 1,
  });
});

test('a late free belongs to the object that it frees', () => {
  const pairs = pairsOf(`
    @1000 cpu0 alloc dentry A 192 by=old+0x1
    @2000 cpu1 alloc dentry A 192 by=new+0x1
    @2500 cpu0 free ? A by=close+0x2
  `);
  expect(pairs).toEqual({ 'old+0x1 > close+0x2': 1 });
});

test('what frees nothing known makes no pair', () => {
  expect(pairsOf('free NULL\nfree ZERO\nfree A\nalloc kmalloc-64 A\nalloc kmalloc-64 A')).toEqual(
    {},
  );
});

test('only objects that the filters select are counted', () => {
  const lines = `
    bash-7 alloc kmalloc-64 A by=mine+0x1
    udevd-9 alloc kmalloc-64 B by=theirs+0x1
    udevd-9 free A by=close+0x2
    bash-7 free B by=close+0x2`;
  expect(pairsOf(lines, { filter: { pids: [7] } })).toEqual({ 'mine+0x1 > close+0x2': 1 });
});
