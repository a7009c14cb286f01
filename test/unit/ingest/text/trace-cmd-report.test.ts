import { expect, test } from 'vitest';
import { readTraceBytes } from '../../../helpers/read-trace.ts';

const KMALLOC =
  'kmalloc:              (alloc_bprm+0x32) call_site=alloc_bprm+0x32 ptr=0xffff8c83dfd0ac00 bytes_req=416 bytes_alloc=512 gfp_flags=GFP_KERNEL|__GFP_ZERO node=-1 accounted=false';

const WANT = {
  event: 'kmalloc',
  site: 'alloc_bprm+0x32',
  ptr: 0xffff8c83dfd0ac00n,
  bytesReq: 416,
  bytesAlloc: 512,
  gfp: 0xdc0,
  node: -1,
  comm: 'sh',
  pid: 647,
  cpu: 1,
};

test.each([
  ['by default', `              sh-647   [001]    31.595043: ${KMALLOC}`, 31_595_043_000n, null],
  ['with -t', `              sh-647   [001]    31.595043123: ${KMALLOC}`, 31_595_043_123n, null],
  ['with -l', `      sh-647     1d..2.    31.595043: ${KMALLOC}`, 31_595_043_000n, 0x201],
  [
    'with -R',
    '              sh-647   [001]    31.595043: kmalloc:               call_site=alloc_bprm+0x32 ptr=0xffff8c83dfd0ac00 bytes_req=416 bytes_alloc=512 gfp_flags=0xdc0 node=-1',
    31_595_043_000n,
    null,
  ],
  [
    'with --ts-diff',
    `              sh-647   [001]    31.595043: (+40)    ${KMALLOC}`,
    31_595_043_000n,
    null,
  ],
  [
    'of an instance',
    `inst1:               sh-647   [001]    31.595043: ${KMALLOC}`,
    31_595_043_000n,
    null,
  ],
  [
    'of newer versions',
    `              sh-647   [001] d..2.    31.595043: ${KMALLOC}`,
    31_595_043_000n,
    0x201,
  ],
])('a line printed %s', async (_, line, ns, flags) => {
  const trace = await readTraceBytes(`cpus=2\n${line}\n${line}\n`);
  expect(trace.format).toBe('trace-cmd-report');
  expect(trace.info.cpus).toBe(2);
  expect(trace.stats).toEqual({ duplicate_records: 1 });
  expect(trace.event(0)).toMatchObject({ ...WANT, ns, flags });
  expect(trace.event(1)).toEqual(trace.event(0));
});

test('-R prints accounted as a number, and none for kmalloc', async () => {
  const trace = await readTraceBytes(
    'cpus=2\n' +
      '   sh-866   [001]    62.757201: kmem_cache_alloc:      call_site=mm_alloc+0x16 ptr=0xffff8c83dffc3180 bytes_req=1104 bytes_alloc=1152 gfp_flags=0xcc0 node=-1 accounted=1\n' +
      '   sh-866   [001]    62.757202: mm_page_free:          pfn=0x8b3c order=1\n' +
      '   sh-866   [001]    62.757203: rcu_invoke_kfree_bulk_callback: rcuname=0xffffffff82345678 nr_records=5 p=0xffff8c83dffc3000\n',
  );
  expect(trace.stats).toEqual({});
  expect(trace.event(0)).toMatchObject({ accounted: true, gfp: 0xcc0 });
  expect(trace.event(1)).toMatchObject({ ptr: 0x8b3c000n, bytesAlloc: 8192 });
  expect(trace.event(2)).toMatchObject({ ptr: 0xffff8c83dffc3000n, bytesReq: 5 });
});

test('dropped events stand before the next event of their CPU', async () => {
  const kfree = (time: string, cpu: string): string =>
    `   sh-1   [${cpu}]    ${time}: kfree:                (f+0x1) call_site=f+0x1 ptr=(nil)\n`;
  const trace = await readTraceBytes(
    `cpus=2\n${kfree('1.000000', '000')}CPU:1 [201 EVENTS DROPPED]\n${kfree('2.000000', '000')}${kfree('3.000000', '001')}CPU:0 [EVENTS DROPPED]\n`,
  );
  expect(trace.events().map((e) => [e.event, e.cpu, e.bytesReq])).toEqual([
    ['kfree', 0, 0],
    ['kfree', 0, 0],
    ['lost', 1, 201],
    ['kfree', 1, 0],
    ['lost', 0, 0],
  ]);
  expect(trace.stats).toEqual({ lost_events: 201, lost_events_unknown: 1 });
});

test('stacks: frames by their addresses', async () => {
  const trace = await readTraceBytes(
    `cpus=2\n              sh-647   [001]    31.595043: ${KMALLOC}\n` +
      '              sh-647   [001]    31.595100: kernel_stack:         <stack trace >\n' +
      '=> trace_event_raw_event_kmalloc (ffffffffa48b7109)\n=> kmalloc_trace (ffffffffa48b8b8c)\n' +
      `              sh-647   [001]    31.595200: ${KMALLOC}\n`,
  );
  expect(trace.event(0).stack).toEqual([
    'trace_event_raw_event_kmalloc 0xffffffffa48b7109',
    'kmalloc_trace 0xffffffffa48b8b8c',
  ]);
  expect(trace.event(1).stack).toEqual([]);
  expect(trace.stats).toEqual({});
});

test('stacks of -R: bytes of the addresses, as many as `size` says', async () => {
  const trace = await readTraceBytes(
    `cpus=2\n              sh-647   [001]    31.595043: ${KMALLOC}\n` +
      '              sh-647   [001]    31.595100: kernel_stack:          size=2 caller=ARRAY[09, 71, 8b, a4, ff, ff, ff, ff, 8c, 8b, 8b, a4, ff, ff, ff, ff, 8e, 7f, 9c, 00, 28, 02, 00, 00]\n',
  );
  expect(trace.event(0).stack).toEqual(['0xffffffffa48b7109', '0xffffffffa48b8b8c']);
});

const TWO_INSTANCES =
  'cpus=2\n' +
  `              sh-1   [000]     1.000000: sched_switch:          prev=1\n` +
  `inst1:        sh-2   [000]     2.000000: kfree:                 call_site=f+0x1 ptr=(nil)\n` +
  `inst2:        sh-3   [000]     3.000000: kfree:                 call_site=f+0x1 ptr=(nil)\n`;

test('of several instances one is read, that with kmem events or that which was asked for', async () => {
  const one = await readTraceBytes(TWO_INSTANCES.replace('inst2: ', 'inst1: '));
  expect(one.events().map((e) => e.pid)).toEqual([2, 3]);
  const second = await readTraceBytes(TWO_INSTANCES, { buffer: 'inst2' });
  expect(second.events().map((e) => e.pid)).toEqual([3]);
  const top = await readTraceBytes(TWO_INSTANCES, { buffer: 'top' });
  expect(top.count).toBe(0);
  expect(top.stats).toEqual({ other_events: 1 });
});

test('several instances with kmem events are an error that lists them', async () => {
  await expect(readTraceBytes(TWO_INSTANCES)).rejects.toMatchObject({
    name: 'UsageError',
    exitCode: 2,
    message: 'test-input: several buffers hold events: inst1, inst2',
    hint: 'Choose one with --buffer NAME.',
  });
});

test('an instance whose other events came first is an error as well', async () => {
  const kfree = 'kfree:                 call_site=f+0x1 ptr=(nil)';
  const text =
    '              sh-1   [000]     1.000000: sched_switch:          prev=1\n' +
    `inst1:        sh-2   [000]     2.000000: ${kfree}\n` +
    `inst1:        sh-2   [000]     3.000000: ${kfree}\n` +
    `              sh-1   [000]     4.000000: ${kfree}\n`;
  await expect(readTraceBytes(text, { format: 'trace-cmd-report' })).rejects.toMatchObject({
    message: 'test-input: several buffers hold events: inst1, top',
  });
});

test('an instance that is not there is an error', async () => {
  await expect(readTraceBytes(TWO_INSTANCES, { buffer: 'inst3' })).rejects.toMatchObject({
    name: 'UsageError',
    message: 'test-input: there is no buffer "inst3"',
    hint: 'Its buffers: top, inst1, inst2.',
  });
});

test('behind a line about lost events, the event does not name its instance again', async () => {
  const trace = await readTraceBytes(
    'cpus=2\n' +
      'inst1: CPU:0 [7 EVENTS DROPPED]\n' +
      '              sh-2   [000]     2.000000: kfree:                 call_site=f+0x1 ptr=(nil)\n' +
      'inst1:        sh-2   [000]     3.000000: kfree:                 call_site=f+0x1 ptr=(nil)\n',
  );
  expect(trace.events().map((e) => e.event)).toEqual(['lost', 'kfree', 'kfree']);
});
