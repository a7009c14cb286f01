// The small parts of the text reader, against values worked out by hand.

import { describe, expect, test } from 'vitest';
import { parseFields, parsePairs } from '../../../../src/ingest/events/field-text.ts';
import { parseIrqFlags } from '../../../../src/ingest/events/irq-flags.ts';
import { PointerText } from '../../../../src/ingest/events/pointer-text.ts';
import { internSite, normalSymbol } from '../../../../src/ingest/events/site-text.ts';
import { nanosOf, splitWhole, wholeUnit } from '../../../../src/ingest/events/text-clock.ts';
import { Dictionary } from '../../../../src/kernel/events/dictionary.ts';

// trace_print_lat_fmt() in kernel/trace/trace_output.c; bits of trace_flag_type.
test.each([
  ['.....', 0],
  ['....', 0],
  ['d..1.', 0x0101],
  ['dN.2.', 0x0225],
  ['.n...', 0x0004],
  ['.p...', 0x0020],
  ['b.s1.', 0x0190],
  ['D.h..', 0x0089],
  ['d.H2.', 0x0219],
  ['d.z..', 0x0041],
  ['d.Z..', 0x0049],
  ['....3', 0x3000],
  ['..s.a', 0xa010],
  ['d..f', 0x0f01],
  ['X....', 0x0002],
  ['.l...', 0x0002],
  ['.L...', 0x0022],
  ['.b...', 0x0006],
  ['.B...', 0x0026],
  ['...', 0xffff],
  ['......', 0xffff],
  ['q....', 0xffff],
  ['.d...', 0xffff],
])('flags %s', (letters, flags) => {
  expect(parseIrqFlags(letters)).toBe(flags);
});

test.each([
  ['ffff891cc6d15ec0', 0xffff891c, 0xc6d15ec0, 16],
  ['c1482e40 ', 0, 0xc1482e40, 8],
  ['0xFFFF8800AECF6F00,', 0xffff8800, 0xaecf6f00, 18],
  ['0x1', 0, 1, 3],
  ['0x123456789', 1, 0x23456789, 11],
  ['  (null)', 0, 0, 8],
  ['(nil) x', 0, 0, 5],
  ['0xffff8d4889533a80 (-126132295615872) b', 0xffff8d48, 0x89533a80, 37],
  ['0xffff8d4889533a80 (foo)', 0xffff8d48, 0x89533a80, 18],
  ['0x10 (16)', 0, 16, 9],
])('pointer %j', (text, hi, lo, end) => {
  const pointer = new PointerText();
  expect(pointer.read(Buffer.from(`${text}\n`), 0)).toBe(true);
  expect(pointer).toMatchObject({ hi, lo, end });
});

test.each([
  '',
  'x',
  '123',
  '0x',
  '12345678901234567',
  '0x12345678901234567',
  '(____ptrval____)',
  '(null',
  '(efault)',
])('no pointer: %j', (text) => {
  expect(new PointerText().read(Buffer.from(`${text}\n`), 0)).toBe(false);
});

test.each([
  ['p9_fid_create+0x22/0x110 [9pnet]', 'p9_fid_create+0x22 [9pnet]'],
  ['p9_fid_create+0x22/0x110', 'p9_fid_create+0x22'],
  ['p9_fid_create+0x22', 'p9_fid_create+0x22'],
  ['p9_fid_create', 'p9_fid_create'],
  ['getname_flags.part.0+0x2b/0x1c0 caller(x+0x1/0x2)', 'getname_flags.part.0+0x2b'],
  ['f+0x1/0x2 [nf_tables 0123abcd]', 'f+0x1 [nf_tables]'],
  ['rcu_do_batch+0x3d1/0x14a0 (-1768960207)', 'rcu_do_batch+0x3d1'],
  ['.foo+0x1/0x2', '.foo+0x1'],
  ["[unknown/kretprobe'd]", "[unknown/kretprobe'd]"],
  ['_RNvCs1_4core3fmt+0x1f/0x20', '_RNvCs1_4core3fmt+0x1f'],
])('symbol %s', (text, want) => {
  expect(normalSymbol(text)).toBe(want);
});

describe('call sites', () => {
  test.each([
    ['ffffffff8121a2b7', 0xffffffff, 0x8121a2b7],
    ['0xffffffffc02afcf2 (-1070924558)', 0xffffffff, 0xc02afcf2],
    ['c1050f11', 0, 0xc1050f11],
    ['0xC1050F11', 0, 0xc1050f11],
  ])('%s is an address', (text, hi, lo) => {
    const dictionary = new Dictionary();
    const site = internSite(text, dictionary);
    const { sites } = dictionary;
    expect([sites.hi(site), sites.lo(site), sites.text(site)]).toEqual([hi, lo, 0]);
  });

  test.each(['', '0', '(null)', '(nil)', '0x0', '0000000000000000'])('%j is unknown', (text) => {
    expect(internSite(text, new Dictionary())).toBe(0);
  });

  test('one place has one site, with and without the size of its function', () => {
    const dictionary = new Dictionary();
    const site = internSite('f+0x1/0x2 [m]', dictionary);
    expect(internSite('f+0x1 [m]', dictionary)).toBe(site);
    expect(dictionary.strings.get(dictionary.sites.text(site))).toBe('f+0x1 [m]');
  });
});

test('fields: a value reaches to the next name, the first of two counts', () => {
  const text =
    '(f+0x1) call_site=f+0x1/0x2 [m] ptr= bytes_req=12 x(y=1) name= gfp_flags=A|B name=c d';
  expect([...parseFields(text)]).toEqual([
    ['call_site', 'f+0x1/0x2 [m]'],
    ['ptr', ''],
    ['bytes_req', '12 x(y=1)'],
    ['name', ''],
    ['gfp_flags', 'A|B'],
  ]);
});

test('pairs of babeltrace', () => {
  const text =
    ' call_site = 0xFFFF, name = "a, \\"b\\" = 1", flags = ( "X" : container = 32 ), last = -1 }';
  expect([...parsePairs(text)]).toEqual([
    ['call_site', '0xFFFF'],
    ['name', 'a, \\"b\\" = 1'],
    ['flags', '32'],
    ['last', '-1'],
  ]);
});

test('times are two whole numbers', () => {
  expect(nanosOf('591180')).toBe(591_180_000);
  expect(nanosOf('000000001')).toBe(1);
  expect(splitWhole('18446744073709551615')).toEqual({ hi: 18446744073, lo: 709551615 });
  expect(splitWhole('7')).toEqual({ hi: 0, lo: 7 });
});

test('a counter steps by one, cycles do not', () => {
  expect(wholeUnit(null, [1, 2, 3, 9])).toBe('count');
  expect(wholeUnit(null, [1, 1, 1, 2])).toBe('tick');
  expect(wholeUnit(null, [])).toBe('tick');
  expect(wholeUnit('x86-tsc', [1, 2, 3])).toBe('tick');
  expect(wholeUnit('global', [1, 2, 3])).toBe('count');
});
