import { describe, expect, test } from 'vitest';
import { createBatch, type EventBatch } from '../../../src/kernel/events/event-batch.ts';
import { LiveObjects } from '../../../src/pairing/live-objects.ts';
import { createPairedBatch } from '../../../src/pairing/paired-batch.ts';

const HI = 0xffff8880;

function add(live: LiveObjects, lo: number, ts: number, hi = HI): number {
  const row = live.add(lo, hi);
  live.fill(row, oneEvent({ ts, call: 5, task: 6, stack: 7, cpu: 8 }), 0, true);
  return row;
}

type Numbers = Partial<Record<'ts' | 'call' | 'task' | 'stack' | 'cpu', number>>;

function oneEvent(event: Numbers): EventBatch {
  const batch = createBatch(1);
  for (const name of ['ts', 'call', 'task', 'stack', 'cpu'] as const) {
    batch[name][0] = event[name] ?? 0;
  }
  return batch;
}

test('an object is found by its address, with everything that was noted', () => {
  const live = new LiveObjects();
  const row = add(live, 0x1000, 12.0);
  expect(live.find(0x1000, HI)).toBe(row);
  expect(live.find(0x1000, 0xffff8881)).toBe(-1);
  expect([live.ptrLo(row), live.ptrHi(row), live.ts(row), live.call(row)]).toEqual([
    0x1000,
    HI,
    12,
    5,
  ]);
  expect([live.task(row), live.stack(row), live.cpu(row), live.isSelected(row)]).toEqual([
    6,
    7,
    8,
    true,
  ]);
});

test('times are exact beyond 2^32', () => {
  const live = new LiveObjects();
  expect(live.ts(add(live, 0x1000, 2 ** 53 - 1))).toBe(2 ** 53 - 1);
});

test('a removed object is not found, and its row serves the next', () => {
  const live = new LiveObjects();
  const row = add(live, 0x1000, 1);
  live.replace(row, oneEvent({ call: 1, ts: 2, task: 1 }), 0, false);
  expect(live.hasDisplaced(row)).toBe(true);
  live.remove(row);
  expect([live.find(0x1000, HI), live.size]).toEqual([-1, 0]);
  const next = add(live, 0x2000, 2);
  expect(next).toBe(row);
  expect(live.hasDisplaced(next)).toBe(false);
});

test('the object that was there before is kept until its free came', () => {
  const live = new LiveObjects();
  const row = add(live, 0x1000, 1);
  expect(live.hasDisplaced(row)).toBe(false);
  live.replace(row, oneEvent({ call: 3, ts: 2 ** 40, task: 4, cpu: 0xffff }), 0, false);
  expect([live.call(row), live.ts(row), live.cpu(row)]).toEqual([3, 2 ** 40, 0xffff]);
  expect([live.hasDisplaced(row), live.isSelected(row)]).toEqual([true, false]);
  const paired = createPairedBatch();
  expect(live.describeDisplaced(row, paired, 1)).toBe(1);
  const { objectCall, objectTs, objectTask, objectCpu } = paired;
  const columns = [objectCall, objectTs, objectTask, objectCpu];
  expect(columns.map((column) => column[1])).toEqual([5, 1, 6, 8]);
  live.forgetDisplaced(row);
  expect([live.hasDisplaced(row), live.isSelected(row)]).toEqual([false, false]);
});

describe('rows in order', () => {
  test('are sorted by time, at one time by address', () => {
    const live = new LiveObjects();
    const rows = [add(live, 0x3000, 20), add(live, 0x2000, 10), add(live, 0x1000, 20)];
    const low = add(live, 0x9000, 20, 0xff110000);
    live.remove(add(live, 0x4000, 15));
    expect([...live.inOrder()]).toEqual([rows[1], low, rows[2], rows[0]]);
  });

  test('stay so when there are more than the first array holds', () => {
    const live = new LiveObjects();
    const count = 40_000;
    for (let i = 0; i < count; i++) add(live, i * 64, count - i);
    for (let i = 0; i < count; i += 2) live.remove(live.find(i * 64, HI));
    const rows = live.inOrder();
    expect([live.size, rows.length]).toEqual([count / 2, count / 2]);
    expect(live.ptrLo(rows[0] as number)).toBe((count - 1) * 64);
    expect(rows.every((row, i) => i === 0 || live.ts(rows[i - 1] as number) < live.ts(row))).toBe(
      true,
    );
  });
});
