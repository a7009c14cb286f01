import { expect, test } from 'vitest';
import { findOutstanding } from '../../../src/analysis/outstanding.ts';
import { TraceStats } from '../../../src/kernel/events/trace-stats.ts';
import { resolve } from '../../helpers/tracked.ts';

const SECOND = 1e9;

/** A site that allocates an object each second, and then another that does nothing of note. */
function growthOf(end: string): number | null | undefined {
  const allocs = Array.from(
    { length: 12 },
    (_, i) => `@${i * SECOND} alloc kmalloc-64 A${i} by=grow+0x1`,
  );
  const stats = new TraceStats();
  if (end.includes('lost')) stats.add('lost_events', 4);
  const lines = [...allocs, end, `@${14 * SECOND} free NULL`].join('\n');
  const { run, series } = resolve(lines, { stats, batchSize: 2, sampleStep: 2 });
  return findOutstanding(run, series).find((group) => group.symbol === 'grow+0x1')?.growthPerSec;
}

test('a site that allocates and does not free grows', () => {
  expect(growthOf(`@${13 * SECOND} free NULL`)).toBeGreaterThan(0.5);
});

test('no growth is given where lost frees may be all of it', () => {
  expect(growthOf(`@${13 * SECOND} lost 4`)).toBeNull();
});
