// The orders in which the caches of a plan hand out the objects of new slabs: one per cache where the
// kernel shuffles them (CONFIG_SLAB_FREELIST_RANDOM), by ascending address where it does not.

import { present } from '../../base/assert.ts';
import type { CallTable } from '../../kernel/events/dictionary.ts';
import { isAlloc } from '../../kernel/events/event-kind.ts';
import type { Call } from '../../kernel/indices.ts';
import type { CachePlan } from '../machine/cache-plan.ts';
import { FollowerVotes, FreshOrder } from '../model/fresh-order.ts';
import type { OrderLearner } from './order-learner.ts';

/** Of all first uses this part follows upon the neighbour below where nothing is shuffled. */
const SEQUENTIAL_SHARE = 0.5;

/**
 * @param learner absent where there are no events
 * @param isRandom whether the kernel shuffles; undefined: as the events show
 * @param own votes for some caches by number, which count in place of what their calls say
 */
export function learnedOrders(
  plan: CachePlan,
  calls: CallTable,
  learner: OrderLearner | undefined,
  isRandom: boolean | undefined,
  own: ReadonlyMap<number, FollowerVotes> = new Map(),
): FreshOrder[] {
  const votes = plan.caches.map(
    ({ geometry }, number) => own.get(number) ?? new FollowerVotes(geometry.objsPerSlab),
  );
  for (let call: Call = 1; call < calls.length; call++) {
    const number = plan.cacheOfCall[call] ?? -1;
    const ofCall = learner?.votesOf(call);
    if (
      isAlloc(calls.kind(call)) &&
      ofCall !== undefined &&
      !own.has(number) &&
      ofCall.objects === votes[number]?.objects
    ) {
      // A sheaf is a stack: what was put on it last comes first.
      if (present(plan.caches[number]).geometry.sheafCapacity > 0)
        votes[number].mergeReversed(ofCall);
      else votes[number].merge(ofCall);
    }
  }
  const isShuffled = isRandom ?? ascendingShare(votes) < SEQUENTIAL_SHARE;
  return plan.caches.map(({ geometry }, number) =>
    isShuffled
      ? FreshOrder.learned(geometry.objsPerSlab, votes[number])
      : FreshOrder.sequential(geometry.objsPerSlab),
  );
}

function ascendingShare(votes: readonly FollowerVotes[]): number {
  let ascending = 0;
  let all = 0;
  for (const cache of votes) {
    if (cache.objects < 4) continue; // in small slabs chance looks like order
    ascending += cache.countAscending();
    all += cache.countAll();
  }
  return all === 0 ? 0 : ascending / all;
}
