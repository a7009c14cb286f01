import { deflateSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import {
  alloc,
  allocNode,
  kernelAddress as at,
  bundle,
  encode,
  event,
  free,
  type Message,
  packed,
  perfettoFile,
  SITE,
  schedSwitch,
  systemInfo,
} from '../../../helpers/perfetto-file.ts';
import { readTraceBytes, type TraceRead } from '../../../helpers/read-trace.ts';

const SYSTEM = systemInfo('6.1.0-56-amd64', 'x86_64');
const MARK = Buffer.from('82477a76b28d42ba81dc33326d57a079', 'hex');

function read(packets: readonly Message[], chunkBytes = 4096): Promise<TraceRead> {
  return readTraceBytes(perfettoFile(packets), { chunkBytes });
}

const brief = (trace: TraceRead): string[] =>
  trace.events().map((e) => `${e.ns} ${e.cpu} ${e.event} ${e.comm}-${e.pid}`);

test('the fields of every kmem event', async () => {
  const trace = await read([
    SYSTEM,
    bundle(3, [
      alloc(1_000_000_000_000_000_001n, 12, 299, at(64), { req: 60, gfp: 0xdc0 }),
      allocNode(1_000_000_000_000_000_002n, 12, 300, at(128), { req: 5, alloc: 8, node: 1 }),
      alloc(1_000_000_000_000_000_003n, 12, 301, at(192), { req: 0, alloc: 192 }),
      allocNode(1_000_000_000_000_000_004n, 12, 302, at(256)),
      free(1_000_000_000_000_000_005n, 0, 298, at(64), SITE + 1n),
      free(1_000_000_000_000_000_006n, 12, 303, at(192)),
      // mm_page_alloc: gfp_flags, migratetype, order, page, pfn; mm_page_free: order, page, pfn
      event(1_000_000_000_000_000_007n, 12, 307, [
        [1, 0xcc0],
        [2, 0],
        [3, 2],
        [5, 0x100],
      ]),
      event(1_000_000_000_000_000_008n, 12, 310, [
        [1, 2],
        [3, 0x100],
      ]),
    ]),
  ]);
  const row = {
    site: '0xffffffff81234567',
    gfp: 0xcc0,
    node: null,
    cache: '',
    accounted: null,
    pid: 12,
    comm: '<...>',
    cpu: 3,
    flags: null,
    stack: [],
  };
  const none = { ...row, bytesReq: 0, bytesAlloc: 0, gfp: null };
  const ns = (i: number): bigint => 1_000_000_000_000_000_000n + BigInt(i);
  expect(trace.events()).toMatchObject([
    { ...row, ns: ns(1), event: 'kmalloc', bytesReq: 60, bytesAlloc: 64, gfp: 0xdc0, ptr: at(64) },
    { ...row, ns: ns(2), event: 'kmalloc_node', bytesReq: 5, bytesAlloc: 8, node: 1, ptr: at(128) },
    { ...row, ns: ns(3), event: 'kmem_cache_alloc', bytesReq: 0, bytesAlloc: 192, ptr: at(192) },
    { ...row, ns: ns(4), event: 'kmem_cache_alloc_node', bytesReq: 64, node: -1, ptr: at(256) },
    {
      ...none,
      ns: ns(5),
      event: 'kfree',
      pid: 0,
      comm: '<idle>',
      site: '0xffffffff81234568',
      ptr: at(64),
    },
    { ...none, ns: ns(6), event: 'kmem_cache_free', ptr: at(192) },
    { ns: ns(7), event: 'mm_page_alloc', bytesAlloc: 16384, gfp: 0xcc0, ptr: 0x100000n },
    { ns: ns(8), event: 'mm_page_free', bytesAlloc: 16384, gfp: null, ptr: 0x100000n },
  ]);
  expect(trace.info).toMatchObject({
    format: 'perfetto',
    clock: 'boot',
    clockUnit: 'ns',
    kernelRelease: '6.1.0-56-amd64',
    pageSize: 4096,
    cpus: 2,
    pointerBytes: 8,
    originNs: ns(1),
  });
  expect(trace.stats).toEqual({});
});

test('bundles of several CPUs, in whatever order, become one order of time; any cut of the bytes', async () => {
  const packets = [
    bundle(1, [free(30, 1, 298, at(3)), free(50, 1, 298, at(5))]),
    bundle(0, [free(10, 2, 298, at(1)), free(40, 2, 298, at(4))]),
    bundle(1, [free(60, 1, 298, at(6))]),
    bundle(2, [free(20, 3, 298, at(2))]),
  ];
  for (const chunkBytes of [1, 7, 1000]) {
    const trace = await read(packets, chunkBytes);
    expect(trace.events().map((e) => Number(e.ptr - at(0)))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(trace.stats).toEqual({});
  }
});

test('a clock other than boot is named', async () => {
  const clocks = [1, 2, 3, 4].map(async (number) => {
    const trace = await read([bundle(0, [free(1, 1, 298, at(1))], { fields: [[5, number]] })]);
    return trace.info.clock;
  });
  expect(await Promise.all(clocks)).toEqual([null, 'global', 'local', 'mono_raw']);
});

test('tasks have the names that the scheduler shows, at their times', async () => {
  const trace = await read([
    bundle(0, [
      free(10, 5, 298, at(1)),
      schedSwitch(20, [5, 'sh'], [0, 'swapper/0']),
      free(30, 0, 298, at(2)),
      free(60, 5, 298, at(4)),
      // task_rename: pid, oldcomm, newcomm
      event(70, 5, 236, [
        [1, 5],
        [2, 'sh'],
        [3, 'ls'],
      ]),
      free(80, 5, 298, at(5)),
    ]),
    bundle(1, [free(40, 6, 298, at(3)), free(90, 7, 298, at(6)), free(95, 8, 298, at(7))]),
    // ProcessTree: a thread with its name, a process with its command line
    [
      [
        2,
        [
          [
            2,
            [
              [1, 6],
              [2, 'kworker/1:1'],
              [3, 6],
            ],
          ],
          [
            1,
            [
              [1, 7],
              [2, 1],
              [3, '/usr/lib/systemd/systemd-journald'],
              [3, '--flag'],
            ],
          ],
        ],
      ],
    ],
  ]);
  expect(brief(trace)).toEqual([
    '10 0 kfree sh-5',
    '30 0 kfree <idle>-0',
    '40 1 kfree kworker/1:1-6',
    '60 0 kfree sh-5',
    '80 0 kfree ls-5',
    '90 1 kfree systemd-journal-7',
    '95 1 kfree <...>-8',
  ]);
  expect(trace.stats).toEqual({ other_events: 2 });
});

test('the compact form of the scheduler names tasks too', async () => {
  const compact: Message = [
    [5, 'first'],
    [5, 'second'],
    [1, packed([20, 30])],
    [2, packed([1, 1])],
    [3, packed([5, 5])],
    [4, packed([120, 120])],
    [6, packed([0, 1])],
    [7, packed([25])],
    [8, packed([6])],
    [9, packed([0])],
    [10, packed([120])],
    [11, packed([1])],
  ];
  const trace = await read([
    bundle(0, [free(40, 5, 298, at(1)), free(60, 5, 298, at(2)), free(70, 6, 298, at(3))], {
      fields: [[4, compact]],
    }),
  ]);
  expect(brief(trace)).toEqual([
    '40 0 kfree first-5',
    '60 0 kfree second-5',
    '70 0 kfree second-6',
  ]);
  expect(trace.stats).toEqual({ other_events: 3 });
});

test('what was lost: where a bundle says so, where one is missing, and how many in all', async () => {
  const one = (ts: number): Message => free(ts, 1, 298, at(ts));
  const lost = (trace: TraceRead): string[] =>
    trace.events().flatMap((e) => (e.event === 'lost' ? [`CPU ${e.cpu} at ${e.ns}`] : []));

  const said = await read([bundle(0, [one(10)]), bundle(0, [one(20)], { fields: [[3, 1]] })]);
  expect(lost(said)).toEqual(['CPU 0 at 20']);
  expect(said.stats).toEqual({ lost_events_unknown: 1 });

  const whole = await read([
    bundle(0, [one(10)], { fields: [[10, 0]] }),
    bundle(0, [one(20)], { fields: [[10, 10]] }),
    bundle(0, [one(50)], { fields: [[10, 20]] }),
  ]);
  expect(whole.stats).toEqual({});

  const missing = await read([
    bundle(0, [one(10)], { fields: [[10, 0]] }),
    bundle(0, [one(50)], { fields: [[10, 20]] }),
    // A CPU whose first bundles were written over
    bundle(1, [one(60)], { fields: [[10, 40]] }),
  ]);
  expect(lost(missing)).toEqual(['CPU 0 at 50', 'CPU 1 at 60']);
  expect(missing.stats).toEqual({ lost_events_unknown: 2 });

  // Before these fields: packets that were dropped, which the first of a sequence says too
  const dropped = await read([
    bundle(0, [one(10)], { packet: [[42, 1]] }),
    bundle(0, [one(50)], { packet: [[42, 1]] }),
  ]);
  expect(lost(dropped)).toEqual(['CPU 0 at 50']);

  // FtraceStats: phase, cpu_stats { cpu, entries, overrun, …, dropped_events }
  const stats = (phase: number, overrun: number, droppedEvents: number): Message => [
    [
      34,
      [
        [1, phase],
        [
          2,
          [
            [1, 0],
            [2, 5],
            [3, overrun],
            [8, droppedEvents],
          ],
        ],
      ],
    ],
  ];
  const counted = await read([
    stats(1, 100, 1),
    bundle(0, [one(10)]),
    bundle(0, [one(20)], { fields: [[3, 1]] }),
    stats(2, 107, 3),
  ]);
  expect(counted.stats).toEqual({ lost_events: 9 });
});

test('packets may be packed, one or more in one', async () => {
  const inner = perfettoFile([
    bundle(0, [free(10, 1, 298, at(1))]),
    bundle(1, [free(5, 1, 298, at(2))]),
  ]);
  const trace = await read([SYSTEM, [[50, deflateSync(inner)]]]);
  expect(brief(trace)).toEqual(['5 1 kfree <...>-1', '10 0 kfree <...>-1']);
  expect((await read([[[50, gzipSync(inner)]]])).count).toBe(2);
  const nested = await read([[[50, deflateSync(perfettoFile([[[50, deflateSync(inner)]]]))]]]);
  expect(nested.count).toBe(0);
  expect(nested.stats).toEqual({ bad_record: 1 });
});

test('numbers that stand for functions get the names that stand behind them in the packet', async () => {
  const trace = await read([
    bundle(0, [free(10, 1, 298, at(1), 3n), free(20, 1, 298, at(2), 4n)], {
      packet: [
        [
          12,
          [
            [
              26,
              [
                [1, 3],
                [2, 'vfs_read'],
              ],
            ],
          ],
        ],
      ],
    }),
  ]);
  expect(trace.events().map((e) => e.site)).toEqual(['vfs_read', '0x4']);
});

test('events that are described, or spelled out, are known by their names', async () => {
  // GenericEventDescriptor: field_id, event_descriptor { name, field { name, number } }
  const descriptor: Message = [
    [1, 700],
    [
      2,
      [
        [1, 'rcu_invoke_kfree_bulk_callback'],
        [
          2,
          [
            [1, 'rcuname'],
            [3, 1],
          ],
        ],
        [
          2,
          [
            [1, 'nr_records'],
            [3, 2],
          ],
        ],
      ],
    ],
  ];
  const spelled = (name: string): Message => [
    [1, name],
    [
      2,
      [
        [1, 'call_site'],
        [5, SITE],
      ],
    ],
    [
      2,
      [
        [1, 'ptr'],
        [5, at(9)],
      ],
    ],
  ];
  const trace = await read([
    bundle(
      0,
      [
        event(10, 1, 700, [
          [1, 'rcu_sched'],
          [2, 5],
        ]),
        event(20, 1, 327, spelled('kfree')),
        event(30, 1, 327, spelled('my_event')),
      ],
      { fields: [[11, descriptor]] },
    ),
  ]);
  expect(trace.events()).toMatchObject([
    { event: 'rcu_invoke_kfree_bulk_callback', bytesReq: 5 },
    { event: 'kfree', ptr: at(9), site: '0xffffffff81234567' },
  ]);
  expect(trace.stats).toEqual({ other_events: 1 });
});

test('events of probes, spelled out or described, are calls and returns', async () => {
  const FUNC = 0xffffffff81000100n;
  const kallsyms = `${FUNC.toString(16)} T __kmalloc\nffffffff81000500 T kfree\n`;
  const spelled = (name: string, fields: Readonly<Record<string, bigint>>): Message => [
    [1, name],
    ...Object.entries(fields).map(([field, value]): readonly [number, Message] => [
      2,
      [
        [1, field],
        [5, value],
      ],
    ]),
  ];
  const returns = ['__probe_func', '__probe_ret_ip', 'ret'];
  const descriptor: Message = [
    [1, 701],
    [
      2,
      [
        [1, 'kmalloc_r'],
        ...returns.map((name, i): readonly [number, Message] => [
          2,
          [
            [1, name],
            [3, i + 1],
          ],
        ]),
      ],
    ],
  ];
  const packets = [
    bundle(
      1,
      [
        event(30, 7, 701, [
          [1, FUNC],
          [2, SITE],
          [3, at(64)],
        ]),
      ],
      { fields: [[11, descriptor]] },
    ),
    bundle(0, [
      event(20, 7, 327, spelled('kmalloc_p', { __probe_ip: FUNC, size: 60n, flags: 0xcc0n })),
      event(40, 7, 327, spelled('kfree', { __probe_ip: 0xffffffff81000500n, ptr: at(64) })),
      event(50, 7, 327, spelled('pool_put', { __probe_ip: 0x10n, where: at(64) })),
    ]),
  ];
  const trace = await readTraceBytes(perfettoFile(packets), {
    sidecars: { 'kallsyms.txt': kallsyms },
  });
  expect(trace.events()).toMatchObject([
    { ns: 30n, event: 'kmalloc', bytesReq: 60, bytesAlloc: 64, site: '0xffffffff81234567', cpu: 1 },
    { ns: 40n, event: 'kfree', ptr: at(64), pid: 7 },
  ]);
  expect(trace.stats).toEqual({ other_events: 1 });
  expect(trace.info.probes.map(({ event: name, isRead }) => `${name} ${isRead}`)).toEqual([
    'kmalloc_r true',
    'kmalloc_p true',
    'kfree true',
    'pool_put false',
  ]);
  // Beside the tracepoint: it counts, and has the caller from the return.
  const TRAMPOLINE = 0xffffffff81000900n;
  const beside = await readTraceBytes(
    perfettoFile([
      bundle(0, [
        event(20, 7, 327, spelled('kmalloc_p', { __probe_ip: FUNC, size: 60n })),
        alloc(25, 7, 299, at(64), { req: 60, site: TRAMPOLINE }),
      ]),
      ...packets.slice(0, 1),
    ]),
    {
      sidecars: {
        'kallsyms.txt': `${kallsyms}${TRAMPOLINE.toString(16)} T arch_rethook_trampoline\n`,
      },
    },
  );
  expect(beside.events()).toMatchObject([{ ns: 25n, site: '0xffffffff81234567', gfp: 0xcc0 }]);
  expect(beside.count).toBe(1);
  const mapped = await readTraceBytes(perfettoFile(packets), {
    sidecars: { 'kallsyms.txt': kallsyms },
    maps: ['pool_put=free,where=ptr'],
  });
  expect(mapped.count).toBe(3);
});

test('another machine of the same session is passed over; a bundle without a CPU is of CPU 0', async () => {
  const trace = await read([
    [[1, [[2, free(10, 1, 298, at(1))]]]],
    bundle(0, [free(20, 1, 298, at(1))], { packet: [[98, 4]] }),
  ]);
  expect(brief(trace)).toEqual(['10 0 kfree <...>-1']);
});

test('damage: what is whole is read, and the next mark is found', async () => {
  const good = (ts: number): Message => bundle(0, [free(ts, 1, 298, at(ts))]);
  const bytes = Buffer.concat([
    perfettoFile([good(10)]),
    Buffer.from([0xff, 0x0a, 0x03]),
    perfettoFile([
      good(20),
      [
        [3, 1],
        [36, MARK],
      ],
      good(30),
    ]),
  ]);
  const trace = await readTraceBytes(bytes, { chunkBytes: 5 });
  expect(brief(trace)).toEqual(['10 0 kfree <...>-1', '30 0 kfree <...>-1']);
  expect(trace.stats).toEqual({ bad_record: 1 });

  const half = await readTraceBytes(bytes.subarray(0, encode([[1, good(10)]]).length + 3));
  expect(half.stats).toEqual({ bad_record: 1, truncated: 1 });
  const cut = await readTraceBytes(perfettoFile([good(10), good(20)]).subarray(0, -2));
  expect(brief(cut)).toEqual(['10 0 kfree <...>-1']);
  expect(cut.stats).toEqual({ truncated: 1 });

  // A field that ends behind its message, an event without its pointer
  const bad = await read([
    bundle(0, [free(10, 1, 298, at(1)), event(20, 1, 298, [[1, SITE]])]),
    [[1, Buffer.from([0x08, 0x00, 0x12, 0x7f, 0x01])]],
    good(40),
  ]);
  expect(brief(bad)).toEqual(['10 0 kfree <...>-1', '40 0 kfree <...>-1']);
  expect(bad.stats).toEqual({ bad_record: 2 });
});
