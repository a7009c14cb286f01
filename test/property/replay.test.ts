// The model of SLUB against an allocator in plain arrays (naive-slub.ts): every choice and every list
// is the same, whatever is allocated and freed where. And what must hold of any replay.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EventBatch } from '../../src/kernel/events/event-batch.ts';
import { modelDigest } from '../../src/replay/model/model-digest.ts';
import { ON } from '../../src/replay/model/slab-table.ts';
import { ObservedReplay } from '../../src/replay/observe/observed-replay.ts';
import { SimulatedReplay } from '../../src/replay/simulate/simulated-replay.ts';
import type { SlubModel } from '../../src/replay/slub-model.ts';
import { TestTrace } from '../helpers/builders.ts';
import { testModel } from '../helpers/model-machine.ts';
import type { NaiveShape } from '../helpers/naive-slub.ts';
import { modelLists, PlainRecording, type Step } from '../helpers/plain-recording.ts';
import { SEED } from '../helpers/random-traces.ts';
import { restoreState, saveState } from '../helpers/saved-state.ts';

const machines = fc.record({
  cpus: fc.integer({ min: 1, max: 4 }),
  nodes: fc.constantFrom(1, 2),
  isOldest: fc.boolean(),
});

function shapesOf(machine: Pick<NaiveShape, 'cpus' | 'nodes' | 'isOldest'>) {
  return fc
    .record({
      objsPerSlab: fc.integer({ min: 1, max: 5 }),
      minPartial: fc.integer({ min: 0, max: 4 }),
      cpuPartial: fc.integer({ min: 1, max: 8 }),
      cpuPartialSlabs: fc.integer({ min: 1, max: 4 }),
      debug: fc.constantFrom(false, false, false, true),
    })
    .map((shape): NaiveShape => ({ ...machine, ...shape }));
}

/** Stretches that mostly allocate or mostly free, mostly on one CPU: so lists fill and empty. */
function stepsOf(
  { cpus, nodes }: Pick<NaiveShape, 'cpus' | 'nodes'>,
  caches: number,
): fc.Arbitrary<Step[]> {
  const node = nodes === 1 ? fc.constant(-1) : fc.constantFrom(-1, -1, -1, 0, 1);
  const stretch = fc
    .record({ frees: fc.constantFrom(0, 1, 3, 4), home: fc.nat(cpus - 1) })
    .chain(({ frees, home }) =>
      fc.array(
        fc.record({
          cache: fc.nat(caches - 1),
          isAlloc: fc.nat(4).map((n) => n >= frees),
          cpu: fc.oneof({ weight: 5, arbitrary: fc.constant(home) }, fc.nat(cpus - 1)),
          node,
          which: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        }),
        { maxLength: 120 },
      ),
    );
  return fc.array(stretch, { maxLength: 8 }).map((stretches) => stretches.flat());
}

const recordings: fc.Arbitrary<PlainRecording> = machines.chain((machine) =>
  fc
    .array(shapesOf(machine), { minLength: 1, maxLength: 3 })
    .chain((shapes) =>
      fc
        .record({ steps: stepsOf(machine, shapes.length), isRandom: fc.boolean() })
        .map(({ steps, isRandom }) => new PlainRecording(shapes, steps, isRandom)),
    ),
);

const check = (property: fc.IProperty<[PlainRecording]>, numRuns = 500): void =>
  fc.assert(property, { seed: SEED, numRuns, unbiased: true });

function observe(recording: PlainRecording): { slub: SlubModel; replay: ObservedReplay } {
  const slub = recording.model();
  const replay = new ObservedReplay(recording.trace.dictionary.calls, slub);
  for (const batch of recording.trace.batches()) replay.add(batch);
  return { slub, replay };
}

test('a recording of a plain SLUB is replayed without a miss, to the same lists', () => {
  check(
    fc.property(recordings, (recording) => {
      const { slub, replay } = observe(recording);
      const fidelity = replay.total();
      const { allocations } = recording;
      expect(Object.values(fidelity.mismatches).reduce((a, b) => a + b)).toBe(0);
      expect(fidelity.allocations).toBe(allocations);
      expect(fidelity.slabMatches).toBe(allocations);
      expect(fidelity.slotMatches + fidelity.undetermined).toBe(allocations);
      slub.caches.forEach((cache, i) => {
        expect(modelLists(slub, cache)).toEqual(recording.lists(i));
        expect(cache.model.count()).toEqual(recording.counts(i));
      });
    }),
  );
});

test('a simulated replay takes the decisions of a plain SLUB: as many slabs on each list', () => {
  check(
    fc.property(recordings, (recording) => {
      const slub = recording.model();
      const { calls } = recording.trace.dictionary;
      const replay = new SimulatedReplay(calls, slub);
      for (const batch of recording.trace.batches()) replay.add(batch);
      slub.caches.forEach(({ model }, i) => {
        expect(model.count()).toEqual(recording.counts(i));
        expect(replay.usage.objects.now[i]).toBe(recording.counts(i).allocated);
        expect(replay.usage.slabBytes.now[i]).toBe(recording.counts(i).slabs * 4096);
      });
    }),
  );
});

test('the same events give the same digest', () => {
  check(
    fc.property(recordings, (recording) => {
      expect(modelDigest(observe(recording).slub)).toBe(modelDigest(observe(recording).slub));
    }),
    60,
  );
});

test('a replay that was saved halfway and resumed gives the same digest', () => {
  check(
    fc.property(recordings, (recording) => {
      const { calls } = recording.trace.dictionary;
      const observedSlub = recording.model();
      const simulatedSlub = recording.model();
      const state = {
        observedSlub,
        simulatedSlub,
        observed: new ObservedReplay(calls, observedSlub),
        simulated: new SimulatedReplay(calls, simulatedSlub),
      };
      const add = (to: typeof state, batches: readonly EventBatch[]): unknown => {
        for (const batch of batches) {
          to.observed.add(batch);
          to.simulated.add(batch);
        }
        return [
          modelDigest(to.observedSlub),
          modelDigest(to.simulatedSlub),
          to.observed.total(),
          to.simulated.usage,
        ];
      };
      const batches = [...recording.trace.batches(20)];
      const half = batches.length >> 1;
      add(state, batches.slice(0, half));
      const saved = saveState(state);
      const whole = add(state, batches.slice(half));
      expect(add(restoreState(saved), batches.slice(half))).toEqual(whole);
    }),
    60,
  );
});

/** Events of no allocator: any object is allocated and freed at any time, pages change their caches. */
const nonsense: fc.Arbitrary<string> = fc
  .array(
    fc.record({
      isAlloc: fc.boolean(),
      cpu: fc.nat(2),
      cache: fc.constantFrom('anon_vma', 'dentry'),
      node: fc.constantFrom(-2, -1, -1, -1, 0, 1, 7),
      page: fc.nat(5),
      offset: fc.constantFrom(0, 64, 128, 192, 256, 8, 4032),
    }),
    { maxLength: 200 },
  )
  .map((events) =>
    events
      .map(({ isAlloc, cpu, cache, node, page, offset }) => {
        const address = `0x${(0xffff888000000000n + BigInt(page * 4096 + offset)).toString(16)}`;
        return isAlloc
          ? `cpu${cpu} alloc ${cache} ${address} 64 node=${node} name=${cache}`
          : `cpu${cpu} free ${cache} ${address}`;
      })
      .join('\n'),
  );

const SHAPE = { objsPerSlab: 5, minPartial: 1, cpuPartial: 4, cpuPartialSlabs: 2 };

test('whatever the events say, each slab is on one list, each object free once, and counts add up', () => {
  fc.assert(
    fc.property(
      nonsense,
      fc.constantFrom('5.10', '6.1'),
      fc.constantFrom(1 as const, 2 as const),
      (lines, release, nodes) => {
        const trace = new TestTrace(lines);
        const batches = [...trace.batches(50)];
        const { calls, strings } = trace.dictionary;
        const slub = testModel([SHAPE, { ...SHAPE, debug: true }], {
          release,
          nodes,
          cpus: 3,
          cacheOfCall: Int32Array.from({ length: calls.length }, (_, call) =>
            ['anon_vma', 'dentry'].indexOf(strings.get(calls.cache(call))),
          ),
        });
        const replay = new ObservedReplay(calls, slub);
        for (const batch of batches) replay.add(batch);
        expectSound(slub);
      },
    ),
    { seed: SEED, numRuns: 500 },
  );
});

function expectSound({ table, caches }: SlubModel): void {
  const rows = table.rowsByCache(caches.length);
  caches.forEach(({ model }, cache) => {
    const { slabs, objects } = model.lists();
    const listed = slabs.flatMap((list) => list.slabs);
    expect(new Set(listed).size, 'a slab is on two lists').toBe(listed.length);
    const held = objects.flatMap((list) => list.objects.map(([row, o]) => `${row}+${o}`));
    expect(new Set(held).size, 'an object is on two freelists').toBe(held.length);
    let allocated = 0;
    for (const row of rows[cache] ?? []) {
      const freelist = table.listed(row, table.freelist[row] as number);
      const free = new Set([...freelist.map((o) => `${row}+${o}`)]);
      expect(free.size, 'a freelist loops').toBe(freelist.length);
      for (const object of held) if (object.startsWith(`${row}+`)) free.add(object);
      const objsPerSlab = table.objects[row] as number;
      for (let object = 0; object < objsPerSlab; object++) {
        expect(table.isFree(row, object)).toBe(free.has(`${row}+${object}`));
      }
      allocated += objsPerSlab - free.size;
      expect(table.inuse[row]).toBe(objsPerSlab - freelist.length);
      expect(listed.includes(row)).toBe(table.on[row] !== ON.none);
      if (freelist.length > 0) expect(table.on[row], 'free objects on no list').not.toBe(ON.none);
    }
    const count = model.count();
    expect(count.allocated).toBe(allocated);
    expect(count.slabs).toBe(rows[cache]?.length);
    expect(count.cpuSlabs + count.cpuPartialSlabs + count.partial).toBe(listed.length);
  });
}
