// Objects whose next event is a free although they are free already: they have been, or will be,
// allocated without an event before (kmem_cache_alloc_bulk()), so no allocation with an event gets
// them now. Looked for among the events of a batch.

import type { CallTable } from '../../kernel/events/dictionary.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import { isAlloc, isFree } from '../../kernel/events/event-kind.ts';

export class ComingFrees {
  private readonly calls: CallTable;
  /** By low half of an address: rows of its events, the last first. */
  private readonly rows = new Map<number, number[]>();
  private batch: EventBatch | undefined = undefined;

  constructor(calls: CallTable) {
    this.calls = calls;
  }

  /** @param isWanted whether the objects of a call are looked for */
  begin(batch: EventBatch, isWanted: (call: number) => boolean): void {
    const { calls, rows } = this;
    this.batch = batch;
    rows.clear();
    for (let i = batch.length - 1; i >= 0; i--) {
      const call = batch.call[i]!;
      const kind = calls.kind(call);
      if ((!isAlloc(kind) && !isFree(kind)) || !isWanted(call)) continue;
      const ofAddress = rows.get(batch.ptrLo[i]!);
      if (ofAddress === undefined) rows.set(batch.ptrLo[i]!, [i]);
      else ofAddress.push(i);
    }
  }

  /** True where the next event of an address from row `i` on is a free. */
  isNext(i: number, lo: number, hi: number): boolean {
    const { batch } = this;
    const ofAddress = this.rows.get(lo);
    if (batch === undefined || ofAddress === undefined) return false;
    for (let last = ofAddress.length - 1; last >= 0; last--) {
      const row = ofAddress[last]!;
      if (row >= i && batch.ptrHi[row] === hi) return isFree(this.calls.kind(batch.call[row]!));
    }
    return false;
  }
}
