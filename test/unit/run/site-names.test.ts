import { expect, test } from 'vitest';
import { Dictionary } from '../../../src/kernel/events/dictionary.ts';
import { SymbolTable } from '../../../src/kernel/symbols/symbols.ts';
import { SiteNames, siteLabel } from '../../../src/run/site-names.ts';

const KALLSYMS = `
ffffffff81000000 T _text
ffffffff81200000 t do_open
ffffffff81200100 T vfs_read
ffffffffc0001000 t probe\t[e1000]
ffffffffc0002000 t remove\t[e1000]
`;

const dictionary = new Dictionary();
const symbols = new SymbolTable(Buffer.from(KALLSYMS));
const named = new SiteNames(dictionary, symbols);
const unnamed = new SiteNames(dictionary, undefined);
const address = (lo: number, hi = 0xffffffff): number => dictionary.sites.internAddress(lo, hi);
const text = (value: string): number =>
  dictionary.sites.internText(dictionary.strings.intern(value));

test('an address is named by the symbol before it', () => {
  expect(named.get(address(0x81200110))).toEqual({
    address: 0xffffffff81200110n,
    symbol: 'vfs_read+0x10',
    module: null,
  });
  expect(named.label(address(0x81200100))).toBe('vfs_read+0x0');
});

test('one in a module by symbol and module', () => {
  expect(named.get(address(0xc0001004))).toMatchObject({ symbol: 'probe+0x4', module: 'e1000' });
  expect(named.label(address(0xc0001004))).toBe('probe+0x4 [e1000]');
});

test('without symbols it stays an address, with 16 digits or fewer as it has', () => {
  expect(unnamed.get(address(0x81200110)).symbol).toBeNull();
  expect(unnamed.label(address(0x81200110))).toBe('0xffffffff81200110');
  expect(unnamed.label(dictionary.sites.internAddress(0xc0123456, 0))).toBe('0xc0123456');
});

test('one that lies in no known code stays an address', () => {
  expect(named.label(address(0x1000, 0x7fff))).toBe('0x7fff00001000');
});

test('a text is what the trace printed, its size left out', () => {
  expect(unnamed.get(text('do_open+0x1c/0x300'))).toEqual({
    address: null,
    symbol: 'do_open+0x1c',
    module: null,
  });
  expect(unnamed.label(text('probe+0x4/0x100 [e1000]'))).toBe('probe+0x4 [e1000]');
});

test('address and text of one place have one label, so that formats group alike', () => {
  expect(named.label(address(0x81200110))).toBe(unnamed.label(text('vfs_read+0x10/0x40')));
});

test('the function of a site is its symbol without the offset', () => {
  expect(named.functionOf(address(0x81200110))).toBe('vfs_read');
  expect(unnamed.functionOf(text('probe+0x4 [e1000]'))).toBe('probe');
  expect(unnamed.functionOf(address(0x81200110))).toBeUndefined();
});

test('the unknown site is a question mark', () => {
  expect(named.get(0)).toEqual({ address: null, symbol: null, module: null });
  expect(siteLabel(named.get(0))).toBe('?');
});
