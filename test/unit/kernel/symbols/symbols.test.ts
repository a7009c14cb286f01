import { expect, test } from 'vitest';
import { SymbolTable } from '../../../../src/kernel/symbols/symbols.ts';

const KALLSYMS = `ffffffff81000000 T _stext
ffffffff81000100 t one
ffffffff81000100 t alias_of_one
ffffffff81000180 T two
ffffffffc0000000 t first\t[mod]
ffffffffc0000040 t second\t[mod]
ffffffffc0002000 t other\t[next]
`;

function describeAt(address: bigint): string | undefined {
  const table = new SymbolTable(Buffer.from(KALLSYMS));
  return table.describe(Number(address >> 32n), Number(address & 0xffffffffn));
}

test('symbol, offset and size as %pS prints them', () => {
  expect(describeAt(0xffffffff81000010n)).toBe('_stext+0x10/0x100');
  expect(describeAt(0xffffffff81000101n)).toBe('one+0x1/0x80');
  expect(describeAt(0xffffffffc0000004n)).toBe('first+0x4/0x40 [mod]');
});

test('what ends a module’s last function is not known', () => {
  expect(describeAt(0xffffffffc0000044n)).toBe('second+0x4 [mod]');
  expect(describeAt(0xffffffffc0002000n)).toBe('other+0x0 [next]');
  expect(describeAt(0xffffffff81000180n)).toBe('two+0x0');
});

test('an address that no symbol covers has no name', () => {
  expect(describeAt(0xffffffff80000000n)).toBeUndefined();
  expect(describeAt(0xffffffffff000000n)).toBeUndefined();
});

test('symbols that were linked elsewhere are moved, per-CPU offsets are not', () => {
  const linked = Buffer.from(
    '000000000001e000 D cpu_tlbstate\nffffffff81000000 T _text\nffffffff81fffff0 t do_open\n',
  );
  const table = new SymbolTable(linked, 0x36c00000n);
  expect(table.addressOf('_text')).toBe(0xffffffffb7c00000n);
  expect(table.addressOf('cpu_tlbstate')).toBe(0x1e000n);
  expect(table.describe(0xffffffff, 0xb8bffff4)).toBe('do_open+0x4');
  const far = new SymbolTable(Buffer.from('ffff800080010000 T _stext\n'), 0x45f7_f4e0_0000n);
  expect(far.addressOf('_stext')).toBe(0xffffc5f874e10000n);
  expect(far.describe(0xffffc5f8, 0x74e10010)).toBe('_stext+0x10');
});

test('nothing is named after the mark of the kernel’s end', () => {
  const table = new SymbolTable(
    Buffer.from(
      'ffffffff81000000 T _text\nffffffff83000000 B _end\nffffffff83000000 B __brk_limit\n',
    ),
  );
  expect(table.resolve(0xffffffff, 0x83001000)).toBeUndefined();
  expect(table.resolve(0xffffffff, 0x81800000)?.name).toBe('_text');
});

test('functions by name: clones too, cold parts and data not', () => {
  const table = new SymbolTable(
    Buffer.from(`ffffffff81000000 T getname_flags
ffffffff81000080 t getname_flags.part.0
ffffffff810000c0 t getname_flags.cold
ffffffff81000100 d getname_flags
ffffffff81000200 T other
ffffffffc0000000 t getname_flags\t[mod]
`),
  );
  expect(table.functionsNamed(new Set(['getname_flags']))).toEqual([
    { name: 'getname_flags', start: 0xffffffff81000000n, size: 0x80 },
    { name: 'getname_flags.part.0', start: 0xffffffff81000080n, size: 0x40 },
  ]);
});
