import { expect, test } from 'vitest';
import { emptyTraceInfo } from '../../../src/kernel/events/trace-info.ts';
import { pageSizeOf, readFacts } from '../../../src/recording/read-facts.ts';
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
