import { describe, expect, test } from 'vitest';
import { track } from '../../helpers/tracked.ts';

/** `count` frees of unknown objects, one each `step` from a time on. */
function frees(count: number, from: number, step: number, cache = ''): string {
  return Array.from(
    { length: count },
    (_, i) => `@${from + i * step} free ${cache} X${cache}${i}`,
  ).join('\n');
}

const late = (lines: string): [string, number][] => [...track(lines).tracker.starts.late()];

describe('a kind of event was switched on late', () => {
  const ALLOCS = '@1000 alloc kmalloc-64 A\n@2000 alloc kmalloc-64 B';

  test('where as long a time again as it was missing has many of it', () => {
    expect(late(`${ALLOCS}\n${frees(16, 11_000, 100)}`)).toEqual([['kfree', 11_000]]);
  });

  test('not where chance may have left that time empty', () => {
    expect(late(`${ALLOCS}\n${frees(15, 11_000, 100)}`)).toEqual([]);
    // Sixteen, but in four times the time.
    expect(late(`${ALLOCS}\n${frees(16, 11_000, 2500)}`)).toEqual([]);
  });

  test('each kind by itself, frees of caches apart from kfree', () => {
    const lines = `${ALLOCS}\n${frees(40, 1100, 10)}\n${frees(40, 51_000, 10, 'dentry')}`;
    expect(late(lines)).toEqual([['kmem_cache_free', 51_000]]);
  });

  test('not where it is first or was never recorded', () => {
    expect(late(frees(40, 1000, 10))).toEqual([]);
    expect(late(ALLOCS)).toEqual([]);
    expect(late('')).toEqual([]);
  });
});
