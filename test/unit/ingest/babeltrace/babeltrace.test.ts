import { expect, test } from 'vitest';
import { readTraceBytes } from '../../../helpers/read-trace.ts';

const FIELDS =
  '{ call_site = 0xFFFFFFFF8121A2B7, ptr = 0xFFFF8800AECF6F00, bytes_req = 60, bytes_alloc = 64, gfp_flags = 3264 }';

function line(time: string, rest: string): string {
  return `[${time}] (+0.000001234) host ${rest}\n`;
}

test('an event without contexts', async () => {
  const text = line('10:04:11.123456789', `kmem_kmalloc: { cpu_id = 3 }, ${FIELDS}`);
  const trace = await readTraceBytes(text.repeat(2));
  expect(trace.format).toBe('babeltrace');
  expect(trace.stats).toEqual({ duplicate_records: 1 });
  expect(trace.info).toMatchObject({ clockUnit: 'ns', pointerBytes: 8, hashedPointers: false });
  const want = {
    ns: (10n * 3600n + 4n * 60n + 11n) * 1_000_000_000n + 123_456_789n,
    event: 'kmalloc',
    site: '0xffffffff8121a2b7',
    ptr: 0xffff8800aecf6f00n,
    bytesReq: 60,
    bytesAlloc: 64,
    gfp: 3264,
    node: null,
    accounted: null,
    cpu: 3,
    flags: null,
    pid: null,
    comm: '',
    cache: '',
    stack: [],
  };
  expect(trace.events()).toEqual([want, want]);
});

test('contexts in any order name the task', async () => {
  const trace = await readTraceBytes(
    line(
      '10:04:11.123456789',
      `kmem_kmalloc: { cpu_id = 0 }, { procname = "my {sh}", tid = 12, pid = 11 }, ${FIELDS}`,
    ) +
      line(
        '10:04:11.123456790',
        `kmem_kmalloc: { cpu_id = 0 }, { tid = 0, procname = "swapper/0" }, ${FIELDS}`,
      ),
  );
  expect(trace.events().map((e) => [e.comm, e.pid])).toEqual([
    ['my {sh}', 12],
    ['swapper/0', 0],
  ]);
});

test("LTTng's names of the events", async () => {
  const free = '{ call_site = 0xFFFFFFFF8121A2B7, ptr = 0xFFFF8800AECF6F00 }';
  const names = ['kmem_kfree', 'kmem_cache_free'].map((n) => `${n}: { cpu_id = 0 }, ${free}`);
  const allocs = ['kmem_kmalloc', 'kmem_kmalloc_node', 'kmem_cache_alloc', 'kmem_cache_alloc_node'];
  const rows = [...names, ...allocs.map((n) => `${n}: { cpu_id = 0 }, ${FIELDS}`)];
  const pages = [
    'kmem_mm_page_alloc: { cpu_id = 0 }, { page = 0xFFFFEA0000000000, pfn = 35644, order = 1, gfp_flags = 3264, migratetype = 0 }',
    'kmem_mm_page_free: { cpu_id = 0 }, { page = 0xFFFFEA0000000000, pfn = 35644, order = 0 }',
  ];
  const others = ['sched_switch: { cpu_id = 0 }, { prev_comm = "a" }'];
  const trace = await readTraceBytes(
    [...rows, ...pages, ...others].map((row) => line('10:04:11.123456789', row)).join(''),
  );
  expect(trace.events().map((e) => e.event)).toEqual([
    'kfree',
    'kmem_cache_free',
    'kmalloc',
    'kmalloc_node',
    'kmem_cache_alloc',
    'kmem_cache_alloc_node',
    'mm_page_alloc',
    'mm_page_free',
  ]);
  expect(trace.event(6)).toMatchObject({ ptr: 0x8b3c000n, bytesAlloc: 8192, gfp: 3264 });
  expect(trace.stats).toEqual({ other_events: 1 });
});

test('names, nodes and flags as newer tracers print them', async () => {
  const trace = await readTraceBytes(
    line(
      '10:04:11.123456789',
      'kmem_cache_alloc: { cpu_id = 0 }, { call_site = 0xFFFFFFFF8121A2B7, ptr = 0x0, name = "filp", bytes_req = 256, bytes_alloc = 256, gfp_flags = ( "GFP_KERNEL" : container = 3264 ), node = -1 }',
    ),
  );
  expect(trace.event(0)).toMatchObject({ cache: 'filp', gfp: 3264, node: -1, ptr: 0n });
});

test('a day begins where the time of day steps back by more than half a day', async () => {
  const event = `kmem_kmalloc: { cpu_id = 0 }, ${FIELDS}`;
  const trace = await readTraceBytes(
    line('23:59:59.999999999', event) +
      line('00:00:00.000000001', event) +
      line('00:00:00.000000000', event),
  );
  const [first = 0n, second = 0n, third = 0n] = trace.events().map((e) => e.ns);
  expect(second - first).toBe(2n);
  expect(third - second).toBe(-1n);
});

test('dates and seconds instead of the time of day', async () => {
  const event = `kmem_kmalloc: { cpu_id = 0 }, ${FIELDS}`;
  const date = await readTraceBytes(line('2026-11-20 10:04:11.123456789', event));
  // date -u -d '2026-11-20 10:04:11' +%s
  expect(date.event(0).ns).toBe(1_795_169_051_123_456_789n);
  const seconds = await readTraceBytes(line('1795169051.123456789', event));
  expect(seconds.event(0).ns).toBe(1_795_169_051_123_456_789n);
});

test('the callstack-kernel context is the stack', async () => {
  const trace = await readTraceBytes(
    line(
      '10:04:11.123456789',
      `kmem_kmalloc: { cpu_id = 0 }, { _callstack_kernel_length = 2, callstack_kernel = [ [0] = 0xFFFFFFFF9D03B5C1, [1] = 0xFFFFFFFF9D03B5C2 ], procname = "sh", tid = 7 }, ${FIELDS}`,
    ),
  );
  expect(trace.event(0).stack).toEqual(['0xffffffff9d03b5c1', '0xffffffff9d03b5c2']);
  expect(trace.event(0)).toMatchObject({ comm: 'sh', pid: 7 });
});

test('discarded events are a gap before the next event', async () => {
  const event = line('10:04:11.123456789', `kmem_kmalloc: { cpu_id = 1 }, ${FIELDS}`);
  const trace = await readTraceBytes(
    `${event}[warning] Tracer discarded 72 events between [10:04:11.1] and [10:04:11.2] in trace.\n${event}`,
  );
  expect(trace.events().map((e) => [e.event, e.cpu])).toEqual([
    ['kmalloc', 1],
    ['lost', 1],
    ['kmalloc', 1],
  ]);
  expect(trace.stats).toEqual({ lost_events: 72 });
});

test('a known event that lacks a field is a bad line', async () => {
  const good = line('10:04:11.123456789', `kmem_kmalloc: { cpu_id = 1 }, ${FIELDS}`);
  const bad = line('10:04:11.123456789', 'kmem_kmalloc: { cpu_id = 1 }, { ptr = 0x10 }');
  const trace = await readTraceBytes(good + bad);
  expect(trace.stats).toEqual({ bad_line: 1 });
});

const PERF_FIELDS = (rest: string): string =>
  `{ cpu_id = 1 }, { perf_ip = 0xFFFFFFFF816365B7, perf_tid = 3045, perf_pid = 3044, perf_id = 34, perf_period = 1, ${rest} }`;

test('the text of what perf data convert --to-ctf writes', async () => {
  const common = 'common_type = 659, common_flags = 0, common_preempt_count = 1, common_pid = 3045';
  const chain =
    'perf_callchain_size = 4, perf_callchain = [ [0] = 0xFFFFFFFFFFFFFF80, [1] = 0xFFFFFFFF816365B7, [2] = 0xFFFFFFFFFFFFFE00, [3] = 0x7FF1 ]';
  const trace = await readTraceBytes(
    [
      `[00:29:31.812339615] (+?.?????????) kmem:kmem_cache_alloc: ${PERF_FIELDS(`${chain}, ${common}, call_site = 0xFFFFFFFF821CEEDF, ptr = 0xFFFF88817BF5DC00, name = "maple_node", bytes_req = 256, bytes_alloc = 256, gfp_flags = 0xCC0, node = -1, accounted = 0`)}`,
      `[00:29:31.812347566] (+0.000007951) kmem:kfree: ${PERF_FIELDS(`${common}, call_site = 0xFFFFFFFF8157ADD8, ptr = 0x0`)}`,
      `[00:29:31.812347567] (+0.000000001) kmem:mm_page_free: ${PERF_FIELDS(`${common}, pfn = 0x12, order = 0`)}`,
      '',
    ].join('\n'),
  );
  expect(trace.format).toBe('babeltrace');
  expect(trace.stats).toEqual({});
  expect(trace.events()).toMatchObject([
    {
      event: 'kmem_cache_alloc',
      cache: 'maple_node',
      pid: 3045,
      cpu: 1,
      gfp: 0xcc0,
      accounted: false,
      stack: ['0xffffffff816365b7'],
    },
    { event: 'kfree', ptr: 0n, pid: 3045, stack: [] },
    { event: 'mm_page_free', ptr: 0x12000n },
  ]);
});

test('fields without names are refused', async () => {
  const line =
    '[08:36:01.211260539] (+?.?????????) board kmem_kmalloc: { 1 }, { 0xBF083A6C, 0xCDEB5C00, 712, 1024, 208 }\n';
  await expect(readTraceBytes(line + line)).rejects.toThrow(
    'the fields of its 2 kmem events have no names',
  );
});
