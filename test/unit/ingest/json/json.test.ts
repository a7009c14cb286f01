import { expect, test } from 'vitest';
import { ToolError } from '../../../../src/base/errors.ts';
import { Damage } from '../../../helpers/damage.ts';
import { readTraceBytes, type TraceRead } from '../../../helpers/read-trace.ts';

const ROWS = [
  { ts_ns: '1000', cpu: 0, pid: 7, comm: 'sh', event: 'kmalloc', ptr: '0xffff888001000000' },
  { ts_ns: '2000', cpu: 1, pid: 8, comm: 'a, "b"', event: 'kfree', ptr: '0xffff888001000000' },
];
const CALL = {
  call_site: 'do_it+0x12/0x40',
  bytes_req: 60,
  bytes_alloc: 64,
  gfp_flags: 'GFP_KERNEL|__GFP_ZERO',
  node: -1,
  accounted: true,
  stack: ['inner+0x1', 'outer+0x2'],
};
const OBJECTS: readonly object[] = [{ ...ROWS[0], ...CALL }, { ...ROWS[1] }];
const CSV = `ts_ns,cpu,pid,comm,event,ptr,call_site,bytes_req,bytes_alloc,gfp_flags,node,accounted,stack
1000,0,7,sh,kmalloc,0xffff888001000000,do_it+0x12/0x40,60,64,GFP_KERNEL|__GFP_ZERO,-1,true,inner+0x1;outer+0x2
2000,1,8,"a, ""b""",kfree,0xffff888001000000,,,,,,,
`;
const lines = (objects: readonly object[]): string =>
  objects.map((each) => `${JSON.stringify(each)}\n`).join('');

const briefly = (trace: TraceRead): string[] =>
  trace.events().map((e) => `${e.ns} ${e.event} ${e.ptr.toString(16)}`);

test.each([
  ['lines', lines(OBJECTS)],
  ['an array on one line', JSON.stringify(OBJECTS)],
  ['an array on many lines', JSON.stringify(OBJECTS, null, 2)],
  ['objects on many lines', OBJECTS.map((each) => JSON.stringify(each, null, 4)).join('\n')],
  [
    'lines with commas and carriage returns',
    `[\r\n${OBJECTS.map((o) => JSON.stringify(o)).join(',\r\n')}\r\n]\r\n`,
  ],
])('%s give the events of the same rows of CSV', async (_what, text) => {
  const csv = await readTraceBytes(CSV);
  for (const chunkBytes of [1, 10, 100_000]) {
    const json = await readTraceBytes(text, { chunkBytes });
    expect(json.format).toBe('json');
    expect(json.events()).toEqual(csv.events());
    expect(json.stats).toEqual({});
  }
});

test('other spellings, inner objects, the event in its name', async () => {
  const spelled = [
    {
      timestamp: 1.5,
      cpuId: 1,
      pid: 5,
      tid: 7,
      name: 'kmem:kmem_cache_alloc',
      args: { callSite: -128, ptr: 'PTR', bytesReq: 8, gfp: 3264 },
    },
    { timestamp: 1.75, cpu: 1, tid: 7, event: 'kmem_cache_free', name: 'dentry', addr: -1 },
    { timestamp: 2, cpu: 1, tid: 7, event: 'kmem_kfree', address: '(nil)', caller: 4294967296 },
  ];
  // JavaScript itself would round the pointer.
  const text = lines(spelled).replace('"PTR"', '18446612682070130688');
  const trace = await readTraceBytes(text);
  expect(trace.events()).toMatchObject([
    {
      ns: 1_500_000_000n,
      event: 'kmem_cache_alloc',
      ptr: 18446612682070130688n,
      site: '0xffffffffffffff80',
      bytesReq: 8,
      bytesAlloc: 8,
      gfp: 3264,
      cpu: 1,
      pid: 7,
    },
    { ns: 1_750_000_000n, event: 'kmem_cache_free', cache: 'dentry', ptr: 2n ** 64n - 1n },
    { ns: 2_000_000_000n, event: 'kfree', ptr: 0n, site: '0x100000000' },
  ]);
  expect(trace.stats).toEqual({});
});

test('times are as they are written', async () => {
  const trace = await readTraceBytes(
    '{"ts":1763633051.123456789,"cpu":0,"pid":1,"event":"kfree","ptr":"0xffff888001000000"}\n' +
      '{"ts":1763633051.1234567891,"cpu":0,"pid":1,"event":"kfree","ptr":"0xffff888001000040"}\n',
  );
  expect(briefly(trace)).toEqual([
    '1763633051123456789 kfree ffff888001000000',
    '1763633051123456789 kfree ffff888001000040',
  ]);
  const us = await readTraceBytes(lines([{ ...ROWS[1], ts_ns: undefined, ts: 1200 }]), {
    csv: { tsUnit: 'us' },
  });
  expect(briefly(us)).toEqual(['1200000 kfree ffff888001000000']);
});

test('a key that is no column is refused by name, or passed over; events of others are counted', async () => {
  const text = lines([
    { ts_ns: 1, event: 'sched_switch', prev: 1 },
    { ...ROWS[1], hostname: 'x' },
  ]);
  await expect(readTraceBytes(text)).rejects.toThrow('line 2: unknown key "hostname"');
  const trace = await readTraceBytes(text, { csv: { ignoreColumns: true } });
  expect(trace.count).toBe(1);
  expect(trace.stats).toEqual({ other_events: 1 });
  await expect(readTraceBytes(text, { csv: { columns: ['ts'] } })).rejects.toThrow('--columns');
});

test('damage: a line without its end costs that line alone', async () => {
  const good = JSON.stringify(ROWS[1]);
  const text = [
    good,
    good.slice(0, 40),
    good.replace('2000', '3000'),
    good.slice(0, -1),
    `${good}`,
  ];
  const trace = await readTraceBytes(text.join('\n'), { chunkBytes: 9 });
  expect(briefly(trace).map((each) => each.split(' ')[0])).toEqual(['2000', '3000', '2000']);
  expect(trace.stats).toMatchObject({ bad_row: 2 });
  expect(trace.positions['bad_row']).toBe('line 2');
  const long = await readTraceBytes(`${good}\n{"a": "${'x'.repeat(300_000)}"}\n${good}`);
  expect(long.count).toBe(2);
  expect(long.stats).toMatchObject({ bad_row: 1 });
});

test('some hundred damages', async () => {
  const file = Buffer.from(lines([...OBJECTS, ...OBJECTS]));
  const errors: unknown[] = [];
  for (let seed = 1; seed <= 300; seed++) {
    const damage = new Damage(seed);
    const bytes =
      seed % 2 === 0 ? damage.bytes(file) : Buffer.from(damage.text(file.toString('utf8')));
    try {
      await readTraceBytes(bytes, { format: 'json', chunkBytes: damage.pick([7, 4096]) });
    } catch (error) {
      if (!(error instanceof ToolError)) errors.push(error);
    }
  }
  expect(errors).toEqual([]);
});

test('arrays in arrays are no frames', async () => {
  const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
  const text = `{"ts":1,"cpu":0,"pid":1,"event":"kfree","ptr":"0x10","stack":${deep}}\n`;
  const trace = await readTraceBytes(text);
  expect(trace.events()).toMatchObject([{ event: 'kfree', stack: [] }]);
});

test.each([
  ['a log with events of its own', '{"time": 1, "event": "write", "user": "a"}\n'],
  ["bpftrace's", '{"type": "printf", "data": "kmalloc"}\n'],
  ["perf's", '{"linux-perf-json-version": 1, "samples": [{"timestamp": 1, "ptr": "0x1"}]}\n'],
])('%s is refused', async (_what, text) => {
  await expect(readTraceBytes(text)).rejects.toThrow(ToolError);
});
