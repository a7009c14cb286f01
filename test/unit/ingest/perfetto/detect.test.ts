import { expect, test } from 'vitest';
import { looksLikeTrace } from '../../../../src/ingest/perfetto/detect.ts';
import { bundle, free, perfettoFile, systemInfo } from '../../../helpers/perfetto-file.ts';

const TRACE = perfettoFile([
  systemInfo('6.1.0', 'x86_64'),
  ...Array.from({ length: 50 }, (_, i) => bundle(i % 4, [free(i, 1, 298, BigInt(i))])),
]);

test('a trace is known, wherever its head is cut behind the first packet', () => {
  const wrong = Array.from({ length: TRACE.length - 64 }, (_, i) => i + 64).filter(
    (length) => !looksLikeTrace(TRACE.subarray(0, length)),
  );
  expect(wrong).toEqual([]);
});

test('a trace whose first packet is longer than its head is known', () => {
  const events = Array.from({ length: 5000 }, (_, i) => free(i, 1, 298, BigInt(i)));
  expect(looksLikeTrace(perfettoFile([bundle(0, events)]).subarray(0, 65536))).toBe(true);
});

test.each([
  ['nothing', ''],
  ['lines', '\n\n# tracer: nop\n'],
  [
    'a text behind an empty line',
    '\n            init-1       [001] .....   204.013665: kfree: call_site=f ptr=1\n',
  ],
  ['JSON', '\n{"traceEvents": []}'],
  // A profile of pprof: sample_type { type: 1, unit: 2 }
  [
    'a profile',
    Buffer.from([0x0a, 0x04, 0x08, 0x01, 0x10, 0x02, 0x12, 0x04, 0x0a, 0x01, 0x01, 0x12]),
  ],
  ['zeros', Buffer.alloc(64)],
])('%s is none', (_what, bytes) => {
  expect(looksLikeTrace(Buffer.from(bytes))).toBe(false);
});
