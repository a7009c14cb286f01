import { expect, test } from 'vitest';
import {
  type Attr,
  Bytes,
  perfFile,
  Records,
  readPerf,
  S,
  type SampleParts,
  USUAL,
} from '../../../helpers/perf-file.ts';

const PTR = 0xffff888012345678n;

// Every set of the fixed parts that has TIME, so that events can be told apart.
const OPTIONAL = [S.IP, S.TID, S.ADDR, S.ID, S.STREAM_ID, S.CPU, S.PERIOD, S.IDENTIFIER];
const SETS = Array.from({ length: 2 ** OPTIONAL.length }, (_, n) =>
  OPTIONAL.reduce((sum, bit, i) => (n & (1 << i) ? sum | bit : sum), S.RAW | S.TIME),
);

test.each([true, false])(
  'every set of parts is found where it stands (little endian: %s)',
  async (le) => {
    for (const sampleType of SETS) {
      const attr: Attr = { sampleType, ids: [11] };
      const r = new Records(attr, le);
      const records = [
        r.comm(31, 'told', 1n, 5),
        r.kfree({ time: 1000n, pid: 30, tid: 31, cpu: 5 }, { ptr: PTR, pid: 31 }),
      ];
      const trace = await readPerf(perfFile({ attrs: [attr], records, le }));
      const [event] = trace.events();
      const { ns, ptr, pid, comm, cpu } = event ?? {};
      expect(
        { stats: trace.stats, ns, ptr, pid, comm, cpu },
        `sample_type 0x${sampleType.toString(16)}`,
      ).toEqual({
        stats: {},
        ns: 1000n,
        ptr: PTR,
        pid: 31,
        comm: 'told',
        cpu: sampleType & S.CPU ? 5 : 0,
      });
    }
  },
);

// Without IDENTIFIER perf insists that ID stands at the same place in all of them.
const SMALL = S.TID | S.TIME | S.RAW;
test.each([
  ['IDENTIFIER', SMALL | S.IDENTIFIER, USUAL | S.STREAM_ID],
  ['ID', SMALL | S.ID | S.CPU, SMALL | S.ID | S.CPU | S.PERIOD | S.READ],
])('events of different attrs are told apart by %s', async (name, smallType, largeType) => {
  const small: Attr = { sampleType: smallType, ids: [21, 22] };
  const large: Attr = { sampleType: largeType, ids: [23] };
  const a = new Records(small);
  const b = new Records(large);
  const records = [
    a.kfree({ id: 21, time: 10n, tid: 1, cpu: 3 }, { ptr: 1n }),
    b.kfree({ id: 23, time: 20n, tid: 2, cpu: 4 }, { ptr: 2n }),
    a.kfree({ id: 22, time: 30n, tid: 3, cpu: 3 }, { ptr: 3n }),
    b.comm(2, 'b', 40n, 1),
    b.kfree({ id: 23, time: 50n, tid: 2, cpu: 4 }, { ptr: 4n }),
    // Nobody's: how it is laid out is not known.
    b.kfree({ id: 99, time: 60n, tid: 2, cpu: 4 }, { ptr: 5n }),
  ];
  const trace = await readPerf(perfFile({ attrs: [small, large], records }));
  const cpu = name === 'ID' ? 3 : 0;
  expect(trace.events().map((e) => [e.ns, e.ptr, e.pid, e.cpu, e.comm])).toEqual([
    [10n, 1n, 1, cpu, ':1'],
    [20n, 2n, 2, 4, ':2'],
    [30n, 3n, 3, cpu, ':3'],
    [50n, 4n, 2, 4, 'b'],
  ]);
  expect(trace.stats).toEqual({ bad_record: 1 });
});

// ENABLED 1, RUNNING 2, ID 4, GROUP 8, LOST 16
const READS: readonly [number, bigint[]][] = [
  [0, [7n]],
  [1 | 2, [7n, 1n, 2n]],
  [4 | 16, [7n, 11n, 0n]],
  [1 | 2 | 4 | 16, [7n, 1n, 2n, 11n, 0n]],
  [8, [2n, 7n, 8n]],
  [8 | 4 | 16, [2n, 7n, 11n, 0n, 8n, 12n, 0n]],
  [8 | 1 | 2 | 4, [3n, 1n, 2n, 7n, 11n, 8n, 12n, 9n, 13n]],
];

test.each(READS)('READ of read_format %i is passed over', async (readFormat, words) => {
  for (const le of [true, false]) {
    const attr: Attr = { sampleType: USUAL | S.READ | S.CALLCHAIN, ids: [11], readFormat };
    const r = new Records(attr, le);
    const read = words.reduce((b, word) => b.u64(word), new Bytes(le)).buffer;
    const chain = [-128n, 0xffffffff81000010n];
    const records = [r.kfree({ time: 10n, read, chain }, { ptr: PTR })];
    const trace = await readPerf(perfFile({ attrs: [attr], records, le }));
    expect(trace.stats).toEqual({});
    expect(trace.events().map((e) => [e.ptr, e.stack])).toEqual([[PTR, ['0xffffffff81000010']]]);
  }
});

test('a group that claims more values than the sample holds is a bad record', async () => {
  const attr: Attr = { sampleType: USUAL | S.READ, ids: [11], readFormat: 8 };
  const r = new Records(attr);
  const records = [0xffffffffffffffffn, 1_000_000n, 50n].map((nr) =>
    r.kfree({ time: 10n, read: new Bytes().u64(nr).buffer }, { ptr: PTR }),
  );
  const trace = await readPerf(perfFile({ attrs: [attr], records }));
  expect(trace.stats).toEqual({ bad_record: 3 });
});

const KERNEL = -128n;
const USER = -512n;
const GUEST = -2048n;
const K1 = 0xffffffff81000001n;
const K2 = 0xffffffffc0000002n;
const K3 = 0xffffffff81000003n;
const U = 0x7f0000001234n;

test.each([true, false])(
  'of a callchain the frames of the kernel are kept (little endian: %s)',
  async (le) => {
    const attr: Attr = { sampleType: USUAL | S.CALLCHAIN, ids: [11] };
    const r = new Records(attr, le);
    const chains = [
      [KERNEL, K1, K2, K3, USER, U, U],
      [USER, U],
      [],
      [KERNEL, K1, K2, USER, U],
      [KERNEL, K1, K2, USER, 0x5555n],
      [KERNEL, K3, USER, U, KERNEL, K1],
      [GUEST, K1, KERNEL, K2],
      [KERNEL],
    ];
    const sample = (i: number): SampleParts => ({
      time: BigInt(i + 1),
      cpu: i % 2,
      chain: chains[i] ?? [],
    });
    const records = chains.map((_, i) => r.kfree(sample(i), { ptr: PTR }));
    const trace = await readPerf(perfFile({ attrs: [attr], records, le }));
    const [a, b, c] = ['0xffffffff81000001', '0xffffffffc0000002', '0xffffffff81000003'];
    expect(trace.events().map((e) => e.stack)).toEqual([
      [a, b, c],
      [],
      [],
      [a, b],
      [a, b],
      [c, a],
      [b],
      [],
    ]);
    expect(trace.stats).toEqual({});
  },
);

test('stacks stay with their events when these are put in order', async () => {
  const attr: Attr = { sampleType: USUAL | S.CALLCHAIN, ids: [11] };
  const r = new Records(attr);
  const records = [
    r.kfree({ time: 30n, cpu: 1, chain: [KERNEL, K3] }, { ptr: 3n }),
    r.kfree({ time: 10n, cpu: 0, chain: [KERNEL, K1] }, { ptr: 1n }),
    r.kfree({ time: 20n, cpu: 0, chain: [] }, { ptr: 2n }),
    r.kfree({ time: 40n, cpu: 0, chain: [KERNEL, K2] }, { ptr: 4n }),
  ];
  const trace = await readPerf(perfFile({ attrs: [attr], records }));
  expect(trace.events().map((e) => [e.ptr, e.stack])).toEqual([
    [1n, ['0xffffffff81000001']],
    [2n, []],
    [3n, ['0xffffffff81000003']],
    [4n, ['0xffffffffc0000002']],
  ]);
});
