import { expect, test } from 'vitest';
import { readTraceBytes } from '../../../helpers/read-trace.ts';

const HEADER = '# tracer: nop\n#\n# entries-in-buffer/entries-written: 2/2   #P:4\n#\n';

const ALLOC = 'call_site=f+0x1/0x2 ptr=ffff888000000040 bytes_req=60 bytes_alloc=64 gfp_flags=';

function line(time: string, rest: string, cpu = '000'): string {
  return `            init-1       [${cpu}] .....     ${time}: ${rest}\n`;
}

test('a header without events is a trace of no events', async () => {
  const trace = await readTraceBytes(HEADER);
  expect(trace.format).toBe('ftrace-text');
  expect(trace.count).toBe(0);
  expect(trace.stats).toEqual({});
  expect(trace.info.cpus).toBe(4);
});

test('events that were overwritten before the trace was read are counted as lost', async () => {
  const header = '# tracer: nop\n# entries-in-buffer/entries-written: 2619/50245   #P:2\n';
  const trace = await readTraceBytes(header);
  expect(trace.stats).toEqual({ lost_events: 47626 });
  expect(trace.positions).toEqual({ lost_events: 'before the first event' });
});

test('the latency header tells the release, and the release the gfp names', async () => {
  const alloc = `    sh-7         1..... 22708us+: kmalloc: ${ALLOC}GFP_ATOMIC node=-1 accounted=false\n`;
  const latency = (release: string): string =>
    `# nop latency trace v1.1.5 on ${release}\n# latency: 0 us, #5/9, CPU#0 | (M:desktop VP:0, KP:0, SP:0 HP:0 #P:2)\n`;
  const old = await readTraceBytes(latency('6.1.0-56-amd64') + alloc);
  expect(old.info.kernelRelease).toBe('6.1.0-56-amd64');
  expect(old.info.cpus).toBe(2);
  expect(old.stats).toEqual({ lost_events: 4 });
  expect(old.event(0)).toMatchObject({ ns: 22_708_000n, cpu: 1, comm: 'sh', gfp: 0xa20, flags: 0 });
  const newer = await readTraceBytes(latency('6.12.1') + alloc);
  expect(newer.event(0).gfp).toBe(0x820);
});

test("the folder's version goes before the header's; its format file names the gfp flags", async () => {
  const text = HEADER + line('1.000000', `kmalloc: ${ALLOC}GFP_ATOMIC node=-1 accounted=false`);
  const version = 'Linux version 6.12.117+deb12-amd64 (someone) #1 SMP';
  const trace = await readTraceBytes(text, { sidecars: { 'version.txt': version } });
  expect(trace.info.kernelRelease).toBe('6.12.117+deb12-amd64');
  expect(trace.event(0).gfp).toBe(0x820);
  const format = [
    'name: kmalloc',
    'ID: 552',
    'format:',
    '\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;',
    '',
    'print fmt: "gfp_flags=%s", (REC->gfp_flags) ? __print_flags(REC->gfp_flags, "|", {(unsigned long)0x1234, "GFP_ATOMIC"}) : "none"',
  ].join('\n');
  const own = await readTraceBytes(text, {
    sidecars: { 'tracing/events/kmem/kmalloc/format': format },
  });
  expect(own.event(0).gfp).toBe(0x1234);
});

test('latency format with verbose: absolute microseconds in hexadecimal, flags as numbers', async () => {
  const trace = await readTraceBytes(
    '          <idle>       0   1 25 00000002 0000000b [00cd5ff3] 27.755ms (+0.155ms): kfree: call_site=detach_buf_split+0x104/0x150 [virtio_ring] ptr=ffff8c83c2293900\n',
  );
  expect(trace.event(0)).toMatchObject({
    ns: 13_459_443_000n, // 0xcd5ff3 = 13459443
    comm: '<idle>',
    pid: 0,
    cpu: 1,
    flags: 0x219,
    site: 'detach_buf_split+0x104 [virtio_ring]',
  });
});

test('a name cut to eight characters is completed from saved_cmdlines', async () => {
  const text =
    'trace-cm-855     1..... 22708us : kfree: call_site=f+0x1/0x2 ptr=ffff888000000040\n';
  const alone = await readTraceBytes(text);
  expect(alone.event(0).comm).toBe('trace-cm');
  const saved = await readTraceBytes(text, {
    sidecars: { saved_cmdlines: '1 init\n855 trace-cmd\n' },
  });
  expect(saved.event(0).comm).toBe('trace-cmd');
  const another = await readTraceBytes(text, { sidecars: { saved_cmdlines: '855 wl\n' } });
  expect(another.event(0).comm).toBe('trace-cm');
});

test('times count from the first event, and may stand before it', async () => {
  const kfree = 'kfree: call_site=f+0x1/0x2 ptr=0000000000000000';
  const trace = await readTraceBytes(
    line('18446744073.709551', kfree) + line('18446744073.709550', kfree, '001'),
  );
  expect(trace.info.originNs).toBe(18_446_744_073_709_551_000n);
  expect(trace.events().map((e) => e.ns)).toEqual([
    18_446_744_073_709_551_000n,
    18_446_744_073_709_550_000n,
  ]);
});

test.each([
  ['counter', undefined, ['5', '6', '7', '9'], 'count', null],
  ['uptime', undefined, ['1744', '1744', '1744', '1745'], 'tick', null],
  ['x86-tsc', undefined, ['52424589079', '52424605607', '52424609795'], 'tick', null],
  ['one event', undefined, ['5'], 'tick', null],
  ['named by the folder', 'local [counter] x86-tsc', ['5', '50', '500'], 'count', 'counter'],
  ['named by the folder', 'local counter [x86-tsc]', ['5', '6', '7'], 'tick', 'x86-tsc'],
  ["not the folder's clock", 'local [global] counter', ['5', '6', '7'], 'count', null],
])('whole-number times: %s (%s)', async (_, clock, times, unit, name) => {
  const text = times
    .map((time) => line(time.padStart(12), 'kfree: call_site=f+0x1/0x2 ptr=0000000000000000'))
    .join('');
  const trace = await readTraceBytes(text, {
    sidecars: clock === undefined ? {} : { trace_clock: clock },
  });
  expect(trace.events().map((e) => e.ns)).toEqual(times.map(BigInt));
  expect(trace.info.clockUnit).toBe(unit);
  expect(trace.info.clock).toBe(name);
});

test('a whole number of twenty digits is exact', async () => {
  const kfree = 'kfree: call_site=f+0x1/0x2 ptr=0000000000000000';
  const trace = await readTraceBytes(
    line('18446744073709551610', kfree) + line('18446744073709551615', kfree),
  );
  expect(trace.events().map((e) => e.ns)).toEqual([
    18_446_744_073_709_551_610n,
    18_446_744_073_709_551_615n,
  ]);
});

test('times with a point are nanoseconds, whatever the folder says', async () => {
  const kfree = line('3.591180', 'kfree: call_site=f+0x1/0x2 ptr=0000000000000000');
  const fits = await readTraceBytes(kfree, { sidecars: { trace_clock: 'local [boot]' } });
  expect(fits.info).toMatchObject({ clock: 'boot', clockUnit: 'ns' });
  const not = await readTraceBytes(kfree, { sidecars: { trace_clock: 'local [counter]' } });
  expect(not.info).toMatchObject({ clock: null, clockUnit: 'ns' });
});

test.each([
  ['raw', 'ffff891cc6d15ec0', false, 8],
  ['hashed', '00000000e949f506', true, 8],
  ['32 bits', 'c1482e40', false, 4],
  ['32 bits, hashed: no multiple of four', 'c1482e43', true, 4],
  ['NULL', '0000000000000000', false, 8],
  ['ZERO_SIZE_PTR', '0000000000000010', false, 8],
])('pointers: %s', async (_, ptr, hashed, bytes) => {
  const alloc = `kmalloc: ${ALLOC.replace('ffff888000000040', ptr)}GFP_KERNEL node=-1 accounted=false`;
  const trace = await readTraceBytes(line('1.000000', alloc).repeat(3));
  expect(trace.count).toBe(3);
  expect(trace.event(2).ptr).toBe(BigInt(`0x${ptr}`));
  expect(trace.info.hashedPointers).toBe(hashed);
  expect(trace.info.pointerBytes).toBe(bytes);
});

test('a free of a small bad address does not make a trace of addresses a hashed one', async () => {
  const alloc = `kmalloc: ${ALLOC}GFP_KERNEL node=-1 accounted=false`;
  const free = 'kfree: call_site=f+0x1/0x2 ptr=00000000deadbeef';
  const trace = await readTraceBytes(line('1.000000', alloc) + line('1.000001', free));
  expect(trace.info.hashedPointers).toBe(false);
});

test('empty name= and gfp_flags= are counted each time', async () => {
  const free = line('1.000000', 'kmem_cache_free: call_site=f+0x1/0x2 ptr=ffff8880aa000000 name=');
  const alloc = line('1.000000', `kmalloc: ${ALLOC} node=-1 accounted=false`);
  const trace = await readTraceBytes(free + alloc + free + alloc + free);
  expect(trace.stats).toEqual({ empty_cache_name: 3, empty_gfp_flags: 2 });
  expect(trace.positions).toEqual({ empty_cache_name: 'line 1', empty_gfp_flags: 'line 2' });
  expect(trace.event(0)).toMatchObject({ cache: '', event: 'kmem_cache_free' });
  expect(trace.event(1)).toMatchObject({ gfp: null, bytesReq: 60, node: -1, accounted: false });
});

test('kernels before 6.1 have events of their own for a node; 6.18 names the cache of an allocation', async () => {
  const trace = await readTraceBytes(
    line('1.000000', `kmalloc_node: ${ALLOC}GFP_KERNEL node=1`) +
      line('1.000001', `kmem_cache_alloc_node: ${ALLOC}none node=0`) +
      line(
        '1.000002',
        'kmem_cache_alloc: call_site=f+0x1/0x2 ptr=ffff888000000040 name=maple_node bytes_req=256 bytes_alloc=256 gfp_flags=GFP_KERNEL node=-1 accounted=true',
      ),
  );
  expect(trace.event(0)).toMatchObject({ event: 'kmalloc_node', node: 1, gfp: 0xcc0 });
  expect(trace.event(1)).toMatchObject({ event: 'kmem_cache_alloc_node', node: 0, gfp: 0 });
  expect(trace.event(2)).toMatchObject({ cache: 'maple_node', bytesReq: 256, accounted: true });
});

test.each([
  ['hexadecimal', 'page=00000000a5a1e26c pfn=0x8b3c order=1', 0x8b3c000n, 8192],
  ['decimal (5.10)', 'page=00000000a5a1e26c pfn=35644 order=0', 0x8b3c000n, 4096],
  ['above 4 GiB', 'page=ffffea0000000000 pfn=0x12345678 order=0', 0x12345678000n, 4096],
  ['in another order', 'order=2 pfn=0x10 page=ffffea0000000000', 0x10000n, 16384],
])('pages by their frame: %s', async (_, fields, address, bytes) => {
  const alloc = `mm_page_alloc: ${fields} migratetype=0 gfp_flags=GFP_KERNEL|__GFP_ZERO`;
  const trace = await readTraceBytes(
    line('1.000000', alloc).repeat(2) + line('1.000001', `mm_page_free: ${fields}`),
  );
  expect(trace.stats).toEqual({ duplicate_records: 1 });
  const want = { event: 'mm_page_alloc', ptr: address, bytesAlloc: bytes, gfp: 0xdc0, site: '' };
  expect(trace.event(0)).toMatchObject(want);
  expect(trace.event(1)).toMatchObject(want);
  expect(trace.event(2)).toMatchObject({ event: 'mm_page_free', ptr: address, gfp: null });
});

test('the page size is the recording’s; a page allocation that failed is no event', async () => {
  const text =
    line('1.000000', 'mm_page_free: page=ffffea0000000000 pfn=0x3 order=1') +
    line(
      '1.000001',
      'mm_page_alloc: page=0000000000000000 pfn=0x0 order=9 migratetype=0 gfp_flags=none',
    ) +
    line('1.000002', 'mm_page_alloc: pfn=0xffffffffffffffff order=9 gfp_flags=0xcc0 migratetype=0');
  const trace = await readTraceBytes(text, { sidecars: { 'pagesize.txt': '16384\n' } });
  expect(trace.count).toBe(1);
  expect(trace.event(0)).toMatchObject({ ptr: 0xc000n, bytesAlloc: 32768 });
  expect(trace.info.pageSize).toBe(16384);
  expect(trace.stats).toEqual({});
});

test('rcu_invoke_kfree_bulk_callback: its array and how many it holds', async () => {
  const trace = await readTraceBytes(
    line(
      '1.000000',
      'rcu_invoke_kfree_bulk_callback: rcu_preempt bulk=0xffff888012345000 nr_records=17',
    ),
  );
  expect(trace.event(0)).toMatchObject({
    event: 'rcu_invoke_kfree_bulk_callback',
    ptr: 0xffff888012345000n,
    bytesReq: 17,
  });
});

test('lost events stand before the next event of their CPU', async () => {
  const kfree = 'kfree: call_site=f+0x1/0x2 ptr=0000000000000000';
  const trace = await readTraceBytes(
    line('1.000000', kfree, '000') +
      'CPU:1 [LOST 9404 EVENTS]\n' +
      line('1.000001', kfree, '000') +
      line('1.000002', kfree, '001') +
      'CPU:0 [LOST EVENTS]\n',
  );
  const events = trace.events();
  expect(events.map((e) => [e.event, e.cpu, e.ns])).toEqual([
    ['kfree', 0, 1_000_000_000n],
    ['kfree', 0, 1_000_001_000n],
    ['lost', 1, 1_000_002_000n],
    ['kfree', 1, 1_000_002_000n],
    ['lost', 0, 1_000_002_000n],
  ]);
  expect(events[2]?.bytesReq).toBe(9404);
  expect(events[4]?.bytesReq).toBe(0);
  expect(trace.stats).toEqual({ lost_events: 9404, lost_events_unknown: 1 });
  expect(trace.positions).toEqual({ lost_events: 'line 2', lost_events_unknown: 'line 5' });
});

test('stacks belong to the last event of their CPU, whatever form their frames have', async () => {
  const kfree = 'kfree: call_site=f+0x1/0x2 ptr=0000000000000000';
  const trace = await readTraceBytes(
    line('1.000000', kfree, '000') +
      line('1.000001', kfree, '001') +
      line('1.000002', '<stack trace>', '000') +
      ' => trace_event_raw_event_kfree\n => kfree+0x46/0x110\n => f+0x1/0x2 [mod]\n => g <ffffffffa48b7109>\n' +
      line('1.000003', '<stack trace>', '001') +
      '\n => ffffffff81000000\n',
  );
  expect(trace.stats).toEqual({});
  expect(trace.event(0).stack).toEqual([
    'trace_event_raw_event_kfree',
    'kfree+0x46',
    'f+0x1 [mod]',
    'g 0xffffffffa48b7109',
  ]);
  expect(trace.event(1).stack).toEqual([]);
});

test('a stack of another event is not given to the event before it', async () => {
  const kfree = 'kfree: call_site=f+0x1/0x2 ptr=0000000000000000';
  const trace = await readTraceBytes(
    line('1.000000', kfree) +
      line('1.000001', 'sched_switch: prev_comm=a ==> next_comm=b') +
      line('1.000002', '<stack trace>') +
      ' => schedule\n',
  );
  expect(trace.event(0).stack).toEqual([]);
  expect(trace.stats).toEqual({ other_events: 1 });
});

test('a stack in the program is passed over', async () => {
  const kfree = 'kfree: call_site=f+0x1/0x2 ptr=0000000000000000';
  const trace = await readTraceBytes(
    line('1.000000', kfree) + line('1.000001', '<user stack trace>') + ' =>  <00007f12aabbccdd>\n',
  );
  expect(trace.event(0).stack).toEqual([]);
  expect(trace.stats).toEqual({});
});

test('a stack that follows nothing is counted', async () => {
  const text = `# tracer: nop\n${line('1.000000', '<stack trace>')} => schedule\n`;
  expect((await readTraceBytes(text)).stats).toEqual({ stack_without_event: 1 });
});

test.each([
  ['no pointer', 'kfree: call_site=f+0x1/0x2'],
  ['an unknown pointer', 'kfree: call_site=f+0x1/0x2 ptr=(____ptrval____)'],
  ['an unknown pointer of 32 bits', 'kfree: call_site=f+0x1/0x2 ptr=(ptrval)'],
  ['a pointer of seven digits', 'kfree: call_site=f+0x1/0x2 ptr=1234567'],
  ['a pointer of seventeen digits', 'kfree: call_site=f+0x1/0x2 ptr=0x12345678901234567'],
  ['a pointer with letters behind it', 'kfree: call_site=f+0x1/0x2 ptr=ffff888000000040xyz'],
  [
    'no size',
    'kmalloc: call_site=f+0x1/0x2 ptr=ffff888000000040 bytes_alloc=64 gfp_flags=GFP_KERNEL',
  ],
  ['a negative size', `kmalloc: ${ALLOC.replace('=60', '=-60')}GFP_KERNEL`],
  ['no gfp_flags', 'kmalloc: call_site=f+0x1/0x2 ptr=ffff888000000040 bytes_req=6 bytes_alloc=8'],
  ['a node that is no number', `kmalloc: ${ALLOC}GFP_KERNEL node=x`],
  ['half a word', `kmalloc: ${ALLOC}GFP_KERNEL node=-1 accounted=fal`],
  ['a page without a frame', 'mm_page_free: page=ffffea0000000000 order=0'],
  ['a callback without a count', 'rcu_invoke_kfree_bulk_callback: rcu bulk=0xffff888012345000'],
])('a known event that cannot be read is a bad line: %s', async (_, rest) => {
  const good = line('1.000000', 'kfree: call_site=f+0x1/0x2 ptr=0000000000000000');
  const trace = await readTraceBytes(good + line('1.000001', rest) + good);
  expect(trace.stats).toEqual({ bad_line: 1 });
  expect(trace.positions).toEqual({ bad_line: 'line 2' });
  expect(trace.count).toBe(2);
});

test('a line whose prefix cannot be read, but not its event, is a bad line', async () => {
  const good = line('1.000000', 'kfree: call_site=f+0x1/0x2 ptr=0000000000000000');
  const trace = await readTraceBytes(`${good}kfree: call_site=f+0x1/0x2 ptr=0000000000000000\n`);
  expect(trace.stats).toEqual({ bad_line: 1 });
});

test('times of two clocks in one file: the second is a bad line', async () => {
  const kfree = 'kfree: call_site=f+0x1/0x2 ptr=0000000000000000';
  const trace = await readTraceBytes(line('1.000000', kfree) + line('12345', kfree));
  expect(trace.stats).toEqual({ bad_line: 1 });
});

test.each([
  ['raw', '1 1 13458778204 type: 550'],
  ['hex', '00000001 00000001 000000032234a85c type: 550'],
])('a trace read with options/%s says which option to switch off', async (option, text) => {
  const read = readTraceBytes(`# tracer: nop\n${text}\n`);
  await expect(read).rejects.toMatchObject({
    name: 'TraceFormatError',
    exitCode: 65,
    message: `test-input: line 2: the lines carry no fields (options/${option} was on)`,
    hint: `Switch it off (echo 0 > /sys/kernel/tracing/options/${option}) and read it again.`,
  });
});

test('a trace that is cut anywhere in its last line says so', async () => {
  const good = line('1.000000', 'kfree: call_site=f+0x1/0x2 ptr=ffff888000000040');
  const whole = await readTraceBytes(good.repeat(2).trimEnd());
  expect(whole.count).toBe(2);
  expect(whole.stats).toEqual({ duplicate_records: 1 });
  for (let cut = 2; cut < good.trimStart().length; cut++) {
    const trace = await readTraceBytes(good.repeat(2).slice(0, -cut));
    expect(trace.count, `${cut} bytes cut off`).toBe(1);
    expect(trace.stats).toEqual({ truncated: 1 });
    expect(trace.positions).toEqual({ truncated: 'line 2' });
  }
});

test('a text without events that ends without a line feed is whole', async () => {
  const trace = await readTraceBytes('# tracer: nop\nfind-4624 [005] ...1. 5.988361: f <-g');
  expect(trace.stats).toEqual({ other_events: 1 });
});

test('a byte order mark is passed over', async () => {
  const good = line('1.000000', 'kfree: call_site=f+0x1/0x2 ptr=0000000000000000');
  const trace = await readTraceBytes(`\ufeff${good}`);
  expect(trace.event(0)).toMatchObject({ comm: 'init', pid: 1 });
});

test('a line longer than a MiB is counted and passed over, however it arrives', async () => {
  const good = line('1.000000', 'kfree: call_site=f+0x1/0x2 ptr=0000000000000000');
  const long = `${'x'.repeat(3 * 1024 * 1024)}\n`;
  for (const chunkBytes of [undefined, 4096, 65536, 1024 * 1024]) {
    const options = chunkBytes === undefined ? {} : { chunkBytes };
    const trace = await readTraceBytes(good + long + good + long.trimEnd(), options);
    expect(trace.count).toBe(2);
    expect(trace.stats).toEqual({ long_line: 2 });
    expect(trace.positions).toEqual({ long_line: 'line 2' });
  }
});

test('a long line of another event is no exception', async () => {
  const sched = line('1.000000', 'sched_switch: a=b');
  const kfree = line('1.000000', 'kfree: call_site=f+0x1/0x2 ptr=0000000000000000');
  const long = line('1.000001', `sched_switch: ${'x'.repeat(1024 * 1024)}`);
  const trace = await readTraceBytes(kfree + sched + sched + long);
  expect(trace.stats).toEqual({ other_events: 2, long_line: 1 });
});
