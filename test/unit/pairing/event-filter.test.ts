import { describe, expect, test } from 'vitest';
import { Dictionary } from '../../../src/kernel/events/dictionary.ts';
import { createBatch } from '../../../src/kernel/events/event-batch.ts';
import {
  createEventFilter,
  EVERYTHING,
  type Selection,
  type TimeBound,
  type TimeScale,
  toEventTime,
} from '../../../src/pairing/event-filter.ts';
import { TestTrace } from '../../helpers/builders.ts';

const NS: TimeScale = { originNs: 0n, clockUnit: 'ns', firstTs: 0 };

const seconds = (value: number): TimeBound => ({
  relative: false,
  nano: BigInt(Math.round(value * 1e9)),
});
const sinceStart = (value: number): TimeBound => ({ ...seconds(value), relative: true });

/** Which of the lines a filter selects. */
function selected(lines: string, options: Partial<Selection>, scale = NS): boolean[] {
  const trace = new TestTrace(lines);
  const filter = createEventFilter({ ...EVERYTHING, ...options }, trace.dictionary, scale);
  const [batch] = trace.batches();
  if (batch === undefined) return [];
  return Array.from({ length: batch.length }, (_, i) => filter?.selects(batch, i) ?? true);
}

test('options that leave nothing out make no filter', () => {
  expect(createEventFilter(EVERYTHING, new Dictionary(), NS)).toBeUndefined();
});

test('sizes: what allocations ask for, both ends included; a free tells none', () => {
  const LINES = 'alloc kmalloc-64 A 63\nalloc kmalloc-64 B 64\nalloc dentry C 192\nfree Z';
  expect(selected(LINES, { sizes: { from: 64, to: Infinity } })).toEqual([
    false,
    true,
    true,
    false,
  ]);
  expect(selected(LINES, { sizes: { from: 0, to: 64 } })).toEqual([true, true, false, false]);
});

test('a size that the trace does not tell is not in a range', () => {
  expect(selected('alloc kmalloc-64 A 0/64', { sizes: { from: 0, to: 64 } })).toEqual([false]);
});

describe('tasks', () => {
  const LINES = 'bash-7 free A\nbash-8 free A\nkworker/0:1-9 free A\nudevd-7 free A';

  test('are selected by pid', () => {
    expect(selected(LINES, { pids: [7, 9] })).toEqual([true, false, true, true]);
  });

  test('by a glob of their name', () => {
    expect(selected(LINES, { comms: ['kworker/*', 'udev?'] })).toEqual([false, false, true, true]);
  });

  test('or left out by one', () => {
    expect(selected(LINES, { excludedComms: ['bash'] })).toEqual([false, false, true, true]);
  });

  test('by everything at once, all of which must hold', () => {
    expect(selected(LINES, { pids: [7], excludedComms: ['udevd'] })).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test('that the trace does not tell are not pid 0', () => {
    const filter = createEventFilter({ ...EVERYTHING, pids: [0] }, new Dictionary(), NS);
    const batch = createBatch(1);
    batch.length = 1;
    expect(filter?.selects(batch, 0)).toBe(false);
    expect(selected('swapper-0 free A', { pids: [0] })).toEqual([true]);
  });
});

test('CPUs are selected by number', () => {
  expect(selected('cpu0 free A\ncpu2 free A\ncpu10 free A', { cpus: [0, 10] })).toEqual([
    true,
    false,
    true,
  ]);
});

describe('times', () => {
  const LINES = '@1000000000 free A\n@1500000000 free A\n@2000000000 free A';

  test('are selected from one moment to another, both included', () => {
    expect(selected(LINES, { from: seconds(1.5) })).toEqual([false, true, true]);
    expect(selected(LINES, { to: seconds(1.5) })).toEqual([true, true, false]);
    expect(selected(LINES, { from: seconds(1.1), to: seconds(1.9) })).toEqual([false, true, false]);
  });

  test('count from the first event where they are so given', () => {
    const scale = { ...NS, firstTs: 1e9 };
    expect(selected(LINES, { from: sinceStart(0.5) }, scale)).toEqual([false, true, true]);
  });

  test('are those of the trace, wherever its origin lies', () => {
    const scale = { ...NS, originNs: 1_699_999_999_000_000_000n, firstTs: 1e9 };
    const moment = { relative: false, nano: 1_700_000_000_500_000_001n };
    expect(toEventTime(moment, scale)).toBe(1_500_000_001);
    expect(toEventTime(sinceStart(0.25), scale)).toBe(1_250_000_000);
  });

  test('are whole units where the clock counts something else', () => {
    const scale: TimeScale = { originNs: 0n, clockUnit: 'count', firstTs: 100 };
    expect(toEventTime(seconds(250), scale)).toBe(250);
    expect(toEventTime(sinceStart(20), scale)).toBe(120);
  });
});
