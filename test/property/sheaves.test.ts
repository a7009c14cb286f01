// Laws of caches with sheaves, whatever is allocated and freed where, in either generation: no object
// is given out twice, and all are accounted for.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { FreshOrder } from '../../src/replay/model/fresh-order.ts';
import { ModelMachine } from '../helpers/model-machine.ts';
import { SEED } from '../helpers/random-traces.ts';

interface Step {
  readonly isAlloc: boolean;
  readonly cpu: number;
  readonly node: number;
  /** Which of the allocated objects is freed. */
  readonly which: number;
}

const machines = fc.record({
  release: fc.constantFrom('6.18', '7.2'),
  nodes: fc.constantFrom(1 as const, 2 as const),
  // Large slabs are dealt with in other ways, as their order is not known.
  objsPerSlab: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 6 }) }, fc.constant(130)),
  sheafCapacity: fc.integer({ min: 1, max: 6 }),
  minPartial: fc.integer({ min: 0, max: 3 }),
});

/** Stretches that mostly allocate or mostly free: so sheaves and the barn fill and empty. */
const steps: fc.Arbitrary<Step[]> = fc
  .array(
    fc.constantFrom(1, 3, 4).chain((frees) =>
      fc.array(
        fc.record({
          isAlloc: fc.nat(4).map((n) => n >= frees),
          cpu: fc.nat(1),
          node: fc.constantFrom(-1, -1, -1, -1, 0, 1),
          which: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        }),
        { maxLength: 100 },
      ),
    ),
    { maxLength: 6 },
  )
  .map((stretches) => stretches.flat());

/** Objects that lie in sheaves, without those of slabs that are still to come. */
function inSheaves(machine: ModelMachine): string[] {
  return Object.values(machine.sheaves()).flatMap((text) => text.split(/[ ,]+/));
}

function run(
  { release, nodes, ...shape }: typeof machines extends fc.Arbitrary<infer M> ? M : never,
  todo: readonly Step[],
): void {
  const order = FreshOrder.shuffled(shape.objsPerSlab, new SeededRandom(1));
  const machine = new ModelMachine(shape, { release, nodes, orders: [order] });
  const { model } = machine.cache;
  const live: string[] = [];
  for (const { isAlloc, cpu, node, which } of todo) {
    if (isAlloc) {
      const object = machine.alloc(cpu, nodes === 1 ? -1 : node);
      expect(live).not.toContain(object);
      live.push(object);
    } else if (live.length > 0) {
      const [object = ''] = live.splice(Math.floor(which * live.length), 1);
      machine.free(cpu, object);
    }
    const { allocated, totalObjects, activeObjects, slabs } = model.count();
    const held = inSheaves(machine);
    expect(new Set([...held, ...live]).size).toBe(held.length + live.length);
    expect(activeObjects).toBeLessThanOrEqual(totalObjects);
    expect(activeObjects).toBeGreaterThanOrEqual(live.length + held.length);
    expect(totalObjects).toBe(slabs * shape.objsPerSlab);
    expect(totalObjects - allocated).toBeGreaterThanOrEqual(held.length);
    expect(allocated).toBe(live.length);
  }
}

test('no object is given out twice, and all are accounted for', () => {
  fc.assert(fc.property(machines, steps, run), { seed: SEED, numRuns: 300 });
});

interface Event {
  readonly kind: 'expected' | 'known' | 'new' | 'free';
  readonly cpu: number;
  readonly slab: number;
  readonly object: number;
}

const events: fc.Arbitrary<Event[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('expected', 'expected', 'known', 'known', 'new', 'free', 'free'),
    cpu: fc.nat(1),
    slab: fc.nat(40),
    object: fc.nat(6),
  }),
  { maxLength: 200 },
);

/** Every free object is in one place: on its slab's freelist, on a CPU's, or in one sheaf. */
function checkPlaces(machine: ModelMachine): void {
  const { table } = machine;
  const placed = new Set<number>();
  const place = (slab: number, object: number, isHeld: boolean): void => {
    expect(table.isFree(slab, object)).toBe(true);
    expect(table.isHeld(slab, object)).toBe(isHeld);
    expect(placed.has(table.slot(slab, object))).toBe(false);
    placed.add(table.slot(slab, object));
  };
  for (const { kind, objects } of machine.cache.model.lists().objects) {
    for (const [slab, object] of objects) place(slab, object, kind !== 'cpuFreelist');
  }
  for (const slab of table.rowsByCache(1)[0] ?? []) {
    const free = table.listed(slab, table.freelist[slab] as number);
    for (const object of free) place(slab, object, false);
    expect(table.inuse[slab]).toBe((table.objects[slab] as number) - free.length);
    for (let object = 0; object < (table.objects[slab] as number); object++) {
      if (table.isFree(slab, object)) expect(placed.has(table.slot(slab, object))).toBe(true);
    }
  }
}

test('whatever a recording shows, every free object is in one place', () => {
  fc.assert(
    fc.property(machines, events, ({ release, nodes, ...shape }, todo) => {
      const order = FreshOrder.shuffled(shape.objsPerSlab, new SeededRandom(1));
      const machine = new ModelMachine(shape, { release, nodes, orders: [order] });
      for (const { kind, cpu, slab: number, object: wanted } of todo) {
        const slabs = machine.table.rowsByCache(1)[0] ?? [];
        const slab = slabs[number % Math.max(1, slabs.length)];
        const object = wanted % shape.objsPerSlab;
        if (kind === 'expected') machine.alloc(cpu);
        else if (kind === 'new' || slab === undefined) machine.arrive(cpu, object);
        else if (kind === 'free') machine.cache.model.free(cpu, slab, object);
        else machine.tookAt(cpu, slab, object);
        checkPlaces(machine);
      }
    }),
    { seed: SEED, numRuns: 200 },
  );
});
