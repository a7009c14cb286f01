// The printed texts in here are what the kernel's slabinfo tool (tools/mm/slabinfo.c, 6.12, built with
// gcc) printed when run in an ext4 directory with exactly the files of CAPTURE and LINKS.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sortAsExt4 } from '../../../../src/commands/slabinfo/ext4-order.ts';
import {
  LIVE_ACTIONS,
  refuseLiveAction,
  SLABINFO_DEFAULTS,
  SLABINFO_FLAGS,
  type SlabinfoOptions,
} from '../../../../src/commands/slabinfo/options.ts';
import { computeSlabinfo } from '../../../../src/commands/slabinfo/slabinfo.ts';
import { buildSlabinfoJson } from '../../../../src/commands/slabinfo/slabinfo-json.ts';
import type { SlabinfoRun } from '../../../../src/commands/slabinfo/slabinfo-run.ts';
import { renderSize, renderSlabinfoText } from '../../../../src/commands/slabinfo/slabinfo-text.ts';
import { resolveSlabCacheNames } from '../../../../src/kernel/caches/slab-cache-names.ts';
import { parseSlabSysfs } from '../../../../src/kernel/caches/slab-sysfs.ts';

type Attributes = Record<string, number | string>;

function capture(caches: Record<string, Attributes>): string {
  return Object.entries(caches)
    .flatMap(([id, attributes]) =>
      Object.entries(attributes).map(
        ([name, value]) => `/sys/kernel/slab/${id}/${name}=${value}\n`,
      ),
    )
    .join('');
}

const CAPTURE = capture({
  // Its CPU slabs were counted after its slabs: there are more of them.
  'kmalloc-64': {
    object_size: 64,
    slab_size: 64,
    objs_per_slab: 64,
    order: 0,
    objects: 100,
    total_objects: 128,
    objects_partial: 36,
    slabs: '2 N0=1 N1=1',
    partial: '1 N1=1',
    cpu_slabs: 3,
    align: 64,
    aliases: 0,
  },
  ':0000128': {
    object_size: 120,
    slab_size: 128,
    objs_per_slab: 64,
    order: 1,
    objects: 130,
    total_objects: 192,
    objects_partial: 2,
    slabs: '3 N0=3',
    partial: '1 N0=1',
    cpu_slabs: 1,
    align: 8,
    aliases: 1,
    hwcache_align: 1,
  },
  ':a-0000064': {
    object_size: 56,
    slab_size: 64,
    objs_per_slab: 64,
    order: 0,
    objects: 64,
    total_objects: 64,
    slabs: '1 N0=1',
    cpu_slabs: 1,
    align: 8,
    reclaim_account: 1,
  },
  empty: { object_size: 16, slab_size: 16, objs_per_slab: 256, align: 16 },
});

const LINKS = `/sys/kernel/slab/btree_node -> :0000128
/sys/kernel/slab/kernfs_node_cache -> :0000128
/sys/kernel/slab/buffer_x -> :a-0000064
`;

function compute(
  options: Partial<SlabinfoOptions>,
  text = CAPTURE,
  links = LINKS,
  pageSize = 4096,
) {
  return computeSlabinfo(parseSlabSysfs(text, links), pageSize, {
    ...SLABINFO_DEFAULTS,
    ...options,
  });
}

function print(options: Partial<SlabinfoOptions>, text = CAPTURE, links = LINKS): string {
  return renderSlabinfoText(compute(options, text, links));
}

/** The names of a printed list. */
function listed(options: Partial<SlabinfoOptions>, text = CAPTURE, links = LINKS): string[] {
  const lines = print(options, text, links).split('\n').slice(1, -1);
  return lines.map((line) => line.slice(0, 21).trimEnd());
}

describe('the list', () => {
  test('caches with slabs by name; a merged one with one name has that name', () => {
    expect(print({})).toBe(`\
Name                   Objects Objsize           Space Slabs/Part/Cpu  O/S O %Fr %Ef Flg
:0000128                   130     120           24.5K          2/1/1   64 1  33  63 *A
buffer_x                    64      56            4.0K          0/0/1   64 0   0  87 a
kmalloc-64                 100      64            8.1K 18446744073709551615/1/3   64 0  50  78 
`);
  });

  test('-L: by loss, largest first', () => {
    expect(print({ sortLoss: true })).toBe(`\
Name                   Objects Objsize            Loss Slabs/Part/Cpu  O/S O %Fr %Ef Flg
:0000128                   130     120            8.9K          2/1/1   64 1  33  63 *A
kmalloc-64                 100      64            1.7K 18446744073709551615/1/3   64 0  50  78 
buffer_x                    64      56             512          0/0/1   64 0   0  87 a
`);
  });

  test('-f: the longest alias; -z: empty caches too; -U: no reclaimable ones', () => {
    expect(listed({ firstAlias: true })).toEqual(['buffer_x', 'kernfs_node_cache', 'kmalloc-64']);
    expect(print({ zero: true, unreclaimOnly: true })).toBe(`\
Name                   Objects Objsize           Space Slabs/Part/Cpu  O/S O %Fr %Ef Flg
:0000128                   130     120           24.5K          2/1/1   64 1  33  63 *A
empty                        0      16               0          0/0/0  256 0 100 100 
kmalloc-64                 100      64            8.1K 18446744073709551615/1/3   64 0  50  78 
`);
    expect(listed({ empty: true })).toEqual(['empty']);
  });

  test('-N counts caches that are then hidden, and never less than one', () => {
    expect(listed({ lines: 3 })).toEqual([':0000128', 'buffer_x']);
    expect(listed({ lines: 0 })).toEqual([':0000128']);
  });

  test('-D without CONFIG_SLUB_STATS', () => {
    expect(print({ activity: true })).toBe(`\
Name                   Objects      Alloc       Free   %Fast Fallb O CmpX   UL
:0000128                   130          0          0   0   0     0 1    0    0
buffer_x                    64          0          0   0   0     0 0    0    0
kmalloc-64                 100          0          0   0   0     0 0    0    0
`);
  });

  test('a larger page makes larger slabs', () => {
    const { rows } = compute({}, CAPTURE, LINKS, 16384);
    expect(rows.map((row) => row.space)).toEqual([98304, 16384, 32768]);
  });

  test('every flag letter, in the order of the tool', () => {
    const flags = {
      aliases: -1,
      cache_dma: 1,
      hwcache_align: 1,
      poison: 1,
      reclaim_account: 1,
      red_zone: 1,
      sanity_checks: 1,
      store_user: 1,
      trace: 1,
    };
    const text = capture({ x: { slabs: 1, ...flags }, y: { slabs: 1 } });
    expect(compute({}, text, '').rows.map((row) => row.flags)).toEqual(['*dAPaZFUT', '']);
  });
});

describe('sorting', () => {
  // Loss (4096 per slab, no objects): a 1, b 2, c 1, d 3 slabs.
  const four = capture({ d: { slabs: 3 }, a: { slabs: 1 }, c: { slabs: 1 }, b: { slabs: 2 } });

  test('ties are resolved by name', () => {
    expect(listed({ sortSize: true }, four)).toEqual(['d', 'b', 'a', 'c']);
  });

  test('-i with a number does not sort: only ties change places', () => {
    const order: Partial<SlabinfoOptions> = {
      inverted: true,
      sortSize: true,
      readOrder: 'capture',
    };
    expect(listed(order, four)).toEqual(['d', 'c', 'a', 'b']);
    expect(listed({ inverted: true }, four)).toEqual(['d', 'c', 'b', 'a']);
  });

  test('-S goes before -A, -A before -L, -L before -P', () => {
    const text = capture({
      size: { slabs: 9, objects: 2000, object_size: 18 },
      activity: { slabs: 1, alloc_fastpath: 5 },
      loss: { slabs: 2 },
      partial: { slabs: 1, partial: 1, objects: 1, object_size: 4096 },
    });
    const all = { sortSize: true, sortActivity: true, sortLoss: true, sortPartial: true };
    expect(listed(all, text)[0]).toBe('size');
    expect(listed({ ...all, sortSize: false }, text)[0]).toBe('activity');
    expect(listed({ sortLoss: true, sortPartial: true }, text)[0]).toBe('loss');
    expect(listed({ sortPartial: true }, text)[0]).toBe('partial');
  });

  test('a loss below nothing wraps to the largest', () => {
    const text = capture({ a: { slabs: 9 }, b: { slabs: 1, objects: 65, object_size: 64 } });
    expect(listed({ sortLoss: true }, text)).toEqual(['b', 'a']);
    expect(compute({ sortLoss: true }, text).rows[0]?.loss).toBe(-64);
    expect(print({ sortLoss: true, bytes: true }, text)).toContain(
      '            -64          1/0/0',
    );
  });

  test('names that differ in case only come in the order read', () => {
    const text = capture({ ':a-0000064': { slabs: 1 }, ':A-0000064': { slabs: 1 } });
    const links = [
      ['a', ':a-0000064'],
      ['b', ':a-0000064'],
      ['c', ':A-0000064'],
      ['d', ':A-0000064'],
    ];
    const both = links.map(([name, id]) => `/sys/kernel/slab/${name} -> ${id}\n`).join('');
    expect(listed({ readOrder: 'capture' }, text, both)).toEqual([':a-0000064', ':A-0000064']);
  });

  // What `ls -U` printed of such a directory on ext4 (6.18) with no hash seed in its superblock.
  test('ext4 lists names by hash', () => {
    const listing = [
      'task_struct',
      'exactly_thirty_two_bytes_of_name_',
      'kmalloc-64',
      'a_name_that_is_longer_than_thirty_two_bytez',
      'x',
      'kmalloc-96',
      'TCPv6',
      'dentry',
      'a_name_that_is_longer_than_thirty_two_bytes',
      ':A-0000256',
      ':a-0000256',
    ];
    expect(sortAsExt4([...listing].sort(), (name) => name)).toEqual(listing);
  });
});

describe('names', () => {
  test('a pattern is for names; merged caches without a selected name are left out', () => {
    const all = [':0000128', 'buffer_x', 'kmalloc-64'];
    expect(listed({ pattern: 'KMALLOC\\|e' })).toEqual(all);
    expect(listed({ pattern: 'btree\\|kmalloc' })).toEqual(['btree_node', 'kmalloc-64']);
  });

  test('a list of one cache is a report', () => {
    expect(print({ pattern: 'buffer' })).toBe(`
Slabcache: buffer_x         Aliases:  0 Order :  0 Objects: 64
** Reclaim accounting active

Sizes (bytes)     Slabs              Debug                Memory
------------------------------------------------------------------------
Object :      56  Total  :       1   Sanity Checks : Off  Total:    4096
SlabObj:      64  Full   :       0   Redzoning     : Off  Used :    3584
SlabSiz:    4096  Partial:       0   Poisoning     : Off  Loss :     512
Loss   :       8  CpuSlab:       1   Tracking      : Off  Lalig:     512
Align  :       8  Objects:      64   Tracing       : Off  Lpadd:       0

buffer_x has no kmem_cache operations

buffer_x: Kernel object allocation
-----------------------------------------------------------------------
No Data

buffer_x: Kernel object freeing
------------------------------------------------------------------------
No Data

buffer_x: No NUMA information available.
`);
  });

  test('-a: merged caches, with -1 those of one name too; with -i name by name', () => {
    expect(print({ aliases: true })).toBe('\n:0000128     <- btree_node kernfs_node_cache\n');
    expect(print({ aliases: true, singleRef: true })).toBe(
      '\n:0000128     <- btree_node kernfs_node_cache\n:a-0000064   <- buffer_x\n',
    );
    expect(print({ aliases: true, singleRef: true, inverted: true })).toBe(
      'btree_node      -> :0000128\nbuffer_x        -> :a-0000064\nkernfs_node_cache -> :0000128\n',
    );
    expect(print({ aliases: true, pattern: 'kmalloc' })).toBe('');
  });

  test('an alias of a directory that was not captured is told, not fatal', () => {
    const links = `${LINKS}/sys/kernel/slab/lost -> :0009999\n`;
    const result = compute({}, CAPTURE, links);
    expect(result.unresolvedAliases).toEqual([{ name: 'lost', target: ':0009999' }]);
    expect(renderSlabinfoText(result)).toBe(print({}));
    expect(result.totals.aliases).toBe(compute({}).totals.aliases + 1);
  });
});

test('a merged cache without a captured link is told, and is in the rows under its id', () => {
  const result = compute({}, CAPTURE, '/sys/kernel/slab/buffer_x -> :a-0000064\n');
  expect(result.unnamed).toEqual([':0000128']);
  expect(result.rows.map((row) => row.name)).toEqual([':0000128', 'buffer_x', 'kmalloc-64']);
  expect(renderSlabinfoText(result)).not.toContain(':0000128');
});

describe('totals', () => {
  const TOTALS = `\
Slabcache Totals
----------------
Slabcaches :               4   Aliases  :           3->2    Active:      3
Memory used:           36.8K   # Loss   :           11.2K   MRatio:    44%
# Objects  :             294   # PartObj:              38   ORatio:    12%

Per Cache         Average              Min              Max            Total
----------------------------------------------------------------------------
#Objects               98               64              130              294
#Slabs                  2                1                3                6
#PartSlab               0                0                1                2
%PartSlab             27%               0%              50%              33%
PartObjs               12                0               36               38
% PartObj             12%               0%              36%              12%
Memory              12.2K             4.0K            24.5K            36.8K
Used                 8.5K             3.5K            15.6K            25.5K
Loss                 3.7K              512             8.9K            11.2K

Per Object        Average              Min              Max
-----------------------------------------------------------
Memory                 92               64              128
User                   87               56              120
Loss                    5                0                8
`;

  test('-T: caches with slabs and objects; the average of PartObjs is a percentage', () => {
    expect(print({ totals: true })).toBe(TOTALS);
  });

  test('-T of nothing', () => {
    expect(print({ totals: true }, capture({ empty: { slabs: 0 } }), '')).toBe('No objects\n');
  });

  test('-X: totals and three lists of one cache each, in bytes', () => {
    const text = print({ extendedTotals: true });
    expect(text).toContain('Memory used:           36864   # Loss   :           11280   MRatio:');
    expect(text.slice(text.indexOf('Slabs sorted by size'))).toBe(`\
Slabs sorted by size
--------------------
Name                   Objects Objsize           Space Slabs/Part/Cpu  O/S O %Fr %Ef Flg
:0000128                   130     120           24576          2/1/1   64 1  33  63 *A

Slabs sorted by loss
--------------------
Name                   Objects Objsize            Loss Slabs/Part/Cpu  O/S O %Fr %Ef Flg
:0000128                   130     120            8976          2/1/1   64 1  33  63 *A

Slabs sorted by number of partial slabs
---------------------------------------
Name                   Objects Objsize           Space Slabs/Part/Cpu  O/S O %Fr %Ef Flg
:0000128                   130     120           24576          2/1/1   64 1  33  63 *A

`);
  });
});

describe('reports', () => {
  test('-n: slabs by node', () => {
    expect(print({ numa: true })).toBe(`
Slab                 :    0    1
--------------------------------
:0000128                  3    0
buffer_x                  1    0
kmalloc-64                1    1
`);
  });

  test('-r of a cache on two nodes', () => {
    const text = print({ report: true, pattern: 'kmalloc' });
    expect(text).toContain(
      'SlabObj:      64  Full   :      -2   Redzoning     : Off  Used :    6400',
    );
    expect(text.slice(text.indexOf('\nNUMA'))).toBe(`
NUMA nodes           :    0    1
--------------------------------
All slabs                 1    1
Partial slabs             0    1
`);
  });

  test('-t: the sites that old kernels keep in sysfs, as far as one buffer goes', () => {
    const text =
      '/sys/kernel/slab/a/alloc_calls=      3 f+0x1/0x2 age=1\n      1 g+0x3/0x4 age=2\n' +
      `/sys/kernel/slab/a/free_calls=${'x'.repeat(5000)}\n`;
    expect(print({ tracking: true }, text, '')).toBe(`
a: Kernel object allocation
-----------------------------------------------------------------------
      3 f+0x1/0x2 age=1
      1 g+0x3/0x4 age=2

a: Kernel object freeing
------------------------------------------------------------------------
${'x'.repeat(4096)}`);
  });

  test('-o', () => {
    const text = capture({ a: { ops: 'ctor : f' }, b: { slabs: 1 } });
    expect(print({ ops: true }, text, '')).toBe(
      '\na: kmem_cache operations\n--------------------------------------------\nctor : f\n' +
        '\nb has no kmem_cache operations\n',
    );
  });

  test('statistics of CONFIG_SLUB_STATS end a report', () => {
    const stats = {
      alloc_fastpath: 75,
      alloc_slowpath: 25,
      free_fastpath: 30,
      free_slowpath: 10,
      alloc_slab: 5,
      free_slab: 1,
      cpuslab_flush: 2,
      deactivate_full: 1,
      deactivate_bypass: 2,
      cmpxchg_double_fail: 4,
    };
    const text = print({}, capture({ a: { slabs: 1, ...stats } }), '');
    expect(text.slice(text.indexOf('\nSlab Perf'))).toBe(`
Slab Perf Counter       Alloc     Free %Al %Fr
--------------------------------------------------
Fastpath                   75       30  75  75
Slowpath                   25       10  25  25
Page Alloc                  5        1   5   2
Add partial                 0        0   0   0
Remove partial              0        0   0   0
Cpu partial list            0        0   0   0
RemoteObj/SlabFrozen        0        0   0   0
Total                     100       40

Flushes        2

Slab Deactivation             Occurrences %
-------------------------------------------------
Slab full                           1   33%
Slab empty                          0    0%
Moved to head of partial list       0    0%
Moved to tail of partial list       0    0%
Deactivation bypass                 2   66%
Refilled from foreign frees         0    0%
Node mismatch                       0    0%

Cmpxchg_double Looping
------------------------
Locked Cmpxchg Double redos   4
Unlocked Cmpxchg Double redos 0
`);
  });
});

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1000'],
  [1001, '1.0K'],
  [4096, '4.0K'],
  [999_999, '999.9K'],
  [1_000_000, '1000.0K'],
  [1_500_000, '1.5M'],
  [1_000_000_000, '1000.0M'],
  [1_000_000_001, '1.0G'],
  [-64, '18446744073.7G'],
])('the tool shortens %i to %s', (value, text) => {
  expect(renderSize(value)).toBe(text);
});

test('JSON has the names of /proc/slabinfo and all slabs, sorted as the list', () => {
  const sysfs = parseSlabSysfs(CAPTURE, LINKS);
  const names = resolveSlabCacheNames(sysfs, { eventNames: new Set(['btree_node']) });
  const run = { label: 'a-run' } as SlabinfoRun['run'];
  const result = compute({ sortLoss: true });
  const rest = { completeness: null, isSlabinfo: false, olderSlabs: 0, notes: ['a note'] };
  const tables = { run, result, names, ...rest };
  const json = buildSlabinfoJson(tables);
  expect(json.notes).toEqual(['a note']);
  expect(json.run).toBe(run);
  expect(json.type).toBe('slabinfo');
  expect(json.caches.map((cache) => cache.name)).toEqual(['btree_node', 'kmalloc-64', 'buffer_x']);
  expect(json.caches[1]).toEqual({
    name: 'kmalloc-64',
    nameGuessed: false,
    sysfsId: 'kmalloc-64',
    objects: 100,
    objectSize: 64,
    loss: 1792,
    space: 8192,
    slabs: 2,
    partial: 1,
    cpuSlabs: 3,
    objsPerSlab: 64,
    order: 0,
    pctFr: 50,
    pctEf: 78,
    flags: '',
  });
  expect(json.totals).toEqual({
    slabcaches: 4,
    aliases: 3,
    active: 3,
    objects: 294,
    slabs: 6,
    partial: 2,
    objectsPartial: 38,
    space: 36864,
    used: 25584,
    loss: 11280,
  });
  expect(JSON.parse(JSON.stringify(json))).toEqual(json);
});

test('every option of the tool is described, or refused as one of a running kernel', () => {
  const letters = [...SLABINFO_FLAGS, ...LIVE_ACTIONS].map((flag) => flag.short.slice(1));
  // The tool's own list, without -h.
  expect(letters.sort().join('')).toBe([...'aABdDefilLnNoPrsStTUvXz1'].sort().join(''));
  const keys = SLABINFO_FLAGS.map((flag) => flag.key);
  expect(new Set([...keys, 'pattern', 'readOrder'])).toEqual(
    new Set(Object.keys(SLABINFO_DEFAULTS)),
  );
  expect(refuseLiveAction('-s').message).toContain('-s');
});

test('any capture and any options give a text', () => {
  const value = fc.oneof(fc.nat({ max: 70 }), fc.maxSafeInteger());
  const attribute = fc.constantFrom(
    'slabs',
    'objects',
    'order',
    'object_size',
    'partial',
    'aliases',
  );
  const id = fc.constantFrom('a', 'B', ':1', ':2', 'kmalloc-64', 'b');
  const lines = fc.array(fc.tuple(id, attribute, value), { maxLength: 20 });
  const flags = fc.uniqueArray(fc.constantFrom(...SLABINFO_FLAGS.map((flag) => flag.key)));
  fc.assert(
    fc.property(lines, flags, fc.string(), (attributes, keys, links) => {
      const text = attributes.map(([c, a, v]) => `/sys/kernel/slab/${c}/${a}=${v}\n`).join('');
      const on = Object.fromEntries(keys.map((key) => [key, key === 'lines' ? 2 : true]));
      expect(typeof print(on, text, `/sys/kernel/slab/x -> :1\n${links}`)).toBe('string');
    }),
    { seed: 1, numRuns: 300 },
  );
});
