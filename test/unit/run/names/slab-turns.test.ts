import { describe, expect, test } from 'vitest';
import { cachesByTurns, type TurnSlab } from '../../../../src/run/names/slab-turns.ts';

const OBJECTS = 8;
const NO_LIMIT = new Map([
  ['v4', 1000],
  ['v6', 1000],
]);

interface Filled {
  readonly cache: string;
  readonly allocations: { ts: number; cpu: number }[];
}

/**
 * What a CPU does: it fills a slab of a cache, then begins another.
 * @param order '4' and '6': of which cache each allocation is; the time goes on by one each
 */
function fill(order: string, cpu = 0): Filled[] {
  const slabs: Filled[] = [];
  const current = new Map<string, Filled>();
  [...order].forEach((letter, i) => {
    const cache = `v${letter}`;
    let slab = current.get(cache);
    if (slab === undefined || slab.allocations.length === OBJECTS) {
      slab = { cache, allocations: [] };
      current.set(cache, slab);
      slabs.push(slab);
    }
    slab.allocations.push({ ts: i, cpu });
  });
  return slabs;
}

/** The slabs with the names of some of them only. */
function hide(slabs: readonly Filled[], named: readonly number[]): TurnSlab[] {
  return slabs.map(({ cache, allocations }, i) => ({
    named: named.includes(i) ? cache : undefined,
    allocations,
    lastFree: Number.NEGATIVE_INFINITY,
  }));
}

const truth = (slabs: readonly Filled[]): string[] => slabs.map(({ cache }) => cache);

describe('slabs of two caches that one CPU used by turns', () => {
  test('are told apart from the name of one of them', () => {
    const slabs = fill(`444${'4466'.repeat(20)}`);
    expect(slabs.length).toBe(11);
    expect(cachesByTurns(hide(slabs, [0]), NO_LIMIT)).toEqual(truth(slabs));
  });

  test('also where one is asked for more often than the other', () => {
    const slabs = fill(`44${'4446444664444'.repeat(10)}`);
    expect(cachesByTurns(hide(slabs, [0]), NO_LIMIT)).toEqual(truth(slabs));
  });

  test('are those of that CPU alone', () => {
    const here = fill(`444${'4466'.repeat(20)}`);
    const there = fill(`666${'6644'.repeat(20)}`, 1);
    const named = [0, here.length];
    const slabs = [...here, ...there];
    expect(cachesByTurns(hide(slabs, named), NO_LIMIT)).toEqual(truth(slabs));
  });
});

test('a slab that begins when another has ended goes on with its cache', () => {
  const slabs = fill('4'.repeat(80));
  expect(cachesByTurns(hide(slabs, [4]), NO_LIMIT)).toEqual(truth(slabs));
});

test('a single object that comes late does not make slabs be used by turns', () => {
  const slabs = fill('4'.repeat(80));
  // Its last object was freed without an event and allocated again.
  slabs[0]?.allocations.splice(7, 1, { ts: 100, cpu: 0 });
  expect(cachesByTurns(hide(slabs, [9]), NO_LIMIT)).toEqual(truth(slabs));
});

test('what was freed and allocated again tells nothing', () => {
  const slabs = hide(fill('4'.repeat(48)), [1, 2, 3, 4, 5]);
  const [first, ...rest] = slabs;
  const times = [0, 1, 30, 31].map((ts) => ({ ts, cpu: 0 }));
  const reused = { ...first, named: undefined, allocations: times, lastFree: 29 };
  expect(cachesByTurns([reused, ...rest], NO_LIMIT)).toEqual(Array(6).fill('v4'));
});

test('no cache gets more slabs than were recorded of it', () => {
  const slabs = [...fill('4444'), ...fill('4444', 1), ...fill('4444', 2)];
  const room = new Map([
    ['v4', 0],
    ['v6', 2],
  ]);
  expect(cachesByTurns(hide(slabs, [0]), room)).toEqual(['v4', 'v6', 'v6']);
});

test('there may be none without a name, or none at all', () => {
  const slabs = fill('44444444666');
  expect(cachesByTurns(hide(slabs, [0, 1]), NO_LIMIT)).toEqual(['v4', 'v6']);
  expect(cachesByTurns([], NO_LIMIT)).toEqual([]);
});
