// /proc/slabinfo of every age, whole or in pieces.

import { expect, test } from 'vitest';
import { parseAnySlabinfo, sysfsOfRow } from '../../../../src/kernel/caches/any-slabinfo.ts';

const HEADING =
  '# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>';

/** What is read of a text: `NAME ACTIVE/TOTAL SIZE OBJPERSLAB/PAGES SLABS`. */
function cachesOf(text: string): string[] {
  return parseAnySlabinfo(text).caches.map(
    (c) =>
      `${c.name} ${c.activeObjs}/${c.numObjs} ${c.objsize} ${c.objperslab}/${c.pagesperslab} ${c.numSlabs}`,
  );
}

const ROW =
  '9p-cache  48257  48320     64   64    1 : tunables    0    0    0 : slabdata    755    755      0\n';

test.each([
  ['grep -n', `12:${ROW}`],
  ['grep -Hn', `/proc/slabinfo:12:${ROW}`],
  ['grep -H', `/proc/slabinfo:${ROW}`],
  ['grep -H -C 1', `/proc/slabinfo-${ROW}`],
  ['grep -Hn -C 1 of a copy', `/tmp/slabinfo.txt-12-${ROW}`],
  ['with tabs', ROW.replaceAll(/ +/g, '\t')],
])('a line: %s', (_, text) => {
  expect(cachesOf(text)).toEqual(['9p-cache 48257/48320 64 64/1 755']);
});

test.each([
  [
    '2.1 of SLUB',
    `slabinfo - version: 2.1\n${HEADING}\nkmalloc-64  48257  48320     64   64    1 : tunables    0    0    0 : slabdata    755    755      0\n`,
    ['kmalloc-64 48257/48320 64 64/1 755'],
  ],
  [
    '2.1 of SLAB with statistics',
    'slabinfo - version: 2.1 (statistics)\n# name <active_objs> : globalstat <listallocs>\nsize-64(DMA) 1 59 64 59 1 : tunables 120 60 8 : slabdata 1 1 0 : globalstat 9 9 1 0 0 0 0 0 0 : cpustat 1 2 3 4\n',
    ['size-64(DMA) 1/59 64 59/1 1'],
  ],
  [
    '2.0',
    'slabinfo - version: 2.0\nsize-64 10 59 64 59 1 : tunables 60 120 8 : slabdata 1 1 0\n',
    ['size-64 10/59 64 59/1 1'],
  ],
  [
    '1.1, SMP',
    'slabinfo - version: 1.1 (SMP)\nsize-64               64    118     64    2    2    1 :  252  126\n',
    ['size-64 64/118 64 59/1 2'],
  ],
  [
    '1.1 with statistics',
    'slabinfo - version: 1.1 (statistics) (SMP)\nsize-64 64 118 64 2 2 1 :    118   900    2    0    0 :  252  126 :    800     2   750     0\n',
    ['size-64 64/118 64 59/1 2'],
  ],
  [
    '1.0',
    'slabinfo - version: 1.0\nsize-64    64  118  64  2  2  1\n',
    ['size-64 64/118 64 59/1 2'],
  ],
  [
    'broken by a mail program',
    `slabinfo - version: 2.1\n${HEADING.replaceAll(' <', ' \n<')}\nkmalloc-64  219  240  64   64    1 : tunables    0    0 \n  0 : slabdata      4      4      0\nkmalloc-32  1  128  32\n  128    1 : tunables    0    0   0 :\n slabdata      1      1      0\n`,
    ['kmalloc-64 219/240 64 64/1 4', 'kmalloc-32 1/128 32 128/1 1'],
  ],
  [
    'a piece, with a prompt',
    'root@box:~# grep kmalloc /proc/slabinfo\nkmalloc-64  2  64  64   64    1 : tunables    0    0    0 : slabdata      1      1      0\n',
    ['kmalloc-64 2/64 64 64/1 1'],
  ],
  ['no slabinfo', 'Hello world\n1 2 3\n', []],
])('%s', (_form, text, caches) => {
  expect(cachesOf(text)).toEqual(caches);
});

test('lines that are no cache are counted, headings are not', () => {
  expect(parseAnySlabinfo(`${HEADING}\nHello\n`).badLines).toBe(1);
  expect(parseAnySlabinfo(`slabinfo - version: 2.1\n${HEADING}\n`).badLines).toBe(0);
});

test('a row tells less than sysfs', () => {
  const [row] = parseAnySlabinfo('size-64  64  118  64  2  2  1 :  252  126\n').caches;
  if (row === undefined) throw new Error('a row is wanted');
  const cache = sysfsOfRow(row);
  expect(cache).toMatchObject({
    id: 'size-64',
    objects: 64,
    totalObjects: 118,
    slabs: 2,
    order: 0,
  });
  expect([...cache.unread].sort()).toEqual(['cpu_slabs', 'objects_partial', 'partial']);
});
