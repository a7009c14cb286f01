// How long objects lived, by powers of two of nanoseconds: of all caches together, and of those that
// free most.

import { LIFETIME_BUCKETS } from '../../pairing/call-tally.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';

/** Caches with a row of their own. */
const MAX_CACHES = 16;

export interface LifetimeHistogram {
  readonly total: Lifetimes;
  /** Those with the most frees first. */
  readonly caches: readonly Lifetimes[];
}

export interface Lifetimes {
  /** Null for what nothing names, and for the total. */
  readonly cache: string | null;
  /** Objects whose free was seen. */
  readonly frees: number;
  /** Of them, those that lived 2^i to 2^(i + 1) ns. */
  readonly buckets: readonly number[];
}

/** Undefined where the clock does not count nanoseconds, or nothing was freed. */
export function buildLifetimes(run: ResolvedRun): LifetimeHistogram | undefined {
  if (run.info.clockUnit !== 'ns') return undefined;
  const { lifetimes } = run.tallies.calls;
  const total = new Float64Array(LIFETIME_BUCKETS);
  const caches = new Map<string | null, Float64Array>();
  for (const call of run.columns.calls) {
    const cache = run.names.ofCall[call] ?? null;
    const own = caches.get(cache) ?? new Float64Array(LIFETIME_BUCKETS);
    caches.set(cache, own);
    for (let bucket = 0; bucket < LIFETIME_BUCKETS; bucket++) {
      const count = lifetimes[call * LIFETIME_BUCKETS + bucket] ?? 0;
      own[bucket] = (own[bucket] ?? 0) + count;
      total[bucket] = (total[bucket] ?? 0) + count;
    }
  }
  const all = describe(null, total);
  if (all.frees === 0) return undefined;
  const rows = [...caches].map(([cache, buckets]) => describe(cache, buckets));
  rows.sort((a, b) => b.frees - a.frees);
  return { total: all, caches: rows.filter(({ frees }) => frees > 0).slice(0, MAX_CACHES) };
}

function describe(cache: string | null, buckets: Float64Array): Lifetimes {
  return { cache, frees: buckets.reduce((sum, n) => sum + n, 0), buckets: [...buckets] };
}
