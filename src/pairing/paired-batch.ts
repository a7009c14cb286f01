// What pairing found out about each event of a batch: columns beside those of the EventBatch, which
// the tallies read. Rows of events that are neither allocation nor free have outcome `none`.

import { BATCH_CAPACITY } from '../kernel/events/event-batch.ts';

export const OUTCOME = {
  none: 0,
  /** An allocation at an address where nothing was live. */
  alloc: 1,
  /** An allocation that returned NULL. */
  allocFailed: 2,
  /**
   * An allocation at an address whose object is still held live: that one was freed without an
   * event (kfree_rcu, bulk free). The `object…` columns describe it.
   */
  allocOnLive: 3,
  /** The second event of one large kmalloc (6.12 on); `objectCall` is the first one's call. */
  allocAgain: 4,
  /** A record that repeats the one before it. */
  repeated: 5,
  /** A free of a live object; the `object…` columns describe it. */
  free: 6,
  /** kfree(NULL). */
  freeNull: 7,
  /** kfree(ZERO_SIZE_PTR), what kmalloc(0) gave. */
  freeZeroSize: 8,
  /** A free of an object that was allocated before the trace, or without an event. */
  freeUnknown: 9,
  /**
   * A free that is written after the next allocation at its address: the object it frees was
   * counted as freed without an event (`allocOnLive`), wrongly. The `object…` columns describe it.
   */
  freeLate: 10,
} as const;

export interface PairedBatch {
  readonly outcome: Uint8Array;
  /** 1 where the filters of the command select the event. */
  readonly selected: Uint8Array;
  /** 1 where they select the allocation of the object that the `object…` columns describe. */
  readonly objectSelected: Uint8Array;
  readonly objectCall: Uint32Array;
  readonly objectTs: Float64Array;
  readonly objectTask: Uint32Array;
  readonly objectCpu: Uint16Array;
  /** 1 where an object is freed before anything else was allocated on the CPU that allocated it. */
  readonly temporary: Uint8Array;
}

export function createPairedBatch(): PairedBatch {
  return {
    outcome: new Uint8Array(BATCH_CAPACITY),
    selected: new Uint8Array(BATCH_CAPACITY),
    objectSelected: new Uint8Array(BATCH_CAPACITY),
    objectCall: new Uint32Array(BATCH_CAPACITY),
    objectTs: new Float64Array(BATCH_CAPACITY),
    objectTask: new Uint32Array(BATCH_CAPACITY),
    objectCpu: new Uint16Array(BATCH_CAPACITY),
    temporary: new Uint8Array(BATCH_CAPACITY),
  };
}
