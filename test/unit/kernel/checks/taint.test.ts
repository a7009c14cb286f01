import { expect, test } from 'vitest';
import { printTainted } from '../../../../src/kernel/checks/taint.ts';

const V61 = { major: 6, minor: 1 };

// Reports of debug-slub (6.1) and debug-slub-612 begin with these.
test('a letter or a blank for every flag', () => {
  expect(printTainted(0, V61)).toBe('Not tainted');
  expect(printTainted((1 << 12) | (1 << 13), V61)).toBe('Tainted: G           OE     ');
  expect(printTainted((1 << 5) | (1 << 12) | (1 << 13), V61)).toBe('Tainted: G    B      OE     ');
  const warned = (1 << 5) | (1 << 9) | (1 << 12) | (1 << 13);
  expect(printTainted(warned, { major: 6, minor: 12 })).toBe('Tainted: G    B   W  OE     ');
  expect(printTainted(1, V61)).toBe('Tainted: P                  ');
});

test('5.10 has no flag for tests', () => {
  expect(printTainted((1 << 18) | 1, { major: 5, minor: 10 })).toBe('Tainted: P                 ');
  expect(printTainted(1 << 18, V61)).toBe('Tainted: G                 N');
});
