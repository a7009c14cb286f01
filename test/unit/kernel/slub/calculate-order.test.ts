import { describe, expect, test } from 'vitest';
import {
  calculateOrder,
  calculateOrderObjects,
  getOrder,
  minObjectsOf,
  minOrderObjects,
  type OrderParameters,
} from '../../../../src/kernel/slub/calculate-order.ts';
import { rulesFor } from '../../../../src/kernel/slub/releases.ts';

function machine(release: string, cpus: number, other: Partial<OrderParameters> = {}) {
  return {
    rules: rulesFor(release),
    pageSize: 4096,
    cpus,
    possibleCpus: cpus,
    minOrder: 0,
    maxOrder: 3,
    minObjects: 0,
    maxPageOrder: 10,
    ...other,
  };
}

/** 'order/objects', as `cat order` and `cat objs_per_slab` print them. */
function slabOf(size: number, parameters: OrderParameters): string {
  const { order, objects } = calculateOrderObjects(size, parameters) ?? {};
  return `${order}/${objects}`;
}

test('get_order() is the first order that holds the bytes', () => {
  expect(getOrder(1, 4096)).toBe(0);
  expect(getOrder(4096, 4096)).toBe(0);
  expect(getOrder(4097, 4096)).toBe(1);
  expect(getOrder(262_144, 4096)).toBe(6);
  expect(getOrder(16_384, 16_384)).toBe(0);
});

describe('the objects that a slab should hold', () => {
  test.each([
    [1, 8],
    [2, 12],
    [3, 12],
    [4, 16],
    [8, 20],
    [16, 24],
    [32, 28],
    [64, 32],
  ])('%i CPUs: %i', (cpus, objects) => {
    expect(minObjectsOf(machine('6.1', cpus))).toBe(objects);
  });

  test('a single present CPU is not believed, 5.10 never asks for present ones', () => {
    expect(minObjectsOf(machine('6.1', 1, { possibleCpus: 8 }))).toBe(20);
    expect(minObjectsOf(machine('6.1', 2, { possibleCpus: 8 }))).toBe(12);
    expect(minObjectsOf(machine('5.10', 2, { possibleCpus: 8 }))).toBe(20);
  });

  test('slub_min_objects goes before the CPUs', () => {
    expect(minObjectsOf(machine('6.1', 2, { minObjects: 3 }))).toBe(3);
  });
});

describe('slabs by size and CPUs', () => {
  test.each([
    [8, '0/512'],
    [64, '0/64'],
    [96, '0/42'],
    [192, '0/21'],
    [512, '1/16'],
    [1024, '2/16'],
    [4096, '3/8'],
    [8192, '3/4'],
    [8448, '3/3'],
    [2112, '3/15'],
    [584, '1/14'],
    [24_576, '3/1'],
    [262_144, '6/1'],
  ])('%i bytes on 2 CPUs: %s in both forms', (size, expected) => {
    expect(slabOf(size, machine('6.1', 2))).toBe(expected);
    expect(slabOf(size, machine('6.12', 2))).toBe(expected);
  });

  test.each([
    [512, 1, '0/8'],
    [512, 4, '1/16'],
    [512, 8, '2/32'],
    [1024, 1, '1/8'],
    [1024, 8, '3/32'],
    [192, 8, '0/21'],
    [192, 16, '1/42'],
  ])('%i bytes on %i CPUs: %s', (size, cpus, expected) => {
    expect(slabOf(size, machine('6.1', cpus))).toBe(expected);
    expect(slabOf(size, machine('6.12', cpus))).toBe(expected);
  });

  test('the two forms part where two objects lose more than a quarter of 8 pages', () => {
    for (const size of [10_928, 11_000, 12_280]) {
      expect(slabOf(size, machine('6.1', 2))).toBe('2/1');
      expect(slabOf(size, machine('6.12', 2))).toBe('3/2');
    }
    for (const [size, expected] of [
      [10_920, '3/3'],
      [12_288, '3/2'],
    ] as const) {
      expect(slabOf(size, machine('6.1', 2))).toBe(expected);
      expect(slabOf(size, machine('6.12', 2))).toBe(expected);
    }
  });

  test('with larger pages orders fall', () => {
    const pages = { pageSize: 16_384 };
    expect(slabOf(512, machine('6.12', 2, pages))).toBe('0/32');
    expect(slabOf(2048, machine('6.12', 2, pages))).toBe('1/16');
    expect(slabOf(512, machine('6.12', 2, { pageSize: 65_536 }))).toBe('0/128');
  });
});

describe('boot options', () => {
  test('slub_max_order=0 takes one page where an object fits at all', () => {
    expect(slabOf(512, machine('6.1', 2, { maxOrder: 0 }))).toBe('0/8');
    expect(slabOf(512, machine('6.12', 2, { maxOrder: 0 }))).toBe('0/8');
    expect(slabOf(8192, machine('6.1', 2, { maxOrder: 0 }))).toBe('1/1');
    expect(slabOf(8192, machine('6.12', 2, { maxOrder: 0 }))).toBe('1/1');
  });

  test('slub_min_order raises small ones', () => {
    expect(slabOf(64, machine('6.1', 2, { minOrder: 2 }))).toBe('2/256');
    expect(slabOf(64, machine('6.12', 2, { minOrder: 2 }))).toBe('2/256');
  });

  test('slab->objects has 15 bits', () => {
    // 4 MiB / 8 are too many: 8 * 32767 bytes need order 6, one less is taken.
    expect(slabOf(8, machine('6.1', 2, { minOrder: 10, maxOrder: 10 }))).toBe('5/16384');
    expect(slabOf(8, machine('6.12', 2, { minOrder: 10, maxOrder: 10 }))).toBe('5/16384');
  });
});

test('a size beyond the page allocator has no order', () => {
  expect(calculateOrder(4_194_304, machine('6.1', 2))).toBe(10);
  expect(calculateOrder(4_194_305, machine('6.1', 2))).toBeUndefined();
  expect(calculateOrder(4_194_305, machine('6.12', 2))).toBeUndefined();
});

test('when pages are short a slab has the order of one object', () => {
  expect(minOrderObjects(512, 4096)).toEqual({ order: 0, objects: 8 });
  expect(minOrderObjects(4104, 4096)).toEqual({ order: 1, objects: 1 });
});
