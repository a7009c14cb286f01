import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../../src/base/errors.ts';
import { parseAddress } from '../../../../src/commands/shared/parse.ts';

describe('an address', () => {
  test.each([
    'ffff888003a40040',
    '0xffff888003a40040',
    '0XFFFF888003A40040',
    'FFFF888003A40040',
    '0xFFFF888003a40040',
  ])('%s is read in upper and lower case, with and without 0x', (text) => {
    expect(parseAddress(text)).toBe(0xffff888003a40040n);
  });

  test.each([
    '',
    '0x',
    '12',
    'here',
    '0xffff888003a400400',
    '0x0xffff88800',
    '-ffff8880',
    '0x1g00',
  ])('%j is none', (text) => {
    expect(() => parseAddress(text)).toThrow(UsageError);
  });
});
