import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatByteRate,
  formatBytes,
  formatBytesChange,
  formatCount,
  formatCountChange,
  formatDuration,
  formatFixed,
  formatPercent,
  formatPercentChange,
  formatRate,
  formatSeconds,
  formatShare,
} from '../../../src/base/bytes-format.ts';

describe('formatBytes', () => {
  test.each([
    [0, '0 B'],
    [1, '1 B'],
    [1023, '1,023 B'],
    [1024, '1.0 KB'],
    [1536, '1.5 KB'],
    [9625, '9.4 KB'],
    [10188, '9.9 KB'],
    [10189, '10 KB'],
    [98304, '96 KB'],
    [421888, '412 KB'],
    [1048063, '1,023 KB'],
    [1048064, '1.0 MB'],
    [18874368, '18.0 MB'],
    [29674701, '28.3 MB'],
    [1073741823, '1.0 GB'],
    [2 ** 40, '1.0 TB'],
    [2 ** 63, '8.0 EB'],
    [2 ** 73, '8,192.0 EB'],
    [-421888, '-412 KB'],
    [-0.2, '0 B'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test('takes bigints', () => {
    expect(formatBytes(18874368n)).toBe('18.0 MB');
  });

  test('a change has its sign, no change has none', () => {
    expect(formatBytesChange(35232154)).toBe('+33.6 MB');
    expect(formatBytesChange(-421888)).toBe('-412 KB');
    expect(formatBytesChange(0)).toBe('0 B');
    expect(formatBytesChange(null)).toBe('-');
  });
});

describe('formatCount', () => {
  test.each([
    [0, '0'],
    [-0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [814217, '814,217'],
    [-1234567, '-1,234,567'],
    [2.6, '3'],
    [-0.4, '0'],
    [18446744073709551615n, '18,446,744,073,709,551,615'],
  ])('%s is %s', (value, text) => {
    expect(formatCount(value)).toBe(text);
  });

  test('a change has its sign', () => {
    expect(formatCountChange(1204)).toBe('+1,204');
    expect(formatCountChange(-3)).toBe('-3');
    expect(formatCountChange(0)).toBe('0');
  });
});

describe('formatFixed', () => {
  // The first two as perf kmem printed them (%6.3f) in debian-variants/f-perf/kmem-stat.txt.
  test.each([
    [45.3125, 3, '45.312'],
    [35.9375, 3, '35.938'],
    [1.5625, 3, '1.562'],
    [-1.5625, 3, '-1.562'],
    [0.5, 0, '0'],
    [1.5, 0, '2'],
    [2.5, 0, '2'],
    [0.125, 2, '0.12'],
    [0.375, 2, '0.38'],
    [46.875, 3, '46.875'],
    [49.609375, 3, '49.609'],
    [1.005, 2, '1.00'],
    [0.0078125, 6, '0.007812'],
    [99.9999999, 6, '100.000000'],
  ])('%d with %d decimals is %s, as printf has it', (value, digits, text) => {
    expect(formatFixed(value, digits)).toBe(text);
  });
});

describe('formatPercent', () => {
  test.each([
    [0, '0.0 %'],
    [1.53, '1.5 %'],
    [98.94, '98.9 %'],
    [-0.01, '0.0 %'],
    [1234.5, '1,234.5 %'],
  ])('%d is %s', (value, text) => {
    expect(formatPercent(value)).toBe(text);
  });

  test('decimals, changes and shares', () => {
    expect(formatPercent(412.2, 0)).toBe('412 %');
    expect(formatPercentChange(5.12)).toBe('+5.1 %');
    expect(formatPercentChange(-5.12)).toBe('-5.1 %');
    expect(formatPercentChange(0)).toBe('0.0 %');
    expect(formatShare(1, 8)).toBe('12.5 %');
    expect(formatShare(0, 0)).toBe('-');
    expect(formatShare(5, 0)).toBe('-');
  });
});

describe('formatDuration', () => {
  test.each([
    [0, '0 ns'],
    [999, '999 ns'],
    [1000, '1.0 us'],
    [99_940, '99.9 us'],
    [99_960, '100 us'],
    [830_000, '830 us'],
    [999_499, '999 us'],
    [999_500, '1.0 ms'],
    [5_200_000, '5.2 ms'],
    [14_700_000_000, '14.7 s'],
    [599_000_000_000, '599 s'],
    [600_000_000_000, '10.0 min'],
    [36_000_000_000_000, '10.0 h'],
    [3_600_000_000_000_000, '1,000 h'],
    [-5_200_000, '-5.2 ms'],
  ])('%d ns are %s', (ns, text) => {
    expect(formatDuration(ns)).toBe(text);
  });

  test('takes bigints and seconds', () => {
    expect(formatDuration(5_200_000n)).toBe('5.2 ms');
    expect(formatSeconds(14.7)).toBe('14.7 s');
    expect(formatSeconds(null)).toBe('-');
  });
});

describe('rates', () => {
  test.each([
    [4391, '4,391/s'],
    [12.3, '12/s'],
    [9.96, '10/s'],
    [1.26, '1.3/s'],
    [0.25, '0.25/s'],
    [0.004, '0.00/s'],
    [0, '0/s'],
  ])('%d is %s', (value, text) => {
    expect(formatRate(value)).toBe(text);
  });

  test('bytes per second', () => {
    expect(formatByteRate(18874368)).toBe('18.0 MB/s');
    expect(formatByteRate(null)).toBe('-');
  });
});

test('what is not a number is never printed as one', () => {
  const formats = [
    formatBytes,
    formatBytesChange,
    formatCount,
    formatCountChange,
    formatPercent,
    formatPercentChange,
    formatDuration,
    formatSeconds,
    formatRate,
    formatByteRate,
  ];
  for (const format of formats) {
    for (const value of [null, undefined, Number.NaN, Infinity, -Infinity]) {
      expect(format(value)).toBe('-');
    }
  }
  expect(formatFixed(Number.NaN, 3)).toBe('-');
});

test('any finite number is printed with digits only', () => {
  const shape =
    /^[+-]?\d{1,3}(,\d{3})*(\.\d+)?( (B|[KMGTPE]B|%|[num]s|s|min|h)|(?: [KMGTPE]?B)?\/s)?$/;
  fc.assert(
    fc.property(fc.double({ noNaN: true, min: -1e18, max: 1e18 }), (value) => {
      expect(formatBytes(value)).toMatch(shape);
      expect(formatBytesChange(value)).toMatch(shape);
      expect(formatCount(value)).toMatch(shape);
      expect(formatPercent(value)).toMatch(shape);
      expect(formatDuration(value)).toMatch(shape);
      expect(formatRate(value)).toMatch(shape);
      expect(formatByteRate(value)).toMatch(shape);
    }),
    { seed: 1 },
  );
});
