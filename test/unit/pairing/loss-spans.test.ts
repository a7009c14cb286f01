import { expect, test } from 'vitest';
import { LossSpans } from '../../../src/pairing/loss-spans.ts';

function spans(...losses: [from: number, to: number][]): LossSpans {
  const made = new LossSpans();
  for (const [from, to] of losses) made.add(from, to);
  return made;
}

test('what comes after a time is the next loss, or the one that lasts', () => {
  const losses = spans([10, 20], [50, 60]);
  expect([0, 10, 15, 20].map((ts) => losses.firstAfter(ts))).toEqual([10, 10, 15, 20]);
  expect([21, 55, 61].map((ts) => losses.firstAfter(ts))).toEqual([
    50,
    55,
    Number.POSITIVE_INFINITY,
  ]);
});

test('losses of several CPUs at a time are one', () => {
  const losses = spans([10, 20], [40, 50], [15, 60]);
  expect(losses.length).toBe(1);
  expect(losses.firstAfter(0)).toBe(10);
});

test('a CPU that lost its first events lost them from the start', () => {
  expect(spans([Number.NEGATIVE_INFINITY, 20]).firstAfter(5)).toBe(5);
  expect(spans().firstAfter(5)).toBe(Number.POSITIVE_INFINITY);
});
