// The texts of the options that select allocations.

import { describe, expect, test } from 'vitest';
import { parseAge, parseSizes } from '../../../src/pairing/selection-texts.ts';

describe('--size', () => {
  test.each([
    ['128..256', 128, 256],
    ['4K..', 4096, Infinity],
    ['..64', 0, 64],
    ['192', 192, 192],
    ['1KiB..1.5MB', 1024, 1_572_864],
    ['0..8', 0, 8],
  ])('%s', (text, from, to) => {
    expect(parseSizes(text)).toEqual({ from, to });
  });

  test.each(['', '..', 'x', '1..2..3', '-5', '64-128', '128..x', '1 .. 2 ..'])(
    '%j is none',
    (text) => {
      expect(() => parseSizes(text)).toThrow('expected bytes, such as 192, 128..256, 4K.. or ..64');
    },
  );

  test('the ends in the wrong order', () => {
    expect(() => parseSizes('256..128')).toThrow('FROM is larger than TO');
  });
});

describe('--age', () => {
  test.each([
    ['+5s', 5_000_000_000n, true],
    ['+5', 5_000_000_000n, false],
    ['+1.5ms', 1_500_000n, true],
    ['+20us', 20_000n, true],
    ['+7ns', 7n, true],
    ['+2m', 120_000_000_000n, true],
    ['+1h', 3_600_000_000_000n, true],
  ])('%s', (text, nano, hasUnit) => {
    expect(parseAge(text)).toEqual({ atLeast: { nano, hasUnit }, below: undefined });
  });

  test('younger, and a range', () => {
    const below = { nano: 100_000_000n, hasUnit: true };
    expect(parseAge('-100ms')).toEqual({ atLeast: undefined, below });
    expect(parseAge('-100ms', parseAge('+5us'))).toEqual({
      atLeast: { nano: 5000n, hasUnit: true },
      below,
    });
  });

  test.each(['5s', '', '+', '+s', '+5 s', '+5d', '++5s', '+-5', '+1..2'])('%j is none', (text) => {
    expect(() => parseAge(text)).toThrow('expected +AGE');
  });

  test('a range without anything in it', () => {
    expect(() => parseAge('-5s', parseAge('+5s'))).toThrow('no object is at least as old');
    expect(() => parseAge('+6s', parseAge('-5s'))).toThrow('no object is at least as old');
    expect(() => parseAge('-0s')).toThrow('no object is at least as old');
  });

  test('the same side twice', () => {
    expect(() => parseAge('+6s', parseAge('+5s'))).toThrow('a second +AGE');
  });
});
