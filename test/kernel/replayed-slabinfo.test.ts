// `slabinfo --from replay`: the model's caches at the end of a recording from boot, beside the
// kernel's own capture of the same moment.

import { beforeAll, expect, test } from 'vitest';
import { SLABINFO_DEFAULTS } from '../../src/commands/slabinfo/options.ts';
import { replayedSlabinfoRun, slabinfoRun } from '../../src/commands/slabinfo/slabinfo-run.ts';
import { BOOT } from '../helpers/run-cli.ts';

const WHOLE = { source: BOOT, sidecars: [] };
let atEnd: Awaited<ReturnType<typeof replayedSlabinfoRun>>;
beforeAll(async () => {
  atEnd = await replayedSlabinfoRun(WHOLE, SLABINFO_DEFAULTS);
});

test('most caches have the slabs that the kernel has, and their tables say the same', async () => {
  const recorded = (await slabinfoRun(WHOLE, SLABINFO_DEFAULTS)).result.rows;
  const { result, olderSlabs, run } = atEnd;
  const replayed = new Map(result.rows.map((row) => [row.id, row]));
  const equal = recorded.filter(({ id, slabs, partial, cpuSlabs, objects }) => {
    const row = replayed.get(id);
    return (
      row?.slabs === slabs &&
      row.partial === partial &&
      row.cpuSlabs === cpuSlabs &&
      row.objects === objects
    );
  });
  // Slabs that were full before the recording began are in none of the events.
  expect(olderSlabs).toBeGreaterThan(0);
  expect(run.kernelRelease).toBe('6.1.0-56-amd64');
  expect(equal.length / recorded.length).toBeGreaterThan(0.4);
  expect(result.rows.map(({ id }) => id)).toEqual(
    recorded.map(({ id }) => id).filter((id) => replayed.has(id)),
  );
});

test('a moment is the state at that moment', async () => {
  const at = { relative: true, nano: 1_000_000_000n };
  const options = { ...WHOLE, until: at };
  const { result, olderSlabs } = await replayedSlabinfoRun(options, SLABINFO_DEFAULTS);
  const space = (rows: typeof result.rows): number => rows.reduce((sum, row) => sum + row.space, 0);
  expect(olderSlabs).toBe(0);
  expect(space(result.rows)).toBeGreaterThan(0);
  expect(space(result.rows)).toBeLessThan(space(atEnd.result.rows));
});
