// Pages of recorded events are told from others by their structure.

import { expect, test } from 'vitest';
import { isRingBufferPage } from '../../../../src/snapshot/scan/ring-buffer-page.ts';

/** A page of `count` events of `words` data words each. */
function page(count: number, words: number): Uint32Array {
  const p = new Uint32Array(1024);
  p[0] = 0x12345678;
  let at = 4;
  for (let i = 0; i < count; i++) {
    p[at] = (1000 << 5) | words;
    at += 1 + words;
  }
  p[2] = (at - 4) * 4;
  return p;
}

test('a page of events is one, also with padding and time stamps', () => {
  expect(isRingBufferPage(page(20, 9))).toBe(true);
  const p = page(20, 9);
  const end = 4 + (p[2] ?? 0) / 4;
  p[end] = 30; // time extend: two words
  p[2] = (p[2] ?? 0) + 8;
  expect(isRingBufferPage(p)).toBe(true);
});

test('zeroes, pointers, text and a wrong length are none', () => {
  expect(isRingBufferPage(new Uint32Array(1024))).toBe(false);
  expect(isRingBufferPage(new Uint32Array(1024).map((_, i) => (i % 2 ? 0xffff8880 : i * 64)))).toBe(
    false,
  );
  expect(isRingBufferPage(new Uint32Array(1024).fill(0x20202020))).toBe(false);
  const p = page(20, 9);
  p[2] = (p[2] ?? 0) + 4;
  p[4 + (p[2] ?? 0) / 4 - 1] = 5;
  expect(isRingBufferPage(p)).toBe(false);
});
