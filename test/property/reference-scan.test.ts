// The reference scan against a plain search: for any objects, any words in them and any roots, what is
// white is what no path leads to.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hiOf, loOf } from '../../src/base/address.ts';
import { indexObjects, ObjectIndex } from '../../src/snapshot/scan/object-index.ts';
import { ObjectList } from '../../src/snapshot/scan/object-list.ts';
import {
  buildWithRoots,
  hex,
  memoryOf,
  type TestObject,
  tracedObjects,
  whiteOf,
} from '../helpers/scan-builders.ts';

const BASE = 0xffff888003a00000n;
const ROOT = 0xffffffff82000000n;
const ROOT_BYTES = 64;

interface Layout {
  readonly objects: readonly TestObject[];
}

/** Objects one behind the other, with gaps, sizes of slab objects and of pages. */
const layouts: fc.Arbitrary<Layout> = fc
  .array(
    fc.record({
      gap: fc.constantFrom(0, 0, 0, 8, 64, 4096, 100_000),
      size: fc.constantFrom(8, 16, 24, 40, 64, 96, 192, 1000, 4096, 9000, 65536, 70_000, 300_000),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((shapes) => {
    const objects: TestObject[] = [];
    let at = BASE;
    for (const { gap, size } of shapes) {
      at += BigInt(gap);
      objects.push({ address: at, size });
      at = (at + BigInt(size) + 7n) & ~7n;
    }
    return { objects };
  });

/** A pointer near some object: its start, in it, one past it, before it. */
interface Pointer {
  readonly to: number;
  readonly offset: 'start' | 'inside' | 'last' | 'end' | 'before';
}

const pointers: fc.Arbitrary<Pointer> = fc.record({
  to: fc.nat(59),
  offset: fc.constantFrom('start', 'start', 'inside', 'last', 'end', 'before'),
});

function pointerValue({ objects }: Layout, { to, offset }: Pointer): bigint {
  const target = objects[to % objects.length];
  if (target === undefined) throw new Error('no object');
  const { address, size } = target;
  if (offset === 'start') return address;
  if (offset === 'inside') return address + BigInt(size) / 2n;
  if (offset === 'last') return address + BigInt(size) - 1n;
  return offset === 'end' ? address + BigInt(size) : address - 1n;
}

interface Words {
  readonly inRoot: readonly (readonly [number, Pointer])[];
  readonly inObjects: readonly (readonly [number, number, Pointer])[];
}

const words: fc.Arbitrary<Words> = fc.record({
  inRoot: fc.array(fc.tuple(fc.nat(ROOT_BYTES / 8 - 1), pointers), { maxLength: 6 }),
  inObjects: fc.array(fc.tuple(fc.nat(59), fc.nat(500), pointers), { maxLength: 120 }),
});

/** The words of memory by address; a later one in the same place wins. */
function memoryWords(layout: Layout, { inRoot, inObjects }: Words): Map<bigint, bigint> {
  const memory = new Map<bigint, bigint>();
  for (const [slot, pointer] of inRoot)
    memory.set(ROOT + BigInt(slot * 8), pointerValue(layout, pointer));
  for (const [from, word, pointer] of inObjects) {
    const object = layout.objects[from % layout.objects.length];
    const fits = Math.floor((object?.size ?? 0) / 8);
    if (object === undefined || fits === 0) continue;
    memory.set(object.address + BigInt((word % fits) * 8), pointerValue(layout, pointer));
  }
  return memory;
}

function holderOf({ objects }: Layout, address: bigint): TestObject | undefined {
  return objects.find((o) => address >= o.address && address < o.address + BigInt(o.size));
}

/** What the words of the root lead to, and what those lead to, until nothing is new. */
function naiveWhites(layout: Layout, memory: ReadonlyMap<bigint, bigint>): string[] {
  const reached = new Set<TestObject>();
  for (let before = -1; before !== reached.size; ) {
    before = reached.size;
    for (const [at, value] of memory) {
      const source = holderOf(layout, at);
      if (source !== undefined && !reached.has(source)) continue;
      const target = holderOf(layout, value);
      if (target !== undefined) reached.add(target);
    }
  }
  return layout.objects.filter((o) => !reached.has(o)).map((o) => hex(o.address));
}

function scannedWhites(layout: Layout, memory: ReadonlyMap<bigint, bigint>): string[] {
  const roots = [{ address: ROOT, bytes: ROOT_BYTES }];
  return whiteOf(memoryOf(memory), buildWithRoots(tracedObjects(layout.objects), roots));
}

test('white is what no path from a root leads to', () => {
  fc.assert(
    fc.property(layouts, words, (layout, w) => {
      const memory = memoryWords(layout, w);
      expect(scannedWhites(layout, memory)).toEqual(naiveWhites(layout, memory));
    }),
    { numRuns: 300 },
  );
});

test('one more reference never adds a candidate', () => {
  fc.assert(
    fc.property(
      layouts,
      words,
      fc.nat(ROOT_BYTES / 8 - 1),
      pointers,
      (layout, w, slot, pointer) => {
        const memory = memoryWords(layout, w);
        const before = new Set(scannedWhites(layout, memory));
        const at = ROOT + BigInt(slot * 8);
        fc.pre(!memory.has(at));
        memory.set(at, pointerValue(layout, pointer));
        expect(scannedWhites(layout, memory).filter((a) => !before.has(a))).toEqual([]);
      },
    ),
    { numRuns: 150 },
  );
});

test('an address is found in the object that holds it, in no other', () => {
  fc.assert(
    fc.property(layouts, fc.array(pointers, { maxLength: 40 }), (layout, at) => {
      const list = new ObjectList();
      for (const [i, { address, size }] of layout.objects.entries()) {
        list.add(hiOf(address), loOf(address), size, 1, i);
      }
      const objects = list.sorted();
      const index = new ObjectIndex(objects, indexObjects(objects));
      for (const pointer of at) {
        const address = pointerValue(layout, pointer);
        const found = index.find(hiOf(address) | 0, loOf(address) | 0);
        const expected = holderOf(layout, address);
        const tag = found < 0 ? undefined : layout.objects[objects.tag[found] ?? -1];
        expect(tag, hex(address)).toBe(expected);
      }
    }),
    { numRuns: 300 },
  );
});
