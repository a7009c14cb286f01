import { expect, test } from 'vitest';
import { readTraceBytes } from '../../../helpers/read-trace.ts';

const FIELDS =
  'call_site=alloc_cpumask_var_node+0x1b ptr=0xffff8c83c92b00e8 bytes_req=8 bytes_alloc=16 gfp_flags=GFP_KERNEL node=-1 accounted=false';
const EVENT = `         kmem:kmalloc: ${FIELDS}`;

const WANT = {
  event: 'kmalloc',
  site: 'alloc_cpumask_var_node+0x1b',
  ptr: 0xffff8c83c92b00e8n,
  bytesReq: 8,
  bytesAlloc: 16,
  gfp: 0xcc0,
  node: -1,
  accounted: false,
  flags: null,
};

test.each([
  [
    'by default',
    `            perf  1002 [001]   144.249187: ${EVENT}`,
    { comm: 'perf', pid: 1002, cpu: 1, ns: 144_249_187_000n },
  ],
  [
    'with --ns',
    `            perf  1002 [001]   144.249187862: ${EVENT}`,
    { comm: 'perf', pid: 1002, cpu: 1, ns: 144_249_187_862n },
  ],
  [
    'with pid and tid',
    `            perf  1002/1003  [001]   144.249187: ${EVENT}`,
    { comm: 'perf', pid: 1003, cpu: 1 },
  ],
  [
    'without a CPU',
    `            perf  1002   144.249187: ${EVENT}`,
    { comm: 'perf', pid: 1002, cpu: 0 },
  ],
  [
    'without a pid',
    `            perf [001]   144.249187: ${EVENT}`,
    { comm: '', pid: null, cpu: 1 },
  ],
  [
    'without a pid, of a name that ends in a digit',
    `     kworker/0:1 [001]   144.249187: ${EVENT}`,
    { comm: '', pid: null, cpu: 1 },
  ],
  ['without a task', ` 1002 [001]   144.249187: ${EVENT}`, { comm: '', pid: 1002, cpu: 1 }],
  ['with the time alone', `  144.249187: ${EVENT}`, { comm: '', pid: null, cpu: 0 }],
  [
    'with the period',
    `            perf  1002 [001]   144.249187:          1 ${EVENT}`,
    { comm: 'perf', pid: 1002 },
  ],
  [
    'with the mode',
    `            perf  1002 [001] K       144.249187: ${EVENT}`,
    { comm: 'perf', pid: 1002 },
  ],
  [
    'with ip and sym',
    `            perf  1002 [001]   144.249187: ${EVENT} ffffffffa48b95b7 __kmalloc_node+0xa7`,
    { comm: 'perf' },
  ],
  [
    'of a task name with blanks',
    `       my 5 task  1002 [001]   144.249187: ${EVENT}`,
    { comm: 'my 5 task', pid: 1002 },
  ],
  [
    'of a task name with brackets',
    `           a[0]b  1002 [001]   144.249187: ${EVENT}`,
    { comm: 'a[0]b', pid: 1002 },
  ],
])('a line printed %s', async (_, line, want) => {
  const trace = await readTraceBytes(`${line}\n${line}\n`);
  expect(trace.format).toBe('perf-script');
  expect(trace.stats).toEqual({ duplicate_records: 1 });
  expect(trace.count).toBe(2);
  expect(trace.event(0)).toMatchObject({ ...WANT, ...want });
  expect(trace.event(1)).toEqual(trace.event(0));
});

test('a cache name keeps nothing of the ip and sym behind it', async () => {
  const trace = await readTraceBytes(
    '            find  1044 [000]   144.681351206:  kmem:kmem_cache_free: call_site=vfs_fstatat+0x5b ptr=0xffff8c83c2265000 name=names_cache ffffffffa492d4e4 kmem_cache_free+0x254\n',
  );
  expect(trace.event(0)).toMatchObject({ event: 'kmem_cache_free', cache: 'names_cache' });
});

test('without symbols, call sites are addresses; NULL is (nil)', async () => {
  const trace = await readTraceBytes(
    '            perf  1002 [000]   144.250345:            kmem:kfree: call_site=0xffffffffa46e07c4 ptr=(nil)\n',
  );
  expect(trace.event(0)).toMatchObject({ site: '0xffffffffa46e07c4', ptr: 0n });
});

test('the kernel part of a callchain becomes the stack, by address and name', async () => {
  const event = (time: string): string => `perf  1056 [000]   ${time}: ${EVENT}\n`;
  const trace = await readTraceBytes(
    event('150.026836') +
      '\tffffffffa48b95b7 __kmalloc_node+0xa7 ([kernel.kallsyms])\n' +
      '\tffffffffa4fd63fb\n' +
      '\t           ee137 sched_setaffinity@@GLIBC_2.3.4+0x7 (/lib/x86_64-linux-gnu/libc.so.6)\n' +
      '\te5710d0035662f34 [unknown] ([unknown])\n\n' +
      event('150.026837') +
      '        ffffffffa48b95b7 __kmalloc_node+0xa7 ([kernel.kallsyms])\n' +
      event('150.026838') +
      '\n' +
      event('150.026839') +
      '\t__kmalloc_node+0xa7 ([kernel.kallsyms])\n',
  );
  expect(trace.stats).toEqual({});
  expect(trace.events().map((e) => e.stack)).toEqual([
    ['__kmalloc_node+0xa7 0xffffffffa48b95b7', '0xffffffffa4fd63fb'],
    ['__kmalloc_node+0xa7 0xffffffffa48b95b7'],
    [],
    ['__kmalloc_node+0xa7'],
  ]);
});

test('a callchain of a machine whose kernel lies below, or of 32 bits', async () => {
  const trace = await readTraceBytes(
    'perf  1056 [000]   150.026836:            kmem:kfree: call_site=f+0x1 ptr=0xc1482e40\n' +
      '\t        c1050f11 kfree+0x7\n\t          12345a main+0x7 (/bin/x)\n\n' +
      'perf  1056 [000]   150.026837:            kmem:kfree: call_site=f+0x1 ptr=0xc1482e40\n' +
      '\t          12345a kfree+0x7 ([kernel.kallsyms])\n\n',
  );
  expect(trace.info.pointerBytes).toBe(4);
  // One text stands for one frame: this one is the kernel's by the name of its file.
  expect(trace.events().map((e) => e.stack)).toEqual([
    ['kfree+0x7 0xc1050f11'],
    ['kfree+0x7 0x12345a'],
  ]);
});

test('callchains of other events are passed over', async () => {
  const trace = await readTraceBytes(
    `perf  1056 [000]   150.026836: ${EVENT}\n\n` +
      'perf  1056 [000]   150.026837:          sched:sched_switch: a=b\n' +
      '\tffffffffa48b95b7 __schedule+0xa7 ([kernel.kallsyms])\n\n',
  );
  expect(trace.event(0).stack).toEqual([]);
  expect(trace.stats).toEqual({ other_events: 1 });
});

test('--header tells the release and the CPUs, --show-lost-events the gaps', async () => {
  const trace = await readTraceBytes(
    '# ========\n# captured on    : Sat Nov 21 03:22:24 2026\n# os release : 6.12.1-arch1\n# nrcpus online : 16\n# ========\n#\n' +
      `            perf  1002 [001]   144.249187: ${EVENT}\n` +
      '       perf-exec  1075 [001]   153.310812: PERF_RECORD_LOST lost 139\n',
  );
  expect(trace.info).toMatchObject({ kernelRelease: '6.12.1-arch1', cpus: 16 });
  expect(trace.stats).toEqual({ lost_events: 139 });
  expect(trace.event(1)).toMatchObject({
    event: 'lost',
    bytesReq: 139,
    cpu: 1,
    ns: 153_310_812_000n,
  });
});

test('events of other systems with the same name are not ours', async () => {
  const trace = await readTraceBytes(
    `            perf  1002 [001]   144.249187: ${EVENT}\n            perf  1002 [001]   144.249187:          mine:kmalloc: call_site=f+0x1 ptr=0x8 size=8\n`,
  );
  expect(trace.stats).toEqual({ other_events: 1 });
});

test('perf without times is refused with the reason', async () => {
  await expect(
    readTraceBytes(`            perf  1002 [000]          kmem:kmalloc: ${FIELDS}\n`),
  ).rejects.toMatchObject({
    name: 'TraceFormatError',
    hint: expect.stringContaining(
      'its events have no time (options/context-info off, or perf script -F)',
    ) as string,
  });
});

test.each([
  ['2c7e40 __kmalloc (/usr/lib/debug/lib/modules/3.10.0-957.el7.x86_64/vmlinux)', '__kmalloc'],
  ['31d5aa page_writer+0x12 (/boot/vmlinux-6.1.0)', 'page_writer+0x12'],
  ['0c8f3 pump_write_page ([pumpfs])', 'pump_write_page [pumpfs]'],
  ['0c8f3 f+0x1 (/lib/modules/6.1.0/kernel/fs/my-fs/my-fs.ko.xz)', 'f+0x1 [my_fs]'],
  ['ffffffffc08b103e tally_open+0x3e ([tally])', 'tally_open+0x3e [tally] 0xffffffffc08b103e'],
  ['ffffffffb1a4c2d1 kmalloc+0x21 (inlined)', 'kmalloc+0x21 0xffffffffb1a4c2d1'],
  ['ffffffffb1a4c2d1 [unknown] ([kernel.kallsyms])', '0xffffffffb1a4c2d1'],
  ['ffffffffb1a4c2d1 f+0x1 ([guest.kernel.kallsyms])', 'f+0x1 0xffffffffb1a4c2d1'],
  ['ffffffffb1a4c2d1 f+0x1 (/proc/kcore)', 'f+0x1 0xffffffffb1a4c2d1'],
  ['f+0x1 ([kernel.kallsyms])', 'f+0x1'],
])('a frame of the kernel: %s', async (frame, want) => {
  const event =
    'perf  1056 [000]   150.026836:            kmem:kfree: call_site=f+0x1 ptr=0xffff8883c1482e40\n';
  const trace = await readTraceBytes(
    `${event}\t${frame}\n\t  slub.c:3412\n\t  e83c2 [unknown] (/usr/lib64/libc-2.17.so)\n` +
      '\t ffffffffb1a4c2d1 not_the_kernels ([kernel.kallsyms])\n\n',
  );
  expect(trace.stats).toEqual({});
  expect(trace.event(0).stack).toEqual([want]);
});

test('events without fields (-F without trace) are refused', async () => {
  const lines = ['kmem:kmalloc: ', 'kmem:kfree:', 'kmem:kmem_cache_free: '];
  const text = lines.map((line, i) => `  sh 7 [001]  2135.04808${i}: ${line}\n`).join('');
  await expect(readTraceBytes(text)).rejects.toThrow(
    'its 3 kmem events have no fields, so no address or size is known',
  );
  // One that has some is read, and the others are counted.
  const trace = await readTraceBytes(
    `${text}  sh 7 [001]  2135.048090: kmem:kfree: call_site=f+0x1 ptr=(nil)\n`,
  );
  expect(trace.stats).toEqual({ bad_line: 3 });
});

const atTimes = (times: readonly string[]): string =>
  times.map((time) => `  sh 7 [001]  ${time}: kmem:kfree: call_site=f+0x1 ptr=(nil)\n`).join('');

test('differences of times (--deltatime) are refused', async () => {
  const deltas = [
    '0.000000',
    '0.000006',
    '0.000001',
    '0.000001',
    '0.000003',
    '0.000000',
    '1.000002',
  ];
  for (const times of [deltas, deltas.slice(1), deltas.map((time) => `${time}123`)]) {
    await expect(readTraceBytes(atTimes(times))).rejects.toThrow('--deltatime');
  }
});

test('times that step back at a seam, or begin at 0, are times', async () => {
  for (const times of [
    ['0.000000', '0.000001', '0.000001', '0.000007'],
    ['5.000000', '6.000000', '5.500000', '5.600000', '7.000000'],
  ]) {
    expect((await readTraceBytes(atTimes(times))).count).toBe(times.length);
  }
});
