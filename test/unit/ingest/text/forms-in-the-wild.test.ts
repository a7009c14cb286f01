// One line for each form that people paste into mails and trackers, and what a person reads in it.

import { expect, test } from 'vitest';
import { type PlainEvent, readTraceBytes } from '../../../helpers/read-trace.ts';

interface Form {
  readonly form: string;
  readonly line: string;
  readonly format: string;
  readonly want: Partial<PlainEvent>;
}

const S = 1_000_000_000n;
const US = 1000n;

const FORMS: readonly Form[] = [
  {
    form: 'bare hexadecimal call site, gfp names without underscores, 32 bits',
    line: '            init-1     [000] .N..     0.210000: kmalloc: call_site=c1050f11 ptr=c1482e40 bytes_req=29 bytes_alloc=32 gfp_flags=GFP_KERNEL|GFP_ZERO',
    format: 'ftrace-text',
    want: {
      ns: 210_000n * US,
      event: 'kmalloc',
      site: '0xc1050f11',
      ptr: 0xc1482e40n,
      bytesReq: 29,
      bytesAlloc: 32,
      gfp: 0xdc0,
      node: null,
      accounted: null,
      comm: 'init',
      pid: 1,
      cpu: 0,
      flags: 0x24,
    },
  },
  {
    form: 'NULL as (null), two blanks before it',
    line: '            init-1     [000] .N..     0.210000: kfree: call_site=c10c0a4a ptr=  (null)',
    format: 'ftrace-text',
    want: { event: 'kfree', site: '0xc10c0a4a', ptr: 0n },
  },
  {
    form: 'NULL as (null), padded to sixteen digits',
    line: '     kthreadd-2       [001] ....    11.250114: kfree: call_site=ffffffff816b2c7d ptr=          (null)',
    format: 'ftrace-text',
    want: { site: '0xffffffff816b2c7d', ptr: 0n, comm: 'kthreadd', pid: 2, cpu: 1, flags: 0 },
  },
  {
    form: 'no padding of the task, seven digits of seconds, GFP_REPEAT',
    line: '     tail-11005 [001] .... 1127941.100451: kmalloc: call_site=ffffffff8121a2b7 ptr=ffff8800aecf6f00 bytes_req=240 bytes_alloc=256 gfp_flags=GFP_KERNEL|GFP_NOWARN|GFP_REPEAT',
    format: 'ftrace-text',
    want: {
      ns: 1_127_941n * S + 100_451n * US,
      gfp: 0xcc0 | 0x2000 | 0x4000,
      ptr: 0xffff8800aecf6f00n,
      pid: 11005,
    },
  },
  {
    form: '32 bits, eight digits',
    line: '            bash-863   [001] ....   301.420107: kmalloc: call_site=80555a94 ptr=7577b560 bytes_req=124 bytes_alloc=128 gfp_flags=GFP_KERNEL',
    format: 'ftrace-text',
    want: { site: '0x80555a94', ptr: 0x7577b560n, bytesReq: 124 },
  },
  {
    form: 'before 3.x: no flags column, task not known',
    line: '           <...>-2204  [000]   147.386774: kmalloc: call_site=c052ad2d ptr=f6b11c00 bytes_req=512 bytes_alloc=512 gfp_flags=GFP_KERNEL',
    format: 'ftrace-text',
    want: { comm: '<...>', pid: 2204, flags: null, ns: 147_386_774n * US, gfp: 0xcc0 },
  },
  {
    form: "a vendor's words between the fields",
    line: '          <idle>-0     [003] d.h.   328.573305: kmalloc: call_site=805ef260 caller(foo_alloc_atomic+0x24/0x28) ptr=b7d94cc0 bytes_req=12 bytes_alloc=64 gfp_flags=GFP_ATOMIC|__GFP_ZERO',
    format: 'ftrace-text',
    want: {
      site: '0x805ef260',
      ptr: 0xb7d94cc0n,
      bytesReq: 12,
      bytesAlloc: 64,
      gfp: 0xa20 | 0x100,
      cpu: 3,
      flags: 0x09,
      comm: '<idle>',
      pid: 0,
    },
  },
  {
    form: 'older trace-cmd: (symbol) first',
    line: ' irq/35-fw-273881 [002] 373149.238580: kmalloc: (fw_handle+0x7b) call_site=fw_handle+0x7b ptr=0xffff99e93f107300 bytes_req=155 bytes_alloc=192 gfp_flags=GFP_ATOMIC',
    format: 'trace-cmd-report',
    want: { comm: 'irq/35-fw', pid: 273881, site: 'fw_handle+0x7b', bytesReq: 155, gfp: 0xa20 },
  },
  {
    form: 'newer trace-cmd: padded name, gfp as a number, flags column',
    line: 'make-16810 [004] .....  2319.100873: kmalloc:              call_site=fuse_io_alloc+0x41 ptr=0xffff888101bee200 bytes_req=216 bytes_alloc=256 gfp_flags=0xdc0 node=-1 accounted=false',
    format: 'trace-cmd-report',
    want: {
      comm: 'make',
      pid: 16810,
      cpu: 4,
      flags: 0,
      site: 'fuse_io_alloc+0x41',
      gfp: 0xdc0,
      node: -1,
      accounted: false,
    },
  },
  {
    form: 'NULL as 0x0',
    line: '              ls-13545 [002] 106260.793809: kfree: call_site=810b7abb ptr=0x0',
    format: 'trace-cmd-report',
    want: { site: '0x810b7abb', ptr: 0n, comm: 'ls', pid: 13545 },
  },
  {
    form: 'NULL as (nil)',
    line: '              sh-647   [001]    31.595968: kfree:                (tomoyo_realpath_from_path+0x2f) call_site=tomoyo_realpath_from_path+0x2f ptr=(nil)',
    format: 'trace-cmd-report',
    want: { site: 'tomoyo_realpath_from_path+0x2f', ptr: 0n },
  },
  {
    form: 'options/fields of newer kernels: the call site resolved, the value behind',
    line: '            init-1       [000] .....    18.370248: kmem_cache_free: call_site=rcu_do_batch+0x3d1/0x14a0 (-1768960207) ptr=0xffff888132fa5ed0 (854220496) name=dentry',
    format: 'ftrace-text',
    want: { site: 'rcu_do_batch+0x3d1', ptr: 0xffff888132fa5ed0n, cache: 'dentry' },
  },
  {
    form: 'options/fields of 6.12: every value twice',
    line: '            init-1       [000] .....    18.370323: kmem_cache_alloc: call_site=0xffffffffada69076 (-1381592970) ptr=0xffff8d4895c1d000 (-126132087042048) bytes_req=0x1000 (4096) bytes_alloc=0x1000 (4096) gfp_flags=0xcc0 (3264) node=0xffffffff (-1) accounted=(1)',
    format: 'ftrace-text',
    want: {
      site: '0xffffffffada69076',
      ptr: 0xffff8d4895c1d000n,
      bytesReq: 4096,
      bytesAlloc: 4096,
      gfp: 0xcc0,
      node: -1,
      accounted: true,
    },
  },
  {
    form: 'cut in front: no task',
    line: '[002] ....   808.288897: kmem_cache_free: call_site=putname+0x47/0x50 ptr=00000000cff40c80',
    format: 'ftrace-text',
    want: { pid: null, comm: '', cpu: 2, site: 'putname+0x47', ptr: 0xcff40c80n, cache: '' },
  },
  {
    form: 'cut inside the pid',
    line: '05 [001] .... 1127941.100451: kfree: call_site=putname+0x47/0x50 ptr=ffff8800aecf6f00',
    format: 'ftrace-text',
    want: { pid: null, comm: '', cpu: 1, ns: 1_127_941_100_451n * US },
  },
  {
    form: 'a task name that looks like a whole prefix',
    line: '      a [1] 2: b-12      [000] .....     3.591180: kfree: call_site=f+0x1/0x2 ptr=ffff8800aecf6f00',
    format: 'ftrace-text',
    want: { comm: 'a [1] 2: b', pid: 12, cpu: 0, ns: 3_591_180n * US },
  },
  {
    form: 'quoted with > ',
    line: '>             init-1       [000] d..1.     3.591180: kfree: call_site=do_x+0x22/0x110 ptr=ffff8880e949f500',
    format: 'ftrace-text',
    want: { comm: 'init', pid: 1, flags: 0x101, site: 'do_x+0x22' },
  },
  {
    form: 'quoted twice',
    line: '> >    sh-14 [000] .....     3.591180: kfree: call_site=do_x+0x22/0x110 ptr=ffff8880e949f500',
    format: 'ftrace-text',
    want: { comm: 'sh', pid: 14 },
  },
  {
    form: 'quoted with | ',
    line: '|             init-1       [000] .....     3.591180: kfree: call_site=do_x+0x22/0x110 ptr=ffff8880e949f500',
    format: 'ftrace-text',
    want: { comm: 'init', pid: 1 },
  },
  {
    form: 'indented by a list or a block of code',
    line: '        \t            init-1       [000] .....     3.591180: kfree: call_site=do_x+0x22/0x110 ptr=ffff8880e949f500',
    format: 'ftrace-text',
    want: { comm: 'init', pid: 1 },
  },
  {
    form: 'CRLF',
    line: '            init-1       [000] .....     3.591180: kmem_cache_free: call_site=do_x+0x22/0x110 ptr=ffff8880e949f500 name=filp\r',
    format: 'ftrace-text',
    want: { cache: 'filp', site: 'do_x+0x22' },
  },
  {
    form: 'a decimal comma',
    line: '            init-1       [000] .....     3,591180: kfree: call_site=do_x+0x22/0x110 ptr=ffff8880e949f500',
    format: 'ftrace-text',
    want: { ns: 3_591_180n * US },
  },
  {
    form: 'a task name with a dash, a slash and digits',
    line: 'irq/35-firewire-273881 [000] .....     3.591180: kfree: call_site=do_x+0x22/0x110 ptr=ffff8880e949f500',
    format: 'ftrace-text',
    want: { comm: 'irq/35-firewire', pid: 273881 },
  },
  {
    form: 'a task name with a colon',
    line: '       test:.sh-1299    [000] .....     3.591180: kfree: call_site=do_x+0x22/0x110 ptr=ffff8880e949f500',
    format: 'ftrace-text',
    want: { comm: 'test:.sh', pid: 1299 },
  },
  {
    form: 'a kworker',
    line: 'kworker/u8:2-events_unbound-77 [001] .....     3.591180: kfree: call_site=do_x+0x22/0x110 ptr=ffff8880e949f500',
    format: 'ftrace-text',
    want: { comm: 'kworker/u8:2-events_unbound', pid: 77 },
  },
  {
    form: 'a task name with a blank',
    line: '         my task-12      [001] .....     3.591180: kfree: call_site=do_x+0x22/0x110 ptr=ffff8880e949f500',
    format: 'ftrace-text',
    want: { comm: 'my task', pid: 12, cpu: 1 },
  },
  {
    form: 'a task name with brackets',
    line: '            a[0]-5       [001] .....     3.591180: kfree: call_site=do_x+0x22/0x110 ptr=ffff8880e949f500',
    format: 'ftrace-text',
    want: { comm: 'a[0]', pid: 5, cpu: 1 },
  },
  {
    form: 'a task name with a CPU of its own, blanks around it',
    line: '        a [002] b-5       [001] .....     3.591180: kfree: call_site=do_x+0x22/0x110 ptr=ffff8880e949f500',
    format: 'ftrace-text',
    want: { comm: 'a [002] b', pid: 5, cpu: 1 },
  },
  {
    form: 'a task name that is not ASCII',
    line: '        größe-日本-5       [001] .....     3.591180: kfree: call_site=do_x+0x22/0x110 ptr=ffff8880e949f500',
    format: 'ftrace-text',
    want: { comm: 'größe-日本', pid: 5, cpu: 1 },
  },
  {
    form: 'record-tgid, the group not known',
    line: '            init-1       (-------) [001] d.h2.    11.931149: kfree: call_site=detach_buf_split+0x104/0x150 [virtio_ring] ptr=000000001d69f51a',
    format: 'ftrace-text',
    want: { comm: 'init', pid: 1, flags: 0x209, site: 'detach_buf_split+0x104 [virtio_ring]' },
  },
  {
    form: "ppc64's symbols",
    line: '            bash-863   [001] ....   301.420107: kfree: call_site=.foo_free+0x24/0x80 ptr=c0000000fe3b4a00',
    format: 'ftrace-text',
    want: { site: '.foo_free+0x24', ptr: 0xc0000000fe3b4a00n },
  },
];

test.each(FORMS)('$form', async ({ line, format, want }) => {
  const trace = await readTraceBytes(`${line}\n`);
  expect(trace.format).toBe(format);
  expect(trace.stats).toEqual({});
  expect(trace.count).toBe(1);
  expect(trace.event(0)).toMatchObject(want);
});

test('every form is read the same as the second line of its kind, which goes the fast way', async () => {
  for (const { form, line, format } of FORMS) {
    const trace = await readTraceBytes(`${line}\n${line}\n${line}\n`, { format });
    const [first, second, third] = trace.events();
    expect(second, form).toEqual(first);
    expect(third, form).toEqual(first);
    expect(trace.count, form).toBe(3);
  }
});

test.each([
  ['function tracer', 'find-4624 [005] ...1. 580781.988361: do_filp_open <-do_sys_openat2'],
  ['trace_printk', '  sh-5 [005] ...1. 580781.988361: my_func: kmalloc of 12 bytes'],
  ['a marker', '  sh-5 [005] ...1. 580781.988361: tracing_mark_write: kfree: ptr=0'],
  ['another event', '  sh-5 [000] d..2. 1.0: sched_switch: prev_comm=sh prev_pid=5 ==> next_pid=0'],
  [
    'a probe',
    '  <idle>-0 [001] d.h2. 170.824545: read_p: (vfs_read+0x0/0x110) ptr=0xffff8c83c2293560',
  ],
  [
    'a probe named like an event',
    '  sh-0 [001] .... 1.5: kfree: (vfs_read+0x0/0x110) ptr=0xffff8c83c2293560',
  ],
  [
    'trace_printk in the latency form',
    '    sh-5       1..... 22708us+: bprint: x-5 [001] 1.5: kfree: call_site=f+0x1 ptr=0x0',
  ],
])('%s is counted and passed over', async (_, line) => {
  const trace = await readTraceBytes(`# tracer: nop\n${line}\n`);
  expect(trace.stats).toEqual({ other_events: 1 });
  expect(trace.count).toBe(0);
});

test.each([
  ['a function of function_graph', ' 0)   0.123 us    |  kmalloc();'],
  ['the same with a time', ' 1287.100100 |   1)   0.225 us    |      find_it();'],
  ['a frame of no stack', ' => do_syscall_64+0x5d/0xb0'],
  ['prose', 'I see this on my machine, where kmalloc is slow:'],
  ['dots', '...'],
  ['a kernel log', '[    1.234567] e1000: eth0 NIC Link is Up'],
])('%s is no event', async (_, line) => {
  const trace = await readTraceBytes(`# tracer: nop\n${line}\n`);
  expect(trace.stats).toEqual({});
  expect(trace.count).toBe(0);
});

const EVENT =
  'kmalloc: call_site=f+0x1/0x2 ptr=ffff888001230000 bytes_req=100 bytes_alloc=128 gfp_flags=GFP_KERNEL';

test.each<[string, string, Partial<PlainEvent>]>([
  [
    'a time only',
    `  4582.600001: ${EVENT}`,
    { comm: '', pid: null, cpu: 0, ns: 4582_600_001n * US },
  ],
  ['a task, no CPU', ` my task-12  4582.600001: ${EVENT}`, { comm: 'my task', pid: 12 }],
  ['flags, no CPU', ` sh-12 d..1  4582.600001: ${EVENT}`, { comm: 'sh', flags: 0x101 }],
  ['quoted', `> >  4582.600001: ${EVENT}`, { ns: 4582_600_001n * US }],
])('columns cut off: %s', async (_, line, want) => {
  const trace = await readTraceBytes(`${line}\n`);
  expect(trace.format).toBe('ftrace-text');
  expect(trace.stats).toEqual({});
  expect(trace.event(0)).toMatchObject({ event: 'kmalloc', bytesReq: 100, ...want });
});

test.each<[string, string, Partial<PlainEvent>]>([
  ['with the time', ` 1287.100144 |   1)               |  /* ${EVENT} */`, { cpu: 1, pid: null }],
  [
    'with the task',
    ` 1287.100144 |   3)   workd-4521  |               |    /* ${EVENT} */`,
    { cpu: 3, comm: 'workd', pid: 4521 },
  ],
  [
    'with the task and flags',
    ` 1287.100144 |   3)  kworker/u8:2-77 |  d..1 |               |  /* ${EVENT} */`,
    { cpu: 3, comm: 'kworker/u8:2', flags: 0x101 },
  ],
  ['without the CPU', ` 1287.100144 |               |  /* ${EVENT} */`, { cpu: 0, pid: null }],
])('a comment of function_graph %s', async (_, line, want) => {
  const free =
    ' 1287.100200 |   1)               |  /* kmem_cache_free: call_site=g+0x1/0x2 ptr=ffff888001230000 name=dentry */';
  const trace = await readTraceBytes(`# tracer: function_graph\n#\n${line}\n${free}\n`);
  expect(trace.stats).toEqual({});
  expect(trace.event(0)).toMatchObject({ ns: 1287_100_144n * US, gfp: 0xcc0, ...want });
  expect(trace.event(1)).toMatchObject({ event: 'kmem_cache_free', cache: 'dentry' });
});

test('comments of function_graph without a time are refused', async () => {
  const line = ` 1)               |  /* ${EVENT} */`;
  await expect(readTraceBytes(`# tracer: function_graph\n${line}\n`)).rejects.toThrow(
    'the events of function_graph have no time',
  );
});

test.each([
  '[   55.200000] ',
  '[   55.200000][ T4521] ',
  '[   55.200000] [    C2] ',
  '<4>[   55.200000] ',
  'Aug 06 22:26:38 host1 kernel: [   55.200000] ',
  'Aug  6 22:26:38 host1 kernel: ',
  'Aug  6 22:26:38 host1 root[1234]: ',
  '2026-08-06T22:26:38.123456+02:00 host1 kernel: ',
  '2026-08-06T22:26:38+0200 host1 kernel: [   55.200000] ',
  '[Thu Aug  6 22:26:38 2026] ',
  '08-06 22:26:38.123  1234  1240 I kernel  : ',
  '> [   55.200000] ',
])('a trace inside a log: %s', async (log) => {
  const lines = [
    `workd-4521    2.... 1021000001us : ${EVENT}`,
    `  a [b]-7     [003] d..1.  1021.000101: ${EVENT.replace('1230000', '1240000')}`,
    'kworker/2:1-9    2d..1. 1021000201us+: kfree: call_site=g+0x1/0x2 ptr=ffff888001230000',
  ];
  const trace = await readTraceBytes(lines.map((line) => `${log}${line}\n`).join(''));
  expect(trace.stats).toEqual({});
  expect(trace.events()).toMatchObject([
    { comm: 'workd', pid: 4521, cpu: 2, ns: 1021_000_001n * US },
    { comm: 'a [b]', pid: 7, cpu: 3, ns: 1021_000_101n * US },
    { comm: 'kworker/2:1', pid: 9, cpu: 2, event: 'kfree' },
  ]);
});

test('events that the kernel printed itself (tp_printk) have the time of the log', async () => {
  const trace = await readTraceBytes(
    `[   55.200000] e1000: up\n[   55.200100] ${EVENT}\n[   55.200200][  T9] kfree: call_site=f+0x1/0x2 ptr=ffff888004c12340\n`,
  );
  expect(trace.stats).toEqual({});
  expect(trace.events()).toMatchObject([
    { ns: 55_200_100n * US, pid: null, bytesAlloc: 128 },
    { ns: 55_200_200n * US, event: 'kfree' },
  ]);
});

test('no blank between the name and the first field', async () => {
  const trace = await readTraceBytes(
    `  hen-417   [000] ...1  1640.221310: ${EVENT.replace(': ', ':')}\n`,
  );
  expect(trace.stats).toEqual({});
  expect(trace.event(0)).toMatchObject({ event: 'kmalloc', site: 'f+0x1', comm: 'hen' });
});

test.each([
  [
    'a script with lines',
    '<script class="trace-data" type="application/text">\n',
    '\n',
    '</script>',
  ],
  ['a string with lines', '<script>var linuxPerfData = "\\\n', '\\n\\\n', '";</script>'],
])('a page of systrace: %s', async (_, head, end, foot) => {
  const script = '<script>\nvar a = "1.5: b";\n</script>\n'.padEnd(100_000, 'var x;\n');
  const lines = [
    '# tracer: nop',
    ` &lt;idle&gt;-0  (-----) [002] d..1 1021.000001: ${EVENT}`,
    ' workd-4521 ( 4521) [002] .... 1021.000101: kmem_cache_free: call_site=g ptr=ffff888001230000 name=dentry',
  ];
  const body = lines.map((line) => line + end).join('');
  const trace = await readTraceBytes(`<!DOCTYPE html>\n<html>\n${script}${head}${body}${foot}\n`);
  expect(trace.format).toBe('ftrace-text');
  expect(trace.stats).toEqual({});
  expect(trace.events()).toMatchObject([
    { comm: '<idle>', pid: 0, gfp: 0xcc0 },
    { comm: 'workd', pid: 4521, cache: 'dentry' },
  ]);
});
