// Expressions as they stand in print formats; the values are those of a C compiler.

import { expect, test } from 'vitest';
import { evaluateConstant } from '../../../../src/ingest/ring-buffer/constant-expression.ts';

test.each([
  ['0', 0],
  ['0x40u', 0x40],
  ['0XffUL', 255],
  ['010', 8],
  ['1 + 2 * 3', 7],
  ['(1 + 2) * 3', 9],
  ['10 - 3 - 2', 5],
  ['1 << 2 + 1', 8],
  ['1 | 2 ^ 3 & 6', 1],
  ['7 % 4 / 2', 1],
  ['~0x0fUL & 0xff', 0xf0],
  ['!5 + !0', 1],
  ['- 1 + 3', 2],
  ['( unsigned long)((((((1UL))) << (10)))) | (( gfp_t)0x40u)', 0x440],
  ['(void *)16', 16],
  ['(unsigned char)3', 3],
  ['9007199254740991', 2 ** 53 - 1],
])('%s = %d', (text, value) => expect(evaluateConstant(text)).toBe(value));

test.each([
  '',
  '1 +',
  '(1',
  '1)',
  '1 2',
  'REC->x',
  'NAME',
  '((void *)0',
  '"text"',
  '1 / 0',
  '1 % 0',
  '1 << 64',
  '1 << -1',
  '-1', // 2^64 - 1: beyond what a number holds
  '9007199254740992',
  `${'('.repeat(5000)}1${')'.repeat(5000)}`,
  '~'.repeat(5000),
])('%j is not a constant of use here', (text) => expect(evaluateConstant(text)).toBeUndefined());
