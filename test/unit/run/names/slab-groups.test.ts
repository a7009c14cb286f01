import { describe, expect, test } from 'vitest';
import { KnownCaches } from '../../../../src/kernel/caches/known-cache.ts';
import { groupsAlone, joinBySlabs, slabKeys } from '../../../../src/run/names/slab-groups.ts';
import { knownCache, track } from '../../../helpers/tracked.ts';

interface TestGroup {
  readonly id: string;
  readonly bytesAlloc: number;
  readonly rows: readonly number[];
  readonly name: string | undefined;
}

/** A group of objects of 192 bytes whose rows are the numbers of their slabs. */
function group(id: string, slabs: readonly number[], name?: string, bytesAlloc = 192): TestGroup {
  return { id, bytesAlloc, rows: slabs, name };
}

/** Components as ids, slabs and votes. */
function join(...groups: TestGroup[]): [string[], number, Record<string, number>][] {
  return joinBySlabs(groups, () => (row) => row).map((component) => [
    component.groups.map((g) => g.id),
    component.slabs,
    Object.fromEntries(component.votes),
  ]);
}

describe('unnamed groups', () => {
  test('that share a slab belong together, by way of others too', () => {
    expect(join(group('a', [1, 2]), group('b', [2, 3]), group('c', [3]), group('d', [4]))).toEqual([
      [['a', 'b', 'c'], 3, {}],
      [['d'], 1, {}],
    ]);
  });

  test('of another stride do not: they cannot lie on one slab', () => {
    expect(join(group('a', [1]), group('b', [1], undefined, 256))).toHaveLength(2);
  });

  test('are named by named groups on their slabs, a vote for each slab', () => {
    const votes = join(
      group('a', [1, 1, 2, 3]),
      group('n', [1, 2, 9], 'dentry'),
      group('m', [3, 3, 3], 'filp'),
    );
    expect(votes).toEqual([[['a'], 3, { dentry: 2, filp: 1 }]]);
  });

  test('without live objects are by themselves', () => {
    expect(join(group('a', []), group('b', [1]))).toEqual([
      [['a'], 0, {}],
      [['b'], 1, {}],
    ]);
  });
});

test('named groups make no components', () => {
  expect(join(group('n', [1], 'dentry'))).toEqual([]);
  expect(join()).toEqual([]);
});

describe('the slab of an object', () => {
  const { tracker } = track(`
    alloc dentry 0xffff888000010000 192
    alloc dentry 0xffff888000010fc0 192
    alloc dentry 0xffff888000011000 192
    alloc dentry 0xff11000000010000 192
  `);
  const { live } = tracker.pairing;
  const rows = [...live.inOrder()];

  test('is its page where nothing tells the order', () => {
    const [a, b, c, d] = rows.map(slabKeys(live, undefined, 4096)(192));
    expect(a).toBe(b);
    expect(new Set([a, c, d]).size).toBe(3);
  });

  test('is as large as the recorded cache of its stride says', () => {
    const known = new KnownCaches([knownCache('dentry', 192, { order: 1 })]);
    const [a, b, c, d] = rows.map(slabKeys(live, known, 4096)(192));
    expect([a, b, c]).toEqual([a, a, a]);
    expect(d).not.toBe(a);
  });
});

test('where pointers are hashed each group is by itself, on as many slabs as it fills', () => {
  const known = new KnownCaches([knownCache('dentry', 192)]);
  const rows = Array.from({ length: 43 }, (_, i) => i);
  const groups = [group('a', rows), group('b', [1]), group('n', [1], 'dentry')];
  expect(groupsAlone(groups, known).map((c) => [c.groups[0]?.id, c.slabs])).toEqual([
    ['a', 3],
    ['b', 1],
  ]);
});
