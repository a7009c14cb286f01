// Probes in perf.data (`perf record -e probe:…`): their records are those of a ring buffer, in samples.

import { expect, test } from 'vitest';
import { ToolError } from '../../../../src/base/errors.ts';
import { Damage } from '../../../helpers/damage.ts';
import {
  type Attr,
  Bytes,
  FORMATS,
  perfFile,
  Records,
  readPerf,
  S,
  tracingData,
  USUAL,
} from '../../../helpers/perf-file.ts';
import { readTraceBytes, type TraceRead } from '../../../helpers/read-trace.ts';

const KMALLOC = 0xffffffff81000100n;
const TRAMPOLINE = 0xffffffff81000200n;
const CALLER = 0xffffffff81000345n;
const PTR = 0xffff888001000000n;
const KALLSYMS = `${[
  [KMALLOC, '__kmalloc'],
  [TRAMPOLINE, 'arch_rethook_trampoline'],
  [0xffffffff81000300n, 'lamp_new'],
]
  .map(([address, name]) => `${address?.toString(16)} T ${name}`)
  .join('\n')}\n`;

/** Fields behind the common ones, one behind the other. */
function format(id: number, name: string, fields: readonly [string, number][]): string {
  let offset = 8;
  const lines = fields.map(([declaration, size]) => {
    const line = `\tfield:${declaration};\toffset:${offset};\tsize:${size};\tsigned:0;\n`;
    offset += size;
    return line;
  });
  return `name: ${name}\nID: ${id}\nformat:\n${lines.join('')}\nprint fmt: "", 0\n`;
}

const IP: [string, number] = ['unsigned long __probe_ip', 8];
const PROBES = [
  format(1001, 'kmalloc_p', [IP, ['u64 size', 8], ['u32 flags', 4]]),
  format(1002, 'kmalloc__return', [
    ['unsigned long __probe_func', 8],
    ['unsigned long __probe_ret_ip', 8],
    ['u64 ret', 8],
  ]),
  format(1003, 'kfree_p', [IP, ['u64 ptr', 8]]),
  format(1004, 'bulkfree0', [IP, ['u64 n', 8], ['u64 p[3]', 24]]),
  format(1005, 'take', [IP, ['u32 bytes', 4], ['u64 where', 8]]),
];
const ATTR: Attr = { sampleType: USUAL, ids: [11] };
const records = new Records(ATTR);

interface When {
  readonly time: number;
  readonly cpu?: number;
  readonly tid?: number;
}

const sample = ({ time, cpu = 0, tid = 7 }: When, id: number, body: Bytes): Buffer =>
  records.sample(
    { time: BigInt(time), cpu, pid: 7, tid },
    new Bytes().u16(id).u8(0, 0).u32(tid).raw(body.buffer).buffer,
  );
const entry = (when: When, size = 60): Buffer =>
  sample(when, 1001, new Bytes().u64(KMALLOC).u64(size).u32(0xcc0));
const returns = (when: When, ret = PTR): Buffer =>
  sample(when, 1002, new Bytes().u64(KMALLOC).u64(CALLER).u64(ret));
const frees = (when: When, ptr = PTR): Buffer =>
  sample(when, 1003, new Bytes().u64(KMALLOC + 1024n).u64(ptr));

function read(
  list: readonly Buffer[],
  { maps = [] as string[], kmem = [] as string[], kallsyms = '' } = {},
): Promise<TraceRead> {
  return readPerf(
    perfFile({
      attrs: [ATTR],
      records: list,
      features: { 1: tracingData(true, '', PROBES, kmem) },
    }),
    { maps, sidecars: { 'kallsyms.txt': kallsyms } },
  );
}

const brief = (trace: TraceRead): string[] =>
  trace
    .events()
    .map(
      (e) => `${e.ns} ${e.event} ${(e.ptr - PTR).toString(16)} ${e.bytesReq} ${e.site} ${e.cpu}`,
    );

test('a call and its return are one allocation, in whatever buffer of a CPU they are', async () => {
  // CPU 1 lies before CPU 0 in the file; its task was moved in between.
  const trace = await read(
    [
      returns({ time: 30, cpu: 1 }),
      frees({ time: 50, cpu: 1 }),
      records.comm(7, 'lampd', 5n),
      entry({ time: 20 }),
      entry({ time: 25, tid: 8 }, 100),
      returns({ time: 40, tid: 8 }, PTR + 0x100n),
      records.finishedRound(),
    ],
    { kallsyms: KALLSYMS },
  );
  expect(brief(trace)).toEqual([
    '30 kmalloc 0 60 0xffffffff81000345 1',
    '40 kmalloc 100 100 0xffffffff81000345 0',
  ]);
  expect(trace.events()[0]).toMatchObject({ comm: 'lampd', pid: 7, gfp: 0xcc0, bytesAlloc: 64 });
  expect(trace.info.probes).toMatchObject([
    { event: 'kmalloc__return', isRead: true },
    { event: 'kfree_p', isRead: false },
    { event: 'kmalloc_p', isRead: true },
  ]);
});

test('--map reads probes on functions that are not known; without kallsyms the fields decide', async () => {
  const take = sample({ time: 10 }, 1005, new Bytes().u64(0x10n).u32(24).u64(PTR));
  const list = [take, frees({ time: 20 })];
  const mapped = await read(list, {
    maps: ['take=alloc,bytes=size,where=ptr', 'kfree_p=free'],
    kallsyms: KALLSYMS,
  });
  expect(brief(mapped)).toEqual(['10 kmalloc 0 24  0', '20 kfree 0 0  0']);
  const byFields = await read([entry({ time: 5 }), returns({ time: 6 }), frees({ time: 20 })]);
  expect(brief(byFields)).toEqual(['6 kmalloc 0 60 0xffffffff81000345 0', '20 kfree 0 0  0']);
});

test('beside the tracepoint the return tells the caller, and nothing is told twice', async () => {
  const trace = await read(
    [
      entry({ time: 10 }),
      records.kmalloc({ time: 15n }, { ptr: PTR, req: 60, alloc: 64, site: TRAMPOLINE }),
      returns({ time: 20 }),
    ],
    { kmem: Object.values(FORMATS), kallsyms: KALLSYMS },
  );
  expect(brief(trace)).toEqual(['15 kmalloc 0 60 0xffffffff81000345 0']);
  expect(trace.stats).toEqual({});
});

test('objects of a bulk free, and the stack of a probe', async () => {
  const bulk = new Bytes().u16(1004).u8(0, 0).u32(7).u64(0x10n).u64(2);
  const raw = bulk
    .u64(PTR)
    .u64(PTR + 64n)
    .u64(PTR + 128n).buffer;
  const withStack: Attr = { ...ATTR, sampleType: USUAL | S.CALLCHAIN };
  const parts = { time: 10n, pid: 7, chain: [0xffffffffffffff80n, CALLER] };
  const trace = await readPerf(
    perfFile({
      attrs: [withStack],
      records: [new Records(withStack).sample(parts, raw)],
      features: { 1: tracingData(true, '', PROBES) },
    }),
  );
  expect(trace.events()).toMatchObject([
    { event: 'bulk_free', ptr: PTR },
    { event: 'bulk_free', ptr: PTR + 64n, stack: ['0xffffffff81000345'] },
  ]);
});

test('damaged files end in events, counts or a ToolError', async () => {
  const file = perfFile({
    attrs: [ATTR],
    records: [entry({ time: 10 }), returns({ time: 20 }), frees({ time: 30 })],
    features: { 1: tracingData(true, '', PROBES, []) },
  });
  const errors: unknown[] = [];
  for (let seed = 1; seed <= 200; seed++) {
    try {
      await readTraceBytes(new Damage(seed).bytes(file), { format: 'perf-data' });
    } catch (error) {
      if (!(error instanceof ToolError)) errors.push(error);
    }
  }
  expect(errors).toEqual([]);
});

test('what lost its other half is counted', async () => {
  const trace = await read([returns({ time: 10 }), frees({ time: 20 })]);
  expect(brief(trace)).toEqual(['20 kfree 0 0  0']);
  expect(trace.stats).toEqual({ probe_half_missing: 1 });
});
