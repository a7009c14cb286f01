// A plan → the references in memory, by as many threads as take part: each takes the next ranges until
// none are left.

import type { AddressSpace } from '../memory/address-space.ts';
import { ObjectIndex, type ObjectPages } from './object-index.ts';
import type { ObjectColumns } from './object-list.ts';
import { type FoundReferences, References } from './references.ts';
import { MemoryScan, type PageFields } from './scan-memory.ts';
import { ROOT_CLASSES, type ScanPlan } from './scan-plan.ts';

/** What every thread gets; plain data and shared memory. */
export interface ScanTask {
  readonly objects: ObjectColumns;
  readonly table: ObjectPages;
  readonly plan: ScanPlan;
  readonly pages: PageFields;
  /** The next range that no one took yet. */
  readonly next: Int32Array;
}

/** Bytes that one thread takes at a time. */
const SHARE = 4 * 1024 * 1024;
const MAX_SHARE_RANGES = 4096;

/**
 * Scans until nothing is left.
 * @param tell called before each share with how much of the plan was taken, 0 to 1
 */
export function takePart(
  space: AddressSpace,
  task: ScanTask,
  tell: (taken: number) => void = () => undefined,
): FoundReferences {
  const { plan, objects, next } = task;
  const references = new References(objects.count, ROOT_CLASSES.length);
  const index = new ObjectIndex(objects, task.table);
  const scan = new MemoryScan(space, plan, index, task.pages, references);
  for (;;) {
    const [first, end] = takeShare(plan, next);
    if (first === end) break;
    tell(first / plan.count);
    scan.run(first, end);
  }
  return references.result();
}

/** Ranges [first, end) for this thread alone. */
function takeShare(plan: ScanPlan, next: Int32Array): readonly [number, number] {
  for (;;) {
    const first = Atomics.load(next, 0);
    let end = first;
    for (
      let bytes = 0;
      end < plan.count && bytes < SHARE && end - first < MAX_SHARE_RANGES;
      end++
    ) {
      bytes += plan.length[end]!;
    }
    if (first === end || Atomics.compareExchange(next, 0, first, end) === first)
      return [first, end];
  }
}
