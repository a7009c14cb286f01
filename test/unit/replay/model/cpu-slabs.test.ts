// Sequences worked out by hand from mm/slub.c (6.1.192, 6.12.117; 5.10.262): each test names
// the function that decides. `A: 1 2 | 0` is a CPU slab with the CPU's freelist and the slab's own.

import { describe, expect, test } from 'vitest';
import { NO_NODE } from '../../../../src/replay/model/node-lists.ts';
import { ModelMachine } from '../../../helpers/model-machine.ts';

/** Slabs of two objects, A to E full and F with one free object on CPU 0. */
function fullSlabs(shape: { minPartial?: number; cpuPartialSlabs?: number } = {}): ModelMachine {
  const machine = new ModelMachine({ objsPerSlab: 2, ...shape });
  expect(machine.allocs(11).join(' ')).toBe('A0 A1 B0 B1 C0 C1 D0 D1 E0 E1 F0');
  expect(machine.lists()).toEqual({ cpu0: 'F: 1 |' });
  return machine;
}

describe('on the CPU slab', () => {
  test('a new slab is handed out from its first object on (new_slab, ___slab_alloc)', () => {
    const machine = new ModelMachine({ objsPerSlab: 3 });
    expect(machine.alloc()).toBe('A0');
    expect(machine.lists()).toEqual({ cpu0: 'A: 1 2 |' });
    expect(machine.allocs(3)).toEqual(['A1', 'A2', 'B0']);
    expect(machine.lists()).toEqual({ cpu0: 'B: 1 2 |' });
  });

  test('what its CPU frees there is the next that it gets (do_slab_free)', () => {
    const machine = new ModelMachine({ objsPerSlab: 4 });
    machine.allocs(3);
    machine.free(0, 'A0', 'A1');
    expect(machine.lists()).toEqual({ cpu0: 'A: 1 0 3 |' });
    expect(machine.allocs(3)).toEqual(['A1', 'A0', 'A3']);
  });

  test('each CPU has a slab of its own', () => {
    const machine = new ModelMachine({ objsPerSlab: 4 });
    expect([machine.alloc(0), machine.alloc(1), machine.alloc(0)]).toEqual(['A0', 'B0', 'A1']);
    expect(machine.lists()).toEqual({ cpu0: 'A: 2 3 |', cpu1: 'B: 1 2 3 |' });
  });

  test('what another CPU frees goes to the slab and is taken whole (__slab_free, get_freelist)', () => {
    const machine = new ModelMachine({ objsPerSlab: 4 });
    machine.allocs(3);
    machine.free(1, 'A0', 'A2');
    expect(machine.lists()).toEqual({ cpu0: 'A: 3 | 2 0' });
    expect(machine.allocs(2)).toEqual(['A3', 'A2']);
    expect(machine.lists()).toEqual({ cpu0: 'A: 0 |' });
  });
});

describe('CPU partial lists', () => {
  test('a full slab goes to the CPU that frees into it first (put_cpu_partial)', () => {
    const machine = fullSlabs();
    machine.free(1, 'A1');
    machine.free(0, 'B0', 'A0'); // A stays where it is, empty though it is
    expect(machine.lists()).toEqual({
      cpu0: 'F: 1 |',
      'cpu0 partial': 'B(0)',
      'cpu1 partial': 'A(0 1)',
    });
    expect(machine.cache.model.count()).toMatchObject({ slabs: 6, allocated: 8, partial: 0 });
  });

  test('its slabs serve before the node’s, the latest first (___slab_alloc)', () => {
    const machine = fullSlabs();
    machine.free(0, 'A0', 'B1');
    expect(machine.allocs(3)).toEqual(['F1', 'B1', 'A0']);
    expect(machine.lists()).toEqual({ cpu0: 'A: |' });
  });

  test('a list of cpu_partial_slabs slabs is drained to the node’s tail, head first', () => {
    const machine = fullSlabs({ cpuPartialSlabs: 2 });
    machine.free(0, 'A0', 'B0');
    expect(machine.lists()).toMatchObject({ 'cpu0 partial': 'B(0) A(0)' });
    machine.free(0, 'C0');
    expect(machine.lists()).toEqual({
      cpu0: 'F: 1 |',
      'cpu0 partial': 'C(0)',
      node0: 'B(0) A(0)',
    });
    machine.free(0, 'D0', 'E0');
    expect(machine.lists()).toMatchObject({ 'cpu0 partial': 'E(0)', node0: 'B(0) A(0) D(0) C(0)' });
  });

  test('drained slabs that are empty go where the node has min_partial (__unfreeze_partials)', () => {
    const machine = fullSlabs({ cpuPartialSlabs: 2, minPartial: 1 });
    machine.free(0, 'A0', 'A1', 'B0', 'B1', 'C0');
    // The head is B: the node has none yet and keeps it; A finds one there.
    expect(machine.lists()).toMatchObject({ 'cpu0 partial': 'C(0)', node0: 'B(1 0)' });
    expect(machine.cache.model.count().slabs).toBe(5);
    expect(() => machine.find('A0')).toThrow('no slab');
  });
});

describe('the node’s partial list', () => {
  /** Node 0 has B, A, D, C, CPU 1 has E, CPU 0 the last object of F. */
  function withNodeList(): ModelMachine {
    const machine = fullSlabs({ cpuPartialSlabs: 2 });
    machine.free(1, 'A0', 'B0', 'C0', 'D0', 'E0');
    expect(machine.lists()).toMatchObject({ node0: 'B(0) A(0) D(0) C(0)' });
    return machine;
  }

  test('its head becomes the CPU slab, cpu_partial_slabs / 2 + 1 more come along (get_partial_node)', () => {
    const machine = withNodeList();
    expect(machine.allocs(2)).toEqual(['F1', 'B0']);
    expect(machine.lists()).toEqual({
      cpu0: 'B: |',
      'cpu0 partial': 'D(0) A(0)',
      'cpu1 partial': 'E(0)',
      node0: 'C(0)',
    });
  });

  test('a slab on it that gets more free objects stays where it is (__slab_free)', () => {
    const machine = withNodeList();
    machine.free(0, 'D1');
    expect(machine.lists()).toMatchObject({ node0: 'B(0) A(0) D(1 0) C(0)' });
  });

  test('an empty one goes where the list, itself included, has min_partial (__slab_free)', () => {
    const machine = fullSlabs({ cpuPartialSlabs: 1, minPartial: 3 });
    machine.free(0, 'A0', 'B0', 'C0', 'D0');
    expect(machine.lists()).toMatchObject({ node0: 'A(0) B(0) C(0)', 'cpu0 partial': 'D(0)' });
    machine.free(1, 'B1');
    expect(machine.lists()).toMatchObject({ node0: 'A(0) C(0)' });
    machine.free(1, 'A1'); // two are fewer than three
    expect(machine.lists()).toMatchObject({ node0: 'A(1 0) C(0)' });
    expect(machine.cache.model.count()).toMatchObject({ slabs: 5, partial: 2 });
  });
});

describe('memory nodes (CPU 0 is of node 0, CPU 1 of node 1)', () => {
  test('a slab of another node is put back at the head of its list (deactivate_slab)', () => {
    const machine = new ModelMachine({ objsPerSlab: 4 }, { nodes: 2 });
    expect([machine.alloc(0), machine.alloc(0, 1)]).toEqual(['A0', 'B0']);
    expect(machine.lists()).toEqual({ cpu0: 'B: 1 2 3 |', node0: 'A(1 2 3)' });
    expect(machine.alloc(0, 0)).toBe('A1');
    expect(machine.lists()).toEqual({ cpu0: 'A: 2 3 |', node1: 'B(1 2 3)' });
    expect(machine.alloc(0)).toBe('A2'); // any node will do
  });

  test('at the tail where others had freed into it: the CPU’s objects before theirs', () => {
    const machine = new ModelMachine({ objsPerSlab: 4 }, { nodes: 2 });
    machine.allocs(2);
    machine.free(1, 'A0');
    expect(machine.lists()).toEqual({ cpu0: 'A: 2 3 | 0' });
    machine.alloc(0, 1);
    expect(machine.lists()).toEqual({ cpu0: 'B: 1 2 3 |', node0: 'A(2 3 0)' });
  });

  test('CPU partial slabs of another node go to their node’s tail (___slab_alloc)', () => {
    const machine = new ModelMachine({ objsPerSlab: 2 }, { nodes: 2 });
    machine.allocs(5);
    machine.free(0, 'A0', 'B0');
    expect(machine.lists()).toEqual({ cpu0: 'C: 1 |', 'cpu0 partial': 'B(0) A(0)' });
    expect(machine.alloc(0, 1)).toBe('D0');
    expect(machine.lists()).toEqual({ cpu0: 'D: 1 |', node0: 'C(1) B(0) A(0)' });
  });

  test('another node serves only with more than min_partial slabs (get_any_partial)', () => {
    const shape = { objsPerSlab: 2, cpuPartialSlabs: 1, minPartial: 1 };
    const machine = new ModelMachine(shape, { nodes: 2 });
    machine.allocs(7);
    machine.free(0, 'A0', 'B0');
    expect(machine.lists()).toEqual({ cpu0: 'D: 1 |', 'cpu0 partial': 'B(0)', node0: 'A(0)' });
    expect(machine.alloc(1)).toBe('E0'); // one is not more than one
    machine.free(0, 'C0');
    expect(machine.lists()).toMatchObject({ node0: 'A(0) B(0)' });
    expect([machine.alloc(1), machine.alloc(1)]).toEqual(['E1', 'A0']);
  });
});

describe('Linux 5.10', () => {
  const options = { release: '5.10' };

  test('a CPU partial list is full when its pobjects exceed cpu_partial (put_cpu_partial)', () => {
    const machine = new ModelMachine({ objsPerSlab: 2, cpuPartial: 2 }, options);
    machine.allocs(11);
    // Each has one free object when it is put there: pobjects 1, 2, 3; what is freed later is not counted.
    machine.free(0, 'A0', 'A1', 'B0', 'C0');
    expect(machine.lists()).toMatchObject({ 'cpu0 partial': 'C(0) B(0) A(1 0)' });
    machine.free(0, 'D0');
    expect(machine.lists()).toEqual({
      cpu0: 'F: 1 |',
      'cpu0 partial': 'D(0)',
      node0: 'C(0) B(0) A(1 0)',
    });
  });

  test('slabs are taken from the node until free objects exceed cpu_partial / 2 (get_partial_node)', () => {
    const machine = new ModelMachine({ objsPerSlab: 2, cpuPartial: 2 }, options);
    machine.allocs(11);
    machine.free(1, 'A0', 'B0', 'C0', 'D0');
    expect(machine.lists()).toMatchObject({ node0: 'C(0) B(0) A(0)' });
    // C brings one free object, which does not exceed 1; with B's it is two.
    expect(machine.allocs(2)).toEqual(['F1', 'C0']);
    expect(machine.lists()).toMatchObject({ cpu0: 'C: |', 'cpu0 partial': 'B(0)', node0: 'A(0)' });
  });

  test('a CPU freelist is given back object by object, so turned round (deactivate_slab)', () => {
    const machine = new ModelMachine({ objsPerSlab: 4 }, { ...options, nodes: 2 });
    machine.allocs(2);
    machine.free(1, 'A0');
    machine.alloc(0, 1);
    expect(machine.lists()).toEqual({ cpu0: 'B: 1 2 3 |', node0: 'A(3 2 0)' });
  });
});

describe('what a recording teaches', () => {
  test('a slab further back on the node’s list: it and its followers come, those before it stay', () => {
    const machine = fullSlabs({ cpuPartialSlabs: 2 });
    machine.free(1, 'A0', 'B0', 'C0', 'D0', 'E0');
    machine.alloc();
    machine.took(0, 'A0');
    expect(machine.lists()).toEqual({
      cpu0: 'A: |',
      'cpu0 partial': 'C(0) D(0)',
      'cpu1 partial': 'E(0)',
      node0: 'B(0)',
    });
  });

  test('a live object: it was freed unseen, and the slab is the CPU’s now', () => {
    const machine = fullSlabs();
    machine.took(1, 'A1');
    expect(machine.lists()).toEqual({ cpu0: 'F: 1 |', cpu1: 'A: |' });
    expect(machine.cache.model.count().allocated).toBe(11);
  });

  test('a slab that replaces a CPU slab: what was free there had been taken unseen', () => {
    const machine = new ModelMachine({ objsPerSlab: 3 });
    machine.allocs(4);
    machine.free(1, 'A0');
    machine.took(0, 'A0');
    expect(machine.lists()).toEqual({ cpu0: 'A: |' });
    expect(machine.cache.model.count()).toMatchObject({ slabs: 2, allocated: 6 });
  });

  test('objects in front of the one that was taken', () => {
    const { cache, table } = new ModelMachine({ objsPerSlab: 5 });
    const { model } = cache;
    model.decide(0, NO_NODE);
    const slab = table.add(0, 0, 0xffff8880, 0, 5, 0);
    table.fill(slab, [3, 1, 4, 0, 2]);
    model.newSlab(0, NO_NODE, slab, 3 as number);
    expect(model.objectsBefore(0, slab, 0, 8)).toEqual([1, 4]);
    expect(model.objectsBefore(0, slab, 0, 1)).toEqual([]); // too many
    expect(model.objectsBefore(1, slab, 0, 8)).toEqual([]); // not its slab
    expect(model.objectsBefore(0, slab, 3 as number, 8)).toEqual([]); // not free
    model.takenUnseen(slab, 4 as number);
    expect(table.listed(slab, 1)).toEqual([1, 0, 2]);
    // The rest goes up in order from 1 on: 0 was taken unseen.
    model.unshuffle(0, slab, 1);
    expect(model.lists().objects[0]?.objects).toEqual([
      [slab, 1],
      [slab, 2],
    ]);
    expect(model.count().allocated).toBe(3);
  });

  test('an object on the slab’s own list: the CPU’s list was used up before (get_freelist)', () => {
    const machine = new ModelMachine({ objsPerSlab: 6 });
    machine.allocs(4);
    machine.free(1, 'A0', 'A1');
    expect(machine.lists()).toEqual({ cpu0: 'A: 4 5 | 1 0' });
    const { model } = machine.cache;
    const [slab] = machine.find('A0');
    expect(model.objectsBefore(0, slab, 0, 3)).toEqual([4, 5, 1]);
    expect(model.objectsBefore(0, slab, 0, 2)).toEqual([]); // too many
    for (const object of [4, 5, 1]) model.takenUnseen(slab, object);
    machine.took(0, 'A0');
    expect(machine.lists()).toEqual({ cpu0: 'A: |' });
    expect(model.count().allocated).toBe(6);
  });

  test('slabs that were there before are full until something is freed in them', () => {
    const machine = new ModelMachine({ objsPerSlab: 2 });
    machine.oldSlab();
    expect(machine.cache.model.count()).toMatchObject({ slabs: 1, allocated: 2, cpuSlabs: 0 });
    machine.free(0, 'A1');
    expect(machine.lists()).toEqual({ 'cpu0 partial': 'A(1)' });
  });

  test.each([
    ['the CPU slab', 'F1', { 'cpu0 partial': 'B(0)', node0: 'A(0)' }],
    ['a CPU partial slab', 'B0', { cpu0: 'F: 1 |', node0: 'A(0)' }],
    ['a slab of the node', 'A0', { cpu0: 'F: 1 |', 'cpu0 partial': 'B(0)' }],
  ])(
    '%s that is passed over for good is full; one whose pages are gone is forgotten',
    (_, object, rest) => {
      for (const act of ['passedOver', 'drop'] as const) {
        const machine = fullSlabs({ cpuPartialSlabs: 1 });
        machine.free(0, 'A0', 'B0');
        const [slab] = machine.find(object);
        machine.cache.model[act](slab);
        expect(machine.lists()).toEqual(rest);
        const { slabs, allocated } = machine.cache.model.count();
        expect([slabs, allocated]).toEqual(act === 'drop' ? [5, 8] : [6, 10]);
      }
    },
  );
});

describe('a CPU that is switched off (slub_cpu_dead)', () => {
  test('gives its slab and its partial list to the node (__flush_cpu_slab)', () => {
    const machine = fullSlabs({ cpuPartialSlabs: 4 });
    machine.free(0, 'A0', 'B1');
    machine.free(1, 'C0');
    machine.cache.model.flushCpu(0);
    expect(machine.lists()).toEqual({ 'cpu1 partial': 'C(0)', node0: 'F(1) B(1) A(0)' });
    expect(machine.alloc(1)).toBe('C0');
    expect(machine.alloc(1)).toBe('F1');
  });

  test('empty slabs go where the node has enough', () => {
    const machine = fullSlabs({ cpuPartialSlabs: 4, minPartial: 0 });
    machine.free(0, 'A0', 'A1', 'B0', 'F0');
    machine.cache.model.flushCpu(0);
    expect(machine.lists()).toEqual({ node0: 'B(0)' });
    expect(machine.cache.model.count()).toMatchObject({ slabs: 4, allocated: 7, cpuSlabs: 0 });
  });

  test('one that has nothing loses nothing', () => {
    const machine = new ModelMachine({ objsPerSlab: 4 });
    machine.cache.model.flushCpu(1);
    expect(machine.lists()).toEqual({});
  });
});
