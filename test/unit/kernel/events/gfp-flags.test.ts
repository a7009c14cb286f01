import { expect, test } from 'vitest';
import {
  formatGfpFlags,
  gfpNamesOf,
  parseGfpFlags,
} from '../../../../src/kernel/events/gfp-flags.ts';

const V510 = gfpNamesOf('5.10.262');
const V61 = gfpNamesOf('6.1.0-56-amd64');
const V612 = gfpNamesOf('6.12.117+deb13-amd64');
const V618 = gfpNamesOf('6.18.15');

test.each<[number, string]>([
  [0, 'none'],
  [0xcc0, 'GFP_KERNEL'],
  [0xdc0, 'GFP_KERNEL|__GFP_ZERO'],
  [0x400cc0, 'GFP_KERNEL_ACCOUNT'],
  [0xa20, 'GFP_ATOMIC'],
  [0x800, 'GFP_NOWAIT'],
  [0x2800, 'GFP_NOWAIT|__GFP_NOWARN'],
  [0x1, 'GFP_DMA'],
  [0x2000000, '0x2000000'],
  [0x82000000, '0x82000000'],
  [0x2000cc0, 'GFP_KERNEL|0x2000000'],
])('6.1 prints %i as %s, and that is read back', (flags, text) => {
  expect(formatGfpFlags(flags, V61)).toBe(text);
  expect(parseGfpFlags(text, V61)).toBe(flags);
});

test('the same names stand for other numbers in other kernels', () => {
  expect(parseGfpFlags('GFP_ATOMIC', V510)).toBe(0xa20);
  expect(parseGfpFlags('GFP_ATOMIC', V612)).toBe(0x820);
  expect(parseGfpFlags('GFP_NOWAIT', V61)).toBe(0x800);
  expect(parseGfpFlags('GFP_NOWAIT', V612)).toBe(0x2800);
  expect(formatGfpFlags(0x820, V612)).toBe('GFP_ATOMIC');
  expect(formatGfpFlags(0x820, V61)).toBe('GFP_NOWAIT|__GFP_HIGH');
});

test('names that a kernel does not know are printed as numbers', () => {
  expect(formatGfpFlags(0x800000, V510)).toBe('0x800000');
  expect(formatGfpFlags(0x800000, V61)).toBe('__GFP_ZEROTAGS');
  expect(formatGfpFlags(0x1000000, V612)).toBe('0x1000000');
  expect(formatGfpFlags(0x1000000, V618)).toBe('__GFP_NO_OBJ_EXT');
});

test('older and other ways to write flags are read', () => {
  expect(parseGfpFlags('3264', V61)).toBe(0xcc0);
  expect(parseGfpFlags('0xcc0', V61)).toBe(0xcc0);
  expect(parseGfpFlags('', V61)).toBe(0);
  expect(parseGfpFlags('GFP_KERNEL|GFP_ZERO', V61)).toBe(0xdc0);
  expect(parseGfpFlags('GFP_WAIT', V61)).toBe(0x400);
  expect(parseGfpFlags('GFP_REPEAT|GFP_NOTRACK', V61)).toBe(0x4000);
  expect(parseGfpFlags('GFP_KERNEL|__GFP_SOMETHING', V61)).toBe(0xcc0);
});

test('a release decides the table; one that is not known is read as 6.1', () => {
  expect(gfpNamesOf(null)).toBe(V61);
  expect(gfpNamesOf('something')).toBe(V61);
  expect(gfpNamesOf('6.2.16')).toBe(V61);
  expect(gfpNamesOf('6.3.0')).toBe(V612);
  expect(gfpNamesOf('7.2.13')).toBe(V618);
  expect(gfpNamesOf('4.19.0')).toBe(V510);
});
