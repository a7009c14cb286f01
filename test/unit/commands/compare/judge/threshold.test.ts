import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../../../src/base/errors.ts';
import { formatSize, parseSize } from '../../../../../src/base/sizes.ts';
import {
  parseThreshold,
  thresholdText,
} from '../../../../../src/commands/compare/judge/threshold.ts';

describe('sizes', () => {
  test.each([
    ['0', 0],
    ['4096', 4096],
    ['100B', 100],
    ['16KiB', 16384],
    ['16KB', 16384],
    ['16k', 16384],
    ['1.5 MiB', 1572864],
    ['2G', 2147483648],
  ])('%s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(['', 'KiB', '-1', '1e3', '16XiB', '1,5M', '5%'])('%s is none', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });

  test.each([
    [0, '0 B'],
    [100, '100 B'],
    [16384, '16 KiB'],
    [1572864, '1.5 MiB'],
  ])('%d is written %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});

describe('--threshold', () => {
  test.each([
    ['1%,16KiB', { percent: 1, bytes: 16384 }],
    ['64KiB,0.5%', { percent: 0.5, bytes: 65536 }],
    ['5%', { percent: 5, bytes: 16384 }],
    ['0B', { percent: 1, bytes: 0 }],
    [' 2 % , 1MiB ', { percent: 2, bytes: 1048576 }],
  ])('%s', (text, threshold) => {
    expect(parseThreshold(text)).toEqual(threshold);
  });

  test.each([
    ['1%,x', "--threshold '1%,x': 'x' is neither a percentage nor a size, at character 4"],
    ['', "--threshold '': '' is neither a percentage nor a size, at character 1"],
    ['1%,2%', "--threshold '1%,2%': a second percentage, at character 4"],
    ['1K,2K,1%', "--threshold '1K,2K,1%': a second size, at character 4"],
  ])('%s is refused with the position', (text, message) => {
    const parse = (): unknown => parseThreshold(text);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(expect.objectContaining({ message }));
  });

  test('in words', () => {
    expect(thresholdText({ percent: 1, bytes: 16384 })).toBe('1 % and 16 KiB');
  });
});
