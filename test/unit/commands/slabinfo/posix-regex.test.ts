// The answers are those of regcomp(3) and regexec(3) of glibc 2.36, with REG_ICASE.

import { expect, test } from 'vitest';
import { UsageError } from '../../../../src/base/errors.ts';
import { compilePosixRegex } from '../../../../src/commands/slabinfo/posix-regex.ts';

test.each([
  ['KMALLOC', 'dma-kmalloc-64'],
  ['^kmalloc-6[0-9]$', 'kmalloc-64'],
  ['kmalloc-\\(64\\|96\\)$', 'kmalloc-96'],
  ['k4\\?-', 'k-'],
  ['b\\{2,3\\}', 'abba'],
  ['\\(ab\\)\\1', 'abab'],
  ['[[:digit:]]\\+k', 'kmalloc-2k'],
  ['[]x]', 'a]'],
  ['[^]x]', 'a'],
  ['[a-]', '-'],
  ['[[.a.]-c]', 'b'],
  ['\\<cg\\>', 'kmalloc-cg-64'],
  ['.*', ''],
  // Ordinary characters where nothing can be repeated, or as it is the extended syntax.
  ['*', 'a*b'],
  ['^*', '*b'],
  ['a+', 'a+'],
  ['(a|b)', '(a|b)'],
  ['a^b$c', 'a^b$c'],
  ['\\+a', '+a'],
  ['a\\.b', 'a.b'],
])('%s finds %s', (pattern, name) => {
  expect(compilePosixRegex(pattern).test(name)).toBe(true);
});

test.each([
  ['a+', 'aa'],
  ['(a|b)', 'a'],
  ['a\\.b', 'axb'],
  ['^b', 'ab'],
  ['[^a]', 'A'],
  ['b\\{3\\}', 'abba'],
  ['\\d', '4'],
  ['\\d', 'd'],
])('%s does not find %s', (pattern, name) => {
  expect(compilePosixRegex(pattern).test(name)).toBe(false);
});

test.each([
  '\\(',
  '\\)',
  '[a',
  '[z-a]',
  '[a-z-9]',
  'a\\{2',
  'a\\{2,1\\}',
  'a**',
  'a\\',
  '\\1',
  '[[:foo:]]',
  '[[.a]',
])('%s is an error of usage', (pattern) => {
  expect(() => compilePosixRegex(pattern)).toThrow(UsageError);
  expect(() => compilePosixRegex(pattern)).toThrow(`invalid pattern '${pattern}'`);
});

test('a pattern too large for the machine is an error of usage', () => {
  const nested = `${'\\('.repeat(100_000)}x${'\\)'.repeat(100_000)}`;
  expect(() => compilePosixRegex(nested)).toThrow(UsageError);
});
