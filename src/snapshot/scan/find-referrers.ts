// Who refers to one object: the plan scanned once more, with the place of each word that leads to it.

import type { AddressSpace } from '../memory/address-space.ts';
import { ObjectIndex } from './object-index.ts';
import type { ScanTask } from './run-scan.ts';
import { MemoryScan, type ReferenceSink } from './scan-memory.ts';

export interface Referrer {
  /** Where the word is. */
  readonly hi: number;
  readonly lo: number;
  /** As in the plan: the object it is in, or below 0 a root. */
  readonly source: number;
}

const MAX_REFERRERS = 100_000;

/** @param target index of the object; its own words are left out */
export function findReferrers(
  space: AddressSpace,
  { objects, table, plan, pages }: Omit<ScanTask, 'next'>,
  target: number,
): Referrer[] {
  const found: Referrer[] = [];
  const sink: ReferenceSink = {
    addBytes: () => undefined,
    add(source, object, place, at) {
      if (object !== target || source === target || found.length === MAX_REFERRERS) return;
      found.push({ hi: place.hiOf(at), lo: place.loOf(at), source });
    },
  };
  const index = new ObjectIndex(objects, table);
  new MemoryScan(space, plan, index, pages, sink).run(0, plan.count);
  return found;
}
