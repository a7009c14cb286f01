// The rules of a reference scan, each on memory written by hand (mm/kmemleak.c: scan_block(),
// update_refs(), scan_gray_list()).

import { expect, test } from 'vitest';
import { hiOf, loOf } from '../../../../src/base/address.ts';
import { parseAnnotations } from '../../../../src/snapshot/scan/annotations.ts';
import { ScanBuilder } from '../../../../src/snapshot/scan/build-scan.ts';
import { kmemleakChecksum } from '../../../../src/snapshot/scan/checksum.ts';
import { findReferrers } from '../../../../src/snapshot/scan/find-referrers.ts';
import type { VmallocArea } from '../../../../src/snapshot/scan/vmalloc-areas.ts';
import {
  buildWithRoots,
  hex,
  memoryOf,
  PAGES,
  scanAndColour,
  type TestObject,
  tracedObjects,
  whiteOf,
  zeroes,
} from '../../../helpers/scan-builders.ts';

const ROOT = 0xffffffff82000000n;
const A = 0xffff888003a40000n;
const B = 0xffff888003a40040n;
const C = 0xffff888003a40080n;
const SIZE = 64;

/** Objects of 64 bytes and a root of 64 bytes, with some words set. */
function whites(
  addresses: readonly bigint[],
  words: readonly (readonly [bigint, bigint])[],
  rootBytes = 64,
): string[] {
  const objects = addresses.map((address): TestObject => ({ address, size: SIZE }));
  const memory = new Map([
    ...zeroes(ROOT, 64),
    ...addresses.flatMap((address) => zeroes(address, SIZE)),
    ...words,
  ]);
  const built = buildWithRoots(tracedObjects(objects), [{ address: ROOT, bytes: rootBytes }]);
  return whiteOf(memoryOf(memory), built);
}

test('an object is held by a root, and what it holds by it', () => {
  expect(
    whites(
      [A, B, C],
      [
        [ROOT, A],
        [A + 8n, B],
      ],
    ),
  ).toEqual([hex(C)]);
});

test('a pointer into the middle counts, one past the end does not', () => {
  expect(whites([A], [[ROOT, A + 63n]])).toEqual([]);
  expect(whites([A], [[ROOT, A + 64n]])).toEqual([hex(A)]);
  expect(whites([A], [[ROOT, A - 1n]])).toEqual([hex(A)]);
});

test('one past the end of one object is the start of the next', () => {
  expect(whites([A, B], [[ROOT, A + 64n]])).toEqual([hex(A)]);
});

test('what an object says of itself does not hold it', () => {
  expect(whites([A], [[A + 16n, A + 8n]])).toEqual([hex(A)]);
});

test('a ring that nothing else refers to is lost whole', () => {
  expect(
    whites(
      [A, B, C],
      [
        [A, B],
        [B, C],
        [C, A],
      ],
    ),
  ).toEqual([hex(A), hex(B), hex(C)]);
  expect(
    whites(
      [A, B, C],
      [
        [A, B],
        [B, C],
        [C, A],
        [ROOT, B],
      ],
    ),
  ).toEqual([]);
});

test('only words at multiples of eight are seen', () => {
  const value = B;
  // The pointer stands at ROOT + 4: half in one word, half in the next.
  const low = (value & 0xffffffffn) << 32n;
  const high = value >> 32n;
  expect(
    whites(
      [B],
      [
        [ROOT, low],
        [ROOT + 8n, high],
      ],
    ),
  ).toEqual([hex(B)]);
});

test('the last word must lie in the range whole', () => {
  expect(whites([A], [[ROOT + 8n, A]], 15)).toEqual([hex(A)]);
  expect(whites([A], [[ROOT + 8n, A]], 16)).toEqual([]);
});

test('a word that the snapshot does not have holds nothing, and the rest is scanned', () => {
  const traced = tracedObjects([{ address: A, size: SIZE }]);
  const built = buildWithRoots(traced, [{ address: ROOT, bytes: 64 }]);
  const memory = memoryOf(new Map([[ROOT + 56n, A]]));
  expect(whiteOf(memory, built)).toEqual([]);
});

/** Three objects, A held by the root, A holds B and C; what an annotation of A does to them. */
function whitesWith(line: string): string[] {
  const [annotation] = parseAnnotations(line, 'test');
  if (annotation === undefined) throw new Error(line);
  const objects: TestObject[] = [
    { address: A, size: SIZE, annotation },
    { address: B, size: SIZE },
    { address: C, size: SIZE },
  ];
  const memory = new Map([
    ...zeroes(ROOT, 64),
    ...objects.flatMap(({ address, size }) => zeroes(address, size)),
    [ROOT, line.startsWith('not-leak') ? 0n : A] as const,
    [A + 8n, B] as const,
    [A + 40n, C] as const,
  ]);
  const built = buildWithRoots(tracedObjects(objects), [{ address: ROOT, bytes: 64 }]);
  return whiteOf(memoryOf(memory), built);
}

test('annotations: no-scan, scan-area, ignore, not-leak', () => {
  const any = 'cache=*';
  expect(whitesWith(`no-scan ${any}`)).toEqual([hex(B), hex(C)]);
  expect(whitesWith(`scan-area ${any} offset=16`)).toEqual([hex(B)]);
  expect(whitesWith(`scan-area ${any} offset=0 size=16`)).toEqual([hex(C)]);
  expect(whitesWith(`ignore ${any}`)).toEqual([hex(B), hex(C)]);
  // Nothing refers to A here: it is not told, and it holds B and C.
  expect(whitesWith(`not-leak ${any}`)).toEqual([]);
});

const AREA = 0xffffc90000045000n;
const VM_STRUCT = A;

/** A vmalloc area with its vm_struct, which holds its address; `words` say who refers to the two. */
function vmallocWhites(
  words: readonly (readonly [bigint, bigint])[],
  annotation?: string,
): string[] {
  const [ofArea] = annotation === undefined ? [] : parseAnnotations(annotation, 'test');
  const traced = {
    ...tracedObjects([{ address: VM_STRUCT, size: SIZE }]),
    annotationOfOther: () => ofArea,
  };
  const builder = new ScanBuilder(traced);
  builder.row(0, SIZE);
  const area: VmallocArea = {
    addr: AREA,
    bytes: 4096,
    isVmalloc: true,
    vmStruct: VM_STRUCT,
    vmapArea: 0n,
    caller: 0n,
  };
  builder.other({ kind: 'vmalloc', area, row: 0 }, hiOf(AREA), loOf(AREA), 4096, 2);
  builder.excess(VM_STRUCT, AREA);
  builder.root('data', ROOT, 64);
  const memory = new Map([
    ...zeroes(ROOT, 64),
    ...zeroes(VM_STRUCT, SIZE),
    ...zeroes(AREA, 4096),
    [VM_STRUCT + 8n, AREA] as const,
    ...words,
  ]);
  return whiteOf(memoryOf(memory), builder.build([]));
}

test('a vmalloc area needs two references: its vm_struct is one of them', () => {
  expect(vmallocWhites([[ROOT, VM_STRUCT]])).toEqual([hex(AREA)]);
  expect(
    vmallocWhites([
      [ROOT, VM_STRUCT],
      [ROOT + 8n, AREA],
    ]),
  ).toEqual([]);
});

test('whoever refers to the vm_struct a second time refers to the area (excess_ref)', () => {
  expect(
    vmallocWhites([
      [ROOT, VM_STRUCT],
      [ROOT + 8n, VM_STRUCT],
    ]),
  ).toEqual([]);
});

test('a reference of the area to its own vm_struct does not hold the area', () => {
  expect(
    vmallocWhites([
      [ROOT, VM_STRUCT],
      [AREA, VM_STRUCT],
    ]),
  ).toEqual([hex(AREA)]);
});

test('annotations hold for areas too', () => {
  const built = (line: string): string[] => vmallocWhites([[ROOT, VM_STRUCT]], line);
  expect(built('not-leak site=any')).toEqual([]);
  expect(built('ignore site=any')).toEqual([]);
  expect(built('no-scan site=any')).toEqual([hex(AREA)]);
});

test('struct pages count where their _refcount is not 0', () => {
  const builder = new ScanBuilder(
    tracedObjects([
      { address: A, size: SIZE },
      { address: B, size: SIZE },
    ]),
  );
  builder.row(0, SIZE);
  builder.row(1, SIZE);
  builder.root('struct pages', ROOT, 128);
  const memory = new Map([
    ...zeroes(ROOT, 128),
    [ROOT + 24n, A] as const,
    [ROOT + 48n, 1n << 32n] as const,
    [ROOT + 64n + 24n, B] as const,
  ]);
  expect(whiteOf(memoryOf(memory), builder.build([]))).toEqual([hex(B)]);
});

test('a per-CPU pointer holds the allocation, whose copies on every CPU are scanned', () => {
  const pointer = 0x607ff1201968n;
  const cpus = [
    { cpu: 0, offset: 0xffff888000000000n },
    { cpu: 1, offset: 0xffff888000100000n },
  ];
  const copyOf = (i: number): bigint => BigInt.asUintN(64, pointer + (cpus[i]?.offset ?? 0n));
  const builder = new ScanBuilder(tracedObjects([{ address: A, size: SIZE }]));
  builder.row(0, SIZE);
  const allocation = { pointer, bytes: 32 };
  builder.other({ kind: 'percpu', allocation }, hiOf(pointer), loOf(pointer), 32, 1);
  builder.root('data', ROOT, 64);
  const built = builder.build(cpus);
  const words: [bigint, bigint][] = [
    ...zeroes(ROOT, 64),
    ...zeroes(copyOf(0), 32),
    ...zeroes(copyOf(1), 32),
    [copyOf(1) + 8n, A],
  ];
  expect(whiteOf(memoryOf(new Map(words)), built)).toEqual([hex(pointer), hex(A)]);
  words.push([ROOT + 16n, pointer + 8n]);
  expect(whiteOf(memoryOf(new Map(words)), built)).toEqual([]);
});

test('objects that wait for kfree_rcu() are neither told nor scanned', () => {
  const builder = new ScanBuilder(
    tracedObjects([
      { address: A, size: SIZE },
      { address: B, size: SIZE },
    ]),
  );
  builder.row(0, SIZE);
  builder.row(1, SIZE);
  builder.root('data', ROOT, 64);
  // kfree_rcu() knows an object by its start or by the rcu_head in it.
  builder.ignore(A + 16n);
  const memory = new Map([...zeroes(ROOT, 64), [ROOT, A] as const, [A, B] as const]);
  const built = builder.build([]);
  expect(whiteOf(memoryOf(memory), built)).toEqual([hex(B)]);
  expect(scanAndColour(memoryOf(memory), built)).toMatchObject({ white: 1, gray: 0, black: 1 });
});

test('of two objects that overlap the one behind is left out', () => {
  const built = buildWithRoots(
    tracedObjects([
      { address: A, size: 128 },
      { address: B, size: 64 },
      { address: C, size: 64 },
    ]),
    [],
  );
  expect(built.objects.count).toBe(2);
});

test('an object longer than a page is found in each of its pages', () => {
  const large = 0xffff888003b00000n;
  const traced = tracedObjects([{ address: large, size: 20000 }]);
  const built = buildWithRoots(traced, [{ address: ROOT, bytes: 64 }]);
  for (const [offset, found] of [
    [0, true],
    [4096, true],
    [12288, true],
    [19999, true],
    [20000, false],
  ] as const) {
    const memory = memoryOf(new Map([[ROOT, large + BigInt(offset)]]));
    expect(whiteOf(memory, built), String(offset)).toEqual(found ? [] : [hex(large)]);
  }
});

test('who refers to an object is told with the place of the word', () => {
  const built = buildWithRoots(
    tracedObjects([
      { address: A, size: SIZE },
      { address: B, size: SIZE },
    ]),
    [{ address: ROOT, bytes: 64 }],
  );
  const memory = memoryOf(
    new Map([
      [A + 24n, B + 8n],
      [B, B],
      [ROOT + 32n, B],
    ]),
  );
  const found = findReferrers(memory, { ...built, pages: PAGES }, 1);
  expect(
    found.map(({ hi, lo, source }) => [hex((BigInt(hi) << 32n) | BigInt(lo)), source]),
  ).toEqual([
    [hex(A + 24n), 0],
    [hex(ROOT + 32n), -1],
  ]);
});

test('checksums are the kernel’s: crc32(0, …), not inverted', () => {
  expect(kmemleakChecksum([Buffer.alloc(32)])).toBe(0);
  expect(kmemleakChecksum([Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])])).toBe(0xccaa009e);
  expect(kmemleakChecksum([Buffer.from('123456789')])).toBe(0x2dfd2d88);
  // Copies of several CPUs are summed up one after the other.
  expect(kmemleakChecksum([Buffer.from('1234'), Buffer.from('56789')])).toBe(0x2dfd2d88);
});
