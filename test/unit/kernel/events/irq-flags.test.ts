import { expect, test } from 'vitest';
import { formatIrqFlags } from '../../../../src/kernel/events/irq-flags.ts';

// kernel/trace/trace_output.c (6.1), trace_print_lat_fmt(): each flag alone and in its combinations.
test.each([
  [0x0000, '.....'],
  [0x0001, 'd....'],
  [0x0080, 'b....'],
  [0x0081, 'D....'],
  [0x0004, '.n...'],
  [0x0020, '.p...'],
  [0x0024, '.N...'],
  [0x0008, '..h..'],
  [0x0010, '..s..'],
  [0x0018, '..H..'],
  [0x0040, '..z..'],
  [0x0048, '..Z..'],
  [0x0050, '..z..'],
  [0x0101, 'd..1.'],
  [0x0f00, '...f.'],
  [0xf000, '....f'],
  [0x1219, 'd.H21'],
])('0x%i is %s', (flags, text) => {
  expect(formatIrqFlags(flags)).toBe(text);
});
