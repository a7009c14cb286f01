// What is called live at the end of a trace, against every object that the kernel held at that
// instant. The objects that no trace can tell are those freed by kfree_rcu() and in bulk whose memory
// was not used again (kernel-gaps.md 2): they must be among the uncertain ones.

import { expect, test } from 'vitest';
import { describeWithData } from '../helpers/data.ts';
import { loadRecording, recordedTruth, share, slabObjects } from '../helpers/recorded-truth.ts';

/** Per cent that must be reached, a little under what is. */
interface Floors {
  /** Of the certain objects, those that are allocated. */
  readonly certain: number;
  /** Of all objects called live, those that are allocated. */
  readonly all: number;
  /** Of the allocated objects whose allocation is in the trace, those called live. */
  readonly recall: number;
  /** Of the objects called live, those that are certain. */
  readonly sure: number;
}

const FLOORS: Readonly<Record<string, Floors>> = {
  'debian-plain': { certain: 99.99, all: 99.35, recall: 99.95, sure: 98.6 },
  'debian-plain-510': { certain: 99.99, all: 99.5, recall: 99.99, sure: 99.2 },
  'debian-plain-612': { certain: 99.99, all: 99.05, recall: 99.9, sure: 98.5 },
  'debian-plain-618': { certain: 99.99, all: 98.4, recall: 99.99, sure: 97.4 },
  'debian-plain-7x': { certain: 99.98, all: 98.2, recall: 99.99, sure: 97.6 },
  'debian-plain-numa': { certain: 99.98, all: 99.15, recall: 99.9, sure: 98.3 },
  'debian-bulkprobes': { certain: 100, all: 100, recall: 100, sure: 99.99 },
  'kmemleak-1cpu': { certain: 99.98, all: 99.7, recall: 99.95, sure: 99.5 },
  'kmemleak-612': { certain: 99.98, all: 99.35, recall: 99.95, sure: 99.2 },
};

for (const [name, floors] of Object.entries(FLOORS)) {
  describeWithData(name, 'live objects at the end', () => {
    test('are those that the kernel held', async () => {
      const { cacheOf, traced } = recordedTruth(name);
      const live = slabObjects(await loadRecording(name));
      const isAllocated = ({ address }: { address: bigint }): boolean => cacheOf.has(address);
      const certain = live.filter((object) => object.isCertain);
      const found = live.filter(({ address }) => traced.has(address));
      const figures = {
        certain: share(certain.filter(isAllocated).length, certain.length),
        all: share(live.filter(isAllocated).length, live.length),
        recall: traced.size === 0 ? 100 : share(found.length, traced.size),
        sure: share(certain.length, live.length),
      };
      expect(live.length).toBeGreaterThan(50_000);
      for (const key of ['certain', 'all', 'recall', 'sure'] as const) {
        expect.soft(figures[key], key).toBeGreaterThanOrEqual(floors[key]);
      }
    });
  });
}
