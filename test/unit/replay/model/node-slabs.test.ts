// Caches with debug flags, worked out by hand from mm/slub.c (6.1.192): alloc_single_from_partial(),
// alloc_single_from_new_slab(), free_to_partial_list(); every step is on the node's list.

import { describe, expect, test } from 'vitest';
import { FROM } from '../../../../src/replay/model/decision.ts';
import { ModelMachine } from '../../../helpers/model-machine.ts';

const SHAPE = { objsPerSlab: 2, debug: true };

describe('a cache with debug flags', () => {
  test('keeps a slab on the node’s list until it is full', () => {
    const machine = new ModelMachine({ objsPerSlab: 3, debug: true });
    expect(machine.alloc()).toBe('A0');
    expect(machine.lists()).toEqual({ node0: 'A(1 2)' });
    expect([machine.alloc(1), machine.alloc(0)]).toEqual(['A1', 'A2']);
    expect(machine.lists()).toEqual({});
    expect(machine.cache.model.decision.from === FROM.cpuFreelist).toBe(false);
  });

  test('puts a full slab at the tail when something is freed in it', () => {
    const machine = new ModelMachine(SHAPE);
    machine.allocs(5);
    machine.free(0, 'B1', 'A0');
    expect(machine.lists()).toEqual({ node0: 'C(1) B(1) A(0)' });
    machine.free(1, 'B0');
    expect(machine.lists()).toEqual({ node0: 'C(1) B(0 1) A(0)' });
    expect(machine.allocs(3)).toEqual(['C1', 'B0', 'B1']);
  });

  test('gives an empty slab back where the list has min_partial', () => {
    const machine = new ModelMachine({ ...SHAPE, minPartial: 2 });
    machine.allocs(6);
    machine.free(0, 'A0', 'B0');
    expect(machine.lists()).toEqual({ node0: 'A(0) B(0)' });
    machine.free(0, 'A1');
    expect(machine.lists()).toEqual({ node0: 'B(0)' });
    machine.free(0, 'B1');
    expect(machine.lists()).toEqual({ node0: 'B(1 0)' });
    expect(machine.cache.model.count()).toEqual({
      slabs: 2,
      totalObjects: 4,
      activeObjects: 2,
      allocated: 2,
      partial: 1,
      cpuSlabs: 0,
      cpuPartialSlabs: 0,
    });
  });

  test('a slab of one object is never on a list while it is used', () => {
    const machine = new ModelMachine({ objsPerSlab: 1, debug: true, minPartial: 1 });
    expect(machine.allocs(2)).toEqual(['A0', 'B0']);
    machine.free(0, 'A0');
    expect(machine.lists()).toEqual({ node0: 'A(0)' });
    machine.free(0, 'B0'); // was full and on no list: gone at once
    expect(machine.lists()).toEqual({ node0: 'A(0)' });
    expect(machine.cache.model.count().slabs).toBe(1);
  });

  test('takes from its own node, from another only with more than min_partial', () => {
    const machine = new ModelMachine({ ...SHAPE, minPartial: 1 }, { nodes: 2 });
    machine.allocs(4);
    machine.free(0, 'A0');
    expect(machine.alloc(1)).toBe('C0');
    expect(machine.lists()).toEqual({ node0: 'A(0)', node1: 'C(1)' });
    machine.free(0, 'B0');
    expect([machine.alloc(1), machine.alloc(1), machine.alloc(1, 1)]).toEqual(['C1', 'A0', 'D0']);
  });

  test('where the kernel took from another slab, that one was the head', () => {
    const machine = new ModelMachine({ objsPerSlab: 3, debug: true });
    machine.allocs(7);
    machine.free(0, 'A2', 'B1', 'B0');
    expect(machine.lists()).toEqual({ node0: 'C(1 2) A(2) B(0 1)' });
    machine.took(0, 'B1');
    expect(machine.lists()).toEqual({ node0: 'B(0) C(1 2) A(2)' });
    machine.took(0, 'A2');
    expect(machine.lists()).toEqual({ node0: 'B(0) C(1 2)' });
  });

  test('what is given up or dropped', () => {
    const machine = new ModelMachine(SHAPE);
    machine.allocs(4);
    machine.free(0, 'A0', 'B1');
    const { model } = machine.cache;
    model.passedOver(machine.find('A0')[0]);
    model.drop(machine.find('B0')[0]);
    machine.oldSlab();
    expect(machine.lists()).toEqual({});
    expect(model.count()).toMatchObject({ slabs: 2, allocated: 4 });
  });
});

test('in Linux 5.10 each allocation turns the rest of the freelist round (deactivate_slab)', () => {
  const machine = new ModelMachine({ objsPerSlab: 5, debug: true }, { release: '5.10' });
  expect(machine.alloc()).toBe('A0');
  expect(machine.lists()).toEqual({ node0: 'A(4 3 2 1)' });
  expect(machine.allocs(4)).toEqual(['A4', 'A1', 'A3', 'A2']);
});
