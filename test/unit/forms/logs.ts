// Kernel logs with a report in every form, and with every prefix that docs/formats.md names.

import { readFileSync } from 'node:fs';
import { parseMemoryReports } from '../../../src/kernel/memory-reports/parse-memory-reports.ts';
import type { Examples } from './example.ts';

/** Every report, and how many of others there are. */
export function answerOfLog(path: string): string {
  const { reports, others } = parseMemoryReports(readFileSync(path, 'utf8'));
  const read = reports.map(({ tool, title, allocated }) =>
    allocated?.in == null ? `${tool}: ${title}` : `${tool}: ${title}, allocated in ${allocated.in}`,
  );
  return [...read, ...[...others].map(([name, count]) => `${count} of ${name}`)].join('; ');
}

const SLUB = `=============================================================================
BUG kmalloc-64 (Tainted: G    B  ): Poison overwritten
-----------------------------------------------------------------------------

0xffff888001000010-0xffff888001000010 @offset=16. First byte 0x6c instead of 0x6b
Allocated in lamp_new+0x10/0x40 [lamp] age=3 cpu=0 pid=9
 kmem_cache_alloc+0x10/0x20
 lamp_new+0x10/0x40 [lamp]
Freed in lamp_drop+0x7/0x40 age=1 cpu=0 pid=10
 lamp_drop+0x7/0x40
Slab 0xffffea0000048c00 objects=16 used=2 fp=0xffff888001000140 flags=0x200
Object 0xffff888001000000 @offset=0 fp=0x0000000000000000
`;

/** As before 5.13: "INFO: " before most lines. */
const SLUB_INFO = SLUB.replace(/^(?=0x|Allocated|Freed|Slab|Object)/gm, 'INFO: ');

const behind = (prefix: string): string => SLUB.replace(/^/gm, prefix);

const KASAN_TAIL = `Allocated by task 9:
 kasan_save_stack+0x22/0x50
 __kasan_kmalloc+0x7f/0x90
 lamp_new+0x10/0x40 [lamp]

The buggy address belongs to the object at ffff888001000000
 which belongs to the cache kmalloc-64 of size 64
`;

export const LOGS: Examples = {
  'SLUB, with INFO before the lines (to 5.12)': SLUB_INFO,
  'SLUB from 5.13 on': SLUB,
  'SLUB of 6.11 to 6.14, with FIX before the object': SLUB.replace(
    'Allocated in',
    'FIX kmalloc-64: Restoring Poison 0xffff888001000010-0xffff888001000010=0x6b\nAllocated in',
  ),
  'SLUB of 6.12.y and from 6.15 on, with the cause before the header':
    '[Poison overwritten] 0xffff888001000010-0xffff888001000010 @offset=16. First byte 0x6c instead of 0x6b\n' +
    SLUB.replace('Poison overwritten', 'Object corrupt').replace(/^0xffff.*\n/m, ''),
  'SLUB, objects that remain in a cache': `BUG lamp_cache (Not tainted): Objects remaining in lamp_cache on __kmem_cache_shutdown()
-----------------------------------------------------------------------------
Slab 0xffffea0000048c00 objects=16 used=2 fp=0xffff888001000140 flags=0x200
Object 0xffff888001000000 @offset=0
Allocated in lamp_new+0x10/0x40 [lamp] age=3 cpu=0 pid=9
Object 0xffff888001000080 @offset=128
`,
  'KASAN of patches before 4.0 (KASan)':
    'BUG: KASan: use after free in lamp_read+0x3c8/0x960 at addr ffff888001000006\nRead of size 2 by task lampd/9\nINFO: Allocated in lamp_new+0x10/0x40 age=3 cpu=1 pid=9\nINFO: Object 0xffff888001000000 @offset=1888 fp=0x0000000000000000\n',
  'KASAN of 4.0 to 4.11': `BUG: KASAN: slab-out-of-bounds in lamp_read+0x103/0x120 at addr ffff888001000040
Write of size 8 by task lampd/9
Object at ffff888001000000, in cache kmalloc-64 size: 64
Allocated:
PID = 9
 [<ffffffff81047eb6>] save_stack_trace+0x22/0x48
 [<ffffffff8150f53d>] kasan_kmalloc+0xa5/0xd0
 [<ffffffff81578fe9>] lamp_new+0x10/0x40
`,
  'KASAN from 4.12 on': `==================================================================
BUG: KASAN: slab-use-after-free in lamp_read+0x4a/0xc0 [lamp]
Write of size 4 at addr ffff888001000008 by task lampd/11

${KASAN_TAIL}`,
  'KASAN, with lines of source (decode_stacktrace.sh, syzkaller)': `BUG: KASAN: slab-use-after-free in lamp_read+0x4a/0xc0 drivers/lamp.c:12
Write of size 4 at addr ffff888001000008 by task lampd/11

${KASAN_TAIL.replace('lamp_new+0x10/0x40 [lamp]', 'lamp_new (drivers/lamp.c:41) lamp')}`,
  'KFENCE from 5.12 on': `BUG: KFENCE: out-of-bounds read in lamp_read+0x9f/0x22b

Out-of-bounds read at 0xffff888001000fff (1B left of kfence-#23):
 lamp_read+0x9f/0x22b

kfence-#23 [0xffff888001001000-0xffff88800100101f, size=32, cache=kmalloc-32] allocated by task 9:
 lamp_new+0x10/0x40
`,
  'KFENCE from 5.17 on': `BUG: KFENCE: use-after-free read in lamp_read+0x9f/0x22b

Use-after-free read at 0xffff888001001000 (in kfence-#23):
 lamp_read+0x9f/0x22b

kfence-#23: 0xffff888001001000-0xffff88800100101f, size=32, cache=kmalloc-32

allocated by task 9 on cpu 0 at 3.2s:
 lamp_new+0x10/0x40
`,
  KCSAN:
    'BUG: KCSAN: data-race in lamp_read / lamp_write\n\nread to 0xffff888001000000 of 4 bytes by task 9 on cpu 1:\n',
  UBSAN:
    "UBSAN: array-index-out-of-bounds in drivers/lamp.c:12:3\nindex 9 is out of range for type 'int [4]'\n",
  KMSAN: 'BUG: KMSAN: uninit-value in lamp_read+0x9f/0x22b\n lamp_read+0x9f/0x22b\n',
  dmesg: behind('[   12.345678] '),
  'dmesg, with callers (CONFIG_PRINTK_CALLER)': behind('[   12.345678][  T123] '),
  'dmesg -T': behind('[Mon May  1 12:00:00 2023] '),
  'dmesg -x': behind('kern  :err   : [   12.345678] '),
  'dmesg -S and -r': behind('<3>[   12.345678] '),
  'dmesg -d and -e': behind('[   12.345678 <    0.000003>] '),
  'dmesg --time-format=iso': behind('2023-05-01T12:00:00,123456+02:00 '),
  '/dev/kmsg, extended netconsole': behind('3,1234,12345678,-;'),
  syslog: behind('May  8 10:39:46 host1 kernel: [   12.345678] '),
  'syslog, RFC 5424': behind(
    '<3>1 2024-01-26T15:04:11.123456+01:00 host1 kernel - - - [   12.345678] ',
  ),
  journalctl: behind('May 08 10:39:46 host1 kernel: '),
  'journalctl -o short-iso': behind('2024-01-26T15:04:11+0100 host1 kernel: '),
  'journalctl -o short-monotonic': behind('[   12.345678] host1 kernel: '),
  'journalctl -o cat': SLUB,
  'journalctl -o json, json-pretty': SLUB.split('\n')
    .map((MESSAGE) => `${JSON.stringify({ MESSAGE, _SOURCE_MONOTONIC_TIMESTAMP: '12345678' })}\n`)
    .join(''),
  'journalctl -o export': SLUB.split('\n')
    .map((message) => `__REALTIME_TIMESTAMP=1706277851000000\nMESSAGE=${message}\n\n`)
    .join(''),
  'dmesg -J': JSON.stringify({
    dmesg: SLUB.split('\n').map((msg) => ({ pri: 3, time: 12.345678, msg })),
  }),
  'a serial console (\\r, colours)': SLUB.replace(
    /^/gm,
    '\x1b[32m[   12.345678] \x1b[0m',
  ).replaceAll('\n', '\r\n'),
  'logcat of Android': behind('05-01 12:00:00.513     0     0 E         : '),
  'vendor kernels (Samsung, MediaTek, Huawei)': behind(
    '[   12.345678]  [2:    kworker/2:1:  123] ',
  ),
  'minicom, screen, console servers': behind('[2023-05-01 12:00:00] [   12.345678] '),
  'grep -n': behind('logs/dmesg.1:4711:[   12.345678] '),
  'quoted in a mail': behind('> >> [   12.345678] '),
  'indented, a patch, a comment': behind(' * [   12.345678] '),
  'a row of a table': SLUB.replace(/^/gm, '| [   12.345678] ').replaceAll('\n', ' |\n'),
  'lines that a mail program broke': behind('[   12.345678] ')
    .replace(' Poison', '\nPoison')
    .replace(' age=3', '\nage=3'),
  'a mail in quoted-printable': behind('[   12.345678] ').replaceAll('=', '=3D'),
  'escaped for HTML': behind('&lt;3&gt;[   12.345678] '),
};
