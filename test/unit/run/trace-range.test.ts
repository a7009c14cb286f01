import { expect, test } from 'vitest';
import { assertInTrace } from '../../../src/run/trace-range.ts';

const INFO = { originNs: 5_000_000_000n, clockUnit: 'ns' as const };
/** From 5.5 s to 8.123456789 s. */
const TIMES = { firstTs: 500_000_000, lastTs: 3_123_456_789 };

function at(seconds: string, relative = false): () => void {
  const nano = BigInt(Math.round(Number(seconds) * 1e9));
  return () => assertInTrace(INFO, TIMES, { relative, nano });
}

test.each(['5.5', '6', '8.123456789', '8.123', '8.124', '5.4999'])('%s s is in it', (seconds) => {
  expect(at(seconds)).not.toThrow();
});

test.each(['0', '5.4', '8.2', '5000'])('%s s is not', (seconds) => {
  expect(at(seconds)).toThrow(`--at ${seconds}: the trace is from 5.500000 s to 8.123457 s`);
});

test('from the first event on', () => {
  expect(at('2.5', true)).not.toThrow();
  expect(at('3', true)).toThrow('--at +3: the trace is from');
});

test('a clock that counts events has no rounding', () => {
  const info = { originNs: 0n, clockUnit: 'count' as const };
  const counted = (n: bigint) => () =>
    assertInTrace(info, { firstTs: 17, lastTs: 40 }, { relative: false, nano: n * 1_000_000_000n });
  expect(counted(40n)).not.toThrow();
  expect(counted(41n)).toThrow('--at 41: the trace is from 17 to 40');
});

test('the end is always there, and a trace without events has no range', () => {
  expect(() => assertInTrace(INFO, TIMES, undefined)).not.toThrow();
  const none = { firstTs: Number.NaN, lastTs: Number.NaN };
  expect(() => assertInTrace(INFO, none, { relative: false, nano: 1n })).not.toThrow();
});
