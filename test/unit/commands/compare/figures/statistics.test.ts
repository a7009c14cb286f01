// Expected values: counted by hand where the samples are small, else by scipy 1.17.1
// (stats.mannwhitneyu) and by counting all choices in Python.

import { describe, expect, test } from 'vitest';
import {
  median,
  sizeNeeded,
  sizeNeededBeside,
  smallestP,
} from '../../../../../src/commands/compare/figures/statistics.ts';
import {
  mannWhitneyP,
  shiftInterval,
} from '../../../../../src/commands/compare/judge/mann-whitney.ts';

test('the median of an even number is between the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([7])).toBe(7);
});

describe('Mann-Whitney U, exact', () => {
  test.each([
    ['4+4, all above', [1, 2, 3, 4], [5, 6, 7, 8], 2 / 70],
    ['4+4, all below', [5, 6, 7, 8], [1, 2, 3, 4], 2 / 70],
    ['3+2, all above: no p below 0.05 is possible', [1, 2, 3], [4, 5], 2 / 10],
    ['1+1', [1], [2], 1],
    ['5+4', [19, 22, 16, 29, 24], [20, 11, 17, 12], 0.1111111111111111],
    ['6+7', [1.1, 2.2, 3.3, 4.4, 5.5, 6.6], [2, 4, 6, 8, 10, 12, 14], 0.10139860139860139],
    // Two values three times each: 10 of the 20 choices have a rank sum up to 9.
    ['ties over both samples', [1, 1, 2], [1, 2, 2], 1],
    ['ties in the middle', [1, 2, 2, 3], [2, 3, 3, 4], 0.2857142857142857],
    ['one side all the same', [5, 5, 5, 5], [5, 5, 6, 7], 0.42857142857142855],
    ['ties within the sides only', [1, 1, 1, 1], [2, 2, 2, 2], 2 / 70],
    ['uneven with ties', [10, 12, 12, 15, 18], [12, 15, 15, 19, 20, 22], 0.12121212121212122],
    ['all the same', [3, 3, 3, 3], [3, 3, 3, 3], 1],
  ])('%s', (_title, a, b, p) => {
    expect(mannWhitneyP(a, b)).toBeCloseTo(p, 12);
  });
});

test('more than 25 values: the normal approximation with its corrections', () => {
  const a = Array.from({ length: 15 }, (_, i) => i);
  expect(
    mannWhitneyP(
      a,
      a.map((v) => v + 4.5),
    ),
  ).toBeCloseTo(0.018066623, 6);
  const tied = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7];
  const above = [3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9];
  expect(mannWhitneyP(tied, above)).toBeCloseTo(0.015527422, 6);
});

test('how many runs a test needs', () => {
  expect(smallestP(3, 2)).toBeCloseTo(0.2);
  expect(smallestP(4, 3)).toBeCloseTo(2 / 35);
  expect(smallestP(5, 3)).toBeCloseTo(2 / 56);
  expect(sizeNeeded()).toBe(4);
  expect([1, 2, 3, 4, 5].map(sizeNeededBeside)).toEqual([40, 8, 5, 4, 3]);
});

describe('the interval of the shift', () => {
  test('5+4: one difference is left out at either end (as R: wilcox.test conf.int)', () => {
    // Sorted differences: -18 -17 ... 1 4; P(U <= 1) = 2/126.
    expect(shiftInterval([19, 22, 16, 29, 24], [20, 11, 17, 12])).toEqual({
      low: -17,
      high: 1,
      level: 1 - 4 / 126,
    });
  });

  test('4+4: all differences, at 97.1 %', () => {
    const interval = shiftInterval([1, 2, 3, 4], [5, 6, 7, 8]);
    expect(interval).toMatchObject({ low: 1, high: 7 });
    expect(interval?.level).toBeCloseTo(1 - 2 / 70, 12);
  });

  test('too few runs give the widest interval under its own level', () => {
    expect(shiftInterval([1, 2, 3], [4, 6])).toEqual({ low: 1, high: 5, level: 0.8 });
  });

  test('one run each gives none', () => {
    expect(shiftInterval([1], [2])).toBeNull();
  });
});
