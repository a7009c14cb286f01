import { describe, expect, test } from 'vitest';
import { track } from '../../helpers/tracked.ts';

test('a sample is taken with each batch, after it was counted', () => {
  const { series, call } = track(
    `
    @1000 alloc kmalloc-64 A by=f+0x1
    @2000 alloc kmalloc-64 B by=f+0x1
    @3000 free A
    @4000 alloc kmalloc-64 C by=g+0x1
  `,
    { batchSize: 2 },
  );
  expect(
    series.samples.map(({ ts, live }) => [ts, live[call('f+0x1')], live[call('g+0x1')]]),
  ).toEqual([
    [2000, 2, 0],
    [4000, 1, 1],
  ]);
});

test('of several batches in one step the last one is the sample', () => {
  const lines = Array.from({ length: 7 }, (_, i) => `@${i + 1} alloc kmalloc-64 O${i} by=f+0x1`);
  const { series } = track(lines.join('\n'), { batchSize: 2, sampleStep: 4 });
  expect(series.samples.map(({ ts }) => ts)).toEqual([4, 7]);
});

describe('the peak of some calls', () => {
  const LINES = `
    @1 alloc kmalloc-64 A by=f+0x1
    @2 alloc kmalloc-64 B by=f+0x1
    @3 free A
    @4 free B
    @5 alloc kmalloc-64 C by=g+0x1
    @6 alloc kmalloc-64 D by=g+0x1`;

  test('is the largest sum in one sample, not the sum of the largest', () => {
    const { series, call } = track(LINES, { batchSize: 1 });
    expect(series.peakOf([call('f+0x1')])).toBe(2);
    expect(series.peakOf([call('f+0x1'), call('g+0x1')])).toBe(2);
    expect(series.peakOf([])).toBe(0);
  });

  test('is no more than the samples show', () => {
    const { series, call } = track(LINES, { batchSize: 4 });
    expect(series.peakOf([call('f+0x1')])).toBe(0);
    expect(series.peakOf([call('g+0x1')])).toBe(2);
  });
});

test('with too many samples every second one is dropped, and the distance grows', () => {
  const lines = Array.from({ length: 1100 }, (_, i) => `@${i + 1} alloc kmalloc-64 O${i} by=f+0x1`);
  const { series, call } = track(lines.join('\n'), { batchSize: 1 });
  const times = series.samples.map((sample) => sample.ts);
  expect(times.length).toBeLessThan(512);
  expect(times.slice(0, 3)).toEqual([4, 8, 12]);
  expect(times.every((ts, i) => ts === (i + 1) * 4)).toBe(true);
  expect(series.samples.every(({ ts, live }) => live[call('f+0x1')] === ts)).toBe(true);
});

test('an empty trace has none', () => {
  const { series } = track('');
  expect([series.samples, series.peakOf([1, 2])]).toEqual([[], 0]);
});
