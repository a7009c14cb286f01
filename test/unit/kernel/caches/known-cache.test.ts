import { describe, expect, test } from 'vitest';
import { buildKnownCaches, type KnownCaches } from '../../../../src/kernel/caches/known-cache.ts';
import { parseProcSlabinfo } from '../../../../src/kernel/caches/proc-slabinfo.ts';
import { parseSlabSysfs } from '../../../../src/kernel/caches/slab-sysfs.ts';

/** The lines of one cache in a capture of /sys/kernel/slab. */
function sysfsOf(id: string, objectSize: number, slabSize: number, aliases = 0): string {
  const values = {
    object_size: objectSize,
    slab_size: slabSize,
    objs_per_slab: Math.floor(4096 / slabSize),
    order: 0,
    slabs: 5,
    objects: 90,
    total_objects: 100,
    aliases,
  };
  return Object.entries(values)
    .map(([name, value]) => `/sys/kernel/slab/${id}/${name}=${value}\n`)
    .join('');
}

const SYSFS =
  sysfsOf(':A-0000192', 184, 192, 1) +
  sysfsOf(':0000192', 192, 192, 2) +
  sysfsOf('dentry', 192, 192);
const LINKS = `
/sys/kernel/slab/cred_jar -> :A-0000192
/sys/kernel/slab/ip_mrt_cache -> :A-0000192
/sys/kernel/slab/proc_dir_entry -> :0000192
/sys/kernel/slab/biovec-12 -> :0000192
`;
const SLABINFO = `slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>
proc_dir_entry       90    100    192   21    1 : tunables    0    0    0 : slabdata      5      5      0
cred_jar             90    100    192   21    1 : tunables    0    0    0 : slabdata      5      5      0
dentry               90    100    192   21    1 : tunables    0    0    0 : slabdata      5      5      0
kmalloc-8k           32     36   8192    4    8 : tunables    0    0    0 : slabdata      9      9      0
`;

function known(sysfs?: string, slabinfo?: string, events: string[] = []): KnownCaches {
  const caches = buildKnownCaches(
    sysfs === undefined ? undefined : parseSlabSysfs(sysfs, LINKS),
    slabinfo === undefined ? undefined : parseProcSlabinfo(slabinfo),
    new Set(events),
  );
  if (caches === undefined) throw new Error('no caches');
  return caches;
}

describe('caches from sysfs', () => {
  const caches = known(SYSFS, SLABINFO);

  test('have the names of /proc/slabinfo, merged ones too', () => {
    expect(caches.all.map((c) => c.name)).toEqual(['cred_jar', 'proc_dir_entry', 'dentry']);
  });

  test('have the sizes and counts of sysfs', () => {
    expect(caches.all[0]).toMatchObject({
      aliases: ['cred_jar', 'ip_mrt_cache'],
      objectSize: 184,
      slabSize: 192,
      objsPerSlab: 21,
      order: 0,
      slabs: 5,
      activeObjects: 90,
      totalObjects: 100,
    });
  });

  test('are accounted where the id of a merged cache says so', () => {
    expect(caches.all.map((c) => c.accounted)).toEqual([true, false, null]);
  });

  test('are found by their name, their id and the names that were merged into them', () => {
    const cred = caches.all[0];
    expect([
      caches.find('cred_jar'),
      caches.find(':A-0000192'),
      caches.find('ip_mrt_cache'),
    ]).toEqual([cred, cred, cred]);
    expect(caches.find('inode_cache')).toBeUndefined();
  });

  test('are found by their stride', () => {
    expect(caches.ofSlabSize(192)).toHaveLength(3);
    expect(caches.ofSlabSize(64)).toEqual([]);
  });

  test('without slabinfo have the name that events print', () => {
    expect(known(SYSFS, undefined, ['ip_mrt_cache', 'dentry']).all[0]?.name).toBe('ip_mrt_cache');
  });
});

describe('caches from /proc/slabinfo alone', () => {
  const caches = known(undefined, SLABINFO);

  test('have what it tells, and null for the rest', () => {
    expect(caches.find('kmalloc-8k')).toEqual({
      name: 'kmalloc-8k',
      aliases: [],
      objectSize: null,
      slabSize: 8192,
      objsPerSlab: 4,
      order: 3,
      slabs: 9,
      activeObjects: 32,
      totalObjects: 36,
      accounted: null,
      sysfs: null,
    });
  });

  test('have a whole order, whatever the file says', () => {
    const line = 'odd 1 2 192 21 PAGES : tunables 0 0 0 : slabdata 5 5 0\n';
    const orders = ['0', '1', '3', '8'].map(
      (pages) => known(undefined, line.replace('PAGES', pages)).all[0]?.order,
    );
    expect(orders).toEqual([0, 0, 2, 3]);
  });
});

test('a recording with neither has no caches', () => {
  expect(buildKnownCaches(undefined, undefined, new Set())).toBeUndefined();
  expect(
    buildKnownCaches(parseSlabSysfs('', ''), parseProcSlabinfo('nothing'), new Set()),
  ).toBeUndefined();
});
