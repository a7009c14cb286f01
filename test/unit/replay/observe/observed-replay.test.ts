// Observed mode on a few lines of events: which object the model would have given, and what it learns
// where the kernel took another one. Objects are of 64 bytes: `A+128` is the third one of slab A.

import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../../../src/base/seeded-random.ts';
import { NOT_PLANNED } from '../../../../src/replay/machine/cache-plan.ts';
import { FreshOrder } from '../../../../src/replay/model/fresh-order.ts';
import type { Fidelity } from '../../../../src/replay/observe/fidelity.ts';
import {
  ObservedReplay,
  type ReplayListeners,
} from '../../../../src/replay/observe/observed-replay.ts';
import { modelledCpus, type SlubModel } from '../../../../src/replay/slub-model.ts';
import { TestTrace } from '../../../helpers/builders.ts';
import {
  type ModelOptions,
  type TestCacheShape,
  testModel,
} from '../../../helpers/model-machine.ts';
import { modelLists } from '../../../helpers/plain-recording.ts';

const NAMES = ['filp', 'dentry'];

interface Observed {
  readonly replay: ObservedReplay;
  readonly slub: SlubModel;
  readonly total: Fidelity;
  /** Causes that were met. */
  readonly missed: Record<string, number>;
  /** The lists of filp; slabs by the trace's letters. */
  readonly lists: Record<string, string[]>;
  readonly gone: string[];
}

/** Lines like `filp A+64`, `cpu1 free A`, `dentry B`: allocations name the cache alone. */
function observe(
  lines: string,
  shape: TestCacheShape = { objsPerSlab: 5 },
  options: ModelOptions & Pick<ReplayListeners, 'outages'> = {},
): Observed {
  const text = lines
    .split('\n')
    .map((line) =>
      line.replace(/(?<!free )\b(filp|dentry|large|unknown) (\S+)/, 'alloc $1 $2 64 name=$1'),
    )
    .join('\n');
  const trace = new TestTrace(text);
  const batches = [...trace.batches()];
  const { calls, strings } = trace.dictionary;
  const cacheOfCall = Int32Array.from({ length: calls.length }, (_, call) => {
    const name = strings.get(calls.cache(call));
    return name === 'large' ? NOT_PLANNED.large : NAMES.indexOf(name);
  });
  const slub = testModel(
    [
      { ...shape, name: 'filp' },
      { objsPerSlab: 5, name: 'dentry' },
    ],
    {
      ...options,
      cacheOfCall,
    },
  );
  const gone: string[] = [];
  const letter = (address: string): string => String.fromCharCode(65 + Number(address) / 0x10000);
  const replay = new ObservedReplay(calls, slub, {
    ...(options.outages !== undefined && { outages: options.outages }),
    onGone: (_cpu, lo) => gone.push(`${letter(String(lo & ~0xffff))}${(lo & 0xffff) / 64}`),
  });
  for (const batch of batches) replay.add(batch);
  const total = replay.total();
  const found = slub.caches[0];
  const lists = found === undefined ? {} : modelLists(slub, found);
  return {
    replay,
    slub,
    total,
    missed: Object.fromEntries(Object.entries(total.mismatches).filter(([, count]) => count > 0)),
    lists: Object.fromEntries(
      Object.entries(lists).map(([key, list]) => [
        key,
        list.map((item) =>
          item.replace(/^0xffff8880(\w{4})(\w{4})/, (_, high, low) => {
            const slab = String.fromCharCode(65 + Number.parseInt(high, 16));
            return key.startsWith('cpuFreelist') ? slab + Number.parseInt(low, 16) / 64 : slab;
          }),
        ),
      ]),
    ),
    gone,
  };
}

describe('what the model and the kernel agree on', () => {
  test('slots, slabs, and choices that were on the CPU’s freelist', () => {
    const { total, missed } = observe(`
      filp A
      filp A+64
      free filp A
      filp A
      filp A+128`);
    expect(total).toMatchObject({
      allocations: 4,
      undetermined: 0,
      slotMatches: 4,
      slabMatches: 4,
      cpuSlabHits: 3, // the first object came with its slab
    });
    expect(missed).toEqual({});
  });

  test('the first object of a new slab in a random order is undetermined, its slab is not', () => {
    const order = FreshOrder.shuffled(5, new SeededRandom(1));
    const [first = 0, second = 0] = order.from(3);
    const { total } = observe(
      `
      filp A+${first * 64}
      filp A+${second * 64}`,
      { objsPerSlab: 5 },
      { orders: [order, FreshOrder.sequential(5)] },
    );
    expect(total).toMatchObject({
      allocations: 2,
      undetermined: 1,
      slotMatches: 1,
      slabMatches: 2,
    });
  });

  test('what is left out: page-backed kmalloc, unknown caches, failures, what no slab has', () => {
    const { replay, total } = observe(`
      large A
      large B
      unknown C
      filp NULL
      filp D+8
      filp E+320
      free NULL
      free ZERO
      free F`);
    expect([replay.large, replay.unknownCache, replay.misplaced]).toEqual([2, 1, 2]);
    expect(total.allocations).toBe(0);
  });
});

test('events may name any CPU: where there are too many, some are taken together', () => {
  expect(modelledCpus(1024, 1024)).toBe(1024);
  expect(modelledCpus(65_536, 1024)).toBe(1024);
  expect(modelledCpus(65_536, 2 ** 21)).toBe(1);
  const { slub, total } = observe('cpu65535 filp A\ncpu65535 filp A+64', undefined, { cpus: 2 });
  expect(total.slotMatches).toBe(2);
  expect(slub.caches[0]?.model.lists().slabs[0]).toMatchObject({ kind: 'cpuSlab', owner: 1 });
});

describe('what a mismatch means', () => {
  test('a live object is allocated again: it was freed without an event', () => {
    const { missed, total, lists } = observe(`
      filp A
      filp A+64
      filp A`);
    expect(missed).toEqual({ unseenFree: 1 });
    expect(total).toMatchObject({ allocations: 3, slotMatches: 2, slabMatches: 3 });
    expect(lists['cpuFreelist 0']).toEqual(['A2', 'A3', 'A4']);
  });

  test('a used object deeper in the CPU freelist: those before it were allocated without an event', () => {
    const { missed, lists } = observe(`
      filp A
      filp A+64
      filp A+128
      free filp A
      free filp A+64
      filp A`);
    expect(missed).toEqual({ unseenAlloc: 1 });
    expect(lists['cpuFreelist 0']).toEqual(['A3', 'A4']);
  });

  test('another slab than that at the head of the list', () => {
    const { missed, lists } = observe(
      `
      filp A
      filp B
      filp C
      cpu1 free filp A
      cpu1 free filp B
      cpu1 filp A`,
      { objsPerSlab: 1 },
    );
    expect(missed).toEqual({ otherSlab: 1 });
    expect(lists).toEqual({
      'cpuSlab 0': ['C: 1 in use, free '],
      'cpuFreelist 0': [],
      'cpuSlab 1': ['A: 1 in use, free '],
      'cpuFreelist 1': [],
      'cpuPartial 1': ['B: 0 in use, free 0'],
    });
  });

  test('a new slab although objects are free', () => {
    expect(observe('filp A\nfilp B').missed).toEqual({ newSlab: 1 });
  });

  test('an object of another CPU’s list where the CPU would need a new slab', () => {
    const { missed, lists } = observe(
      `
      filp A
      filp B
      filp C
      free filp A
      free filp B
      cpu1 filp A`,
      { objsPerSlab: 1 },
    );
    expect(missed).toEqual({ noneFree: 1 });
    expect(lists['cpuPartial 0']).toEqual(['B: 0 in use, free 0']);
  });

  test('exactly what another CPU would have got: the task has moved', () => {
    const { missed, lists } = observe(`
      cpu0 filp A
      cpu1 filp A+64`);
    expect(missed).toEqual({ migration: 1 });
    expect(lists['cpuFreelist 0']).toEqual(['A2', 'A3', 'A4']);
  });
});

describe('events of a CPU that an interrupt swapped', () => {
  test('are both right where the other one follows shortly', () => {
    const { total, missed } = observe(`
      filp A
      filp A+128
      filp A+64
      filp A+192`);
    expect(missed).toEqual({});
    expect(total).toMatchObject({ allocations: 4, slotMatches: 4 });
  });

  test('of two CPUs as well where both take from one list', () => {
    const { missed } = observe('filp A\ncpu0 filp A+128\ncpu1 filp A+64', {
      objsPerSlab: 5,
      debug: true,
    });
    expect(missed).toEqual({});
  });

  test('not where it follows on another CPU, or much later', () => {
    const others = Array.from({ length: 16 }, () => 'free NULL').join('\n');
    for (const between of ['cpu1', `${others}\ncpu0`]) {
      const { missed } = observe(`
        filp A
        filp A+128
        ${between} filp A+64`);
      expect(missed).toEqual({ freshOrder: 1, unseenFree: 1 });
    }
  });
});

describe('what it learns', () => {
  test('slabs of early boot are not shuffled: after one step up the rest goes up', () => {
    const order = FreshOrder.shuffled(5, new SeededRandom(2));
    expect([...order.from(0)]).not.toEqual([0, 1, 2, 3, 4]);
    const { missed, total } = observe(
      'filp A\nfilp A+64\nfilp A+128\nfilp A+192\nfilp A+256',
      { objsPerSlab: 5 },
      { orders: [order, FreshOrder.sequential(5)] },
    );
    expect(missed).toEqual({ freshOrder: 1 });
    expect(total.slotMatches).toBe(3);
  });

  test('a slab that shows its third object first: without a random order the others are taken', () => {
    const { total, lists } = observe('filp A+128\nfilp A+192');
    expect(total).toMatchObject({ allocations: 2, slotMatches: 1, slabMatches: 2 });
    expect(lists['cpuFreelist 0']).toEqual(['A4']);
  });

  test('a free in a page that is not known: a slab from before the trace', () => {
    const { slub, lists } = observe('free filp A+64\nfilp A+64');
    expect(slub.caches[0]?.model.count()).toMatchObject({ slabs: 1, allocated: 5 });
    expect(lists).toEqual({ 'cpuSlab 0': ['A: 5 in use, free '], 'cpuFreelist 0': [] });
  });

  test('an object of another cache in its pages: the slab is gone, and its objects with it', () => {
    const { slub, gone } = observe(`
      filp A
      filp A+64
      filp A+128
      free filp A
      dentry A+64
      cpu1 free dentry A+64`);
    expect(gone).toEqual(['A1', 'A2']);
    expect(slub.caches.map(({ model }) => model.count().slabs)).toEqual([0, 1]);
  });

  test('a slab that is passed over 25 times is on no list; one that is chosen again counts anew', () => {
    // Slab A has a free object at the head of the node's list; the kernel takes new slabs all the same.
    const debug = { objsPerSlab: 2, debug: true };
    const slabs = (count: number): string =>
      Array.from({ length: count }, (_, i) => {
        const address = `0x${(0xffff888001000000n + BigInt(i * 4096)).toString(16)}`;
        return `filp ${address}\nfilp ${address.slice(0, -3)}040`;
      }).join('\n');
    const before = 'filp A\nfilp A+64\nfree filp A\n';
    expect(observe(before + slabs(24), debug).lists['nodePartial 0']).toEqual([
      'A: 1 in use, free 0',
    ]);
    expect(observe(before + slabs(25), debug).lists).toEqual({});
    const again = `${before + slabs(24)}\nfilp A\nfree filp A\n`;
    const { missed } = observe(again, debug);
    expect(missed).toEqual({ newSlab: 24 });
  });
});

describe('what is free stays free', () => {
  test('a task that is preempted in a free does it when it runs again', () => {
    const { missed, total } = observe(`
      a-1 filp A
      a-1 filp A+64
      b-2 free filp A+64
      a-1 filp A+128
      a-1 filp A+192
      b-2 filp A+64`);
    expect(missed).toEqual({});
    expect(total.slotMatches).toBe(5);
  });

  test('objects of a slab that the kernel passes over are free, and the slab is found again', () => {
    const passedOver = `
      filp A
      filp A+64
      free filp A
      free filp A+64
      filp B`;
    const { replay, slub, lists } = observe(passedOver);
    expect(replay.impossible()).toEqual([0, 0]);
    expect(Object.keys(lists).filter((list) => list.startsWith('nodePartial'))).toEqual([]);
    expect(slub.caches[0]?.model.count().allocated).toBe(4); // three were never seen
    expect(observe(`${passedOver}\nfilp A+64\nfilp A`).missed).toEqual({
      newSlab: 1,
      otherSlab: 1,
    });
  });

  test('a cache whose objects are freed twice in a row again and again is served in bulk', () => {
    const frees = (count: number): string => `filp A\n${'free filp A\n'.repeat(count)}`;
    expect(observe(frees(4)).replay.impossible()).toEqual([0, 0]);
    expect(observe(frees(5)).replay.impossible()).toEqual([null, 0]);
  });
});

test('what a CPU had goes to the node with the first event after its last one before it was off', () => {
  const lines = `
    @1000 cpu1 filp A
    @2000 cpu1 filp A+64
    @3000 cpu0 filp A+128`;
  expect(observe(lines).total.slabMatches).toBe(2);
  const { total, lists } = observe(lines, undefined, { outages: [{ cpu: 1, since: 2000 }] });
  expect(total.slabMatches).toBe(3);
  expect(lists['cpuFreelist 0']).toEqual(['A3', 'A4']);
});
