// Objects whose next event is a free although they are free already: they have been, or will be,
// allocated without an event before (kmem_cache_alloc_bulk(), mm/slub.c, has no tracepoint), so no
// allocation with an event gets them now. Looked for among the events of a batch.

import { ensureLength } from '../../base/growable.ts';
import type { CallTable } from '../../kernel/events/dictionary.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import { isAlloc, isFree } from '../../kernel/events/event-kind.ts';

const NONE = -1;

export class ComingFrees {
  private readonly calls: CallTable;
  /** By low half of an address: the first row of its events. */
  private readonly first = new Map<number, number>();
  /** By row: the next row with the same low half, or NONE. */
  private next: Int32Array = new Int32Array(0);
  private batch: EventBatch | undefined = undefined;

  constructor(calls: CallTable) {
    this.calls = calls;
  }

  /**
   * @param cacheOfCall number of the cache of each call; below 0: none
   * @param isWanted by cache: 1 where its objects are looked for
   */
  begin(batch: EventBatch, cacheOfCall: Int32Array, isWanted: Uint8Array): void {
    const { calls, first } = this;
    this.batch = batch;
    this.next = ensureLength(this.next, batch.length);
    first.clear();
    for (let i = batch.length - 1; i >= 0; i--) {
      const call = batch.call[i]!;
      const cache = cacheOfCall[call]!;
      if (cache < 0 || isWanted[cache] === 0) continue;
      const kind = calls.kind(call);
      if (!isAlloc(kind) && !isFree(kind)) continue;
      const lo = batch.ptrLo[i]!;
      this.next[i] = first.get(lo) ?? NONE;
      first.set(lo, i);
    }
  }

  /** True where the next event of an address from row `i` on is a free. */
  isNext(i: number, lo: number, hi: number): boolean {
    const { batch } = this;
    if (batch === undefined) return false;
    for (let row = this.first.get(lo) ?? NONE; row !== NONE; row = this.next[row]!) {
      if (row >= i && batch.ptrHi[row] === hi) return isFree(this.calls.kind(batch.call[row]!));
    }
    return false;
  }
}
