// The orders of new slabs of caches that share a call site with others: the votes of a call
// (replay/observe/order-learner.ts) mix them, its live objects are each of one cache.

import type { CachePlan } from '../replay/machine/cache-plan.ts';
import { FollowerVotes } from '../replay/model/fresh-order.ts';
import type { ResolvedRun } from './resolved-run.ts';

/** Votes by number of the cache, where there are enough live objects to tell its order. */
export function mixedOrders(plan: CachePlan, run: ResolvedRun): Map<number, FollowerVotes> {
  const votes = new Map<number, FollowerVotes>();
  if (plan.mixed === undefined) return votes;
  const { live } = run;
  /** By cache and slab: the object that was allocated last. */
  const last = new Map<string, number>();
  for (const row of live.inOrder()) {
    const lo = live.ptrLo(row);
    const hi = live.ptrHi(row);
    const number = plan.mixed.get(live.call(row))?.(lo, hi, live.ts(row));
    const geometry = number === undefined ? undefined : plan.caches[number]?.geometry;
    if (number === undefined || geometry === undefined) continue;
    const { slabSize, objsPerSlab, order, layout } = geometry;
    const offset = lo % (run.facts.pageSize * 2 ** order);
    const object = (offset - layout.redLeftPad) / slabSize;
    if (!Number.isInteger(object) || object < 0 || object >= objsPerSlab) continue;
    const key = `${number} ${hi} ${lo - offset}`;
    const before = last.get(key);
    last.set(key, object);
    if (before === undefined) continue;
    const own = votes.get(number) ?? new FollowerVotes(objsPerSlab);
    votes.set(number, own);
    own.add(before, object);
  }
  for (const [number, own] of votes) if (own.countAll() < 2 * own.objects) votes.delete(number);
  return votes;
}
