// Who refers to one object: the plan scanned once more, with nothing but that object to be found.

import type { AddressSpace } from '../address-space.ts';
import { indexObjects, ObjectIndex } from './object-index.ts';
import { type ObjectColumns, ObjectList } from './object-list.ts';
import { MemoryScan, type PageFields, type ReferenceSink } from './scan-memory.ts';
import type { ScanPlan } from './scan-plan.ts';

export interface Referrer {
  /** Where the word stands. */
  readonly hi: number;
  readonly lo: number;
  /** As in the plan: the object it is in, or below 0 a root. */
  readonly source: number;
}

const MAX_REFERRERS = 100_000;

/** @param target index of the object */
export function findReferrers(
  space: AddressSpace,
  plan: ScanPlan,
  pages: PageFields,
  objects: ObjectColumns,
  target: number,
): Referrer[] {
  const list = new ObjectList();
  list.add(objects.hi[target]!, objects.lo[target]!, objects.size[target]!, 1, 0);
  const only = list.sorted();
  const found: Referrer[] = [];
  const sink: ReferenceSink = {
    addBytes: () => undefined,
    add(source, _target, place, at) {
      if (source === target || found.length === MAX_REFERRERS) return;
      found.push({ hi: place.hiOf(at), lo: place.loOf(at), source });
    },
  };
  const index = new ObjectIndex(only, indexObjects(only));
  new MemoryScan(space, plan, index, pages, sink).run(0, plan.count);
  return found;
}
