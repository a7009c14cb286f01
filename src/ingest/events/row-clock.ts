// The times of records, as exact differences from the first one: nanoseconds of a wall clock do not fit
// a double.

import { joinHalves, TWO_32 } from '../../base/address.ts';

const ALL_ONES = 0xffffffff;

export class RowClock {
  private begun = false;
  private lo = 0;
  private hi = 0;

  /** What times count from. */
  get base(): bigint {
    return joinHalves(this.hi, this.lo);
  }

  /** The u64 time at `at`; undefined where it stands for "none" (0 and all ones, as perf has it). */
  read(view: DataView, at: number, littleEndian: boolean): number | undefined {
    const lo = view.getUint32(littleEndian ? at : at + 4, littleEndian);
    const hi = view.getUint32(littleEndian ? at + 4 : at, littleEndian);
    if (hi === 0 ? lo === 0 : hi === ALL_ONES && lo === ALL_ONES) return undefined;
    return this.since(lo, hi);
  }

  /** A time that is known as two halves. */
  since(lo: number, hi: number): number {
    if (!this.begun) {
      this.begun = true;
      this.lo = lo;
      this.hi = hi;
    }
    return (hi - this.hi) * TWO_32 + (lo - this.lo);
  }
}
