// What was allocated and is held by call chain, of one side or of two: what an icicle is drawn of. The
// number of chains is bounded; what is left over is one chain for each cache.

import type { Profile } from './profile.ts';
import { nameStacks, type ProfileValue } from './profile-stacks.ts';

/** What a chain is measured by, in the order of its numbers. */
const CHAIN_VALUES: readonly ProfileValue[] = [
  'live-bytes',
  'live-wasted',
  'alloc-bytes',
  'alloc-wasted',
];

/** Chains that are kept. */
const MAX_CHAINS = 4000;

export interface CallChains {
  /** Functions; caches as `[name]`. */
  readonly names: readonly string[];
  /** Indexes into `names`, outermost first, the cache last. */
  readonly chains: readonly (readonly number[])[];
  /** For each chain the values of each side: `CHAIN_VALUES` of the first, then of the second. */
  readonly amounts: readonly (readonly number[])[];
  /** How many chains the left-over ones stand for. */
  readonly others: number;
}

interface Chain {
  readonly names: readonly string[];
  readonly amounts: number[];
}

/** @param sides the runs of each; a side's numbers are those of its average run */
export function buildCallChains(sides: readonly (readonly Profile[])[]): CallChains {
  const chains = collect(sides);
  const width = sides.length * CHAIN_VALUES.length;
  const totals = Array.from({ length: width }, (_, i) =>
    chains.reduce((sum, { amounts }) => sum + (amounts[i] ?? 0), 0),
  );
  // A chain counts by what it is of any of the totals.
  const weight = ({ amounts }: Chain): number =>
    amounts.reduce((most, amount, i) => Math.max(most, amount / (totals[i] || 1)), 0);
  const ranked = chains
    .map((chain) => ({ chain, weight: weight(chain) }))
    .sort((a, b) => b.weight - a.weight)
    .map(({ chain }) => chain);
  const others = ranked.slice(MAX_CHAINS);
  const kept = [...ranked.slice(0, MAX_CHAINS), ...mergeByCache(others)];
  const numbers = new Map<string, number>();
  const number = (name: string): number => {
    const known = numbers.get(name) ?? numbers.size;
    numbers.set(name, known);
    return known;
  };
  return {
    chains: kept.map(({ names }) => names.map(number)),
    amounts: kept.map(({ amounts }) => amounts),
    names: [...numbers.keys()],
    others: others.length,
  };
}

function collect(sides: readonly (readonly Profile[])[]): Chain[] {
  const width = sides.length * CHAIN_VALUES.length;
  const chains = new Map<string, Chain>();
  const profiles = sides.flat();
  CHAIN_VALUES.forEach((value, v) => {
    for (const { names, values } of nameStacks(profiles, value)) {
      const key = JSON.stringify(names);
      const chain = chains.get(key) ?? { names, amounts: new Array<number>(width).fill(0) };
      chains.set(key, chain);
      let first = 0;
      sides.forEach((runs, side) => {
        const own = values.slice(first, first + runs.length);
        first += runs.length;
        const mean = own.reduce((sum, n) => sum + n, 0) / Math.max(1, runs.length);
        chain.amounts[side * CHAIN_VALUES.length + v] = Math.round(mean);
      });
    }
  });
  return [...chains.values()];
}

function mergeByCache(chains: readonly Chain[]): Chain[] {
  const caches = new Map<string, Chain>();
  for (const { names, amounts } of chains) {
    const cache = names.at(-1) ?? '';
    const sum = caches.get(cache) ?? {
      names: ['(other call chains)', cache],
      amounts: amounts.map(() => 0),
    };
    caches.set(cache, sum);
    amounts.forEach((amount, i) => {
      sum.amounts[i] = (sum.amounts[i] ?? 0) + amount;
    });
  }
  return [...caches.values()];
}
