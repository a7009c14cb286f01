// Two small samples → are they different, and by how much: the Mann-Whitney U test (exact, ties
// included) and the Hodges-Lehmann interval of the shift, as benchstat (golang.org/x/perf) judges
// repeated runs. Nothing is assumed about the distribution.

import { assert, present } from '../../../base/assert.ts';
import { ALPHA, binomial } from '../figures/statistics.ts';

/** With more values than this in both samples together, the normal approximation is taken. */
const MAX_EXACT = 25;

export interface ConfidenceInterval {
  readonly low: number;
  readonly high: number;
  /** The share of cases in which such an interval holds the true shift. */
  readonly level: number;
}

/** The two-sided p of the Mann-Whitney U test: twice the smaller tail, at most 1. */
export function mannWhitneyP(a: readonly number[], b: readonly number[]): number {
  assert(a.length > 0 && b.length > 0, 'a test needs two samples');
  const { ties, rankSum2 } = rank(a, b);
  if (ties.length === 1) return 1; // all the same
  if (a.length + b.length > MAX_EXACT) return approximateP(a.length, b.length, ties, rankSum2);
  const counts = rankSumCounts(a.length, ties);
  let all = 0;
  let below = 0;
  let above = 0;
  counts.forEach((ways, sum2) => {
    all += ways;
    if (sum2 <= rankSum2) below += ways;
    if (sum2 >= rankSum2) above += ways;
  });
  return Math.min(1, (2 * Math.min(below, above)) / all);
}

/**
 * The Hodges-Lehmann interval of the shift from `a` to `b`: the middle of all differences between
 * one value of each. Where the samples are too small for the level wanted, the widest interval that
 * they give, under its own level; null where that level is 0 (one value each).
 */
export function shiftInterval(
  a: readonly number[],
  b: readonly number[],
  level: number = 1 - ALPHA,
): ConfidenceInterval | null {
  const differences = a.flatMap((x) => b.map((y) => y - x)).sort((x, y) => x - y);
  const { cut, tail } = cutOf(a.length, b.length, (1 - level) / 2);
  const reached = 1 - 2 * tail;
  if (!(reached > 0)) return null;
  return {
    low: present(differences[cut]),
    high: present(differences[differences.length - 1 - cut]),
    level: reached,
  };
}

interface Ranked {
  /** How many values share each rank, from the lowest. */
  readonly ties: readonly number[];
  /** Twice the sum of the ranks of the first sample: whole, also where ties share a middle rank. */
  readonly rankSum2: number;
}

function rank(a: readonly number[], b: readonly number[]): Ranked {
  const all = [...a.map((value) => ({ value, own: 1 })), ...b.map((value) => ({ value, own: 0 }))];
  all.sort((x, y) => x.value - y.value);
  const ties: number[] = [];
  let rankSum2 = 0;
  for (let from = 0; from < all.length; ) {
    let to = from;
    let own = 0;
    while (to < all.length && all[to]?.value === all[from]?.value) own += all[to++]?.own ?? 0;
    rankSum2 += own * middleRank2(from, to - from);
    ties.push(to - from);
    from = to;
  }
  return { ties, rankSum2 };
}

/** Twice the rank that `size` equal values share when `before` are lower. */
function middleRank2(before: number, size: number): number {
  return 2 * before + size + 1;
}

const countsByShape = new Map<string, Map<number, number>>();

/** How many choices of `n` among the ranked values give each (doubled) rank sum. */
function rankSumCounts(n: number, ties: readonly number[]): Map<number, number> {
  const shape = `${n}:${ties.join()}`;
  const known = countsByShape.get(shape);
  if (known !== undefined) return known;
  /** By number chosen: ways by doubled rank sum. */
  let chosen: Map<number, number>[] = [new Map([[0, 1]])];
  let before = 0;
  for (const size of ties) {
    const rank2 = middleRank2(before, size);
    const next: Map<number, number>[] = [];
    chosen.forEach((sums, count) => {
      for (let take = 0; take <= size && count + take <= n; take++) {
        const ways = binomial(size, take);
        const into = next[count + take] ?? new Map<number, number>();
        next[count + take] = into;
        for (const [sum2, before] of sums) {
          const to = sum2 + take * rank2;
          into.set(to, (into.get(to) ?? 0) + before * ways);
        }
      }
    });
    chosen = next;
    before += size;
  }
  const counts = chosen[n] ?? new Map<number, number>();
  if (countsByShape.size > 500) countsByShape.clear();
  countsByShape.set(shape, counts);
  return counts;
}

/** With the correction for ties and for continuity. */
function approximateP(n: number, m: number, ties: readonly number[], rankSum2: number): number {
  const all = n + m;
  const u = rankSum2 / 2 - (n * (n + 1)) / 2;
  const tied = ties.reduce((sum, t) => sum + t ** 3 - t, 0);
  const variance = ((n * m) / 12) * (all + 1 - tied / (all * (all - 1)));
  const off = Math.max(0, Math.abs(u - (n * m) / 2) - 0.5);
  return variance === 0 ? 1 : Math.min(1, 2 * upperTail(off / Math.sqrt(variance)));
}

/**
 * How many differences to leave out at either end so that each tail keeps at most `tail`, and what
 * it then keeps.
 */
function cutOf(n: number, m: number, tail: number): { cut: number; tail: number } {
  if (n + m > MAX_EXACT) {
    const spread = Math.sqrt((n * m * (n + m + 1)) / 12);
    const cut = Math.floor((n * m) / 2 - normalQuantile(tail) * spread);
    return { cut: Math.max(0, cut), tail };
  }
  const counts = rankSumCounts(n, new Array<number>(n + m).fill(1));
  const all = binomial(n + m, n);
  const lowest2 = n * (n + 1);
  let cut = 0;
  let kept = (counts.get(lowest2) ?? 0) / all;
  for (;;) {
    const more = kept + (counts.get(lowest2 + 2 * (cut + 1)) ?? 0) / all;
    if (more > tail) return { cut, tail: kept };
    kept = more;
    cut++;
  }
}

/** P(Z > z) of the normal distribution (Abramowitz and Stegun 26.2.17, error below 7.5e-8). */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const poly =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * poly;
}

/** z with P(Z > z) = tail. */
function normalQuantile(tail: number): number {
  let low = 0;
  let high = 40;
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2;
    if (upperTail(middle) > tail) low = middle;
    else high = middle;
  }
  return low;
}
