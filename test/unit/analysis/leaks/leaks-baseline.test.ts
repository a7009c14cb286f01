// What a baseline knows: the site that leaks shows decides, not the one of some event behind it.

import { expect, test } from 'vitest';
import { LeaksBaseline } from '../../../../src/analysis/leaks/leaks-baseline.ts';
import type { FoundLeak } from '../../../../src/analysis/leaks/leaks-groups.ts';
import type { SidecarFiles } from '../../../../src/recording/sidecars.ts';
import { TestTrace } from '../../../helpers/builders.ts';
import { resolve } from '../../../helpers/tracked.ts';

const SEC = 1_000_000_000;
/** Two areas: of each the trace has the vm_struct only, allocated by vmalloc itself. */
const AREAS = `@${SEC} alloc kmalloc-64 A 64 by=__get_vm_area_node+0x7b
  @${2 * SEC} alloc kmalloc-64 B 64 by=__get_vm_area_node+0x7b`;

function runOf(lines: string) {
  return resolve(new TestTrace(lines), {}).run;
}

function sidecars(vmallocinfo?: string): SidecarFiles {
  return {
    text: (name: string) => (name === 'vmallocinfo.txt' ? vmallocinfo : undefined),
  } as Partial<SidecarFiles> as SidecarFiles;
}

/** Candidates by what they show: a site (`?`: none), and the row of their vm_struct or object. */
function leaks(...shown: readonly (readonly [site: string, row: number])[]): FoundLeak[] {
  return shown.map(([symbol, row], object) => {
    const site = {
      address: null,
      symbol: symbol === '?' ? null : symbol,
      module: symbol.startsWith('do') ? 'drv' : null,
      alsoSymbol: null,
    };
    return { object, details: { site, row, stack: 0 } } as Partial<FoundLeak> as FoundLeak;
  });
}

const left = (base: LeaksBaseline, found: FoundLeak[], run = runOf(AREAS)): number[] =>
  base.newOnes(run, found).map(({ object }) => object);

const OTHER_BOOT = AREAS.replaceAll(' A ', ' 0xffff88800aaa0000 ').replaceAll(
  ' B ',
  ' 0xffff88800bbb0000 ',
);

test('another boot: areas of other sites do not hide one', () => {
  const base = new LeaksBaseline({ run: runOf(OTHER_BOOT), sidecars: sidecars() });
  expect(left(base, leaks(['docase+0x1', 0], ['docase+0x2', 1]))).toEqual([0, 1]);
});

test('another boot: as many areas of a site as its vmallocinfo.txt lists', () => {
  const text = `0x00000000aaaa0000-0x00000000aaaa2000    8192 docase+0x1/0xe90 [drv] pages=1 vmalloc
0xffffc90000055000-0xffffc90000057000    8192 docase+0x1/0xe90 [drv] phys=0xfed00000 ioremap
0xffffc90000065000-0xffffc90000067000    8192 core_vmalloc+0x3/0x90 pages=1 vmalloc N0=1
`;
  const base = new LeaksBaseline({ run: runOf(OTHER_BOOT), sidecars: sidecars(text) });
  const found = leaks(['docase+0x1', 0], ['docase+0x1', 1], ['core_vmalloc+0x3', -1]);
  expect(left(base, found)).toEqual([1]);
});

test('another boot: objects without a site are of no site', () => {
  const base = new LeaksBaseline({
    run: runOf('alloc kmalloc-64 A 64'),
    sidecars: sidecars(),
  });
  expect(left(base, leaks(['?', -1], ['?', 0]))).toEqual([0, 1]);
});

test('another boot: sites behind functions that allocate for others', () => {
  const stack = 'stack=kvmalloc_node+0x1;open_it+0x9';
  const base = new LeaksBaseline({
    run: runOf(`alloc kmalloc-64 A 64 by=kvmalloc_node+0x1 ${stack}`),
    sidecars: sidecars(),
  });
  const run = runOf('alloc kmalloc-64 0xffff88800aaa0000 64 by=kvmalloc_node+0x1');
  expect(left(base, leaks(['open_it+0x9', 0], ['kvmalloc_node+0x1', 0]), run)).toEqual([1]);
});

test('the same boot: by address and time, whatever the site is called', () => {
  const base = new LeaksBaseline({
    run: runOf(`@${SEC} alloc kmalloc-64 A 64 by=__get_vm_area_node+0x7b`),
    sidecars: sidecars(),
  });
  const run = runOf(AREAS);
  const rows = run.live.inOrder();
  expect(
    left(base, leaks(['docase+0x1', rows[0] ?? -1], ['docase+0x1', rows[1] ?? -1]), run),
  ).toEqual([1]);
});
