// SLUB's own trace in a kernel log, as kernels of different ages and logs of different programs have it.

import { expect, test } from 'vitest';
import { readTraceBytes } from '../../../helpers/read-trace.ts';

const SEC = 1_000_000_000n;

test('an allocation and a free of a kmalloc cache', async () => {
  const trace =
    await readTraceBytes(`[  634.493181] TRACE kmalloc-128 alloc 0xffff888001230080 inuse=25 fp=0x          (null)
[  634.493185] CPU: 3 PID: 723 Comm: paint d Tainted: G           O      4.19.0-7 #1
[  634.493186] Hardware name: Foo/Bar, BIOS 1.2
[  634.493189] Call trace:
[  634.493192]  dump_backtrace+0x0/0x190
[  634.493203]  ___slab_alloc.constprop.34+0x31c/0x388
[  634.493206]  __kmalloc+0x284/0x2e0
[  634.493209]  brush_new+0x28/0x68 [brush]
[  634.493210]  brush_init+0x2/0x68 [brush]
[  634.500000] usb 1-1: reset
[  634.600000] TRACE kmalloc-128 free 0xffff888001230080 inuse=25 fp=0xffff888001230100
[  634.600001] Object ffff888001230080: 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b  kkkkkkkkkkkkkkkk
[  634.600002] CPU: 1 UID: 0 PID: 724 Comm: kworker/1:2 Not tainted 6.12.0 #1
[  634.600006]  kfree+0x106/0x140
[  634.600007]  brush_drop+0x90/0xa0
`);
  expect(trace.format).toBe('slub-trace');
  expect(trace.stats).toEqual({});
  expect(trace.info).toMatchObject({ clockUnit: 'ns', kernelRelease: '4.19.0-7', pointerBytes: 8 });
  expect(trace.events()).toMatchObject([
    {
      ns: 634n * SEC + 493_181_000n,
      event: 'kmalloc',
      site: 'brush_new+0x28 [brush]',
      ptr: 0xffff888001230080n,
      bytesReq: 128,
      bytesAlloc: 128,
      gfp: null,
      cpu: 3,
      pid: 723,
      comm: 'paint d',
      cache: 'kmalloc-128',
      stack: ['brush_new+0x28 [brush]', 'brush_init+0x2 [brush]'],
    },
    {
      ns: 634n * SEC + 600_000_000n,
      event: 'kfree',
      site: 'brush_drop+0x90',
      cpu: 1,
      pid: 724,
      comm: 'kworker/1:2',
      cache: '',
    },
  ]);
});

test('a named cache of a 32-bit kernel of 2.6, in syslog', async () => {
  const at = 'May  8 10:39:46 host1 kernel: [   12.500000] ';
  const trace = await readTraceBytes(
    [
      'TRACE dentry alloc 0xc90f6d20 inuse=3 fp=0xc90f6d80',
      'Pid: 1, comm: init Not tainted 2.6.32-5-686 #1',
      'Call Trace:',
      ' [<c10b1f2e>] ? __slab_alloc+0x40e/0x450',
      ' [<c10b2a11>] kmem_cache_alloc+0x5f/0x100',
      ' [<c10c7a12>] d_alloc+0x18/0x150',
      'TRACE dentry free 0xc90f6d20 inuse=3 fp=0xc90f6d80',
      'Pid: 1, comm: init Not tainted 2.6.32-5-686 #1',
      ' [<c10b2a11>] ? kmem_cache_free+0x5f/0x100',
      ' [<c10c7a12>] ? d_free+0x18/0x150',
    ]
      .map((line) => `${at}${line}\r\n`)
      .join(''),
  );
  expect(trace.info).toMatchObject({ pointerBytes: 4, kernelRelease: '2.6.32-5-686' });
  expect(trace.events()).toMatchObject([
    { event: 'kmem_cache_alloc', cache: 'dentry', site: 'd_alloc+0x18', pid: 1, comm: 'init' },
    { event: 'kmem_cache_free', cache: 'dentry', site: 'd_free+0x18' },
  ]);
});

test('two CPUs print at once: the callers tell their stacks apart', async () => {
  const trace =
    await readTraceBytes(`[ 1.000001][  T7] TRACE kmalloc-64 alloc 0xffff888001230040 inuse=2 fp=0xffff888001230100
[ 1.000002][  T8] TRACE kmalloc-64 alloc 0xffff888001230080 inuse=2 fp=0xffff888001230100
[ 1.000003][  T8] CPU: 1 PID: 8 Comm: b Not tainted 6.1.0 #1
[ 1.000004][  T7] CPU: 0 PID: 7 Comm: a Not tainted 6.1.0 #1
[ 1.000005][  T8]  b_new+0x2/0x3
[ 1.000006][  T7]  a_new+0x1/0x2
`);
  expect(trace.events()).toMatchObject([
    { ptr: 0xffff888001230040n, site: 'a_new+0x1', pid: 7, cpu: 0 },
    { ptr: 0xffff888001230080n, site: 'b_new+0x2', pid: 8, cpu: 1 },
  ]);
});

test('a log without times counts its events; hashed and untold pointers', async () => {
  const trace =
    await readTraceBytes(`TRACE kmalloc-1k alloc 0x00000000459baa33 inuse=2 fp=0x00000000459baa44
TRACE kmalloc-1k alloc 0x(____ptrval____) inuse=2 fp=0x00000000459baa44
BUG kmalloc-1k (Not tainted): Poison overwritten
CPU: 1 PID: 8 Comm: b Not tainted 6.1.0 #1
 not_its_stack+0x1/0x2
TRACE kmalloc-1k free 0x00000000459baa33 inuse=2 fp=0x00000000459baa44
`);
  expect(trace.info).toMatchObject({ clock: null, clockUnit: 'count', hashedPointers: true });
  expect(trace.stats).toEqual({ bad_line: 1 });
  expect(trace.positions).toEqual({ bad_line: 'line 2' });
  expect(trace.events()).toMatchObject([
    { event: 'kmalloc', bytesAlloc: 1024, site: '', pid: null },
    { event: 'kfree', site: '' },
  ]);
});

test('events far behind the start of a whole log are found; a log without any says what to do', async () => {
  const boot = `[    0.000000] Linux version 6.1.0 (a@b) #1\n${'[    1.000000] usb 1-1: new device\n'.repeat(2000)}`;
  const line = '[    2.000000] TRACE kmalloc-64 alloc 0xffff888001230040 inuse=2 fp=0x0\n';
  expect((await readTraceBytes(boot + line)).count).toBe(1);
  await expect(readTraceBytes(boot)).rejects.toMatchObject({
    message: expect.stringMatching(/a kernel log without TRACE lines of SLUB/),
    hint: expect.stringMatching(/history SOURCE --dmesg/),
  });
});
