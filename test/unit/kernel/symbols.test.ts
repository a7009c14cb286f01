import { expect, test } from 'vitest';
import { SymbolTable } from '../../../src/kernel/symbols.ts';

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
