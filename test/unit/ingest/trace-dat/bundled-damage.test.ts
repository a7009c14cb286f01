// The bundled recording, damaged in many places: events and counts, or one clear error.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { memorySource } from '../../../../src/base/byte-cursor.ts';
import { ToolError } from '../../../../src/base/errors.ts';
import { readTraceDatHeader } from '../../../../src/ingest/trace-dat/header.ts';
import { readTraceBytes, type TraceRead } from '../../../helpers/read-trace.ts';
import { BOOT, ROOT } from '../../../helpers/run-cli.ts';

const EVENTS = 814_217;
let whole: Buffer = Buffer.alloc(0);
/** Where the pages of the CPUs begin, and their bytes. */
let data: readonly { readonly offset: number; readonly size: number }[] = [];

beforeAll(() => {
  whole = gunzipSync(readFileSync(join(ROOT, BOOT, 'trace.dat.gz')));
  data = readTraceDatHeader(memorySource(whole), BOOT).buffers[0]?.cpus ?? [];
});

/** Numbers below `limit`, the same ones each time (xorshift32). */
function* numbers(seed: number, limit: number): Generator<number, never> {
  for (let x = seed; ; ) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    yield (x >>> 0) % limit;
  }
}

async function read(bytes: Buffer): Promise<TraceRead | ToolError> {
  try {
    return await readTraceBytes(bytes, { format: 'trace-dat' });
  } catch (error) {
    if (error instanceof ToolError && error.exitCode === 65) return error;
    throw error;
  }
}

/** The events of each CPU: a time and an address for each. */
function byCpu(trace: TraceRead): number[][] {
  const cpus: number[][] = [[], []];
  for (const { length, cpu, ts, ptrLo } of trace.batches) {
    for (let i = 0; i < length; i++) cpus[cpu[i] ?? 0]?.push(ts[i] ?? 0, ptrLo[i] ?? 0);
  }
  return cpus;
}

test('cut in its data, the first events of each CPU are read, more the longer the file is', async () => {
  const all = byCpu((await read(whole)) as TraceRead);
  const [first, second] = data;
  const end = (second?.offset ?? 0) + (second?.size ?? 0);
  const boundary = second?.offset ?? 0;
  const lengths = [
    (first?.offset ?? 0) + 5000,
    ...[-4096, 0, 16].map((offset) => boundary + offset),
    ...[boundary + 8_000_001, end - 4096, end, whole.length - 1],
  ];
  let last = 0;
  for (const length of lengths) {
    const trace = (await read(whole.subarray(0, length))) as TraceRead;
    expect(trace.stats['truncated']).toBe(1);
    let events = 0;
    for (const [cpu, read] of byCpu(trace).entries()) {
      // The last one may be the gap that is left.
      const kept = read.slice(0, -2);
      // Comparing so many with `toEqual` would take seconds.
      const isStart = kept.every((value, i) => value === all[cpu]?.[i]);
      expect([length, cpu, isStart]).toEqual([length, cpu, true]);
      events += kept.length;
    }
    expect(events).toBeGreaterThanOrEqual(last - 4);
    last = events;
  }
  expect(last).toBeGreaterThanOrEqual(2 * EVENTS - 4);
});

test('cut before its data, the file cannot be read, and the error says where', async () => {
  const next = numbers(7, (data[0]?.offset ?? 0) - 4096);
  const lengths = Array.from({ length: 60 }, () => next.next().value);
  const head = Array.from({ length: 60 }, (_, i) => 12 + i * 17);
  for (const length of [...head, ...lengths]) {
    expect(await read(whole.subarray(0, length))).toMatchObject({
      message: expect.stringContaining(`test-input: the file ends after ${length} bytes inside `),
      hint: 'It looks cut off or damaged while copying; copy it again.',
    });
  }
});

test('bytes changed in the head: an error, or the events', async () => {
  const end = data[0]?.offset ?? 0;
  const next = numbers(11, end);
  // The data are left out: what is read of the head shows in the error, or that there is none.
  const head = Buffer.concat([whole.subarray(0, end), whole.subarray(whole.length - 4096)]);
  for (let i = 0; i < 100; i++) {
    const bytes = Buffer.from(head);
    const at = i < 50 ? next.next().value : next.next().value % 1024;
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (i % 8)), at);
    await read(bytes);
  }
});

test('headers of pages overwritten: each is counted, all other pages are read', async () => {
  const bytes = Buffer.from(whole);
  const next = numbers(13, 1000);
  for (const { offset, size } of data) {
    for (let i = 0; i < 5; i++) {
      const page = 1 + ((next.next().value + 1000 * i) % (size / 4096 - 2));
      bytes.fill(0xff, offset + page * 4096 + 8, offset + page * 4096 + 16);
    }
  }
  const trace = (await read(bytes)) as TraceRead;
  expect(trace.stats['bad_page']).toBe(10);
  // A page holds 60 to 120 events.
  expect(trace.count).toBeGreaterThan(EVENTS - 10 * 130);
  expect(trace.count).toBeLessThan(EVENTS - 10 * 40);
});

test('bytes changed in the data: most events are read', async () => {
  const bytes = Buffer.from(whole);
  const { offset, size } = data[1] ?? { offset: 0, size: 1 };
  const next = numbers(17, size);
  for (let i = 0; i < 500; i++) {
    const at = offset + next.next().value;
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (i % 8)), at);
  }
  const trace = (await read(bytes)) as TraceRead;
  expect(trace.count).toBeGreaterThan(EVENTS - 500 * 130);
  expect(trace.count).toBeLessThan(EVENTS + 500);
  expect(trace.stats['bad_page']).toBeGreaterThan(0);
});
