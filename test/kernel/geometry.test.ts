// The geometry that the rules give is the recorded kernel's own, for every cache of every recording:
// sysfs shows sizes, order and limits, slub_caches.tsv what only the kernel's memory has.

import { beforeAll, expect, test } from 'vitest';
import { isArm64, kmallocBuild, kmallocCacheSet } from '../../src/kernel/caches/kmalloc-set.ts';
import type { SlabCacheSysfs } from '../../src/kernel/caches/slab-cache-sysfs.ts';
import { parseSlubCmdline } from '../../src/kernel/slub/boot-options.ts';
import {
  type CacheGeometry,
  computeGeometry,
  specOfKmalloc,
} from '../../src/kernel/slub/cache-geometry.ts';
import { recordedGeometry, specOfSysfs } from '../../src/kernel/slub/recorded-geometry.ts';
import { flagsOfSysfs, SLAB_DEBUG_FLAGS } from '../../src/kernel/slub/slab-flags.ts';
import { parseSlubDebug } from '../../src/kernel/slub/slub-debug-option.ts';
import { buildSlubParameters, type SlubParameters } from '../../src/kernel/slub/slub-parameters.ts';
import { describeEachWith, describeWithData, isRecorded } from '../helpers/data.ts';
import {
  type RecordedCaches,
  type RecordedMachine,
  recordedCaches,
  recordedMachine,
} from '../helpers/recorded-machine.ts';

/**
 * Caches whose creators place the free pointer in the object (use_freeptr_offset), which sysfs does
 * not show: their slab_size is a word smaller, up to alignment, than the inputs alone give.
 */
const PLACES_FREE_POINTER: Readonly<Record<string, readonly string[]>> = {
  '6.18': ['vm_area_struct'],
  '7.2': ['TCP', 'TCPv6', 'vm_area_struct'],
};

/** 'kmalloc-64 order 1 kernel 0' for each figure that differs. */
function differences(
  name: string,
  geometry: CacheGeometry | undefined,
  cache: SlabCacheSysfs,
): string[] {
  if (geometry === undefined) return [`${name} refused`];
  const pairs: [string, number | null, number | null][] = [
    ['align', geometry.align, cache.align],
    ['slabSize', geometry.slabSize, cache.slabSize],
    ['order', geometry.order, cache.order],
    ['objsPerSlab', geometry.objsPerSlab, cache.objsPerSlab],
    ['cpuPartial', geometry.cpuPartial, cache.cpuPartial],
    ['minPartial', geometry.minPartial, cache.minPartial],
    ['flags', geometry.flags & SLAB_DEBUG_FLAGS, flagsOfSysfs(cache) & SLAB_DEBUG_FLAGS],
  ];
  if (cache.sheafCapacity !== null) {
    pairs.push(['sheafCapacity', geometry.sheafCapacity, cache.sheafCapacity]);
  }
  return pairs
    .filter(([, ours, kernel]) => ours !== kernel)
    .map(([field, ours, kernel]) => `${name} ${field} ${ours} kernel ${kernel}`);
}

describeEachWith(['slab_sysfs.txt'], 'every cache', (recordingName) => {
  let machine: RecordedMachine;
  let parameters: SlubParameters;
  let caches: RecordedCaches;
  beforeAll(() => {
    machine = recordedMachine(recordingName);
    parameters = buildSlubParameters(machine);
    caches = recordedCaches(recordingName);
  });

  test('sysfs figures from object_size, align, flags and ctor', () => {
    const { known } = caches;
    const excepted = PLACES_FREE_POINTER[parameters.rules.generation] ?? [];
    const wrong: string[] = [];
    const wrongCaches = new Set<string>();
    for (const { name, sysfs: cache } of known.all) {
      if (cache === null) continue;
      const spec = specOfSysfs(cache, name, parameters.debug);
      const found = differences(name, computeGeometry(spec, parameters), cache);
      if (found.length > 0) wrongCaches.add(name);
      if (!excepted.includes(name)) wrong.push(...found);
    }
    expect(wrong).toEqual([]);
    expect([...wrongCaches].sort()).toEqual(excepted.filter((name) => known.find(name)));
    expect(known.all.length).toBeGreaterThan(100);
  });

  test('a free pointer that a creator has placed is found, and then nothing differs', () => {
    const { known } = caches;
    const placed = known.all.filter((cache) => {
      const result = recordedGeometry(cache, parameters);
      expect(result?.differing, cache.name).toEqual([]);
      return result?.placedFreePointer;
    });
    expect(placed.map((cache) => cache.name).sort()).toEqual(
      (PLACES_FREE_POINTER[parameters.rules.generation] ?? []).filter((name) => known.find(name)),
    );
  });

  test.skipIf(!isRecorded(recordingName, 'slub_caches.tsv'))(
    'what only the memory dump shows',
    () => {
      const { known, dumped } = caches;
      const wrong: string[] = [];
      let offsets = 0;
      for (const cache of known.all) {
        const result = recordedGeometry(cache, parameters);
        const row = dumped.get(cache.name);
        if (result === undefined || row === undefined) continue;
        const { geometry, offsetCertain } = result;
        const compare = (column: string, ours: number | null): void => {
          const kernel = row.get(column);
          if (kernel !== undefined && Number(kernel) !== ours) {
            wrong.push(`${cache.name} ${column} ${ours} kernel ${kernel}`);
          }
        };
        compare('inuse', geometry.inuse);
        compare('red_left_pad', geometry.redLeftPad);
        compare('min_order', geometry.minOrder);
        compare('cpu_partial_slabs', geometry.cpuPartialSlabs);
        // Merging hides which object size it was worked out from; RCU caches may have it placed.
        if (offsetCertain) compare('offset', geometry.offset);
        offsets += offsetCertain ? 1 : 0;
      }
      expect(wrong).toEqual([]);
      expect(dumped.size).toBe(known.all.length);
      expect(offsets / known.all.length).toBeGreaterThan(0.75);
    },
  );

  test('kmalloc caches from release, configuration and command line alone', () => {
    const { known } = caches;
    const { rules, cacheLine } = parameters;
    const set = kmallocCacheSet(
      kmallocBuild({
        rules,
        cacheLine,
        pageSize: machine.pageSize,
        arm64: isArm64(machine.config, machine.release),
        config: machine.config,
        options: parseSlubCmdline(machine.cmdline, rules),
      }),
    );
    const bare = buildSlubParameters({ ...machine, bootLog: '' });
    const wrong: string[] = [];
    for (const ours of set) {
      const cache = known.find(ours.name)?.sysfs;
      if (!cache) {
        wrong.push(`${ours.name} is not there`);
        continue;
      }
      wrong.push(
        ...differences(ours.name, computeGeometry(specOfKmalloc(ours), bare), cache),
        ...(ours.objectSize === cache.objectSize ? [] : [`${ours.name} objectSize`]),
        ...(ours.usersize === (cache.usersize ?? 0) ? [] : [`${ours.name} usersize`]),
      );
    }
    expect(wrong).toEqual([]);
    const computed = new Set(set.map((cache) => cache.name));
    const recorded = known.all
      .map((cache) => cache.name)
      .filter((name) => /kmalloc|^memdup_user-|^msg_msg-/.test(name));
    expect(recorded.filter((name) => !computed.has(name))).toEqual([]);
    expect(set.length).toBeGreaterThanOrEqual(39);
  });

  test('sysfs alone tells the rules of a kernel whose release is not known', () => {
    const { known, sysfs } = caches;
    const shown = buildSlubParameters({ ...machine, release: null, caches: sysfs.caches });
    const hasPlainCaches = known.all.some(({ sysfs: cache }) => (cache?.cpuPartial ?? 0) > 0);
    if (hasPlainCaches || parameters.rules.sheaves === 'all') {
      expect(shown.rules).toEqual(parameters.rules);
    }
  });
});

for (const [plainName, debugName] of [
  ['debian-plain', 'debug-slub'],
  ['debian-plain-612', 'debug-slub-612'],
] as const) {
  describeWithData([plainName, debugName], 'the same kernel with slub_debug=FZPU', () => {
    const load = () => {
      const parameters = buildSlubParameters(recordedMachine(plainName));
      const { generation } = parameters.rules;
      const [plain, debug] = [recordedCaches(plainName), recordedCaches(debugName)];
      return { plain, debug, parameters, generation };
    };

    test('its layout is forecast for every cache into which nothing was merged', () => {
      const { plain, debug, parameters, generation } = load();
      const forecast = { ...parameters, debug: parseSlubDebug('FZPU') };
      const unmerged = plain.known.all.filter((cache) => cache.sysfs?.aliases === 0);
      const wrong: string[] = [];
      let equal = 0;
      for (const cache of unmerged) {
        const kernel = debug.sysfs.byId.get(cache.name);
        const spec = recordedGeometry(cache, parameters)?.spec;
        if (kernel === undefined || spec === undefined) continue;
        const found = differences(cache.name, computeGeometry(spec, forecast), kernel);
        wrong.push(...found);
        equal += found.length === 0 ? 1 : 0;
      }
      expect(wrong).toEqual([]);
      expect(equal).toBeGreaterThanOrEqual(generation === '6.1' ? 123 : 156);
    });
  });
}
