// Which frees of free objects are believed. An object of kmem_cache_alloc_bulk() is freed although no
// event allocated it, and looks as if it were freed twice. Where that happens again and again, it is no
// mistake.

/** Frees of free objects by one call, beyond which none of them is believed. */
const MOST_BELIEVED = 3;

export class UnseenAllocations {
  /** Told of the slabs in which frees by a call were believed that are not believed any more. */
  private readonly withdraw: (rows: ReadonlySet<number>) => void;
  private readonly isBulk: (row: number) => boolean;
  /** By call: the slabs of the frees that were believed; null where none is any more. */
  private readonly believed = new Map<
    number,
    { count: number; readonly rows: Set<number> } | null
  >();

  constructor(isBulk: (row: number) => boolean, withdraw: (rows: ReadonlySet<number>) => void) {
    this.isBulk = isBulk;
    this.withdraw = withdraw;
  }

  /** @param call of the free of an object that the events have as free, in the slab `row` */
  isTrusted(call: number, row: number): boolean {
    if (this.isBulk(row)) return false;
    const known = this.believed.get(call);
    if (known === null) return false;
    const entry = known ?? { count: 0, rows: new Set<number>() };
    entry.count++;
    entry.rows.add(row);
    if (entry.count <= MOST_BELIEVED) {
      this.believed.set(call, entry);
      return true;
    }
    this.believed.set(call, null);
    this.withdraw(entry.rows);
    return false;
  }

  /** The row of a slab will be another one's. */
  forget(row: number): void {
    for (const entry of this.believed.values()) entry?.rows.delete(row);
  }
}
