// A scan without any layout: every word of the kernel's memory that is in no traced object is a
// root. Finds fewer leaks (stale words count), and needs nothing but the memory itself: printed words,
// images of kernels whose structures nothing describes. Pages of the tracer's ring buffer name every
// object and are left out.

import { addHi, addLo, distance } from '../../base/address.ts';
import type { AddressSpace, MappedRun } from '../memory/address-space.ts';
import { type BuiltScan, ScanBuilder } from './build-scan.ts';
import type { ObjectColumns } from './object-list.ts';
import { isRingBufferPage } from './ring-buffer-page.ts';
import type { ScanRanges } from './scan-plan.ts';
import type { TracedObjects } from './traced-objects.ts';

const PAGE = 4096;

export function buildConservativeScan(space: AddressSpace, traced: TracedObjects): BuiltScan {
  const builder = new ScanBuilder(traced);
  for (let row = 0; row < traced.count; row++) builder.row(row, traced.objectSize[row]!);
  return builder.build([], (objects, ranges) => {
    const rest = new RestOfMemory(objects, ranges);
    for (const run of space.kernelRuns()) rest.run(space, run);
  });
}

/** Goes through memory in the order of the addresses, the objects beside it. */
class RestOfMemory {
  private readonly objects: ObjectColumns;
  private readonly ranges: ScanRanges;
  private readonly page = new Uint32Array(PAGE / 4);
  private next = 0;

  constructor(objects: ObjectColumns, ranges: ScanRanges) {
    this.objects = objects;
    this.ranges = ranges;
  }

  run(space: AddressSpace, run: MappedRun): void {
    const bytes = new Uint8Array(this.page.buffer);
    let from = 0;
    for (let at = (PAGE - (run.lo % PAGE)) % PAGE; at + PAGE <= run.length; at += PAGE) {
      if (!space.readRun(run, at, bytes) || !isRingBufferPage(this.page)) continue;
      this.between(run, from, at);
      from = at + PAGE;
    }
    this.between(run, from, run.length);
  }

  /** What of [from, to) of a run is in no object. */
  private between(run: MappedRun, from: number, to: number): void {
    const { objects } = this;
    let at = from;
    while (at < to && this.next < objects.count) {
      const i = this.next;
      const start = distance(objects.hi[i]!, objects.lo[i]!, run.hi, run.lo);
      const end = start + objects.size[i]!;
      if (start >= to) break;
      if (end > at) {
        if (start > at) this.add(run, at, start);
        at = Math.max(at, end);
      }
      // An object that goes on in the next run is met there again.
      if (end > to) break;
      this.next++;
    }
    if (at < to) this.add(run, at, to);
  }

  private add(run: MappedRun, from: number, to: number): void {
    const hi = addHi(run.hi, run.lo, from);
    this.ranges.addRoot('everything else', hi, addLo(run.lo, from), to - from);
  }
}
