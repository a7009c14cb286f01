// The cache that the analysis gives each live object where there is the trace alone, against the cache
// in whose slab the kernel had it (with sidecars: live-set.test.ts). Merged caches count as one:
// /proc/slabinfo and the events name them by their first creator.

import { expect, test } from 'vitest';
import { openRun } from '../../src/run/open-run.ts';
import { describeWithData, recording } from '../helpers/data.ts';
import { recordedTruth, rightNames, slabObjects } from '../helpers/recorded-truth.ts';

/** With the trace alone: what frees and well-known functions tell (5.10's frees name nothing). */
const WITHOUT_SIDECARS = { 'debian-plain': 99.9, 'debian-plain-510': 98.4, 'debian-plain-612': 99 };

for (const [name, floor] of Object.entries(WITHOUT_SIDECARS)) {
  describeWithData(name, 'cache names without any file beside the trace', () => {
    test('are nearly as good', async () => {
      const { run } = await openRun({ source: recording(name, 'trace.dat.gz'), sidecars: 'none' });
      expect(run.facts.caches).toBeUndefined();
      expect(rightNames(name, recordedTruth(name), slabObjects(run))).toBeGreaterThanOrEqual(floor);
    });
  });
}
