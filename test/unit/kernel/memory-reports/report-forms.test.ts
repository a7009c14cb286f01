// Reports as kernels of different ages print them.

import { expect, test } from 'vitest';
import type { MemoryReport } from '../../../../src/kernel/memory-reports/memory-report.ts';
import { parseMemoryReports } from '../../../../src/kernel/memory-reports/parse-memory-reports.ts';

const parse = (log: string): readonly MemoryReport[] => parseMemoryReports(log).reports;

test.each([
  ['slab-out-of-bounds in f+0x1/0x2', 'slab-out-of-bounds'],
  ['use-after-free in f+0x1/0x2', 'use-after-free'],
  ['double-free in f+0x1/0x2', 'double-free'],
  ['invalid-free in f+0x1/0x2', 'invalid-free'],
  ['double-free or invalid-free in f+0x1/0x2', 'double-free or invalid-free'],
  ['wild-memory-access in f+0x1/0x2', 'wild-memory-access'],
  ['maybe wild-memory-access in f+0x1/0x2', 'maybe wild-memory-access'],
  ['null-ptr-deref in f+0x1/0x2', 'null-ptr-deref'],
  ['user-memory-access on address 0000000000001234', 'user-memory-access'],
  ['global-out-of-bounds in f (fs/foo.c:12)', 'global-out-of-bounds'],
  ['stack-out-of-bounds in f+0x1/0x2 [mod]', 'stack-out-of-bounds'],
  ['vmalloc-out-of-bounds in f+0x1/0x2 fs/foo.c:12', 'vmalloc-out-of-bounds'],
  ['out of bounds on stack in f+0x1/0x2 at addr ffff88001234', 'out of bounds on stack'],
])('KASAN: %s', (line, title) => {
  expect(parse(`[ 1.5] BUG: KASAN: ${line}\n`)).toMatchObject([{ tool: 'KASAN', title }]);
});

test('KASAN of 4.0 to 4.7 lets SLUB print the object', () => {
  const log = `==================================================================
BUG: KASAN: slab-out-of-bounds in f+0x1/0x2 at addr ffff880012345688
Write of size 8 by task insmod/77
=============================================================================
BUG kmalloc-64 (Not tainted): kasan: bad access detected
-----------------------------------------------------------------------------

INFO: Allocated in g+0x3/0x9 [mod] age=1 cpu=2 pid=77
\t___slab_alloc+0x1/0x2
INFO: Slab 0xffffea0000048d00 objects=16 used=2 fp=0xffff880012345700 flags=0x4080
INFO: Object 0xffff880012345640 @offset=1600 fp=0xffff880012345700
CPU: 2 PID: 77 Comm: insmod Tainted: G    B           4.4.0 #1
Memory state around the buggy address:
>ffff880012345680: 00 fc fc fc fc fc fc fc fc fc fc fc fc fc fc fc
==================================================================
BUG kmalloc-32 (Tainted: G    B): Poison overwritten`;
  expect(parse(log)).toMatchObject([
    {
      tool: 'KASAN',
      title: 'slab-out-of-bounds',
      cache: 'kmalloc-64',
      address: 0xffff880012345640n,
      offset: 72,
      foundIn: 'f+0x1',
      task: { comm: 'insmod', pid: 77 },
      access: { isWrite: true, size: 8 },
      allocated: { in: 'g+0x3', pid: 77, cpu: 2 },
      line: 2,
    },
    { tool: 'SLUB', title: 'Poison overwritten', address: null },
  ]);
});

test('KASAN of 6.12: the first byte behind what was asked for; a tagged pointer; no free', () => {
  const log = `[  T9] BUG: KASAN: slab-out-of-bounds in f+0x1/0x2
Write of size 1 at addr f0ff000012345673 by task insmod/77
Pointer tag: [f0], memory tag: [fe]

CPU: 1 UID: 0 PID: 77 Comm: insmod Not tainted 6.12.0 #1
Call trace:
 show_stack+0x18/0x24 (C)
 f+0x1/0x2

Allocated by task 77 on cpu 1 at 12.250000s:
 kasan_save_stack+0x3c/0x64
 kasan_save_track+0x20/0x40
 __kmalloc_cache_noprof+0x16c/0x2f4
 kmalloc_oob_right+0xc4/0x468

Last potentially related work creation:
 kasan_save_stack+0x3c/0x64
 insert_work+0x1/0x2

The buggy address belongs to the object at ffff000012345600
 which belongs to the cache kmalloc-128 of size 128
The buggy address is located 0 bytes to the right of
 allocated 115-byte region [ffff000012345600, ffff000012345673)
`;
  expect(parse(log)).toMatchObject([
    {
      offset: 115,
      size: 128,
      allocated: { in: 'kmalloc_oob_right+0xc4', pid: 77, cpu: 1, atSec: 12.25 },
      freed: null,
      hashed: false,
    },
  ]);
});

test('a double free of 6.x has no access, and 4.19 has a free that never was', () => {
  const log = `BUG: KASAN: double-free in f+0x1/0x2
Free of addr ffff888012345600 by task insmod/77
Freed by task 9:
 kfree+0x1/0x2
 h+0x7/0x9
BUG: KASAN: slab-out-of-bounds in f+0x1/0x2
Freed by task 0:
(stack is not available)
The buggy address belongs to the object at ffff888012345600`;
  expect(parse(log)).toMatchObject([
    { access: null, address: 0xffff888012345600n, freed: { in: 'h+0x7', pid: 9 } },
    { freed: null, address: 0xffff888012345600n },
  ]);
});

test("syzkaller's log: the head once for each inlined function, inlined frames in the stacks", () => {
  const log = `BUG: KASAN: use-after-free in atomic_read include/linux/atomic.h:27 [inline]
BUG: KASAN: use-after-free in refcount_read include/linux/refcount.h:147 [inline]
BUG: KASAN: use-after-free in unlink+0x33/0x90 fs/foo.c:12
Read of size 4 at addr ffff888012345604 by task syz-executor.0/3456
Allocated by task 3455:
 kasan_save_stack+0x1b/0x40 mm/kasan/common.c:38
 kasan_set_track mm/kasan/common.c:45 [inline]
 kmem_cache_alloc_trace+0x17f/0x390 mm/slub.c:2929
 kmalloc include/linux/slab.h:552 [inline]
 kzalloc include/linux/slab.h:664 [inline]
 make_node fs/foo.c:77 [inline]
 open_node+0x4d/0x120 fs/foo.c:99
The buggy address belongs to the object at ffff888012345600`;
  expect(parse(log)).toMatchObject([
    {
      title: 'use-after-free',
      foundIn: 'unlink+0x33',
      allocated: { in: 'open_node+0x4d', pid: 3455 },
      line: 1,
    },
  ]);
});

test.each([
  [
    '5.14',
    'kfence-#23 [0xffff8c2aa0232000-0xffff8c2aa023201f, size=32, cache=kmalloc-32] allocated by task 107:',
    null,
  ],
  [
    '5.16',
    'kfence-#23: 0xffff8c2aa0232000-0xffff8c2aa023201f, size=32, cache=kmalloc-32\n\nallocated by task 107 on cpu 2 at 3.25s:',
    3.25,
  ],
  [
    '6.13',
    'kfence-#23: 0xffff8c2aa0232000-0xffff8c2aa023201f, size=32, cache=kmalloc-32\n\nallocated by task 107 on cpu 2 at 3.25s (0.001234s ago):',
    3.25,
  ],
])('KFENCE of %s', (_, object, atSec) => {
  const log = `BUG: KFENCE: memory corruption in f+0x1/0x2

Corrupted memory at 0xffff8c2aa0232020 [ 0xac . . . . . . . ] (in kfence-#23):
 f+0x1/0x2

${object}
 peek_alloc+0xf0/0x6ff

rcu freeing by task 108 on cpu 0 at 3.2s:
 peek_free+0x1/0x2

CPU: 0 PID: 107 Comm: probe Not tainted 6.1.0 #1
 main+0x1/0x2
==================================================================
`;
  expect(parse(log)).toMatchObject([
    {
      tool: 'KFENCE',
      title: 'memory corruption',
      cache: 'kmalloc-32',
      address: 0xffff8c2aa0232000n,
      offset: 32,
      size: 32,
      allocated: { in: 'peek_alloc+0xf0', pid: 107, atSec },
      freed: { in: 'peek_free+0x1', pid: 108, stack: ['peek_free+0x1'] },
      task: { comm: 'probe', pid: 107 },
    },
  ]);
});

test.each([
  ['BUG kmalloc-8: Redzone overwritten', 'Redzone overwritten', null],
  ['BUG kmalloc-8 (Not tainted): Left Redzone overwritten', 'Left Redzone overwritten', null],
  [
    'BUG kmalloc-8(12:user.slice) (Tainted: G B): Object padding overwritten',
    'Object padding overwritten',
    null,
  ],
  ['BUG kmalloc-64(7:my group) (Not tainted): Poison overwritten', 'Poison overwritten', null],
  ['BUG a (Not tainted): Freechain corrupt', 'Freechain corrupt', null],
  [
    'BUG a (Not tainted): Wrong object count. Counter is 3 but counted were 5',
    'Wrong object count. Counter is 3 but counted were 5',
    null,
  ],
  ['BUG a (Not tainted): objects 36 > max 32', 'objects 36 > max 32', null],
  ['BUG a (Not tainted): Freelist Pointer check fails', 'Freelist Pointer check fails', null],
  [
    'BUG <unknown> (Not tainted): No slab cache for object 0xffff888001231040',
    'No slab cache for object 0xffff888001231040',
    0xffff888001231040n,
  ],
  [
    'BUG a (Not tainted): Objects remaining on kmem_cache_close()',
    'Objects remaining on kmem_cache_close()',
    null,
  ],
  [
    '*** SLUB kmalloc-8: Redzone Active@0xc90f6d20 slab 0xc528c530 offset=3360 flags=0x400000c3 inuse=61 freelist=0xc90f6d58',
    'Redzone Active',
    0xc90f6d20n,
  ],
])('SLUB: %s', (line, title, address) => {
  expect(parse(`[ 1.5] ${line}\n`)).toMatchObject([{ tool: 'SLUB', title, address }]);
});

test('SLUB of 2.6.23: the object stands before who allocated it', () => {
  const log = `BUG kmalloc-8: Redzone overwritten
INFO: 0xc90f6d28-0xc90f6d2b. First byte 0x00 instead of 0xcc
INFO: Slab 0xc528c530 flags=0x400000c3 inuse=61 fp=0xc90f6d58
INFO: Object 0xc90f6d20 @offset=3360 fp=0xc90f6d58
INFO: Allocated in get_modalias+0x61/0xf5 age=53 cpu=1 pid=554
`;
  expect(parse(log)).toMatchObject([
    {
      cache: 'kmalloc-8',
      address: 0xc90f6d20n,
      hashed: false,
      offset: 8,
      faultyBytes: 4,
      allocated: { in: 'get_modalias+0x61', pid: 554, age: 53 },
    },
  ]);
});

test('tracks that poison has overwritten say nothing', () => {
  const log = `BUG a (Not tainted): Redzone overwritten
INFO: Allocated in 0x6b6b6b6b6b6b6b6b age=7955925892282180455 cpu=1802201963 pid=1802201963
INFO: Object 0xffff880012345640 @offset=1600 fp=0x6b6b6b6b6b6b6b6b
`;
  expect(parse(log)).toMatchObject([{ allocated: { in: null, pid: null, age: null } }]);
});

test('pointers that are not told, or hashed: distances still hold', () => {
  const log = `BUG a (Not tainted): Poison overwritten
0x(____ptrval____)-0x(____ptrval____) @offset=635. First byte 0x2e instead of 0x6b
Object 0x(____ptrval____) @offset=584 fp=0x(____ptrval____)
BUG b (Not tainted): Poison overwritten
INFO: 0x000000001be0aa11-0x00000000f693aa44 @offset=635. First byte 0x2e instead of 0x6b
INFO: Object 0x00000000459baa33 @offset=584 fp=0x00000000f693aa44
`;
  expect(parse(log)).toMatchObject([
    { address: null, hashed: true, offset: 51, objects: [] },
    { address: 0x459baa33n, hashed: true, offset: 51, faultyBytes: null },
  ]);
});

test('6.12: further damage of one object is no report of its own', () => {
  const log = `[Right Redzone overwritten] 0xffff888003a40f80-0xffff888003a40f80 @offset=3968. First byte 0xa5 instead of 0xcc
=============================================================================
BUG kmalloc-64 (Tainted: G    B): Object corrupt
-----------------------------------------------------------------------------

Object 0xffff888003a40f40 @offset=3904 fp=0x0000000000000000
FIX kmalloc-64: Restoring Right Redzone 0xffff888003a40f80-0xffff888003a40f80=0xcc
[Object padding overwritten] 0xffff888003a40f98-0xffff888003a40f98 @offset=3992. First byte 0xa5 instead of 0x5a
FIX kmalloc-64: Restoring Object padding 0xffff888003a40f98-0xffff888003a40f98=0x5a
`;
  expect(parse(log)).toMatchObject([
    { title: 'Right Redzone overwritten', address: 0xffff888003a40f40n, offset: 64, line: 3 },
  ]);
});

test('a mail program broke the lines of a log without times', () => {
  const log = `BUG kmalloc-64 (Tainted: G
W        ): Object padding
overwritten
INFO: 0xffff888001230010-0xffff888001230010 @offset=16. First
byte 0x6c instead of 0x6b
Allocated in fork_new+0x2d4/0x5c0 [forks] age=35
cpu=1 pid=318
Object 0xffff888001230000
@offset=0 fp=0x0000000000000000
BUG: KASAN: slab-out-of-bounds in
f+0x1/0x2
Write of size 4 at addr ffff888104c2b128 by task
belld/611
The buggy address belongs to the object at
ffff888104c2b100
 which belongs to the cache kmalloc-96 of
size 96
`;
  expect(parse(log)).toMatchObject([
    {
      title: 'Object padding overwritten',
      offset: 16,
      allocated: { in: 'fork_new+0x2d4', cpu: 1, pid: 318 },
      address: 0xffff888001230000n,
    },
    {
      foundIn: 'f+0x1',
      task: { comm: 'belld', pid: 611 },
      address: 0xffff888104c2b100n,
      cache: 'kmalloc-96',
      size: 96,
    },
  ]);
});

test('KFENCE with hashed pointers: the distance is printed', () => {
  const log = `BUG: KFENCE: out-of-bounds read in f+0x1/0x2
Out-of-bounds read at 0x0000000099a1f8a6 (33B right of kfence-#206):
 f+0x1/0x2
kfence-#206: 0x000000009038dce7-0x00000000a9680714, size=32, cache=<destroyed>
allocated by task 915 on cpu 0 at 497.204343s (0.575165s ago):
 g+0x1/0x2
BUG: KFENCE: out-of-bounds write in f+0x1/0x2
Out-of-bounds write at 0x0000000099a1f8a6 (1B left of kfence-#206):
`;
  expect(parse(log)).toMatchObject([
    { hashed: true, offset: 33, size: 32, cache: null, address: 0x9038dce7n },
    { offset: -1, access: { isWrite: true } },
  ]);
});

test('an object that was freed into another cache', () => {
  const log = `------------[ cut here ]------------
cache_from_obj: Wrong slab cache. dentry but object is from kmalloc-64
WARNING: CPU: 0 PID: 1 at mm/slub.c:4000 cache_from_obj+0x1/0x2
---[ end trace 0000000000000000 ]---
Allocated in foo+0x10/0x40 age=3 cpu=0 pid=9
 foo+0x10/0x40
[Poison overwritten] 0xffff888001239010-0xffff888001239010 @offset=16. First byte 0x6c instead of 0x6b
kmem_cache_free(dentry, ffff888001231040): object belongs to different cache kmalloc-64
SLUB <none>: no slab for object 0xffff888001231080.
`;
  expect(parse(log)).toMatchObject([
    { cache: 'kmalloc-64', address: null, allocated: { in: 'foo+0x10', pid: 9 } },
    { cache: 'kmalloc-64', address: 0xffff888001231040n },
    { cache: null, address: 0xffff888001231080n },
  ]);
});

test('a report on a slab: its pointers tell whether the log hashes them', () => {
  const log = (
    slab: string,
  ): string => `BUG a (Not tainted): Wrong object count. Counter is 3 but counted were 5
Slab ${slab} objects=36 used=3 fp=0x0000000000000000 flags=0x200
`;
  expect(parse(log('0x000000001be0aa11'))).toMatchObject([{ address: null, hashed: true }]);
  expect(parse(log('0xffffea0000048c00'))).toMatchObject([{ address: null, hashed: false }]);
});
