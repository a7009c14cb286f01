import { expect, test } from 'vitest';
import { parseCpuStats } from '../../../../src/ingest/ring-buffer/cpu-stats.ts';

test('what a CPU lost and recorded, by the kernel, while it was read', () => {
  const text = `CPU: 1
entries: 1113
overrun: 201
commit overrun: 3
bytes: 39548
oldest event ts:    50.505226
now ts:    50.522941
dropped events: 7
read events: 7715
`;
  expect(parseCpuStats(text)).toEqual({ overrun: 204, dropped: 7, records: 8828 });
});

test('a text without these words', () => {
  expect(parseCpuStats('entries: 1113\n')).toBeUndefined();
  expect(parseCpuStats('commit overrun: 3\n')).toBeUndefined();
  expect(parseCpuStats('overrun: 5\n')).toEqual({ overrun: 5, dropped: 0, records: null });
});
