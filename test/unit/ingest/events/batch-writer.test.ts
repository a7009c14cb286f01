import { expect, test } from 'vitest';
import { BatchWriter } from '../../../../src/ingest/events/batch-writer.ts';
import { Dictionary } from '../../../../src/kernel/events/dictionary.ts';
import {
  BATCH_CAPACITY,
  createBatch,
  type EventBatch,
} from '../../../../src/kernel/events/event-batch.ts';
import { emptyTraceInfo } from '../../../../src/kernel/events/trace-info.ts';
import { TraceStats } from '../../../../src/kernel/events/trace-stats.ts';

interface Written {
  readonly writer: BatchWriter;
  readonly stats: TraceStats;
  readonly batches: EventBatch[];
}

function start(): Written {
  const stats = new TraceStats();
  const batches: EventBatch[] = [];
  const outlet = {
    emit: (batch: EventBatch) => batches.push(batch),
    obtain: () => createBatch(),
  };
  const info = { ...emptyTraceInfo('test'), originNs: 8_000_000n };
  const writer = new BatchWriter(new Dictionary(), stats, outlet, info);
  return { writer, stats, batches };
}

const counts = (stats: TraceStats): Record<string, number> =>
  Object.fromEntries(stats.list().map(({ name, count }) => [name, count]));

test('every column of an event is kept; batches are full but the first few and the last', () => {
  const { writer, batches } = start();
  const total = BATCH_CAPACITY * 2 + 3;
  for (let i = 0; i < total; i++) writer.add(i * 10, i % 5, i % 3, i, 0xffff8881, i % 4, 0x101);
  expect(writer.count).toBe(total);
  writer.finish();
  expect(batches.map((b) => b.length)).toEqual([1024, 1024, 2048, 4096, 8192, 16384, 3]);
  const [, second] = batches;
  const i = 1024 + 7;
  expect([
    second?.ts[7],
    second?.call[7],
    second?.task[7],
    second?.ptrLo[7],
    second?.ptrHi[7],
    second?.cpu[7],
    second?.flags[7],
    second?.stack[7],
  ]).toEqual([i * 10, i % 5, i % 3, i, 0xffff8881, i % 4, 0x101, 0]);
});

test('nothing written gives no batch', () => {
  const { writer, batches } = start();
  writer.finish();
  expect(batches).toEqual([]);
});

test('a stack belongs to the last event of its CPU, also in the batch before', () => {
  const { writer, batches, stats } = start();
  writer.attachStack(0, 5);
  writer.add(1, 1, 0, 1, 0, 0, 0);
  writer.add(2, 1, 0, 2, 0, 9000, 0);
  writer.attachStack(0, 6);
  for (let i = 2; i < 1024 + 10; i++) writer.add(i + 1, 1, 0, i, 0, 0, 0);
  writer.attachStack(9000, 7);
  writer.attachStack(0, 8);
  writer.attachStack(1, 9);
  writer.finish();
  expect(batches[0]?.stack.slice(0, 3)).toEqual(Uint32Array.of(6, 7, 0));
  expect(batches[1]?.stack[9]).toBe(8);
  expect(counts(stats)).toEqual({ stack_without_event: 2 });
});

test('a stack whose event went out two batches ago is counted', () => {
  const { writer, stats } = start();
  writer.add(0, 1, 0, 1, 0, 1, 0);
  for (let i = 0; i < 2 * BATCH_CAPACITY; i++) writer.add(i, 1, 0, i + 1, 0, 0, 0);
  writer.attachStack(1, 5);
  expect(counts(stats)).toEqual({ stack_without_event: 1 });
});

test('steps back in the time of one CPU are counted, of several CPUs not', () => {
  const { writer, stats } = start();
  writer.add(10, 1, 0, 1, 0, 0, 0);
  writer.add(5, 1, 0, 2, 0, 1, 0);
  expect(counts(stats)).toEqual({});
  writer.add(9, 1, 0, 3, 0, 0, 0);
  writer.add(4, 1, 0, 4, 0, 0, 0);
  expect(stats.list()).toEqual([
    { name: 'backward_steps', count: 2, firstPosition: 'CPU 0, by 1 ns at 0.008 s' },
  ]);
});

test('an event that repeats the one before on its CPU is counted', () => {
  const { writer, stats } = start();
  writer.add(10, 1, 2, 1, 3, 0, 0);
  writer.add(10, 1, 2, 1, 3, 1, 0); // another CPU
  writer.add(10, 1, 2, 5, 3, 0, 0); // another object
  writer.add(10, 1, 2, 5, 3, 0, 0);
  writer.add(11, 1, 2, 5, 3, 0, 0); // later
  writer.add(12, 1, 2, 0, 0, 0, 0);
  writer.add(12, 1, 2, 0, 0, 0, 0); // kfree(NULL) may well be called twice
  expect(counts(stats)).toEqual({ duplicate_records: 1 });
});

test('an event that repeats the last one of the batch before is counted', () => {
  const { writer, stats } = start();
  for (let i = 0; i < BATCH_CAPACITY; i++) writer.add(i, 1, 2, i + 1, 3, 0, 0);
  writer.add(BATCH_CAPACITY - 1, 1, 2, BATCH_CAPACITY, 3, 0, 0);
  expect(counts(stats)).toEqual({ duplicate_records: 1 });
});
