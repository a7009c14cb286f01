// The objects that the trace holds live at the instant of the snapshot, as columns: what a scan
// reports. Rows are in the order of their allocation.

import { AddressMap } from '../../base/address-map.ts';
import type { Annotation } from './annotations.ts';
import type { OtherObject } from './build-scan.ts';

export interface TracedObjects {
  readonly count: number;
  readonly hi: Uint32Array;
  readonly lo: Uint32Array;
  /** bytes_alloc: the stride of its cache, or its pages. */
  readonly bytesAlloc: Uint32Array;
  readonly bytesReq: Uint32Array;
  /** What kmemleak takes for its size where no cache tells: the size class, or the request. */
  readonly objectSize: Float64Array;
  /** Index into `annotations`, -1 for none. */
  readonly annotation: Int32Array;
  readonly annotations: readonly Annotation[];
  /** The annotation of an object that is no row. */
  annotationOfOther(object: OtherObject, address: bigint): Annotation | undefined;
}

/** The row of an address, or -1. */
export type RowOfAddress = (hi: number, lo: number) => number;

export function indexRows({ count, hi, lo }: TracedObjects): RowOfAddress {
  const rows = new AddressMap(count);
  for (let row = 0; row < count; row++) rows.set(lo[row]!, hi[row]!, row);
  return (h, l) => rows.get(l, h);
}
