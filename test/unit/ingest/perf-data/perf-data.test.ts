import { expect, test } from 'vitest';
import { TraceFormatError } from '../../../../src/base/errors.ts';
import { detectFormat } from '../../../../src/ingest/formats.ts';
import {
  type Attr,
  Bytes,
  FORMATS,
  featureString,
  perfFile,
  perfPipe,
  Records,
  readPerf,
  readPipe,
  S,
  tracingData,
  USUAL,
} from '../../../helpers/perf-file.ts';
import type { PlainEvent } from '../../../helpers/read-trace.ts';

const ATTR: Attr = { sampleType: USUAL, ids: [11, 12] };
const PTR = 0xffff888012345678n;

const tracingFormats = {
  'tracing/events/kmem/kmalloc/format': FORMATS['kmalloc'] ?? '',
  'tracing/events/kmem/kfree/format': FORMATS['kfree'] ?? '',
};

/** What tells events apart in these tests: `event ptr-low ns`. */
const brief = (events: readonly PlainEvent[]): string[] =>
  events.map((e) => `${e.event} ${(e.ptr & 0xffn).toString(16)} ${e.ns}`);

for (const le of [true, false]) {
  const order = le ? 'little' : 'big';
  const r = new Records(ATTR, le);
  const records = [
    r.comm(7, 'init', 0n),
    r.kmalloc(
      { id: 11, pid: 7, tid: 8, time: 5_000_000_123n, cpu: 3 },
      { ptr: PTR, req: 100, alloc: 128, gfp: 0xcc0, site: 0xffffffff81234567n, flags: 0x10 },
    ),
    r.kfree({ id: 12, pid: 7, tid: 7, time: 5_000_000_200n, cpu: 1 }, { ptr: PTR }),
  ];
  const features = {
    4: featureString('6.1.0-56-amd64', le),
    7: new Bytes(le).u32(8).u32(4).buffer,
  };
  const expected = [
    {
      ns: 5_000_000_123n,
      event: 'kmalloc',
      site: '0xffffffff81234567',
      bytesReq: 100,
      bytesAlloc: 128,
      gfp: 0xcc0,
      node: -1,
      cache: '',
      accounted: false,
      ptr: PTR,
      pid: 8,
      comm: ':8',
      cpu: 3,
      flags: 0x10,
      stack: [],
    },
    {
      ns: 5_000_000_200n,
      event: 'kfree',
      site: '0xffffffff81234567',
      bytesReq: 0,
      bytesAlloc: 0,
      gfp: null,
      node: null,
      cache: '',
      accounted: null,
      ptr: PTR,
      pid: 7,
      comm: 'init',
      cpu: 1,
      flags: 0,
      stack: [],
    },
  ];

  test(`a ${order}-endian file`, async () => {
    const trace = await readPerf(perfFile({ attrs: [ATTR], records, le, features }));
    expect(trace.format).toBe('perf-data');
    expect(trace.events()).toEqual(expected);
    expect(trace.info).toMatchObject({
      kernelRelease: '6.1.0-56-amd64',
      cpus: 4,
      clock: 'perf',
      clockUnit: 'ns',
      originNs: 5_000_000_123n,
      pageSize: 4096,
      pointerBytes: 8,
    });
    expect(trace.stats).toEqual({});
  });

  test.each([undefined, 1, 7])(
    `the same ${order}-endian through a pipe, in chunks of %s`,
    async (chunk) => {
      const trace = await readPipe(perfPipe({ attrs: [ATTR], records, le, features }), chunk);
      expect(trace.events()).toEqual(expected);
      expect(trace.info).toMatchObject({ kernelRelease: '6.1.0-56-amd64', cpus: 4 });
      expect(trace.stats).toEqual({});
    },
  );
}

const r = new Records(ATTR);

test('what is no perf.data is refused in words', async () => {
  await expect(detectFormat(Buffer.from('PERFFILE rest'), 'x')).rejects.toThrow(TraceFormatError);
  expect((await detectFormat(Buffer.from('PERFILE2'), 'x')).name).toBe('perf-data');
});

test('the preempt depth is one less, the migrate-disable depth as it stands', async () => {
  const depth = (preempt: number, time: bigint): Buffer =>
    r.kfree({ time }, { ptr: PTR, flags: 0x01, preempt });
  const records = [depth(0, 10n), depth(1, 20n), depth(3, 30n), depth(0x20, 40n), depth(0x21, 50n)];
  const trace = await readPerf(perfFile({ attrs: [ATTR], records }));
  expect(trace.events().map((e) => e.flags)).toEqual([0x0001, 0x0001, 0x0201, 0x2001, 0x2001]);
});

test('a thread that has ended keeps the number in the tracepoint record', async () => {
  const records = [
    r.comm(42, 'gone', 0n),
    r.kfree({ time: 10n, pid: 0xffffffff, tid: 0xffffffff }, { ptr: PTR, pid: 42 }),
  ];
  const [event] = (await readPerf(perfFile({ attrs: [ATTR], records }))).events();
  expect([event?.pid, event?.comm]).toEqual([42, 'gone']);
});

test('times of a wall clock are exact', async () => {
  const attr = { ...ATTR, clockid: 11 };
  const at = 1_795_000_000_123_456_789n;
  const records = [r.kfree({ time: at + 1n }, { ptr: PTR }), r.kfree({ time: at }, { ptr: PTR })];
  const trace = await readPerf(perfFile({ attrs: [attr], records }));
  expect(trace.events().map((e) => e.ns)).toEqual([at, at + 1n]);
  expect(trace.info.clock).toBe('tai');
});

test('a sample without a time stands where it lies', async () => {
  const records = [
    r.kfree({ time: 10n }, { ptr: 1n }),
    r.kfree({ time: 0n }, { ptr: 2n }),
    r.kfree({ time: 0xffffffffffffffffn }, { ptr: 3n }),
    r.kfree({ time: 20n }, { ptr: 4n }),
  ];
  const trace = await readPerf(perfFile({ attrs: [ATTR], records }));
  expect(brief(trace.events())).toEqual(['kfree 1 10', 'kfree 2 10', 'kfree 3 10', 'kfree 4 20']);
});

test('records that perf does not know either are passed over by their size', async () => {
  const records = [
    r.record(200, Buffer.alloc(24)),
    r.record(33, Buffer.alloc(64)),
    r.kfree({ time: 10n }, { ptr: PTR }),
    r.record(10, Buffer.alloc(16)),
  ];
  const trace = await readPerf(perfFile({ attrs: [ATTR], records }));
  expect(brief(trace.events())).toEqual(['kfree 78 10']);
  // The last is a MMAP2 that is too short to be one.
  expect(trace.stats).toEqual({ bad_record: 1 });
});

test('what lies behind an AUXTRACE record is passed over, however long', async () => {
  const payload = Buffer.concat(
    Array.from({ length: 3000 }, () => r.kfree({ time: 1n }, { ptr: 9n })),
  );
  const aux = new Bytes().u64(payload.length).raw(Buffer.alloc(32)).buffer;
  const records = [r.record(71, aux), payload, r.kfree({ time: 10n }, { ptr: PTR })];
  for (const bytes of [perfFile({ attrs: [ATTR], records })]) {
    expect(brief((await readPerf(bytes)).events())).toEqual(['kfree 78 10']);
  }
  const pipe = perfPipe({ attrs: [ATTR], records });
  expect(brief((await readPipe(pipe, 4096)).events())).toEqual(['kfree 78 10']);
});

test('samples of other events are counted', async () => {
  const other = r.sample({ time: 5n }, new Bytes().u16(9).raw(Buffer.alloc(20)).buffer);
  const noRaw = new Records({ sampleType: USUAL & ~S.RAW, ids: [20] });
  const attrs = [ATTR, { sampleType: USUAL & ~S.RAW, ids: [20] }];
  const records = [
    other,
    noRaw.sample({ time: 6n }, undefined),
    r.kfree({ time: 7n }, { ptr: PTR }),
  ];
  const trace = await readPerf(perfFile({ attrs, records }));
  expect(trace.count).toBe(1);
  expect(trace.stats).toEqual({ other_events: 2 });
});

test('task names and kallsyms of the tracer', async () => {
  const features = { 1: tracingData(true, '55 saved name\n') };
  const records = [r.kfree({ time: 7n, pid: 55 }, { ptr: PTR })];
  const trace = await readPerf(perfFile({ attrs: [ATTR], records, features }));
  expect(trace.event(0).comm).toBe('saved name');
});

// perf record that is killed leaves data.size 0 and no features.
test('an unfinished file is read with the formats of its folder', async () => {
  const whole = perfFile({
    attrs: [ATTR],
    records: [r.kfree({ time: 10n }, { ptr: PTR }), r.kfree({ time: 20n }, { ptr: PTR })],
    dataSize: 0,
    features: { 1: null },
  });
  const cut = whole.subarray(0, whole.length - 12);
  const trace = await readPerf(cut, { sidecars: tracingFormats });
  expect(brief(trace.events())).toEqual(['kfree 78 10']);
  expect(trace.stats['truncated']).toBeGreaterThan(0);
  await expect(readPerf(cut)).rejects.toThrow('it ends before the descriptions of its events');
});

test('zeros at the end of an unfinished file end it', async () => {
  const records = [r.kfree({ time: 10n }, { ptr: PTR }), Buffer.alloc(4096)];
  const bytes = perfFile({ attrs: [ATTR], records, dataSize: 0, features: { 1: null } });
  const trace = await readPerf(bytes, { sidecars: tracingFormats });
  expect(trace.count).toBe(1);
  expect(trace.stats['bad_record']).toBeUndefined();
  expect(trace.stats['truncated']).toBe(2);
});

test('a file that is cut off keeps what is whole', async () => {
  const records = Array.from({ length: 50 }, (_, i) =>
    r.kfree({ time: BigInt(i + 1) }, { ptr: PTR }),
  );
  const whole = perfFile({ attrs: [ATTR], records });
  const one = records[0]?.length ?? 0;
  // 104 bytes of header, two ids, one attr; then 20 and a half records
  const cut = whole.subarray(0, 104 + 16 + 152 + one * 20 + one / 2);
  const trace = await readPerf(cut, { sidecars: tracingFormats });
  expect(trace.count).toBe(20);
  expect(trace.stats['truncated']).toBeGreaterThan(0);
});

test('a record shorter than its own header ends the reading, and is counted', async () => {
  const broken = new Bytes().u32(9).u16(0).u16(4).buffer;
  const records = [
    r.kfree({ time: 10n }, { ptr: PTR }),
    broken,
    r.kfree({ time: 20n }, { ptr: PTR }),
  ];
  const trace = await readPerf(perfFile({ attrs: [ATTR], records }));
  expect(trace.count).toBe(1);
  expect(trace.stats).toEqual({ bad_record: 1 });
  // 104 + 16 + 152 bytes, then the first record of 88
  expect(trace.positions['bad_record']).toBe('byte 360');
});

test('a sample whose sizes do not fit it is counted, and the next one is read', async () => {
  const chained: Attr = { sampleType: USUAL | S.CALLCHAIN, ids: [11] };
  const c = new Records(chained);
  const tooLong = c.sample({ time: 10n }, Buffer.alloc(20));
  // nr of the callchain: 8 header + 6 * 8 before it
  tooLong.writeBigUInt64LE(0xffffffffffffffffn, 56);
  const records = [tooLong, c.kfree({ time: 20n }, { ptr: PTR })];
  const trace = await readPerf(perfFile({ attrs: [chained], records }));
  expect(brief(trace.events())).toEqual(['kfree 78 20']);
  expect(trace.stats).toEqual({ bad_record: 1 });
});

test('a file without the descriptions of its tracepoints says how to record them', async () => {
  const file = {
    attrs: [ATTR],
    records: [r.finishedRound()],
    features: { 1: null, 4: featureString('6.1') },
  };
  for (const reading of [() => readPerf(perfFile(file)), () => readPipe(perfPipe(file))]) {
    await expect(reading()).rejects.toThrow(TraceFormatError);
    await expect(reading()).rejects.toMatchObject({
      message: expect.stringContaining('it ends before the descriptions of its events'),
      hint: expect.stringContaining('perf record'),
    });
  }
});

test('absurd sizes in the head are refused', async () => {
  const bytes = perfFile({ attrs: [ATTR], records: [] });
  for (const [at, value] of [
    [8, 24n], // size of the header
    [16, 3n], // size of an attr entry
    [16, 1n << 40n],
    [32, 1n << 60n], // size of all attrs
    [24, 1n << 50n], // offset of the attrs
    [120 + 136 + 8, 1n << 45n], // size of the first attr's ids
  ] as const) {
    const broken = Buffer.from(bytes);
    broken.writeBigUInt64LE(value, at);
    await expect(readPerf(broken), `${value} at ${at}`).rejects.toThrow(TraceFormatError);
  }
});
