import { expect, test } from 'vitest';
import { ComingFrees } from '../../../../src/replay/observe/coming-frees.ts';
import { TestTrace } from '../../../helpers/builders.ts';

test('whether the next event of an address is a free', () => {
  const trace = new TestTrace(`
    alloc maple_node A 256
    free maple_node A
    free maple_node A
    alloc maple_node A 256
    alloc filp B 256`);
  const [batch] = [...trace.batches()];
  if (batch === undefined) throw new Error('no batch');
  const frees = new ComingFrees(trace.dictionary.calls);
  const [lo = 0, hi = 0] = [batch.ptrLo[0], batch.ptrHi[0]];
  const cacheOfCall = new Int32Array(trace.dictionary.calls.length);
  frees.begin(batch, cacheOfCall, Uint8Array.of(1));
  expect([0, 1, 2, 3, 4].map((i) => frees.isNext(i, lo, hi))).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
  expect(frees.isNext(1, lo, hi + 1)).toBe(false);
  frees.begin(batch, cacheOfCall, Uint8Array.of(0));
  expect(frees.isNext(1, lo, hi)).toBe(false);
  frees.begin(batch, cacheOfCall.fill(-1), Uint8Array.of(1));
  expect(frees.isNext(1, lo, hi)).toBe(false);
});
