// When each kind of allocation and free was first recorded. Events are switched on one by one: until
// the last of them is, frees of objects that the trace holds live go by unseen, or allocations do.

import type { Dictionary } from '../kernel/events/dictionary.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import { EVENT_KIND, isKmalloc } from '../kernel/events/event-kind.ts';
import type { EventRow } from '../kernel/indices.ts';

/** Events that come in pairs of an allocation and a free (include/trace/events/kmem.h). */
const KINDS = ['kmalloc', 'kfree', 'kmem_cache_alloc', 'kmem_cache_free'] as const;
export type StartedKind = (typeof KINDS)[number];

/**
 * A kind started late when in the time before its first event, taken once more from there on, at
 * least so many of it were recorded: at an even rate chance leaves that time empty once in 2^16.
 */
const LATE_EVENTS = 16;

/** The entry of an event kind in `KINDS`; -1 for others. */
function entryOf(kind: number): number {
  switch (kind) {
    case EVENT_KIND.kmalloc:
    case EVENT_KIND.kmalloc_node:
      return 0;
    case EVENT_KIND.kfree:
      return 1;
    case EVENT_KIND.kmem_cache_alloc:
    case EVENT_KIND.kmem_cache_alloc_node:
      return 2;
    case EVENT_KIND.kmem_cache_free:
      return 3;
    default:
      return -1;
  }
}

export class EventStarts {
  /** When the first event of each kind came; Infinity where none did. */
  private readonly since = new Float64Array(KINDS.length).fill(Infinity);
  /** Events of each kind in as long a time again as it was late. */
  private readonly early = new Float64Array(KINDS.length);
  private firstTs = Infinity;
  private readonly calls: Dictionary['calls'];

  constructor({ calls }: Dictionary) {
    this.calls = calls;
  }

  add(batch: EventBatch): void {
    const last = batch.ts[batch.length - 1] ?? -Infinity;
    if (this.firstTs === Infinity) this.firstTs = batch.ts[0] ?? Infinity;
    if (this.isSettled(batch.ts[0] ?? last)) return;
    for (let i: EventRow = 0; i < batch.length; i++) {
      const entry = entryOf(this.calls.kind(batch.call[i]));
      if (entry < 0) continue;
      const ts = batch.ts[i];
      if (this.since[entry] === Infinity) this.since[entry] = ts;
      if (ts <= 2 * this.since[entry]! - this.firstTs) this.early[entry]!++;
    }
  }

  /** True where no event from `ts` on changes anything. */
  private isSettled(ts: number): boolean {
    return this.since.every((since) => ts > 2 * since - this.firstTs);
  }

  /** When frees of what a kind of allocation gives were first recorded; Infinity where none was. */
  freesSince(kind: number): number {
    return this.since[isKmalloc(kind) ? 1 : 3]!;
  }

  /** Kinds that were switched on after others, with the time of their first event. */
  late(): Map<StartedKind, number> {
    const late = new Map<StartedKind, number>();
    KINDS.forEach((kind, entry) => {
      if (this.early[entry]! >= LATE_EVENTS && this.since[entry]! > this.firstTs)
        late.set(kind, this.since[entry]!);
    });
    return late;
  }
}
