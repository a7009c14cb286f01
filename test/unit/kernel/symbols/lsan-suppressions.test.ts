// Suppression files with LeakSanitizer's rules.

import { expect, test } from 'vitest';
import { Suppressions } from '../../../../src/kernel/symbols/lsan-suppressions.ts';

const STACK = ['kmemdup+0x20', 'ext4_fill_super+0x1a3 [ext4]', 'mount_bdev+0x12'];

function matches(pattern: string): boolean {
  return new Suppressions(`# comment\n\nleak:${pattern}\n`, 'x').matches(STACK);
}

test('a pattern is found anywhere in a function or a module', () => {
  expect(matches('fill_super')).toBe(true);
  expect(matches('ext4')).toBe(true);
  expect(matches('xfs')).toBe(false);
});

test('^ and $ bind it, * stands for anything, other characters for themselves', () => {
  expect(matches('^fill_super')).toBe(false);
  expect(matches('^ext4$')).toBe(true);
  expect(matches('ext4*super$')).toBe(true);
  expect(matches('mount.bdev')).toBe(false);
});
