// Recordings in which only some kinds of events were switched on: what they hold is not called held.

import { describe, expect, test } from 'vitest';
import { findOutstanding } from '../../../src/analysis/outstanding.ts';
import { judgeCompleteness } from '../../../src/run/run-summary.ts';
import { resolve, type TestRun } from '../../helpers/tracked.ts';

const KMALLOCS =
  'alloc kmalloc-64 A by=f+0x1\nalloc kmalloc-64 A by=f+0x1\nalloc kmalloc-64 B by=g+0x1';
const CACHES = 'alloc dentry C 192 by=h+0x1\nalloc dentry D 192 by=h+0x1';

const only = (lines: string): TestRun => resolve(lines, { onlyLines: true });

function reasons({ run }: TestRun): (string | null)[] {
  return Array.from(run.rows, (row) => run.reasonOf(run.verdicts.ofRow[row] ?? -1));
}

describe('which frees are not there', () => {
  test.each([
    [KMALLOCS, ['kfree']],
    [CACHES, ['kmem_cache_free']],
    [`${KMALLOCS}\n${CACHES}`, ['kfree', 'kmem_cache_free']],
    [`${KMALLOCS}\n${CACHES}\nfree A`, ['kmem_cache_free']],
    [`${KMALLOCS}\n${CACHES}\nfree dentry C`, ['kfree']],
    [`${KMALLOCS}\nfree A`, []],
    [`${KMALLOCS}\nfree NULL`, []],
    ['free A', []],
    ['', []],
  ])('%j: %j', (lines, missing) => {
    expect(only(lines).run.unrecordedFrees).toEqual(missing);
  });
});

test('what is held of such a kind is uncertain, for that reason and no other', () => {
  expect(reasons(only(KMALLOCS))).toEqual(['frees not recorded', 'frees not recorded']);
  expect(reasons(only(`${KMALLOCS}\n${CACHES}\nfree B`))).toEqual([
    'untraced frees at its site',
    'frees not recorded',
    'frees not recorded',
  ]);
});

test('a filter that selects no free changes nothing', () => {
  const { run } = resolve(`${KMALLOCS}\nother-9 free B`, {
    filter: { excludedComms: ['other'] },
    onlyLines: true,
  });
  expect(run.unrecordedFrees).toEqual([]);
});

test('it is noted, with what live means then', () => {
  const { unrecordedFrees, notes } = judgeCompleteness(only(CACHES).run);
  expect(unrecordedFrees).toEqual(['kmem_cache_free']);
  expect(notes[0]).toMatch(/^No kmem_cache_free event was recorded: what is called live of kmem_/);
  expect(notes).toHaveLength(1);
});

test('outstanding objects of such a kind have no growth', () => {
  const many = Array.from(
    { length: 40 },
    (_, i) => `@${i * 1_000_000} alloc kmalloc-64 A+${i * 64} by=f+0x1`,
  ).join('\n');
  const groups = (lines: string, onlyLines: boolean) => {
    const { run, series } = resolve(lines, { onlyLines, sampleStep: 4, batchSize: 4 });
    return findOutstanding(run, series);
  };
  expect(groups(many, true)).toMatchObject([
    { freesRecorded: false, growthPerSec: null, monotoneShare: null, uncertain: 40 },
  ]);
  const [known] = groups(many, false);
  expect(known).toMatchObject({ freesRecorded: true, uncertain: 0, monotoneShare: 1 });
  expect(known?.growthPerSec).toBeCloseTo(1000, 0);
});
