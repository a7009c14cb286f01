// How many events were lost, told twice: LOST records stand where the buffer had room again and count
// what was lost before; LOST_SAMPLES, which perf 6.1 and later writes at the end, hold the totals of
// each event on each CPU (tools/perf/builtin-record.c, record__read_lost_samples()). The totals count
// the same events once more, and those that were lost after the last LOST: only these are added.

export class LostCounts {
  /** By CPU (-1: not known). */
  private readonly told = new Map<number, number>();
  private readonly totals = new Map<number, number>();

  addLost(cpu: number, count: number): void {
    this.told.set(cpu, (this.told.get(cpu) ?? 0) + count);
  }

  addTotal(cpu: number, count: number): void {
    this.totals.set(cpu, (this.totals.get(cpu) ?? 0) + count);
  }

  /** What no LOST record told, by CPU (-1: not known). */
  untold(): Map<number, number> {
    const untold = new Map<number, number>();
    if (this.totals.has(-1)) {
      const missing = sum(this.totals) - sum(this.told);
      if (missing > 0) untold.set(-1, missing);
      return untold;
    }
    for (const [cpu, total] of this.totals) {
      const missing = total - (this.told.get(cpu) ?? 0);
      if (missing > 0) untold.set(cpu, missing);
    }
    return untold;
  }
}

function sum(counts: ReadonlyMap<number, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}
