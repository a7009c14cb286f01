import { expect, test } from 'vitest';
import { parseMemoryReports } from '../../../../src/kernel/memory-reports/parse-memory-reports.ts';

const OBJECT = 0xffff888003a40f40n;

test('SLUB: the object, the cache, the time and who allocated it', () => {
  const log = `[   14.697037] =============================================================================
[   14.697244] BUG kmalloc-64 (Tainted: G           OE     ): Right Redzone overwritten
[   14.697316] -----------------------------------------------------------------------------
[   14.697416] 0xffff888003a40f80-0xffff888003a40f80 @offset=3968. First byte 0xa5 instead of 0xcc
[   14.697892] Allocated in foo_probe+0x4b4/0xd30 [foo] age=0 cpu=1 pid=1
[   14.698672] Freed in free_work+0x21/0x30 age=0 cpu=0 pid=7
[   14.699139] Object 0xffff888003a40f40 @offset=3904 fp=0x0000000000000000
[   14.700000] FIX kmalloc-64: Restoring Right Redzone 0xffff888003a40f80-0xffff888003a40f80=0xcc
[   14.800000] Allocated in other+0x1/0x2 age=0 cpu=1 pid=1
`;
  expect(parseMemoryReports(log).reports).toMatchObject([
    {
      tool: 'SLUB',
      title: 'Right Redzone overwritten',
      cache: 'kmalloc-64',
      address: OBJECT,
      atSec: 14.697244,
      allocated: { in: 'foo_probe+0x4b4', pid: 1, cpu: 1, age: 0, stack: [] },
      freed: { in: 'free_work+0x21', pid: 7 },
      offset: 64,
      faultyBytes: 1,
      line: 2,
    },
  ]);
});

test('SLUB of 5.10 says INFO, and has no taint where there is none; times may be missing', () => {
  const log = `BUG dentry (Not tainted): Poison overwritten
INFO: 0x0000000012345678-0x0000000012345678 @offset=4
INFO: Allocated in d_alloc+0x10/0x40 age=3 cpu=0 pid=9
INFO: Object 0xffff888003a40f40 @offset=64 fp=0x0000000000000000`;
  expect(parseMemoryReports(log).reports).toMatchObject([
    { cache: 'dentry', address: OBJECT, atSec: null, allocated: { in: 'd_alloc+0x10' } },
  ]);
});

test('KASAN: the object rather than the byte, the allocating function rather than the allocator', () => {
  const log = `[    5.000001][  T101] BUG: KASAN: slab-use-after-free in foo_work+0x1d/0x30
[    5.000002][  T101] Write of size 1 at addr ffff888003a40f48 by task kworker/0:1/101
[    5.000003][  T101] Allocated by task 99:
[    5.000004][  T101]  kasan_save_stack+0x24/0x50
[    5.000005][  T101]  __kasan_kmalloc+0xaa/0xb0
[    5.000006][  T101]  __kmalloc+0x60/0x100
[    5.000007][  T101]  foo_open+0x33/0x90
[    5.000008][  T101]  vfs_open+0x1/0x90
[    5.000009][  T101] The buggy address belongs to the object at ffff888003a40f40
[    5.000010][  T101]  which belongs to the cache kmalloc-64 of size 64
`;
  expect(parseMemoryReports(log).reports).toMatchObject([
    {
      tool: 'KASAN',
      title: 'slab-use-after-free',
      cache: 'kmalloc-64',
      address: OBJECT,
      atSec: 5.000001,
      allocated: { in: 'foo_open+0x33', pid: 99 },
      offset: 8,
      size: 64,
      access: { isWrite: true, size: 1 },
      task: { comm: 'kworker/0:1', pid: 101 },
      line: 1,
    },
  ]);
});

test('KFENCE', () => {
  const log = `[   32.9] BUG: KFENCE: out-of-bounds read in foo_read+0x9/0x10
[   32.9] Out-of-bounds read at 0xffff888003a40f80 (64B right of kfence-#72):
[   32.9] kfence-#72: 0xffff888003a40f40-0xffff888003a40f5f, size=32, cache=kmalloc-32
[   32.9] allocated by task 484 on cpu 0 at 32.919330s:
[   32.9]  foo_open+0x2a/0x40
`;
  expect(parseMemoryReports(log).reports).toMatchObject([
    {
      tool: 'KFENCE',
      title: 'out-of-bounds read',
      cache: 'kmalloc-32',
      address: OBJECT,
      allocated: { in: 'foo_open+0x2a', pid: 484, cpu: 0, atSec: 32.91933 },
      offset: 64,
      size: 32,
    },
  ]);
});

test('other bugs are named', () => {
  const log = `BUG: kernel NULL pointer dereference, address: 0000000000000000
BUG: unable to handle page fault for address: ffff888003a40f40
[ 1.0] BUG: KCSAN: data-race in foo / bar
[ 1.1] write to 0xffff888003a40f40 of 8 bytes by task 12 on cpu 0:
[ 2.0] UBSAN: array-index-out-of-bounds in fs/foo.c:12:3
[ 3.0] BUG: KCSAN: data-race in foo / bar`;
  const { reports, others } = parseMemoryReports(log);
  expect(reports).toEqual([]);
  expect([...others]).toEqual([
    ['KCSAN', 2],
    ['UBSAN', 1],
  ]);
});
