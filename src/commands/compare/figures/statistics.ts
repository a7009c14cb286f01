// What small samples can tell: medians, and how small a p they can give at all.

import { assert, present } from '../../../base/assert.ts';

/** Below this a difference is not put down to chance. */
export const ALPHA = 0.05;

/** The middle value; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  assert(values.length > 0, 'a median needs a value');
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = present(sorted[half]);
  return sorted.length % 2 === 1 ? upper : (present(sorted[half - 1]) + upper) / 2;
}

/** `n` over `k`. */
export function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i++) result = (result * (n - k + i)) / i;
  return Math.round(result);
}

/** The smallest p that samples of these sizes can give: all of one above all of the other. */
export function smallestP(a: number, b: number): number {
  return Math.min(1, 2 / binomial(a + b, Math.min(a, b)));
}

/** The smallest size of a second sample beside one of `a` with which the test can find anything. */
export function sizeNeededBeside(a: number): number {
  let b = 1;
  while (smallestP(a, b) >= ALPHA) b++;
  return b;
}

/** The smallest size of two equal samples with which the test can find anything. */
export function sizeNeeded(): number {
  let n = 1;
  while (smallestP(n, n) >= ALPHA) n++;
  return n;
}
