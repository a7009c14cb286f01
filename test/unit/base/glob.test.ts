import { expect, test } from 'vitest';
import { globToRegExp } from '../../../src/base/glob.ts';

test.each([
  ['kmalloc-*', 'kmalloc-64', true],
  ['kmalloc-*', 'dma-kmalloc-64', false],
  ['kmalloc-?4', 'kmalloc-64', true],
  ['kmalloc-?4', 'kmalloc-4', false],
  ['*', '', true],
  ['a.c', 'abc', false],
  ['a+(b)[c]', 'a+(b)[c]', true],
  ['^x$', '^x$', true],
  ['ext4_*', 'ext4_inode_cache', true],
  ['two*lines', 'two\nlines', true],
])('%s against %s: %s', (glob, name, matches) => {
  expect(globToRegExp(glob).test(name)).toBe(matches);
});
