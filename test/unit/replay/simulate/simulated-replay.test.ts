// Simulated mode: recorded pointers only say which allocation a free belongs to; slabs are the model's
// own. And the digest of a state.

import { describe, expect, test } from 'vitest';
import { NOT_PLANNED } from '../../../../src/replay/machine/cache-plan.ts';
import { modelDigest } from '../../../../src/replay/model/model-digest.ts';
import { SimulatedReplay } from '../../../../src/replay/simulate/simulated-replay.ts';
import type { SlubModel } from '../../../../src/replay/slub-model.ts';
import { TestTrace } from '../../../helpers/builders.ts';
import { ModelMachine, type TestCacheShape, testModel } from '../../../helpers/model-machine.ts';

const SHAPE: TestCacheShape = { name: 'filp', objsPerSlab: 2, minPartial: 1, cpuPartialSlabs: 1 };

function simulate(
  lines: string,
  cpus = 2,
  nodes: 1 | 2 = 1,
): { slub: SlubModel; replay: SimulatedReplay; trace: TestTrace } {
  const trace = new TestTrace(lines);
  const batches = [...trace.batches(3)];
  const { calls, strings } = trace.dictionary;
  const cacheOfCall = Int32Array.from({ length: calls.length }, (_, call) => {
    const name = strings.get(calls.cache(call));
    if (name === 'large') return NOT_PLANNED.large;
    return name === 'filp' ? 0 : NOT_PLANNED.unknown;
  });
  const slub = testModel([SHAPE], { cpus, nodes, cacheOfCall });
  const replay = new SimulatedReplay(calls, slub);
  for (const batch of batches) replay.add(batch);
  return { slub, replay, trace };
}

const filp = (object: string, bytes = 50): string => `alloc filp ${object} ${bytes}/64 name=filp`;

describe('a simulated replay', () => {
  test('packs objects into slabs of its own, wherever they were', () => {
    const { slub, replay } = simulate([filp('A'), filp('B'), filp('C', 20)].join('\n'));
    expect(slub.caches[0]?.model.count()).toMatchObject({ slabs: 2, allocated: 3, cpuSlabs: 1 });
    const { usage } = replay;
    expect([usage.bytes, usage.objects.now[0], usage.requested.now[0]]).toEqual([8192, 3, 120]);
    expect(usage.ofPeak(0)).toEqual({ slabBytes: 8192, objects: 3, requested: 120 });
  });

  test('frees what a pointer stands for; one from before the recording is nothing to it', () => {
    const { slub, replay } = simulate(`
      ${filp('A')}
      ${filp('B')}
      free filp A
      free filp Z
      free NULL`);
    expect(slub.caches[0]?.model.count()).toMatchObject({ slabs: 1, allocated: 1 });
    expect([replay.usage.objects.now[0], replay.usage.requested.now[0]]).toEqual([1, 50]);
  });

  test('an allocation of a live pointer: it was freed without an event', () => {
    const { slub, replay } = simulate(`${filp('A', 50)}\n${filp('A', 30)}`);
    expect(slub.caches[0]?.model.count()).toMatchObject({ slabs: 1, allocated: 1 });
    expect(replay.usage.requested.now[0]).toBe(30);
  });

  test('pages come back when slabs are discarded, and the peak remains', () => {
    const objects = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'];
    const { slub, replay } = simulate(
      [...objects.map((o) => filp(o)), ...objects.map((o) => `free filp ${o}`)].join('\n'),
    );
    // Four slabs; D is the CPU's, C on its partial list, one empty one stays on the node's (min_partial 1).
    expect(slub.caches[0]?.model.count()).toMatchObject({ slabs: 3, allocated: 0, partial: 1 });
    expect([replay.usage.bytes, replay.usage.peakBytes]).toEqual([3 * 4096, 4 * 4096]);
    expect(replay.usage.peakTs).toBe(7000);
    expect(replay.usage.ofPeak(0)).toEqual({ slabBytes: 16384, objects: 7, requested: 350 });
  });

  test('page-backed kmalloc takes a power of two of pages', () => {
    const large = (object: string): string => `alloc kmalloc ${object} 9000/12288 name=large`;
    const { replay } = simulate(`${large('A')}\n${large('B')}\n${large('B')}\nfree A`);
    expect([replay.usage.slabBytes.now[1], replay.usage.objects.now[1]]).toEqual([16384, 1]);
    expect([replay.usage.requested.now[1], replay.usage.peakBytes]).toEqual([9000, 32768]);
  });

  test('a machine of fewer CPUs takes the events of several together', () => {
    const lines = `cpu0 ${filp('A')}\ncpu3 ${filp('B')}\ncpu2 ${filp('C')}`;
    expect(simulate(lines, 2).slub.caches[0]?.model.count().slabs).toBe(2); // 0 and 2, 3
    expect(simulate(lines, 1).slub.caches[0]?.model.count().cpuSlabs).toBe(1);
  });

  test('a new slab is of the node that is asked for, else of the CPU’s', () => {
    const { slub } = simulate(
      `cpu0 ${filp('A')} node=1\ncpu1 ${filp('B')} node=0\ncpu1 ${filp('C')} node=-1`,
      2,
      2,
    );
    const { table } = slub;
    const nodes = slub.caches[0]?.model
      .lists()
      .slabs.map(({ slabs: [row = 0] }) => table.node[row]);
    expect(nodes).toEqual([1, 0]);
  });

  test('what failed and what is of no known cache is left out', () => {
    const { replay } = simulate(`alloc filp NULL 50/64 name=filp\nalloc dentry A 192 name=dentry`);
    expect(replay.usage.bytes).toBe(0);
  });
});

describe('the digest of a state', () => {
  const machine = (): ModelMachine => {
    const made = new ModelMachine({ objsPerSlab: 3 });
    made.allocs(5);
    made.free(1, 'A0', 'A2');
    return made;
  };
  const digest = ({ slub }: ModelMachine): string => modelDigest(slub);

  test('is the same for the same state, however it came about', () => {
    const other = machine();
    other.alloc();
    other.free(0, 'B2');
    expect(digest(other)).toBe(digest(machine()));
    expect(digest(machine())).toMatch(/^[0-9a-f]{32}$/);
  });

  test.each<[string, (made: ModelMachine) => void]>([
    ['an object', (made) => made.free(0, 'B0')],
    ['the order of a freelist', (made) => made.free(1, 'A1')],
    ['which CPU has a list', (made) => made.alloc(1)],
    ['a slab', (made) => made.oldSlab()],
  ])('%s makes another one', (_, change) => {
    const changed = machine();
    change(changed);
    expect(digest(changed)).not.toBe(digest(machine()));
  });
});
