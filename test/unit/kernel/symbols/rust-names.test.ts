import fc from 'fast-check';
import { expect, test } from 'vitest';
import { demangleRust } from '../../../../src/kernel/symbols/rust-names.ts';

// The first from the rustc book (v0 Symbol Format), the others from kernels (7.2, 6.18), as binutils'
// c++filt prints them without hashes and types of constants.
test.each([
  ['_RNvCskwGfYPst2Cb_3foo16example_function', 'foo::example_function'],
  [
    '_RINvNtCsbZfwWpAStWS_4core9panicking13assert_failedjjEB4_',
    'core::panicking::assert_failed::<usize, usize>',
  ],
  [
    '_RINvNtCsbZfwWpAStWS_4core9panicking13assert_failedINtNtB4_6option6OptionjEBM_EB4_',
    'core::panicking::assert_failed::<core::option::Option<usize>, core::option::Option<usize>>',
  ],
  [
    '_RNvYINtNtNtCsbZfwWpAStWS_4core3net14display_buffer13DisplayBufferKj27_ENtNtB9_3fmt5Write9write_fmtB9_',
    '<core::net::display_buffer::DisplayBuffer<39> as core::fmt::Write>::write_fmt',
  ],
])('v0: %s', (mangled, path) => {
  expect(demangleRust(mangled)).toBe(path);
});

// Hand-made from the grammar.
test.each([
  ['_RNCNvC1a1b0', 'a::b::{closure#0}'],
  ['_RNCNvC1a1bs_0', 'a::b::{closure#1}'],
  ['_RINvC1a1bRShE', 'a::b::<&[u8]>'],
  ['_RINvC1a1bTlbEE', 'a::b::<(i32, bool)>'],
  ['_RINvC1a1bAhj10_E', 'a::b::<[u8; 16]>'],
  ['_RINvC1a1bFUKClEuE', 'a::b::<unsafe extern "C" fn(i32)>'],
  ['_RINvC1a1bDNtB2_1TEL_E', 'a::b::<dyn a::T>'],
  ['_RINvC1a1bKb1_KlnF_E', undefined],
  ['_RINvC1a1bKb1_Klnf_E', 'a::b::<true, -15>'],
  ['_RNvC1a1b.llvm.123', 'a::b'],
])('v0 by its grammar: %s', (mangled, path) => {
  expect(demangleRust(mangled)).toBe(path ?? mangled);
});

// rustc-demangle's documentation and the escapes of the legacy scheme.
test.each([
  ['_ZN3foo17h05af221e174051e9E', 'foo'],
  ['_ZN4core3fmt5write17h0123456789abcdefE', 'core::fmt::write'],
  ['_ZN28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE', '{{closure}}'],
  ['_ZN38_$LT$T$u20$as$u20$a..b..C$LT$U$GT$$GT$3foo17h0123456789abcdefE', '<T as a::b::C<U>>::foo'],
])('legacy: %s', (mangled, path) => {
  expect(demangleRust(mangled)).toBe(path);
});

test.each(['vfs_read', '_ZN3foo3barEv', '_Read', '_R', '_RNvC1', '_ZN', '_RB_', '_R1NvC1a1b'])(
  '%s is none',
  (name) => {
    expect(demangleRust(name)).toBe(name);
  },
);

test('whatever follows _R ends, soon and without an error', () => {
  const letters = fc.constantFrom(...'NvCMXYIBEKLRQPOFDAST01_shjbcpu'.split(''));
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 200 }), (text) => {
      expect(typeof demangleRust(`_R${text.join('')}`)).toBe('string');
    }),
    { seed: 7, numRuns: 2000 },
  );
});

test('back references that double the text each time are left as they are', () => {
  const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const base62 = (n: number): string => `${digits[Math.floor(n / 62)]}${digits[n % 62]}_`;
  let text = 'INvC1a1b';
  let previous = text.length;
  text += 'TllE';
  for (let i = 0; i < 40; i++) {
    const reference = `B${base62(previous - 1)}`;
    previous = text.length;
    text += `T${reference}${reference}E`;
  }
  expect(demangleRust(`_R${text}E`)).toBe(`_R${text}E`);
});
