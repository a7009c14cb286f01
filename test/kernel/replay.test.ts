// The replay of real kernels' recordings against the kernels themselves: which object each allocation
// got, and the state of every slab at the instant the trace stopped (memory dump, sysfs, slabinfo).

import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { Fidelity } from '../../src/replay/observe/fidelity.ts';
import type { ObservedReplay } from '../../src/replay/observe/observed-replay.ts';
import type { SlubModel } from '../../src/replay/slub-model.ts';
import { observeRun, replayBasis } from '../../src/run/observe-run.ts';
import { openRun } from '../../src/run/open-run.ts';
import { describeWithData, recordedText, recording } from '../helpers/data.ts';
import { recordedCaches } from '../helpers/recorded-machine.ts';
import { modelSlabs, recordedSlabs } from '../helpers/recorded-slabs.ts';
import { share } from '../helpers/recorded-truth.ts';
import { temporaryFolder } from '../helpers/run-cli.ts';

/** Per cent that must be reached, a little under what is. */
interface Floors {
  /** Of the allocations whose slot can be known, those whose slot the model chose. */
  readonly slots: number;
  /** Of all allocations, those whose slab it chose. */
  readonly slabs: number;
  /** Of the slabs that both have at the end, those on the same list of the same CPU. */
  readonly places?: number;
  /** Of their objects, those that are allocated, free, on the CPU's freelist in both. */
  readonly objects?: number;
  /** Of dentry, names_cache and inode_cache, slots. */
  readonly traced?: number;
  /** Of the caches that the trace fully covers, those with the kernel's counts throughout. */
  readonly equal?: number;
}

/** What of a recording's files tells of the machine, not of its boot. */
const SIDECARS = [
  'config.gz',
  'kallsyms.txt.gz',
  'slab_sysfs.txt.gz',
  'slab_sysfs_links.txt',
  'slabinfo.txt',
  'uname.txt',
  'zoneinfo.txt',
];

const FLOORS: Readonly<Record<string, Floors>> = {
  'debian-plain': { slots: 99.35, slabs: 99.55, places: 99.4, objects: 99.35, equal: 90 },
  'debian-plain-510': { slots: 99.45, slabs: 99.85, places: 99.5, objects: 99.45, equal: 90 },
  'debian-plain-612': { slots: 99.3, slabs: 99.6, places: 97.9, objects: 99.1, equal: 90 },
  'debian-plain-numa': { slots: 99.6, slabs: 99.65, places: 97.9, objects: 98.7, equal: 90 },
  'debian-bulkprobes': { slots: 99.75, slabs: 99.85, places: 99.7, objects: 99.9 },
  'kmemleak-1cpu': {
    slots: 99.6,
    slabs: 99.65,
    places: 99.2,
    objects: 99.65,
    traced: 99.7,
    equal: 90,
  },
  'kmemleak-612': {
    slots: 99.5,
    slabs: 99.55,
    places: 99.45,
    objects: 99.35,
    traced: 99.85,
    equal: 85,
  },
  // Objects that the checks of the kernel have taken out of use are free in the model.
  'debug-slub': { slots: 99.65, slabs: 99.7, places: 99.65, objects: 99.55, traced: 99.6 },
  'debug-slub-612': { slots: 99.5, slabs: 99.5, places: 99.4, objects: 99.45, traced: 99.6 },
  'debian-arm64': { slots: 99.3, slabs: 99.45 },
  'debian-arm64-16k': { slots: 99.3, slabs: 99.7 },
};

const slotShare = ({ slotMatches, allocations, undetermined }: Fidelity): number =>
  share(slotMatches, allocations - undetermined);

interface Replayed {
  readonly slub: SlubModel;
  readonly observed: ObservedReplay;
}

async function replay(source: string): Promise<Replayed> {
  const opened = await openRun({ source }, { replay: {} });
  return observeRun(opened, replayBasis(opened));
}

/** Caches of which every object that the kernel held at the end was allocated in the trace. */
function coveredCaches(name: string): (cache: string) => boolean {
  const older = new Set<string>();
  for (const line of recordedText(name, 'truth_live.tsv').split('\n')) {
    if (line.endsWith('\t0')) older.add(line.split('\t')[1] ?? '');
  }
  return (cache) => !older.has(cache);
}

/** What of the model's slabs the kernel had as well, and in the same state. */
function slabsInCommon(name: string, slub: SlubModel): { places: number; objects: number } {
  const kernel = recordedSlabs(name);
  let [slabs, places, slots, objects] = [0, 0, 0, 0];
  for (const cache of slub.caches) {
    for (const [address, slab] of modelSlabs(slub, cache)) {
      const recorded = kernel.get(cache.plan.name)?.get(address);
      if (recorded === undefined) continue;
      slabs++;
      if (recorded.place === slab.place) places++;
      slots += slab.objects.length;
      objects += slab.objects.filter((state, i) => recorded.objects[i] === state).length;
    }
  }
  expect(slabs).toBeGreaterThan(2500);
  return { places: share(places, slabs), objects: share(objects, slots) };
}

interface CoveredFigures {
  /** Covered caches that the kernel or the model has slabs of. */
  caches: number;
  /** Those of them with as many slabs, or one more or less. */
  near: number;
  /** Those with the same number of objects and slabs on every list. */
  equal: number;
  pages: number;
  kernelPages: number;
}

/** The covered caches beside what slub_caches.tsv has of them. */
function coveredFigures(name: string, slub: SlubModel): CoveredFigures {
  const isCovered = coveredCaches(name);
  const { dumped } = recordedCaches(name);
  const figures = { caches: 0, near: 0, equal: 0, pages: 0, kernelPages: 0 };
  for (const { plan, model } of slub.caches) {
    const row = dumped.get(plan.name);
    const count = model.count();
    const slabs = Number(row?.get('nr_slabs'));
    if (row === undefined || !isCovered(plan.name) || slabs + count.slabs === 0) continue;
    const onCpu = model.lists().objects.reduce((n, { objects }) => n + objects.length, 0);
    figures.caches++;
    if (Math.abs(count.slabs - slabs) <= 1) figures.near++;
    figures.pages += count.slabs * 2 ** plan.geometry.order;
    figures.kernelPages += slabs * 2 ** plan.geometry.order;
    const isEqual =
      count.slabs === slabs &&
      count.allocated === Number(row.get('allocated')) &&
      onCpu === Number(row.get('free_on_cpu_freelist')) &&
      count.cpuSlabs === Number(row.get('slabs_cpu')) &&
      count.cpuPartialSlabs === Number(row.get('slabs_cpupartial')) &&
      count.partial === Number(row.get('slabs_nodepartial'));
    if (isEqual) figures.equal++;
  }
  return figures;
}

for (const [name, floors] of Object.entries(FLOORS)) {
  describeWithData(name, 'a replay', () => {
    let slub: SlubModel;
    let observed: ObservedReplay;
    beforeAll(async () => {
      ({ slub, observed } = await replay(recording(name)));
    });

    test('chooses the kernel’s slots and slabs', () => {
      const total = observed.total();
      expect(total.allocations).toBeGreaterThan(150_000);
      expect(observed.unknownCache + observed.misplaced).toBe(0);
      expect.soft(slotShare(total)).toBeGreaterThanOrEqual(floors.slots);
      expect.soft(share(total.slabMatches, total.allocations)).toBeGreaterThanOrEqual(floors.slabs);
    });

    test('knows the slots of caches whose frees are all traced', () => {
      const traced = slub.caches
        // Half of its objects are older than the recording.
        .filter(({ plan }) => plan.name !== 'kmemleak_object')
        .map(({ model }) => observed.fidelityOf(model.id))
        .filter(({ mismatches }) => mismatches.unseenFree === 0);
      const sum = new Fidelity();
      for (const fidelity of traced) sum.add(fidelity);
      expect(sum.allocations).toBeGreaterThan(25_000);
      expect(slotShare(sum)).toBeGreaterThanOrEqual(99.9);
      for (const cache of ['dentry', 'names_cache', 'inode_cache']) {
        const found = slub.caches.find(({ plan }) => plan.name === cache);
        const figures = observed.fidelityOf(found?.model.id ?? -1);
        expect.soft(slotShare(figures), cache).toBeGreaterThanOrEqual(floors.traced ?? 99.99);
      }
    });

    test('has no object allocated whose latest event is a free', () => {
      expect(observed.impossible().filter((count) => count !== null && count > 0)).toEqual([]);
    });

    test.runIf(floors.places)('ends with the kernel’s slabs on its lists', () => {
      const { places, objects } = slabsInCommon(name, slub);
      expect.soft(places).toBeGreaterThanOrEqual(floors.places ?? 0);
      expect.soft(objects).toBeGreaterThanOrEqual(floors.objects ?? 0);
    });

    test.runIf(floors.equal)('ends with the kernel’s slabs and objects per cache', () => {
      const { caches, near, equal, pages, kernelPages } = coveredFigures(name, slub);
      expect(caches).toBeGreaterThan(50);
      expect.soft(share(near, caches)).toBeGreaterThanOrEqual(95);
      expect.soft(share(equal, caches)).toBeGreaterThanOrEqual(floors.equal ?? 0);
      expect.soft(Math.abs(pages - kernelPages) / kernelPages).toBeLessThan(0.02);
    });
  });
}

/** The line of a text that begins at or after a time. */
function offsetOfTime(text: Buffer, seconds: number): number {
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const start = text.indexOf('\n', middle) + 1;
    const time = /\s(\d+\.\d+): /.exec(text.toString('latin1', start, start + 200))?.[1];
    if (start > 0 && Number(time) < seconds) low = middle + 1;
    else high = middle;
  }
  return text.indexOf('\n', low) + 1;
}

describeWithData('debian-plain', 'a replay that begins at 60 % of the time', () => {
  test('learns slabs as they show', async () => {
    const folder = temporaryFolder();
    const text = gunzipSync(readFileSync(recording('debian-plain', 'trace.txt.gz')));
    // From 0.429 s to 8.791 s; the head names the clock and the columns.
    const from = offsetOfTime(text, 0.429 + 0.6 * (8.791 - 0.429));
    const head = text.subarray(0, text.indexOf('\n', text.lastIndexOf('\n#', 4096) + 1) + 1);
    writeFileSync(join(folder, 'trace.txt'), [head, text.subarray(from)].join(''));
    for (const file of SIDECARS) symlinkSync(recording('debian-plain', file), join(folder, file));
    const { observed } = await replay(folder);
    const total = observed.total();
    expect(total.allocations).toBeGreaterThan(80_000);
    expect.soft(slotShare(total)).toBeGreaterThanOrEqual(96);
    expect.soft(share(total.slabMatches, total.allocations)).toBeGreaterThanOrEqual(97.9);
  });
});
