import { describe, expect, test } from 'vitest';
import { buildKnownCaches } from '../../../../src/kernel/caches/known-cache.ts';
import { parseProcSlabinfo } from '../../../../src/kernel/caches/proc-slabinfo.ts';
import {
  checkProcSlabinfo,
  checkSlabSysfs,
} from '../../../../src/kernel/caches/recorded-shapes.ts';
import { parseSlabSysfs } from '../../../../src/kernel/caches/slab-sysfs.ts';

type Attributes = Readonly<Record<string, string | number | undefined>>;

// As a 6.1 shows it: 4096 << order bytes hold objs_per_slab objects.
const WHOLE: Attributes = {
  object_size: 64,
  slab_size: 64,
  objs_per_slab: 64,
  order: 0,
  objects: '640 N0=640',
  total_objects: '640 N0=640',
  objects_partial: 0,
  slabs: '10 N0=10',
  partial: 0,
  cpu_slabs: '2 N0=2',
};

function sysfsOf(caches: Readonly<Record<string, Attributes>>): string {
  return Object.entries(caches)
    .flatMap(([id, attributes]) =>
      Object.entries(attributes).map(([name, value]) =>
        value === undefined ? '' : `/sys/kernel/slab/${id}/${name}=${value}\n`,
      ),
    )
    .join('');
}

/** What is left of `kmalloc-64` beside two whole caches, and what is noted. */
function checked(change: Attributes): { caches: string[]; notes: readonly string[] } {
  const dentry = { ...WHOLE, object_size: 192, slab_size: 192, objs_per_slab: 21 };
  const text = sysfsOf({ dentry, filp: dentry, 'kmalloc-64': { ...WHOLE, ...change } });
  const { capture, notes } = checkSlabSysfs(parseSlabSysfs(text));
  return { caches: capture.caches.map(({ id }) => id), notes };
}

describe('a cache of slab_sysfs.txt', () => {
  test('is whole', () => {
    expect(checked({})).toEqual({ caches: ['dentry', 'filp', 'kmalloc-64'], notes: [] });
  });

  test.each<[string, Attributes, string]>([
    ['no object_size', { object_size: undefined }, 'no readable object_size'],
    ['a slab_size that is text', { slab_size: 'many' }, 'no readable slab_size'],
    ['an objs_per_slab below 0', { objs_per_slab: -1 }, 'no readable objs_per_slab'],
    ['an order of 1e999', { order: '1e999' }, 'no readable order'],
    ['an order of 2^53', { order: '9007199254740992' }, 'no readable order'],
    ['an order of 2^31', { order: 2 ** 31 }, 'order=2147483648, which no kernel has'],
    ['a slab_size of 0', { slab_size: 0 }, 'slab_size=0, which no kernel has'],
    [
      'an object that is larger than its slot',
      { object_size: 65 },
      'object_size=65, which does not fit slab_size=64',
    ],
    ['an object of no bytes', { object_size: 0 }, 'object_size=0, which does not fit slab_size=64'],
    [
      'no object in a slab',
      { objs_per_slab: 0 },
      'objs_per_slab=0, which does not fit slab_size=64 and order=0',
    ],
    [
      'more objects than fit',
      { objs_per_slab: 65 },
      'objs_per_slab=65, which does not fit slab_size=64 and order=0',
    ],
    [
      'fewer objects than fit',
      { objs_per_slab: 6 },
      'objs_per_slab=6, which does not fit slab_size=64 and order=0',
    ],
    [
      'more objects than 15 bits count',
      { object_size: 8, slab_size: 8, objs_per_slab: 32768, order: 6 },
      'objs_per_slab=32768, which does not fit slab_size=8 and order=6',
    ],
  ])('with %s is taken as not recorded', (_, change, fault) => {
    expect(checked(change)).toEqual({
      caches: ['dentry', 'filp'],
      notes: [`slab_sysfs.txt: kmalloc-64 has ${fault}: taken as not recorded.`],
    });
  });

  test('keeps its sizes where counts are missing, which are then unknown', () => {
    const text = sysfsOf({ 'kmalloc-64': { ...WHOLE, slabs: undefined, objects: '1e999' } });
    const { capture, notes } = checkSlabSysfs(parseSlabSysfs(text));
    expect(notes).toEqual([
      'slab_sysfs.txt: kmalloc-64 has no readable objects, slabs: taken as unknown.',
    ]);
    expect(buildKnownCaches(capture, undefined, new Set())?.all).toMatchObject([
      { slabSize: 64, slabs: null, activeObjects: null, totalObjects: 640 },
    ]);
  });

  test.each([
    ['cpu_partial', 'cpuPartial'],
    ['min_partial', 'minPartial'],
    ['usersize', 'usersize'],
    ['sheaf_capacity', 'sheafCapacity'],
  ] as const)('has no %s where its text is no number from 0 on', (name, key) => {
    for (const value of ['-1', 'x', '', '1e999', '99999999999999999']) {
      const { caches } = parseSlabSysfs(sysfsOf({ a: { ...WHOLE, [name]: value } }));
      expect(caches[0]?.[key], value).toBeNull();
    }
  });

  test('has no sheaf that kmalloc could not make', () => {
    const { caches } = parseSlabSysfs(sysfsOf({ a: { ...WHOLE, sheaf_capacity: 2 ** 31 } }));
    expect(caches[0]?.sheafCapacity).toBeNull();
  });
});

test('pages of another size are seen by what fits into most slabs', () => {
  const large = { ...WHOLE, objs_per_slab: 256 };
  const whole = { a: large, b: large };
  expect(checkSlabSysfs(parseSlabSysfs(sysfsOf(whole))).notes).toEqual([]);
  const one = checkSlabSysfs(parseSlabSysfs(sysfsOf({ ...whole, c: WHOLE })));
  expect(one.capture.caches.map(({ id }) => id)).toEqual(['a', 'b']);
});

test('equal faults are one note, many kinds of faults are counted', () => {
  const cut = { ...WHOLE, order: undefined };
  const alike = checkSlabSysfs(parseSlabSysfs(sysfsOf({ a: cut, b: cut, c: cut })));
  expect(alike.notes).toEqual([
    'slab_sysfs.txt: a and 2 more have no readable order: taken as not recorded.',
  ]);
  const odd = Object.fromEntries(
    Array.from({ length: 9 }, (_, i) => [`c${i}`, { ...WHOLE, object_size: 100 + i }]),
  );
  const many = checkSlabSysfs(parseSlabSysfs(sysfsOf({ dentry: WHOLE, ...odd })));
  expect(many.notes).toHaveLength(4);
  expect(many.notes[3]).toBe(
    'slab_sysfs.txt: 6 further caches have figures that do not fit: taken as not recorded.',
  );
});

describe('a line of slabinfo.txt', () => {
  const line = (name: string, size: number, objects: number, pages: number): string =>
    `${name} 1 1 ${size} ${objects} ${pages} : tunables 0 0 0 : slabdata 1 1 0\n`;
  const whole = line('dentry', 192, 21, 1) + line('kmalloc-8k', 8192, 4, 8);

  test.each([
    [0, 64, 1, 'objsize 0, objperslab 64 and pagesperslab 1, which do not fit'],
    [64, 0, 1, 'objsize 64, objperslab 0 and pagesperslab 1, which do not fit'],
    [64, 64, 0, 'objsize 64, objperslab 64 and pagesperslab 0, which do not fit'],
    [64, 64, 3, 'objsize 64, objperslab 64 and pagesperslab 3, which do not fit'],
    [64, 65, 1, 'objperslab 65, which does not fit objsize 64 and pagesperslab 1'],
    [64, 6, 1, 'objperslab 6, which does not fit objsize 64 and pagesperslab 1'],
    [2 ** 31, 64, 1, 'objperslab 64, which does not fit objsize 2147483648 and pagesperslab 1'],
  ])('of objsize %i, objperslab %i, pagesperslab %i is not used', (size, objects, pages, fault) => {
    const text = whole + line('odd', size, objects, pages);
    const { capture, notes } = checkProcSlabinfo(parseProcSlabinfo(text));
    expect(capture.caches.map(({ name }) => name)).toEqual(['dentry', 'kmalloc-8k']);
    expect(capture.byName.has('odd')).toBe(false);
    expect(notes).toEqual([`slabinfo.txt: odd has ${fault}: taken as not recorded.`]);
  });

  test("of the kernel's other allocator is used, in whose slabs fewer objects fit", () => {
    // SLAB keeps its own figures in the slab (mm/slab.c of 3.10).
    const text = line('a', 64, 59, 1) + line('b', 192, 20, 1) + line('c', 32, 112, 1);
    expect(checkProcSlabinfo(parseProcSlabinfo(text)).notes).toEqual([]);
  });
});
