// Caches with sheaves, worked out by hand: 7.2's, which refill from the node's list, and 6.18's, which
// refill from CPU slabs (alloc_from_pcs(), free_to_pcs() of 7.2.13; the order of a refill and of a flush as debian-plain-7x and
// debian-plain-618 show them).

import { describe, expect, test } from 'vitest';
import { FROM } from '../../../../src/replay/model/decision.ts';
import {
  ModelMachine,
  type ModelOptions,
  type TestCacheShape,
} from '../../../helpers/model-machine.ts';

function machine(shape: TestCacheShape, options: ModelOptions = {}): ModelMachine {
  return new ModelMachine(shape, { release: '7.2', ...options });
}

/** A to Z of 2 objects each, all allocated; a sheaf has those of two slabs. */
function alphabet(): ModelMachine {
  const all = machine({ objsPerSlab: 2, sheafCapacity: 4 });
  expect(all.allocs(52).slice(0, 8)).toEqual(['A1', 'A0', 'B1', 'B0', 'C1', 'C0', 'D1', 'D0']);
  return all;
}

const both = (slab: string): string[] => [`${slab}0`, `${slab}1`];

describe('a cache with sheaves', () => {
  test('refills a sheaf from new slabs and hands out the last object first', () => {
    const m = machine({ objsPerSlab: 3, sheafCapacity: 4 });
    // On the sheaf: all of the slab that shows second (B), then the first object of A.
    expect(m.allocs(4)).toEqual(['A0', 'B2', 'B1', 'B0']);
    expect(m.lists()).toEqual({ node0: 'A(1 2)' });
    // What A has left, then two of C.
    expect(m.allocs(4)).toEqual(['C1', 'C0', 'A2', 'A1']);
    expect(m.lists()).toEqual({ node0: 'C(2)' });
    expect(m.cache.model.count()).toMatchObject({ slabs: 3, totalObjects: 9, allocated: 8 });
  });

  test('is a stack: what was freed last is allocated first', () => {
    const m = machine({ objsPerSlab: 2, sheafCapacity: 4 });
    m.allocs(4);
    m.free(0, 'A1', 'B0', 'A0');
    expect(m.sheaves()).toEqual({ mainSheaf0: 'A0 B0 A1' });
    expect(m.cache.model.count()).toMatchObject({ slabs: 2, activeObjects: 4, allocated: 1 });
    expect(m.allocs(3)).toEqual(['A0', 'B0', 'A1']);
    expect(m.cache.model.decision.from === FROM.cpuFreelist).toBe(true);
  });

  test('keeps a full sheaf as its spare one, gives the next one to the barn', () => {
    const m = machine({ objsPerSlab: 2, sheafCapacity: 2 });
    expect(m.allocs(6)).toEqual(['A1', 'A0', 'B1', 'B0', 'C1', 'C0']);
    m.free(0, 'A0', 'A1', 'B0', 'B1', 'C0', 'C1');
    expect(m.sheaves()).toEqual({
      mainSheaf0: 'C1 C0',
      spareSheaf0: 'A1 A0',
      barnSheaf0: 'B1 B0',
    });
    expect(m.allocs(3)).toEqual(['C1', 'C0', 'A1']);
    m.free(0, 'C0');
    expect(m.sheaves()).toEqual({ mainSheaf0: 'C0 A0', barnSheaf0: 'B1 B0' });
    expect(m.allocs(4)).toEqual(['C0', 'A0', 'B1', 'B0']);
  });

  test('another CPU takes the sheaf of the barn, not those of a CPU', () => {
    const m = machine({ objsPerSlab: 2, sheafCapacity: 2 });
    m.allocs(6);
    m.free(0, 'A0', 'A1', 'B0', 'B1', 'C0', 'C1');
    expect(m.allocs(4, 1)).toEqual(['B1', 'B0', 'D1', 'D0']);
  });

  test('of a CPU that is switched off, both go back to their slabs (__pcs_flush_all_cpu)', () => {
    const m = machine({ objsPerSlab: 2, sheafCapacity: 2 });
    m.allocs(6);
    m.free(0, 'A0', 'A1', 'B0');
    expect(m.sheaves()).toEqual({ mainSheaf0: 'B0', spareSheaf0: 'A1 A0' });
    m.cache.model.flushCpu(0);
    expect(m.sheaves()).toEqual({});
    expect(m.lists()).toEqual({ node0: 'B(0) A(0 1)' });
    expect(m.cache.model.count()).toMatchObject({ slabs: 3, allocated: 3, partial: 2 });
  });

  test('flushes the spare sheaf where the barn has ten full ones', () => {
    const m = alphabet();
    m.free(0, 'A0', 'B0', 'A1', 'B1');
    m.free(0, ...[...'CDEFGHIJKLMNOPQRSTUVWX'].flatMap(both));
    expect(m.lists()).toEqual({});
    expect(Object.values(m.sheaves()).join().split(/[ ,]+/)).toHaveLength(48);
    m.free(0, 'Y0');
    // From the top: B1 and, behind an object of another slab, B0; then A1 and A0.
    expect(m.lists()).toEqual({ node0: 'B(0 1) A(0 1)' });
    expect(m.sheaves()).toMatchObject({ mainSheaf0: 'Y0', spareSheaf0: 'X1 X0 W1 W0' });
    expect(m.cache.model.count()).toMatchObject({ slabs: 26, partial: 2, allocated: 3 });
  });

  test('a refill empties the slabs of the list from its head; the rest of the last goes to the tail', () => {
    const m = machine({ objsPerSlab: 4, sheafCapacity: 3, minPartial: 9 });
    // Each refill of three leaves the fourth object of a slab over, which the next one begins with.
    expect(m.allocs(6)).toEqual(['A2', 'A1', 'A0', 'B1', 'B0', 'A3']);
    expect(m.lists()).toEqual({ node0: 'B(2 3)' });
    expect(m.alloc(1)).toBe('C0');
    expect(m.sheaves()).toEqual({ mainSheaf1: 'B3 B2' });
    expect(m.lists()).toEqual({ node0: 'C(1 2 3)' });
  });

  test('6.18 refills one object after the other from CPU slabs', () => {
    const m = machine({ objsPerSlab: 3, sheafCapacity: 4 }, { release: '6.18' });
    expect(m.allocs(4)).toEqual(['A0', 'B2', 'B1', 'B0']);
    expect(m.lists()).toEqual({ cpu0: 'A: 1 2 |' });
    expect(m.allocs(4)).toEqual(['C1', 'C0', 'A2', 'A1']);
    expect(m.lists()).toEqual({ cpu0: 'C: 2 |' });
    m.free(0, 'A1', 'C0');
    expect(m.sheaves()).toEqual({ mainSheaf0: 'C0 A1' });
    expect(m.cache.model.count()).toMatchObject({ slabs: 3, cpuSlabs: 1, allocated: 6 });
  });

  test('without a capacity 7.2 goes to the node’s list for each object', () => {
    const m = machine({ objsPerSlab: 2 });
    expect(m.allocs(3)).toEqual(['A0', 'A1', 'B0']);
    m.free(0, 'A1');
    expect(m.lists()).toEqual({ node0: 'B(1) A(1)' });
    expect(m.sheaves()).toEqual({});
  });
});

describe('nodes', () => {
  test('an allocation for another node and the free of another node’s object pass the sheaves by', () => {
    const m = machine({ objsPerSlab: 3, sheafCapacity: 3 }, { nodes: 2 });
    expect(m.alloc(0, 1)).toBe('A0');
    expect(m.lists()).toEqual({ node1: 'A(1 2)' });
    m.free(0, 'A0');
    expect(m.lists()).toEqual({ node1: 'A(0 1 2)' });
    expect(m.alloc(1)).toBe('A2'); // CPU 1 is of that node: a refill takes all of A
    m.free(1, 'A2');
    expect(m.sheaves()).toEqual({ mainSheaf1: 'A2 A1 A0' });
  });
});

describe('what a recording shows', () => {
  test('a live object: a sheaf of objects that were freed unseen came from the barn', () => {
    const m = machine({ objsPerSlab: 2, sheafCapacity: 2 });
    m.allocs(2);
    m.took(0, 'A1');
    m.took(0, 'A0');
    expect(m.sheaves()).toEqual({});
    expect(m.allocs(2)).toEqual(['B1', 'B0']); // the refill that was expected at first
    expect(m.cache.model.count()).toMatchObject({ slabs: 2, allocated: 4 });
  });

  test('objects freed unseen come in the order of their allocation', () => {
    const m = machine({ objsPerSlab: 4, sheafCapacity: 4 });
    m.allocs(4);
    for (const object of ['A0', 'A1', 'A2', 'A3']) m.took(0, object);
    m.took(0, 'A3');
    expect(m.allocs(2)).toEqual(['A2', 'A1']);
    // Nothing is guessed where something was freed upon it; then it is again.
    m.free(0, 'A3');
    expect(m.allocs(2)).toEqual(['A3', 'A0']);
  });

  test('the opposite order is believed once it was seen', () => {
    const m = machine({ objsPerSlab: 4, sheafCapacity: 4 });
    m.allocs(4);
    for (const object of ['A0', 'A1', 'A2', 'A3']) m.took(0, object);
    m.took(0, 'A0');
    m.took(0, 'A1'); // the one that was allocated after it
    expect(m.allocs(2)).toEqual(['A2', 'A3']);
  });

  test('frees by an interrupt after the allocation, before its event: they lie on top', () => {
    const m = machine({ objsPerSlab: 6, sheafCapacity: 6 });
    expect(m.allocs(8).slice(6)).toEqual(['B5', 'B4']);
    m.free(0, 'A0', 'A1');
    m.took(0, 'B3');
    expect(m.sheaves()).toEqual({ mainSheaf0: 'A1 A0 B2 B1 B0' });
    expect(m.allocs(3)).toEqual(['A1', 'A0', 'B2']);
  });

  test('frees by an interrupt while the CPU was at its sheaf: they went to their slabs', () => {
    const m = machine({ objsPerSlab: 6, sheafCapacity: 6 });
    m.allocs(8);
    m.free(0, 'A0', 'A1');
    m.took(0, 'B3');
    m.took(0, 'B2');
    expect(m.lists()).toEqual({ node0: 'A(1 0)' });
    expect(m.sheaves()).toEqual({ mainSheaf0: 'B1 B0' });
  });

  test('an object below the top: those above it stay, and are free elsewhere the second time', () => {
    const m = machine({ objsPerSlab: 6, sheafCapacity: 6 });
    expect(m.alloc()).toBe('A5');
    m.took(0, 'A1');
    expect(m.sheaves()).toEqual({ mainSheaf0: 'A4 A3 A2 A0' });
    m.took(0, 'A0');
    expect(m.sheaves()).toEqual({ lostSheaf: 'A4 A3 A2' });
    expect(m.cache.model.count().allocated).toBe(3);
    m.took(0, 'A4'); // their sheaf is the CPU's again
    expect(m.sheaves()).toEqual({ mainSheaf0: 'A3 A2' });
  });

  test('in a cache served in bulk objects above the one that was taken were allocated', () => {
    const m = machine({ objsPerSlab: 6, sheafCapacity: 6 });
    m.cache.model.isBulk = true;
    expect(m.alloc()).toBe('A5');
    m.took(0, 'A0');
    expect(m.sheaves()).toEqual({});
    expect(m.cache.model.count().allocated).toBe(6);
    m.free(0, 'A3'); // so it was
    expect(m.sheaves()).toEqual({ mainSheaf0: 'A3' });
  });

  test('an object of the barn or of the spare sheaf: that one is the main sheaf', () => {
    const m = machine({ objsPerSlab: 2, sheafCapacity: 2 });
    m.allocs(6);
    m.free(0, 'A0', 'A1', 'B0', 'B1', 'C0');
    expect(m.sheaves()).toEqual({
      mainSheaf0: 'C0',
      spareSheaf0: 'A1 A0',
      barnSheaf0: 'B1 B0',
    });
    m.took(0, 'A1');
    expect(m.sheaves()).toEqual({ mainSheaf0: 'A0', spareSheaf0: 'C0', barnSheaf0: 'B1 B0' });
    m.took(0, 'B1');
    expect(m.sheaves()).toEqual({ mainSheaf0: 'B0', spareSheaf0: 'C0', lostSheaf: 'A0' });
    expect(m.cache.model.count().allocated).toBe(3);
  });

  test('a slab of a sheaf of another CPU: the task has moved', () => {
    const m = machine({ objsPerSlab: 2, sheafCapacity: 2 });
    expect(m.alloc(1)).toBe('A1');
    m.took(0, 'A0');
    expect(m.sheaves()).toEqual({});
  });

  test('objects one below the other: a slab of early boot, filled in ascending order', () => {
    const m = machine({ objsPerSlab: 40, sheafCapacity: 10 });
    m.arrive(0, 17);
    m.took(0, 'A16');
    expect(m.sheaves()).toEqual({ mainSheaf0: 'A15 A14 A13 A12 A11 A10' });
    expect(m.allocs(7)).toEqual(['A15', 'A14', 'A13', 'A12', 'A11', 'A10', 'A29']);
  });

  test('a slab whose order is not known: the object takes the place of the expected one', () => {
    const m = machine({ objsPerSlab: 200, sheafCapacity: 2 });
    expect(m.allocs(3)).toEqual(['A1', 'A0', 'A3']);
    m.took(0, 'A150');
    expect(m.sheaves()).toEqual({});
    expect(m.cache.model.count().allocated).toBe(4);
    expect(m.allocs(2)).toEqual(['A5', 'A4']);
  });

  test('a slab that is gone is in no sheaf', () => {
    const m = machine({ objsPerSlab: 2, sheafCapacity: 4 });
    m.allocs(4);
    m.free(0, 'A0', 'B0', 'A1');
    m.cache.model.drop(m.find('A0')[0]);
    expect(m.sheaves()).toEqual({ mainSheaf0: 'B0' });
    expect(m.cache.model.count()).toMatchObject({ slabs: 1, totalObjects: 2, allocated: 1 });
  });
});
