// The cache that the analysis gives each live object, against the cache in whose slab the kernel had
// it. Merged caches count as one: /proc/slabinfo and the events name them by their first creator.

import { expect, test } from 'vitest';
import { loadRun } from '../../src/run/load-run.ts';
import { describeWithData, recording } from '../helpers/data.ts';
import {
  type LiveObject,
  loadRecording,
  recordedDirectories,
  recordedTruth,
  share,
  slabObjects,
} from '../helpers/recorded-truth.ts';

/** How many objects have the name of their cache, per cent of those that are allocated. */
function rightNames(name: string, objects: readonly LiveObject[]): number {
  const { cacheOf } = recordedTruth(name);
  const directoryOf = recordedDirectories(name);
  const allocated = objects.filter(({ address }) => cacheOf.has(address));
  const right = allocated.filter(({ address, cache }) => {
    return directoryOf(cache ?? '') === directoryOf(cacheOf.get(address) ?? '?');
  });
  return share(right.length, allocated.length);
}

const RECORDINGS = [
  'debian-plain',
  'debian-plain-510',
  'debian-plain-612',
  'debian-plain-618',
  'debian-plain-7x',
  'debian-plain-numa',
  'debian-bulkprobes',
  'kmemleak-1cpu',
  'kmemleak-612',
] as const;

for (const name of RECORDINGS) {
  describeWithData(name, 'cache names', () => {
    test('are those of the slabs in which the objects lie', async () => {
      expect(rightNames(name, slabObjects(await loadRecording(name)))).toBeGreaterThanOrEqual(
        99.99,
      );
    });
  });
}

/** With the trace alone: what frees and well-known functions tell (5.10's frees name nothing). */
const WITHOUT_SIDECARS = { 'debian-plain': 99.9, 'debian-plain-510': 98.4, 'debian-plain-612': 99 };

for (const [name, floor] of Object.entries(WITHOUT_SIDECARS)) {
  describeWithData(name, 'cache names without any file beside the trace', () => {
    test('are nearly as good', async () => {
      const { run } = await loadRun({ source: recording(name, 'trace.dat.gz'), sidecars: 'none' });
      expect(run.facts.caches).toBeUndefined();
      expect(rightNames(name, slabObjects(run))).toBeGreaterThanOrEqual(floor);
    });
  });
}
