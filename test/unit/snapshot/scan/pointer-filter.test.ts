// The vector code that picks out what may be a pointer, against a plain look at every word.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import loadWabt from 'wabt';
import { createPointerFilter } from '../../../../src/snapshot/scan/pointer-filter.ts';

const WINDOW = 65536;
const MIN = 0xffff8880;
const SPAN = 2;
const MAX_OFFSET = 0x607f;

/** High and low halves, most of them at the edges of what counts. */
const word: fc.Arbitrary<[number, number]> = fc.tuple(
  fc.constantFrom(
    0,
    0,
    0,
    1,
    MAX_OFFSET,
    MAX_OFFSET + 1,
    MIN - 1,
    MIN,
    MIN + SPAN,
    MIN + SPAN + 1,
    0xffffffff,
    0x7fffffff,
  ),
  fc.oneof(fc.constantFrom(0, 1, 4095, 4096, 0x80000000, 0xffffffff), fc.nat(0x7fffffff)),
);

test('exactly the words with a high half in range are noted, in order', () => {
  const filter = createPointerFilter(WINDOW);
  const window = new Int32Array(filter.buffer, 0, WINDOW / 4);
  fc.assert(
    fc.property(fc.array(word, { maxLength: 200 }), fc.nat(7), (words, skipped) => {
      const groups = words.slice(0, words.length - (words.length % 4));
      const first = skipped * 8;
      for (const [i, [hi, lo]] of groups.entries()) {
        window[first + i * 2] = lo;
        window[first + i * 2 + 1] = hi;
      }
      const end = first + groups.length * 2;
      const places = (isOne: (hi: number, lo: number) => boolean): number[] =>
        groups.flatMap(([hi, lo], i) => (isOne(hi, lo) ? [first + i * 2] : []));
      const noted = (count: number): number[] => [...filter.places.subarray(0, count)];
      const isPointer = (hi: number): boolean => hi >= MIN && hi <= MIN + SPAN;
      expect(noted(filter.collect(first, end, MIN, SPAN))).toEqual(places(isPointer));
      // Per-CPU pointers from 0 on; small numbers are none.
      const isEither = (hi: number, lo: number): boolean =>
        isPointer(hi) || (hi <= MAX_OFFSET && (hi > 0 || (lo >= 4096 && lo <= 0x80000000)));
      const count = filter.collectWithOffsets(
        first,
        end,
        MIN,
        SPAN,
        0,
        MAX_OFFSET,
        4096,
        0x7ffff000,
      );
      expect(noted(count)).toEqual(places(isEither));
    }),
    { numRuns: 300 },
  );
});

test('a whole window of pointers has room', () => {
  const filter = createPointerFilter(WINDOW);
  new Int32Array(filter.buffer, 0, WINDOW / 4).fill(MIN | 0);
  expect(filter.collect(0, WINDOW / 4, MIN, 0)).toBe(WINDOW / 8);
  expect(filter.places[WINDOW / 8 - 1]).toBe(WINDOW / 4 - 2);
});

test('the module is what its source assembles to', async () => {
  const folder = join(import.meta.dirname, '../../../../src/snapshot/scan');
  const wabt = await loadWabt();
  const module = wabt.parseWat(
    'pointer-filter.wat',
    readFileSync(join(folder, 'pointer-filter.wat'), 'utf8'),
  );
  const { buffer } = module.toBinary({});
  const source = readFileSync(join(folder, 'pointer-filter.ts'), 'utf8');
  const [, pieces = ''] = /const MODULE =([^;]+);/.exec(source) ?? [];
  const written = [...pieces.matchAll(/'([^']+)'/g)].map(([, piece]) => piece).join('');
  expect(written).toBe(Buffer.from(buffer).toString('base64'));
});
