import { describe, expect, test } from 'vitest';
import { LiveObjects } from '../../../src/analysis/live-objects.ts';
import { createBatch } from '../../../src/kernel/event-batch.ts';

const HI = 0xffff8880;

function add(live: LiveObjects, lo: number, ts: number, hi = HI): number {
  const row = live.add(lo, hi);
  const batch = createBatch(1);
  batch.ts[0] = ts;
  batch.call[0] = 5;
  batch.task[0] = 6;
  batch.stack[0] = 7;
  batch.cpu[0] = 8;
  live.fill(row, batch, 0, true);
  return row;
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
  live.setDisplaced(row, { call: 1, ts: 0, task: 1, cpu: 0, selected: false });
  live.remove(row);
  expect([live.find(0x1000, HI), live.size]).toEqual([-1, 0]);
  const next = add(live, 0x2000, 2);
  expect(next).toBe(row);
  expect(live.displaced(next)).toBeUndefined();
});

test('the object that was there before is kept until its free came', () => {
  const live = new LiveObjects();
  const row = add(live, 0x1000, 1);
  const before = { call: 3, ts: 0, task: 4, cpu: 1, selected: true };
  live.setDisplaced(row, before);
  expect(live.displaced(row)).toEqual(before);
  expect(live.isSelected(row)).toBe(true);
  live.forgetDisplaced(row);
  expect(live.displaced(row)).toBeUndefined();
  expect(live.isSelected(row)).toBe(true);
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
