import { describe, expect, test } from 'vitest';
import { buildKnownCaches, KnownCaches } from '../../../../src/kernel/caches/known-cache.ts';
import { parseProcSlabinfo } from '../../../../src/kernel/caches/proc-slabinfo.ts';
import { parseSlabSysfs } from '../../../../src/kernel/caches/slab-sysfs.ts';
import { parseKernelConfig } from '../../../../src/kernel/machine/kernel-config.ts';
import { type CacheSpec, computeGeometry } from '../../../../src/kernel/slub/cache-geometry.ts';
import { recordedGeometry } from '../../../../src/kernel/slub/recorded-geometry.ts';
import { SLAB } from '../../../../src/kernel/slub/slab-flags.ts';
import { buildSlubParameters } from '../../../../src/kernel/slub/slub-parameters.ts';

function machine(release: string, cmdline = '') {
  return buildSlubParameters({ release, cmdline, pageSize: 4096, cpus: 2 });
}

function spec(name: string, objectSize: number, over: Partial<CacheSpec> = {}): CacheSpec {
  return { name, objectSize, align: 0, flags: 0, hasCtor: false, usersize: 0, ...over };
}

describe('a new cache', () => {
  test('task_struct on 6.1', () => {
    const task = spec('task_struct', 8392, { align: 64, flags: SLAB.ACCOUNT });
    expect(computeGeometry(task, machine('6.1'))).toMatchObject({
      slabSize: 8448,
      inuse: 8392,
      offset: 4192,
      redLeftPad: 0,
      order: 3,
      objsPerSlab: 3,
      minOrder: 2,
      minObjsPerSlab: 1,
      cpuPartial: 6,
      cpuPartialSlabs: 4,
      minPartial: 6,
    });
  });

  test('sighand_cache: RCU readers and whole cache lines', () => {
    const flags = SLAB.HWCACHE_ALIGN | SLAB.TYPESAFE_BY_RCU;
    expect(computeGeometry(spec('sighand_cache', 2080, { flags }), machine('6.1'))).toMatchObject({
      align: 64,
      slabSize: 2112,
      order: 3,
      objsPerSlab: 15,
    });
  });

  test('slub_debug reaches it by name', () => {
    const kmalloc = { align: 64, flags: SLAB.KMALLOC };
    const parameters = machine('6.1', 'slub_debug=FZPU,kmalloc-64');
    expect(computeGeometry(spec('kmalloc-64', 64, kmalloc), parameters)).toMatchObject({
      slabSize: 256,
      objsPerSlab: 16,
      redLeftPad: 64,
      cpuPartial: 0,
      cpuPartialSlabs: 0,
      flags: SLAB.KMALLOC | SLAB.CONSISTENCY_CHECKS | SLAB.RED_ZONE | SLAB.POISON | SLAB.STORE_USER,
    });
    expect(computeGeometry(spec('kmalloc-cg-64', 64, kmalloc), parameters)?.slabSize).toBe(64);
  });

  test('the letter O drops the metadata of 4k objects, not of small ones', () => {
    const parameters = machine('6.1', 'slub_debug=FZPUO');
    expect(computeGeometry(spec('names_cache', 4096), parameters)).toMatchObject({
      slabSize: 4096,
      flags: SLAB.CONSISTENCY_CHECKS,
    });
    // Red zone to 72, free pointer to 80, two tracks to 144, 8 of padding, 8 on the left.
    expect(computeGeometry(spec('small', 64), parameters)?.slabSize).toBe(160);
  });

  test('a kernel without SLUB_DEBUG heeds no debug flag', () => {
    const config = parseKernelConfig('CONFIG_SLUB=y\n');
    const parameters = buildSlubParameters({
      release: '6.1',
      config,
      cmdline: 'slub_debug',
      pageSize: 4096,
      cpus: 2,
    });
    expect(computeGeometry(spec('a', 64, { flags: SLAB.POISON }), parameters)).toMatchObject({
      slabSize: 64,
      flags: 0,
    });
  });

  test('too large for the page allocator', () => {
    expect(computeGeometry(spec('huge', 5_000_000), machine('6.1'))).toBeUndefined();
  });
});

describe('a recorded cache', () => {
  function recorded(files: Record<string, number | string>, id = 'a'): KnownCaches {
    const lines = Object.entries(files).map(([f, v]) => `/sys/kernel/slab/${id}/${f}=${v}`);
    const known = buildKnownCaches(parseSlabSysfs(lines.join('\n')), undefined, new Set());
    return known ?? new KnownCaches([]);
  }

  function geometryOf(known: KnownCaches, parameters = machine('6.12')) {
    const [cache] = known.all;
    return cache && recordedGeometry(cache, parameters);
  }

  const DENTRY = {
    object_size: 192,
    slab_size: 192,
    align: 8,
    order: 0,
    objs_per_slab: 21,
    cpu_partial: 120,
    min_partial: 5,
  };

  test('that the rules give differs in nothing', () => {
    const result = geometryOf(recorded(DENTRY));
    expect(result?.differing).toEqual([]);
    expect(result).toMatchObject({ placedFreePointer: false, offsetCertain: true });
    expect(result?.geometry).toMatchObject({ offset: 96, cpuPartialSlabs: 12 });
  });

  test('written limits stand, and are told', () => {
    const result = geometryOf(recorded({ ...DENTRY, cpu_partial: 30, min_partial: 9, order: 1 }));
    expect(result?.differing).toEqual(['order', 'cpuPartial', 'minPartial']);
    expect(result?.geometry).toMatchObject({ cpuPartial: 30, minPartial: 9, cpuPartialSlabs: 3 });
  });

  test('of a merged cache the place of the free pointer is a guess', () => {
    const known = recorded({ ...DENTRY, aliases: 2 }, ':0000192');
    expect(geometryOf(known)?.offsetCertain).toBe(false);
  });

  const VMA = { ...DENTRY, destroy_by_rcu: 1, hwcache_align: 1, align: 64 };

  test('an RCU cache that is too small for a free pointer behind it has it inside', () => {
    const result = geometryOf(recorded(VMA, 'vm_area_struct'));
    expect(result).toMatchObject({ placedFreePointer: true, offsetCertain: false, differing: [] });
    expect(result?.geometry.layout.freePointerOutside).toBe(false);
    expect(geometryOf(recorded(VMA), machine('6.1'))?.differing).toContain('slabSize');
  });

  test('an RCU cache with room for it may have it in either place', () => {
    const result = geometryOf(recorded({ ...VMA, object_size: 184 }, 'filp'));
    expect(result).toMatchObject({ placedFreePointer: false, offsetCertain: false, differing: [] });
  });

  test('what slub_debug gave it is not what its creator asked for', () => {
    const debug = {
      ...DENTRY,
      slab_size: 288,
      objs_per_slab: 14,
      cpu_partial: 0,
      sanity_checks: 1,
      red_zone: 1,
      poison: 1,
      store_user: 1,
    };
    const result = geometryOf(recorded(debug), machine('6.12', 'slub_debug=FZPU'));
    expect(result?.differing).toEqual([]);
    expect(result?.spec.flags).toBe(0);
    // Made again without the option it is the plain one.
    expect(result && computeGeometry(result.spec, machine('6.12'))?.slabSize).toBe(192);
  });

  test('slabinfo alone: the object is taken to fill its place', () => {
    const slabinfo = parseProcSlabinfo(`slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>
dentry             10     21    192   21    1 : tunables    0    0    0 : slabdata      1      1      0
`);
    const known = buildKnownCaches(undefined, slabinfo, new Set());
    const result = geometryOf(known ?? new KnownCaches([]));
    expect(result?.geometry).toMatchObject({ objectSize: 192, slabSize: 192, cpuPartial: 120 });
    expect(result).toMatchObject({ differing: [], offsetCertain: false });
  });
});
