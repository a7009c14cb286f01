// Which wrong frees are believed. An object of kmem_cache_alloc_bulk() is freed although no event
// allocated it, and looks as if it were freed twice; so do objects of all caches where allocations were
// not recorded for a while (events switched off, filtered, of other tasks). Where that happens again and
// again, or in many places, it is no mistake.

import type { Call, Slab } from '../../kernel/indices.ts';

/** Wrong frees by one call, beyond which none of them is believed. */
const MOST_BELIEVED = 3;
/** Slabs, by row in the table, in which a wrong free was believed: where each began. */
export type BelievedSlabs = ReadonlyMap<number, bigint>;

interface Believed {
  count: number;
  readonly slabs: Map<number, bigint>;
}

export class UnseenAllocations {
  private readonly withdraw: (slabs: BelievedSlabs) => void;
  private readonly mostCalls: number;
  /** By call; null where none of its frees is believed any more. */
  private readonly believed = new Map<number, Believed | null>();

  /**
   * @param mostCalls calls with wrong frees, beyond which nobody's are believed
   * @param withdraw told of the slabs in which frees were believed that are not believed any more
   */
  constructor(mostCalls: number, withdraw: (slabs: BelievedSlabs) => void) {
    this.mostCalls = mostCalls;
    this.withdraw = withdraw;
  }

  /**
   * @param call of a wrong free
   * @param row of its slab
   * @param base where that begins
   */
  isTrusted(call: Call, row: Slab, base: bigint): boolean {
    const known = this.believed.get(call);
    if (known === null) return false;
    const entry = known ?? { count: 0, slabs: new Map<number, bigint>() };
    entry.count++;
    entry.slabs.set(row, base);
    this.believed.set(call, entry);
    if (this.believed.size > this.mostCalls) {
      for (const each of this.believed.keys()) this.disbelieve(each);
    } else if (entry.count > MOST_BELIEVED) this.disbelieve(call);
    return this.believed.get(call) !== null;
  }

  /** The row of a slab will be another one's. */
  forget(row: Slab): void {
    for (const entry of this.believed.values()) entry?.slabs.delete(row);
  }

  private disbelieve(call: Call): void {
    const entry = this.believed.get(call);
    this.believed.set(call, null);
    if (entry != null) this.withdraw(entry.slabs);
  }
}
