import { expect, test } from 'vitest';
import { ReorderQueue } from '../../../../src/ingest/events/reorder-queue.ts';
import { Dictionary } from '../../../../src/kernel/events/dictionary.ts';
import { TraceStats } from '../../../../src/kernel/events/trace-stats.ts';
import { type Attr, perfFile, Records, readPerf, USUAL } from '../../../helpers/perf-file.ts';
import type { PlainEvent } from '../../../helpers/read-trace.ts';

const ATTR: Attr = { sampleType: USUAL, ids: [11, 12] };
const r = new Records(ATTR);
const free = (time: number, cpu: number, ptr = time): Buffer =>
  r.kfree({ time: BigInt(time), cpu }, { ptr: BigInt(ptr) });

async function read(records: readonly Buffer[]): Promise<{ events: PlainEvent[]; stats: object }> {
  const trace = await readPerf(perfFile({ attrs: [ATTR], records }));
  return { events: trace.events(), stats: trace.stats };
}

test('the CPUs of a round are merged; equal times keep the order of the file', async () => {
  const { events, stats } = await read([
    free(10, 0),
    free(30, 0),
    free(50, 0, 0xa),
    free(20, 1),
    free(50, 1, 0xb),
    free(60, 1),
    r.finishedRound(),
    free(55, 0),
    free(70, 0),
    free(65, 1),
    r.finishedRound(),
    r.finishedRound(),
    free(80, 0),
  ]);
  expect(events.map((e) => Number(e.ptr))).toEqual([10, 20, 30, 0xa, 0xb, 55, 60, 65, 70, 80]);
  expect(stats).toEqual({});
});

test('an event that comes a round too late is told', async () => {
  const { events, stats } = await read([
    free(10, 0),
    free(20, 0),
    r.finishedRound(),
    free(30, 0),
    r.finishedRound(),
    free(5, 1), // what is not later than 20 has gone out
    free(40, 0),
  ]);
  expect(events.map((e) => Number(e.ptr))).toEqual([10, 20, 5, 30, 40]);
  expect(events[2]?.ns).toBe(5n);
  expect(stats).toEqual({ backward_steps: 1 });
});

interface Out {
  readonly rows: number[];
  readonly waiting: number[];
}

/** Feeds times to a queue; returns them in the order in which they come out, and how many waited. */
function reorder(times: readonly number[], maxWaiting: number): Out {
  const rows: number[] = [];
  const waiting: number[] = [];
  const writer = { dictionary: new Dictionary(), stats: new TraceStats() };
  const queue = new ReorderQueue(
    writer,
    (batch, from, to) => {
      for (let i = from; i < to; i++) rows.push(batch.ts[i] ?? Number.NaN);
    },
    maxWaiting,
  );
  for (const time of times) {
    queue.add(time, 1, 1, 0, 0, 0, 0);
    while (queue.isFlushing) queue.step();
    waiting.push(queue.count - rows.length);
  }
  queue.finish();
  while (queue.isFlushing) queue.step();
  return { rows, waiting };
}

test('without rounds no more rows wait than may, and near ones are put in order', () => {
  // Neighbours swapped: 2 1 4 3 6 5 …
  const times = Array.from({ length: 100_000 }, (_, i) => (i ^ 1) + 1);
  const { rows, waiting } = reorder(times, 1000);
  expect(rows).toEqual(Array.from({ length: 100_000 }, (_, i) => i + 1));
  expect(Math.max(...waiting.slice(0, 50_000))).toBeLessThanOrEqual(1000);
  expect(Math.max(...waiting.slice(50_000))).toBeLessThanOrEqual(1000);
});

test('rows of many blocks come out sorted and whole', () => {
  // Four CPUs of 50,000 rows each, one behind the other.
  const times = Array.from(
    { length: 200_000 },
    (_, i) => (i % 50_000) * 4 + Math.floor(i / 50_000),
  );
  expect(reorder(times, 1 << 20).rows).toEqual(Array.from({ length: 200_000 }, (_, i) => i));
});

test('times in no order at all are sorted as far as rows may wait', () => {
  let seed = 1;
  const times = Array.from({ length: 60_000 }, () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed;
  });
  const sorted = [...times].sort((a, b) => a - b);
  expect(reorder(times, 100_000).rows).toEqual(sorted);
  const { rows } = reorder(times, 5000);
  expect([...rows].sort((a, b) => a - b)).toEqual(sorted);
});

test('rows that are sorted keep what belongs to them, and equal times their order', () => {
  const seen: string[] = [];
  const writer = { dictionary: new Dictionary(), stats: new TraceStats() };
  const queue = new ReorderQueue(writer, (batch, from, to) => {
    for (let i = from; i < to; i++) {
      const columns = [batch.call, batch.task, batch.ptrLo, batch.ptrHi, batch.cpu, batch.flags];
      const row = [...columns, batch.stack].map((column) => column[i]);
      if (row.some((value) => value !== row[0])) throw new Error(`row of ${row}`);
      seen.push(`${batch.ts[i]}:${row[0]}`);
    }
  });
  // 40,000 rows with the times 2 1 0 2 1 0 …, numbered
  for (let n = 0; n < 40_000; n++) {
    queue.add(2 - (n % 3), n, n, n, n, n, n);
    queue.attachStack(0, n);
    if (n === 20_000) queue.finishRound();
  }
  queue.finish();
  while (queue.isFlushing) queue.step();
  const expected = [0, 1, 2].flatMap((time) =>
    Array.from({ length: 40_000 }, (_, n) => n)
      .filter((n) => 2 - (n % 3) === time)
      .map((n) => `${time}:${n}`),
  );
  expect(seen).toEqual(expected);
});

const alloc = (time: number, tid: number, cpu = 0): Buffer =>
  r.kmalloc({ time: BigInt(time), pid: tid, tid, cpu }, { ptr: 1n });

test('a task has the name that it had at the time', async () => {
  const { events } = await read([
    r.comm(100, 'sh', 0n), // synthesized: from before the recording
    alloc(10, 100),
    alloc(40, 100, 1),
    r.comm(100, 'ls', 30n, 0), // exec between the two
    alloc(20, 100),
    r.finishedRound(),
  ]);
  expect(events.map((e) => [e.ns, e.comm])).toEqual([
    [10n, 'sh'],
    [20n, 'sh'],
    [40n, 'ls'],
  ]);
});

test('a new task begins with the name of its parent', async () => {
  const { events } = await read([
    r.comm(100, 'sh', 0n),
    r.fork(101, 100, 10n),
    alloc(11, 101),
    r.comm(101, 'ls', 12n),
    alloc(13, 101),
    r.fork(102, 999, 14n), // of a parent that nothing names
    alloc(15, 102),
    r.comm(102, 'x', 16n),
    r.fork(102, 100, 17n), // the number is used again
    alloc(18, 102),
    alloc(19, 0),
  ]);
  expect(events.map((e) => e.comm)).toEqual(['sh', 'ls', ':102', 'sh', 'swapper']);
});

test('without sample_id_all names hold from where they stand', async () => {
  const attr: Attr = { ...ATTR, sampleIdAll: false };
  const plain = new Records(attr);
  const records = [
    plain.comm(7, 'first', 0n),
    plain.kfree({ time: 10n }, { ptr: 1n }),
    plain.comm(7, 'second', 0n),
    plain.kfree({ time: 20n }, { ptr: 1n }),
  ];
  const trace = await readPerf(perfFile({ attrs: [attr], records }));
  expect(trace.events().map((e) => e.comm)).toEqual(['first', 'second']);
});

test('lost events are told on their CPU, at their time, once', async () => {
  const { events, stats } = await read([
    r.idIndex([
      { id: 11, cpu: 0 },
      { id: 12, cpu: 1 },
    ]),
    free(10, 1),
    r.lost(30, 20n, 1),
    free(21, 1),
    free(15, 0),
    r.finishedRound(),
    // The totals: 30 of CPU 1 were told, 12 more and the 4 of CPU 0 were not.
    r.lostSamples(42, 12),
    r.lostSamples(4, 11),
    r.lostSamples(1000, 11, 0x8000), // left out by a BPF filter, as was asked for
  ]);
  const brief = events.map((e) => [e.event, e.ns, e.cpu, e.bytesReq, e.pid]);
  expect(brief).toEqual([
    ['kfree', 10n, 1, 0, 7],
    ['kfree', 15n, 0, 0, 7],
    ['lost', 20n, 1, 30, null],
    ['kfree', 21n, 1, 0, 7],
    ['lost', 21n, 1, 12, null],
    ['lost', 21n, 0, 4, null],
  ]);
  expect(stats).toEqual({ lost_events: 46 });
});

test('totals of CPUs that are not known are counted where they exceed what was told', async () => {
  const { events, stats } = await read([free(10, 1), r.lost(30, 20n, 1), r.lostSamples(42, 12)]);
  expect(events.filter((e) => e.event === 'lost').length).toBe(1);
  expect(stats).toEqual({ lost_events: 42 });
});
