// Addresses for the slabs of a simulated replay. They mean nothing outside of it: pages that
// come back are given out again, last come first, as the page allocator's own lists do.

import { TWO_32 } from '../../base/address.ts';

/** Where the direct map of x86-64 is without KASLR, 4 GiB into it. */
const START_LO = 0;
const START_HI = 0xffff8881;

export class PageSource {
  private readonly pageSize: number;
  private readonly unused: { lo: number; hi: number }[][] = [];
  /** Bytes given out, from the start. */
  private end = 0;

  constructor(pageSize: number) {
    this.pageSize = pageSize;
  }

  /** 2^order pages, aligned to their size. */
  take(order: number): { readonly lo: number; readonly hi: number } {
    const again = this.unused[order]?.pop();
    if (again !== undefined) return again;
    const bytes = this.pageSize * 2 ** order;
    const at = Math.ceil(this.end / bytes) * bytes;
    this.end = at + bytes;
    return { lo: (START_LO + at) % TWO_32, hi: START_HI + Math.floor(at / TWO_32) };
  }

  giveBack(order: number, lo: number, hi: number): void {
    this.unused[order] ??= [];
    this.unused[order].push({ lo, hi });
  }
}
