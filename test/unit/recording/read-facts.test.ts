import { expect, test } from 'vitest';
import { EVENT_KIND } from '../../../src/kernel/events/event-kind.ts';
import { emptyTraceInfo } from '../../../src/kernel/events/trace-info.ts';
import { pageSizeOf, readFacts, withEvidence } from '../../../src/recording/read-facts.ts';
import { TestTrace } from '../../helpers/builders.ts';
import { madeSidecars } from '../../helpers/made-sidecars.ts';

function notesOf(files: Readonly<Record<string, string>>): readonly string[] {
  return readFacts(madeSidecars(files), emptyTraceInfo('csv'), new Set()).notes;
}

test('whole files, and none at all, leave nothing to note', () => {
  expect(notesOf({})).toEqual([]);
  expect(
    notesOf({
      'pagesize.txt': '16384\n',
      config: 'CONFIG_SLUB=y\n',
      'zoneinfo.txt': 'Node 0, zone DMA\n        spanned  4095\n  start_pfn:  1\n',
      'dmesg.txt': 'SLUB: HWalign=64, Order=0-3, MinObjects=0, CPUs=2, Nodes=1\n',
    }),
  ).toEqual([]);
});

test.each(['0', '-1', '5000', '1e999', '2147483648', 'many', ''])(
  'a page size of %j is not used, and named',
  (text) => {
    expect(pageSizeOf(madeSidecars({ 'pagesize.txt': text }))).toBeUndefined();
    expect(notesOf({ 'pagesize.txt': text })).toEqual([
      `pagesize.txt: '${text}' is no size of a page: it is not used.`,
    ]);
  },
);

test('files of which nothing can be used are named', () => {
  expect(
    notesOf({
      config: 'not a configuration',
      'zoneinfo.txt': 'Node 0, zone',
      'dmesg.txt': 'SLUB: HWalign=64, Order=0-99, MinObjects=0, CPUs=2, Nodes=1',
      'slab_sysfs.txt': '/sys/kernel/slab/kmalloc-64/cpu_slabs=2 N0=2\nsomething else\n',
      'slabinfo.txt': 'kmalloc-64 1 1 0 64 1 : tunables 0 0 0 : slabdata 1 1 0\n',
    }),
  ).toEqual([
    'slab_sysfs.txt: 1 line cannot be read.',
    'slab_sysfs.txt: kmalloc-64 has no readable object_size: taken as not recorded.',
    'slabinfo.txt: kmalloc-64 has objsize 0, objperslab 64 and pagesperslab 1, which do not fit: taken as not recorded.',
    'config: it sets no option, so it is no configuration of a kernel: not used.',
    'dmesg.txt: Order of its line on SLUB cannot be: not used.',
    'zoneinfo.txt: it names no zone that has pages: all memory is taken as one node.',
  ]);
});

/** The facts of a recording with these files and one kmalloc. */
function factsWith(
  files: Readonly<Record<string, string>>,
  { bytesReq = 8, bytesAlloc = 8, gfp = 0xcc0 },
): ReturnType<typeof readFacts> {
  const { calls } = new TestTrace('').dictionary;
  calls.intern({ kind: EVENT_KIND.kmalloc, bytesReq, bytesAlloc, gfp });
  return withEvidence(readFacts(madeSidecars(files), emptyTraceInfo('csv'), new Set()), calls);
}

test.each([
  ['Linux version 3.10.31-ltsi (x@y)', { hasReclaim: false, hasCgroup: false, naming: 'long' }],
  ['Linux version 4.19.0 (x@y)', { hasReclaim: false, hasCgroup: false, naming: 'long' }],
  ['Linux version 5.10.0 (x@y)', { hasReclaim: true, hasCgroup: false, naming: 'short' }],
  ['Linux version 6.1.0 (x@y)', { hasReclaim: true, hasCgroup: true, naming: 'short' }],
])('%s has the kmalloc caches of its age', (version, kmalloc) => {
  expect(factsWith({ 'version.txt': version }, {}).kmalloc).toMatchObject(kmalloc);
});

test('flags of a kernel before 5.1 tell its kmalloc caches where no release does', () => {
  const old = { hasReclaim: false, hasCgroup: false, naming: 'long' };
  expect(factsWith({}, { gfp: 0xd0 }).kmalloc).toMatchObject(old);
  expect(factsWith({}, { gfp: 0xcc0 }).kmalloc).toMatchObject({ hasReclaim: true });
});

test('some caches of SLAB are enough to name the others', () => {
  const row = 'size-64 1 59 64 59 1 : tunables 120 60 8 : slabdata 1 1 0\n';
  expect(factsWith({ 'slabinfo.txt': row }, {}).kmalloc.naming).toBe('size');
});

test('SLOB is told by sizes that are no classes, or by the configuration', () => {
  const sizes = { bytesReq: 6, bytesAlloc: 14 };
  expect(factsWith({}, sizes).isSlob).toBe(true);
  expect(factsWith({ 'version.txt': 'Linux version 6.6.0 (x@y)' }, sizes).isSlob).toBe(false);
  expect(factsWith({ config: 'CONFIG_SLOB=y\n' }, {}).isSlob).toBe(true);
  expect(factsWith({}, {}).isSlob).toBe(false);
});
