// The times of records, as exact differences from the first one: nanoseconds of a wall clock do not fit
// a double.

const TWO_32 = 4294967296;
const ALL_ONES = 0xffffffff;

export class RowClock {
  private readonly littleEndian: boolean;
  private begun = false;
  private lo = 0;
  private hi = 0;

  constructor(littleEndian: boolean) {
    this.littleEndian = littleEndian;
  }

  /** What times count from. */
  get base(): bigint {
    return (BigInt(this.hi) << 32n) | BigInt(this.lo);
  }

  /** The u64 time at `at`; undefined where it stands for "none" (0 and all ones, as perf has it). */
  read(view: DataView, at: number): number | undefined {
    const le = this.littleEndian;
    const lo = view.getUint32(le ? at : at + 4, le);
    const hi = view.getUint32(le ? at + 4 : at, le);
    if (hi === 0 ? lo === 0 : hi === ALL_ONES && lo === ALL_ONES) return undefined;
    if (!this.begun) {
      this.begun = true;
      this.lo = lo;
      this.hi = hi;
    }
    return (hi - this.hi) * TWO_32 + (lo - this.lo);
  }
}
