// Learning the orders of new slabs from events: order-learner.ts, learned-orders.ts.

import { describe, expect, test } from 'vitest';
import { column } from '../../../../src/kernel/column.ts';
import type { CachePlan } from '../../../../src/replay/machine/cache-plan.ts';
import { FreshOrder } from '../../../../src/replay/model/fresh-order.ts';
import { learnedOrders } from '../../../../src/replay/observe/learned-orders.ts';
import { OrderLearner, type StrideLayout } from '../../../../src/replay/observe/order-learner.ts';
import { TestTrace } from '../../../helpers/builders.ts';
import { plannedCache } from '../../../helpers/model-machine.ts';

const LAYOUT: StrideLayout = { slabBytes: 4096, redLeftPad: 0, objsPerSlab: 6 };

/** Allocations of 64 bytes at these offsets of a slab: `A` 0, `A+64` 1 … */
function learn(objects: string, layouts: readonly StrideLayout[] = [LAYOUT]): OrderLearner {
  const lines = objects.split(' ').map((object) => `alloc filp ${object} 64`);
  const trace = new TestTrace(lines.join('\n'));
  const learner = new OrderLearner(trace.dictionary.calls, () => layouts);
  for (const batch of trace.batches()) learner.add(batch);
  return learner;
}

/** The one call of `learn`. */
const CALL = 1;

describe('first allocations of the objects of a slab', () => {
  test('are votes for what follows what', () => {
    const votes = learn('A+128 A A+320 A+64').votesOf(CALL);
    expect(votes?.countAll()).toBe(3);
    expect([...FreshOrder.learned(6, votes).from(2)].slice(0, 4)).toEqual([2, 0, 5, 1]);
  });

  test('count once, and each slab by itself', () => {
    expect(learn('A A+64 A A+64 B+64 B').votesOf(CALL)?.steps()).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });

  test('do not count where no object starts', () => {
    expect(learn('A+8 A+384 A+72').votesOf(CALL)).toBeUndefined();
    expect(learn('A A+64', []).votesOf(CALL)).toBeUndefined();
  });

  test('may lie behind a left red zone: the layout that fits is taken', () => {
    const red: StrideLayout = { slabBytes: 4096, redLeftPad: 16, objsPerSlab: 6 };
    expect(learn('A+144 A+16', [LAYOUT, red]).votesOf(CALL)?.steps()).toEqual([[2, 0]]);
  });

  test('begin anew where the page has become a slab of other objects', () => {
    const trace = new TestTrace(`
      alloc filp A+64 64
      alloc dentry A 128
      alloc filp A+192 64
      alloc filp A 64`);
    const learner = new OrderLearner(trace.dictionary.calls, () => [LAYOUT]);
    for (const batch of trace.batches()) learner.add(batch);
    expect(learner.votesOf(1)?.steps()).toEqual([[3, 0]]);
  });
});

describe('the orders of the caches of a plan', () => {
  const trace = new TestTrace(`
    alloc filp A+128 64 by=open+0x1
    alloc filp A 64 by=open+0x1
    alloc filp B+64 64 by=dup+0x1
    alloc filp B+128 64 by=dup+0x1
    free filp B`);
  const { calls } = trace.dictionary;
  const learner = new OrderLearner(calls, () => [{ ...LAYOUT, objsPerSlab: 4 }]);
  for (const batch of trace.batches()) learner.add(batch);
  const caches = [plannedCache({ objsPerSlab: 4 }), plannedCache({ objsPerSlab: 3 })];
  const plan: CachePlan = { caches, cacheOfCall: column(Int32Array.of(-1, 0, 0, 0)) };

  test('join what all its calls show', () => {
    const [order, other] = learnedOrders(plan, calls, learner, true);
    expect(order?.isSequential).toBe(false);
    expect([...(order as FreshOrder).from(1)]).toEqual([1, 2, 0, 3]);
    expect([...(other as FreshOrder).from(0)]).toEqual([0, 1, 2]);
  });

  test('ascend where the kernel does not shuffle', () => {
    const [order] = learnedOrders(plan, calls, learner, false);
    expect([order?.isSequential, ...(order as FreshOrder).from(0)]).toEqual([true, 0, 1, 2, 3]);
  });

  test('where no configuration tells, most steps going up mean that nothing is shuffled', () => {
    const [order] = learnedOrders(plan, calls, learner, undefined);
    expect(order?.isSequential).toBe(true); // one of two goes up: not fewer than half
    const down = learn('A+320 A+256 A+64 A+128');
    const [shuffled] = learnedOrders(
      { caches: [plannedCache({ objsPerSlab: 6 })], cacheOfCall: column(Int32Array.of(-1, 0)) },
      calls,
      down,
      undefined,
    );
    expect(shuffled?.isSequential).toBe(false);
  });

  test('no events, nothing known: shuffled in some order', () => {
    const [order] = learnedOrders(plan, calls, undefined, undefined);
    expect(order?.isSequential).toBe(false);
  });
});
