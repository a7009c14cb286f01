// Files that are no trace are named, and each says what to do instead. The samples are lines as the
// programs print them, with and without what mails and terminals add.

import { describe, expect, test } from 'vitest';
import { detectFormat } from '../../../src/ingest/formats.ts';
import { foreignFile } from '../../../src/recording/foreign/name-foreign.ts';

/** The error of a file that begins so: message and hint. */
async function refusal(text: string, path = 'upload'): Promise<string> {
  const error: unknown = await detectFormat(Buffer.from(text, 'latin1'), path).then(
    ({ name }) => new Error(`read as ${name}`),
    (failure: unknown) => failure,
  );
  const { message, hint } = error as { message: string; hint?: string };
  return `${message}\n${hint ?? ''}`;
}

const ROW_21 =
  'kmalloc-64           640    640     64   64    1 : tunables    0    0    0 : slabdata     10     10      0';
const NAMES_21 =
  '# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit>';

const TEXTS: readonly (readonly [string, string, string])[] = [
  ['/proc/slabinfo 2.1', '/proc/slabinfo', `slabinfo - version: 2.1\n${NAMES_21}\n${ROW_21}\n`],
  ['its rows alone', '/proc/slabinfo', `${ROW_21}\n`],
  ['grep -H', '/proc/slabinfo', `/proc/slabinfo:${ROW_21}\n`],
  ['in a mail', '/proc/slabinfo', `> > ${ROW_21}\n`],
  [
    'version 1.1',
    '/proc/slabinfo',
    'slabinfo - version: 1.1 (SMP)\nsize-64  64 118 64 2 2 1 :  252  126\n',
  ],
  ['1.1 grepped', '/proc/slabinfo', 'size-64    64    118     64    2    2    1 :  252  126\n'],
  [
    'with statistics',
    '/proc/slabinfo',
    'size-64 1 59 64 59 1 : tunables 120 60 8 : slabdata 1 1 0 : globalstat 9 9 1 0 0 0 0 0 0 : cpustat 1 2 3 4\n',
  ],
  [
    'broken by a mail program',
    '/proc/slabinfo',
    'kmalloc-64           219    240     64   64    1 : tunables    0    0\n  0 : slabdata      4      4      0\n',
  ],
  ['sysfs by grep', '/sys/kernel/slab', '/sys/kernel/slab/kmalloc-64/object_size:64\n'],
  ['sysfs by grep -r .', '/sys/kernel/slab', './kmalloc-64/cpu_slabs:2 N0=2\n'],
  ['slabtop', 'slabtop', ' Active / Total Slabs (% used)      : 198 / 198 (100.0%)\n'],
  [
    'slabtop -o | head',
    'slabtop',
    '  OBJS ACTIVE  USE OBJ SIZE  SLABS OBJ/SLAB CACHE SIZE NAME                   \n  6298   6298  99%    1.00K    198       32      6352K kmalloc-1024\n',
  ],
  [
    'slabtop in colours',
    'slabtop',
    '\x1b[?1049h\x1b[1;24r\x1b[7m  OBJS ACTIVE  USE OBJ SIZE  SLABS OBJ/SLAB CACHE SIZE NAME\x1b[m\n',
  ],
  [
    'slabinfo',
    'slabinfo tool',
    'Name                   Objects Objsize           Space Slabs/Part/Cpu  O/S O %Fr %Ef Flg\n',
  ],
  [
    'slabinfo -L',
    'slabinfo tool',
    'Name                   Objects Objsize            Loss Slabs/Part/Cpu  O/S O %Fr %Ef Flg\n',
  ],
  [
    'slabinfo -D',
    'slabinfo tool',
    'Name                   Objects      Alloc       Free   %Fast Fallb O CmpX   UL\n',
  ],
  [
    'slabinfo -T',
    'slabinfo tool',
    'Slabcache Totals\n----------------\nSlabcaches :             170   Aliases  :             120->60   Active:    120\n',
  ],
  [
    'slabinfo -r',
    'slabinfo tool',
    'Slabcache: kmalloc-64            Aliases:  0 Order :  0 Objects: 48257\n',
  ],
  ['slabinfo -a', 'slabinfo tool', ':0000064     <- kmalloc-64 fib6_nodes\n'],
  [
    'kmemleak',
    "kmemleak's list",
    'unreferenced object 0xffff888001230000 (size 64):\n  comm "lampd", pid 710, jiffies 4302851558 (age 58.239s)\n',
  ],
  ['kmemleak, 32 bits', "kmemleak's list", '> unreferenced object 0xc6d3e8a0 (size 16):\n'],
  [
    'alloc_traces',
    'alloc_traces',
    '   1311 lamp_list+0x97/0x110 age=90211/90214/90219 pid=1 cpus=1::\n\t__slab_alloc+0x58/0x80\n',
  ],
  [
    'alloc_traces, waste',
    'alloc_traces',
    '     12 lamp_list+0x97/0x110 [lamp] waste=288/24 age=5 pid=1-77 cpus=0-3 nodes=0-1\n',
  ],
  ['free_traces', 'free_traces', '    401 <not-available> age=4294937299 pid=0 cpus=0\n'],
  [
    'by grep',
    'alloc_traces',
    '/sys/kernel/debug/slab/kmalloc-64/alloc_traces:     12 lamp_list+0x97/0x110 age=5 pid=1\n',
  ],
  ['allocinfo', '/proc/allocinfo', 'allocinfo - version: 1.0\n#     <size>  <calls> <tag info>\n'],
  [
    'allocinfo sorted',
    '/proc/allocinfo',
    '     91750400    22400 mm/slub.c:1890 func:alloc_slab_page\n 1024 1 fs/x/y.c:7 [xfs] func:g\n',
  ],
  [
    'page_owner',
    'page_owner',
    'Page allocated via order 0, mask 0x42cca(GFP_HIGHUSER_MOVABLE), pid 1, tgid 1 (init), ts 7 ns\nPFN 4096 type Unmovable Block 8\n',
  ],
  ['page_owner_sort', 'page_owner', '53 times, 53 pages, PID 1:\nPage allocated via order 0\n'],
  ['memleak', "bcc's memleak", '[09:31:50] Top 10 stacks with outstanding allocations:\n'],
  ['memleak, cut', "bcc's memleak", '\t73400320 bytes in 17920 allocations from stack\n'],
  [
    'slabratetop',
    "bcc's slabratetop",
    '11:42:08 loadavg: 0.61 0.44 0.27 2/288 8805\n\nCACHE                            ALLOCS      BYTES\n',
  ],
  [
    'perf kmem stat',
    'perf kmem stat',
    ' Callsite                           | Total_alloc/Per | Total_req/Per   | Hit      | Ping-pong | Frag\n',
  ],
  [
    'perf kmem stat --alloc',
    'perf kmem stat',
    ' Alloc Ptr                          | Total_alloc/Per | Total_req/Per\n',
  ],
  [
    'its summary',
    'perf kmem stat',
    'SUMMARY (SLAB allocator)\n========================\nTotal bytes requested: 43568427\n',
  ],
  [
    'perf kmem stat --page',
    'perf kmem stat',
    'SUMMARY (page allocator)\n========================\n',
  ],
  [
    'perf report',
    'perf report',
    "# captured on    : Sat Nov 21 03:22:24 2026\n# Samples: 15  of event 'kmem:kmalloc'\n# Overhead  Command  Shared Object\n",
  ],
  [
    'perf trace',
    'perf trace',
    '     0.000 sh/711 kmem:kmalloc(call_site: 0xffffffff, ptr: 0xffff)\n',
  ],
  ['perf trace, system calls', 'perf trace', '     0.412 ( 0.003 ms): sh/711 brk() = 0x55\n'],
  [
    'perf stat',
    'perf stat',
    " Performance counter stats for 'system wide':\n\n   1,402      kmem:kmalloc\n",
  ],
  [
    'bpftrace map',
    'bpftrace',
    'Attaching 1 probe...\n@bytes[modprobe]: \n[16, 32)            4823 |@@@@@@@@@@@@@@@@@@@@@@@@|\n',
  ],
  ['bpftrace 0.24', 'bpftrace', 'Attached 2 probes\n'],
  ['bpftrace counts', 'bpftrace', '@[systemd-journal]: 12\n@[kworker/0:1]: 4021\n'],
  ['bpftrace stacks', 'bpftrace', '@[\n    kmalloc_trace+1\n    do_syscall_64+59\n]: 21\n'],
  ['bpftrace histogram', 'bpftrace', '[1K, 2K)             12 |@@                |\n'],
  ['bpftrace -f json', 'bpftrace', '{"type": "attached_probes", "data": {"probes": 1}}\n'],
  [
    'kmem -s',
    'crash',
    'CACHE             OBJSIZE  ALLOCATED     TOTAL  SLABS  SSIZE  NAME\nffff88817fc42400      240         12        34      2     8k  ip6_dst_cache\n',
  ],
  [
    'kmem -s of old crash',
    'crash',
    'CACHE            NAME                 OBJSIZE  ALLOCATED     TOTAL  SLABS  SSIZE\n',
  ],
  ['crash', 'crash', 'crash> bt\nPID: 1  TASK: ffff88810\n'],
  ['drgn', 'drgn', '>>> cache\n*(struct kmem_cache *)0xffff888100042b00 = {\n'],
  ['hist trigger', 'hist trigger', '# event histogram\n#\n# trigger info: hist:keys=call_site\n'],
  [
    'function profile',
    'trace_stat',
    '  Function                               Hit    Time            Avg\n',
  ],
  ['meminfo', '/proc/meminfo', 'MemTotal:        2035180 kB\nMemFree:          118000 kB\n'],
  ['vmstat', '/proc/vmstat', 'nr_free_pages 410021\nnr_zone_inactive_anon 12\n'],
  [
    'buddyinfo',
    '/proc/buddyinfo',
    'Node 0, zone      DMA      1      1      0      0      2      1      1\n',
  ],
  [
    'vmallocinfo',
    '/proc/vmallocinfo',
    '0xffffc90000000000-0xffffc90000005000   20480 irq_init_percpu_irqstack+0x9a pages=4 vmalloc\n',
  ],
  [
    'zoneinfo',
    '/proc/zoneinfo',
    'Node 0, zone      DMA\n  per-node stats\n      nr_inactive_anon 12\n',
  ],
  [
    'pagetypeinfo',
    '/proc/pagetypeinfo',
    'Page block order: 9\nPages per block:  512\n\nFree pages count per migrate type at order       0      1\nNode    0, zone      DMA, type    Unmovable      1\n',
  ],
  ['iomem', '/proc/iomem', '00000000-00000fff : Reserved\n00001000-0009fbff : System RAM\n'],
  ['modules', '/proc/modules', 'lamp 16384 0 - Live 0xffffffffc0000000 (OE)\n'],
  ['kallsyms', 'kallsyms', 'ffffffff81000000 T _text\nffffffffc0000000 t lamp_new\t[lamp]\n'],
  ['System.map', 'kallsyms', 'c1000000 T _text\nc1000010 t bad_address\n'],
  [
    'config',
    'configuration',
    '#\n# Automatically generated file; DO NOT EDIT.\n#\nCONFIG_SLUB=y\n# CONFIG_SLAB is not set\n',
  ],
  ['dmesg', 'kernel log', '[    0.000000] Linux version 6.1.0 (x@y)\n'],
  ['dmesg with callers', 'kernel log', '[   12.345678][  T311] lamp: probed\n'],
  ['dmesg -T', 'kernel log', '[Sat Nov 21 03:22:24 2026] lamp: probed\n'],
  ['dmesg -x', 'kernel log', 'kern  :info  : [    1.000000] lamp: probed\n'],
  ['journal', 'kernel log', 'Nov 21 03:22:24 board kernel: lamp: probed\n'],
  ['a console', 'kernel log', '<6>[    1.000000] lamp: probed\r\n'],
  [
    'a report alone',
    'kernel log',
    'BUG: KASAN: use-after-free in lamp_read+0x12/0x40\nCall Trace:\n lamp_read+0x12/0x40\n',
  ],
  ['SLUB alone', 'kernel log', 'BUG kmalloc-64 (Not tainted): Poison overwritten\n'],
  [
    'dmesg with kmemleak',
    'kernel log',
    '[  60.1] x\n[   60.123456] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)\n',
  ],
  ['our JSON', 'result of slabreplay', '{\n "formatVersion": 1,\n "type": "analysis"'],
  ['JSON', 'JSON', '{"a": 1}\n'],
  ["perf's JSON", "perf's JSON", '{\n\t"linux-perf-json-version": 1,\n\t"headers": {'],
  ['speedscope', 'speedscope', '{"$schema":"https://www.speedscope.app/file-format-schema.json"}'],
  ['flame graph', 'flame graph', 'sh;do_syscall_64;kmalloc 12\n'],
  ['no permission', 'command that failed', 'cat: /sys/kernel/debug/kmemleak: Permission denied\n'],
  [
    'format of tracefs',
    'description of an event',
    'name: kmalloc\nID: 553\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n',
  ],
];

describe('a text', () => {
  test.each(TEXTS)('%s: %s', async (_form, title, text) => {
    const said = await refusal(text);
    expect(said).toMatch(/^upload: not a trace: it is /);
    expect(said).toContain(title);
    expect(said).not.toContain('Tried');
    // In a mail, and with the line ends of Windows, it is the same.
    const mailed = `Hi,\n\nthis is what I get:\n\n${text.replaceAll('\n', '\r\n')}`;
    if (!/^(?:[{<]|sh;|cat:)/.test(text)) {
      expect(await refusal(mailed)).toBe(said);
    }
  });
});

const elf = (type: number, rest = ''): string =>
  `\x7fELF\x02\x01\x01${'\0'.repeat(9)}${String.fromCharCode(type)}\0${'\0'.repeat(46)}${rest}`;

describe('a binary file', () => {
  test.each([
    ['perf.data of version 1', 'PERFFILE\0\0'],
    ['stream of a CTF trace', '\xc1\x1f\xfc\xc1\0\0'],
    ['core of a process', elf(4, 'CORE\0\0\0\0')],
    ['memory snapshot', elf(4, 'VMCOREINFO\0')],
    ['memory snapshot', 'KDUMP   \x06\0\0\0'],
    ['memory snapshot', 'EMiL\x01\0\0\0'],
    ['memory snapshot', 'makedumpfile\0\0\0'],
    ['module of a kernel', elf(1)],
    ['vmlinux', elf(2)],
    ['BTF', '\x9f\xeb\x01\0'],
    ['SQLite', 'SQLite format 3\0'],
    ['picture', '\x89PNG\r\n\x1a\n\0'],
    ['PDF', '%PDF-1.4\n'],
  ])('%s', async (title, bytes) => {
    expect(await refusal(bytes)).toMatch(/^upload: not a trace: it is /);
    expect(await refusal(bytes)).toContain(title);
  });
});

test('what is not known is said to be no trace', async () => {
  expect(await refusal('Hello world\n')).toContain('no line of it looks like an event');
  expect(await refusal('\0\x01\x02')).toContain('Tried');
});

test('the advice names the file', async () => {
  expect(await refusal('[    1.000000] x\n', 'a/dmesg')).toContain('history TRACE --dmesg a/dmesg');
});

test('lines of a trace go before what stands around them', async () => {
  const line = ' sh-1 [000] ..... 1.0: kfree: call_site=f+0x1/0x2 ptr=ffff888000000040\n';
  const log = '[    1.000000] Linux version 6.1.0 (x@y)\n';
  expect((await detectFormat(Buffer.from(log + line), 'x')).name).toBe('ftrace-text');
});

test('a page of HTML may hold a trace behind its scripts: it is named when none was found', () => {
  const titleOf = (text: string): string | undefined => foreignFile(Buffer.from(text))?.title;
  expect(titleOf('<!DOCTYPE html>\n<html><body>kmalloc</body>\n')).toBe('a page of HTML');
  expect(titleOf('<!DOCTYPE html>\n<meta name="generator" content="slabreplay">\n')).toBe(
    'a report that slabreplay made',
  );
});
