import { expect, test } from 'vitest';
import {
  formatGfpFlags,
  gfpNamesOf,
  gfpTableOf,
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
  expect(parseGfpFlags('GFP_WAIT', V61)).toBe(0xc00);
  expect(parseGfpFlags('GFP_REPEAT|GFP_NOTRACK', V61)).toBe(0x4004000);
});

test('a name that is not known leaves all flags unknown', () => {
  expect(parseGfpFlags('GFP_KERNEL|__GFP_SOMETHING', V61)).toBeUndefined();
  expect(parseGfpFlags('GFP_VENDOR_THING', V61)).toBeUndefined();
  expect(parseGfpFlags('GFP_KERNEL|', V61)).toBeUndefined();
});

// Numbers as include/linux/gfp.h of that kernel has them (and as its OOM reports print them).
test.each<[release: string, number: string, flags: string]>([
  ['3.10.31-ltsi', '208', 'GFP_KERNEL'],
  ['3.10.31-ltsi', '0x80d0', 'GFP_KERNEL|__GFP_ZERO'],
  ['3.10.31-ltsi', '0x20', 'GFP_ATOMIC'],
  ['3.10.31-ltsi', '0x50', 'GFP_NOFS'],
  ['3.10.31-ltsi', '0x10', 'GFP_NOIO'],
  ['3.10.31-ltsi', '0', 'GFP_NOWAIT'],
  ['3.10.31-ltsi', '0x800d0', 'GFP_TEMPORARY'],
  ['3.10.31-ltsi', '0x200da', 'GFP_HIGHUSER_MOVABLE'],
  ['3.10.31-ltsi', '0x42d0', 'GFP_KERNEL|__GFP_NOWARN|__GFP_COMP'],
  ['4.4.0-210-generic', '0x24000c0', 'GFP_KERNEL'],
  ['4.9.0-19-amd64', '0x24200ca', 'GFP_HIGHUSER_MOVABLE'],
  ['4.9.0-19-amd64', '0x2080020', 'GFP_ATOMIC'],
  ['4.11.0', '0x14000c0', 'GFP_KERNEL'],
  ['4.14.336', '0x14080c0', 'GFP_KERNEL|__GFP_ZERO'],
  ['4.15.0-213-generic', '0x1080020', 'GFP_ATOMIC'],
  ['4.18.0-553.el8', '0x6000c0', 'GFP_KERNEL'],
  ['4.18.0-553.el8', '0x6200ca', 'GFP_HIGHUSER_MOVABLE'],
  ['4.19.0-27-amd64', '0x6080c0', 'GFP_KERNEL|__GFP_ZERO'],
  ['4.19.0-27-amd64', '0x480020', 'GFP_ATOMIC'],
  ['4.19.0-27-amd64', '0x7000c0', 'GFP_KERNEL_ACCOUNT'],
  ['5.0.0', '0x600040', 'GFP_NOFS'],
  ['5.1.0', '0xcc0', 'GFP_KERNEL'],
  ['5.4.0', '0xdc0', 'GFP_KERNEL|__GFP_ZERO'],
])('%s: %s is %s', (kernelRelease, number, flags) => {
  const { names, layout } = gfpTableOf({ gfpNames: null, gfpLayout: null, kernelRelease });
  const today = parseGfpFlags(number, names, layout);
  expect(today === undefined ? '' : formatGfpFlags(today, names)).toBe(flags);
});

test('a release decides the table; one that is not known is read as 6.1', () => {
  expect(gfpNamesOf(null).slice(0, V61.length)).toEqual(V61);
  expect(gfpNamesOf('something')).toBe(V61);
  expect(gfpNamesOf('6.2.16')).toBe(V61);
  expect(gfpNamesOf('6.3.0')).toBe(V612);
  expect(gfpNamesOf('7.2.13')).toBe(V618);
  expect(gfpNamesOf('4.19.0')).toBe(V510);
});
