import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { FollowerVotes, FreshOrder } from '../../../../src/replay/model/fresh-order.ts';

/** One vote for each step along some slabs' first allocations. */
function votes(objects: number, ...slabs: readonly (readonly number[])[]): FollowerVotes {
  const result = new FollowerVotes(objects);
  for (const slab of slabs) {
    slab.forEach((object, i) => {
      if (i > 0) result.add(slab[i - 1] as number, object);
    });
  }
  return result;
}

describe('the order of new slabs', () => {
  test('without randomization addresses ascend (allocate_slab)', () => {
    const order = FreshOrder.sequential(4);
    expect([...order.from(0)]).toEqual([0, 1, 2, 3]);
    expect(order.isSequential).toBe(true);
  });

  test('with it each slab is a rotation of one order (shuffle_slab)', () => {
    // The cache's permutation is 3 1 4 0 2; three slabs begin at three places of it.
    const order = FreshOrder.learned(
      5,
      votes(5, [3, 1, 4, 0, 2], [4, 0, 2, 3, 1], [2, 3, 1, 4, 0]),
    );
    expect(order.isSequential).toBe(false);
    expect([...order.from(3)]).toEqual([3, 1, 4, 0, 2]);
    expect([...order.from(0)]).toEqual([0, 2, 3, 1, 4]);
    expect([...order.around(4 as number, 0)]).toEqual([4, 0, 2, 3, 1]);
    expect([...order.around(4 as number, 2)]).toEqual([3, 1, 4, 0, 2]);
  });

  test('pieces of which nothing shows how they join are joined by their first objects', () => {
    const order = FreshOrder.learned(6, votes(6, [4, 2], [5, 0]));
    // 4 > 2 and 5 > 0 are known; 1 and 3 are pieces of their own.
    expect([...order.from(1)]).toEqual([1, 3, 4, 2, 5, 0]);
    expect([...FreshOrder.learned(3, undefined).from(0)]).toEqual([0, 1, 2]);
  });

  test('a slab that was partly used before the trace does not spoil it', () => {
    // The first slab shows 3 > 0 and 0 > 1, for 4 and 2 were gone: fewer votes than the true steps.
    const full = [3, 4, 0, 2, 1];
    expect([...FreshOrder.learned(5, votes(5, [3, 0, 1], full, full)).from(3)]).toEqual(full);
  });

  test('of two followers seen alike the one that leads to the other is nearer', () => {
    const order = FreshOrder.learned(5, votes(5, [3, 0, 2], [3, 4, 0], [4, 0, 2, 1, 3]));
    expect([...order.from(3)]).toEqual([3, 4, 0, 2, 1]);
  });

  test('slabs from early boot are not shuffled, and do not count', () => {
    const boot = [0, 1, 2, 3, 4, 5];
    const shuffled = [2, 5, 1, 0, 4, 3];
    const order = FreshOrder.learned(6, votes(6, boot, boot, boot, boot, shuffled, shuffled));
    expect([...order.from(2)]).toEqual(shuffled);
  });

  test('a cycle closes only when all objects are in it', () => {
    const order = FreshOrder.learned(4, votes(4, [0, 2], [0, 2], [2, 0], [2, 3]));
    const sequence = [...order.from(0)];
    expect([...sequence].sort()).toEqual([0, 1, 2, 3]);
    expect(sequence.slice(0, 2)).toEqual([0, 2]);
  });

  test('an order for caches of which none is known is a permutation, the same for a seed', () => {
    const order = (seed: number) => [...FreshOrder.shuffled(9, new SeededRandom(seed)).from(4)];
    expect(order(1)).toEqual(order(1));
    expect(order(1)).not.toEqual(order(2));
    expect(order(1)[0]).toBe(4);
    expect([...order(1)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('votes', () => {
  test('a fifth follower wears the weakest down before it takes its place', () => {
    const counted = votes(8, [0, 1], [0, 2], [0, 2], [0, 3], [0, 3], [0, 4], [0, 4]);
    counted.add(0, 5); // 1 is as weak: it goes
    counted.add(0, 6); // 5 goes
    counted.add(0, 6, 3);
    const { steps } = { steps: counted.steps() };
    expect(steps[0]).toEqual([0, 6]);
    expect(counted.countAll()).toBe(10);
    expect(votes(8, [0, 1]).countAll()).toBe(1);
  });

  test('those of several calls of a cache are one, forwards or backwards', () => {
    const joined = votes(3, [0, 2]);
    joined.merge(votes(3, [2, 1]));
    expect([...FreshOrder.learned(3, joined).from(0)]).toEqual([0, 2, 1]);
    const turned = new FollowerVotes(3);
    turned.mergeReversed(votes(3, [1, 2, 0]));
    expect([...FreshOrder.learned(3, turned).from(0)]).toEqual([0, 2, 1]);
  });

  test('steps to the neighbour above are told apart', () => {
    const counted = votes(4, [0, 1, 2], [3, 0]);
    expect([counted.countAscending(), counted.countAll()]).toEqual([2, 3]);
  });
});
