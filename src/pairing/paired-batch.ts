// What pairing found out about each event of a batch: columns beside those of the EventBatch, which
// the trackers read. `outcome` is the meaning of every event, whatever the command selects. `born`,
// `gone`, `renamed` and `freed` are what becomes of objects by it, of selected ones only:
//
//   outcome      born  gone  renamed  freed
//   alloc         1
//   allocOnLive   1     1                    two objects: each only where it is selected
//   allocAgain                  1            the object stays, its call is `batch.call` from here on
//   free                1              1
//   freeLate                           1     its object was gone with the `allocOnLive` before
//   others
//
// A curve of live objects is the sum of `born` less that of `gone`; `renamed` moves one from
// `objectCall` to `batch.call`. Rows of events that are neither allocation nor free have outcome `none`.

import { type Column, column } from '../kernel/column.ts';
import { BATCH_CAPACITY } from '../kernel/events/event-batch.ts';
import type { Call, Cpu, EventRow, Task } from '../kernel/indices.ts';

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
  readonly outcome: Column<EventRow, Uint8Array>;
  /** 1 where the filters of the command select the event: a free by the allocation of its object. */
  readonly selected: Column<EventRow, Uint8Array>;
  /** 1 where a selected object is live from here on, allocated by `batch.call`. */
  readonly born: Column<EventRow, Uint8Array>;
  /** 1 where the selected object that the `object…` columns describe is live no longer. */
  readonly gone: Column<EventRow, Uint8Array>;
  /** 1 where a live object of `objectCall` turns out to be one of `batch.call`, and was from the start. */
  readonly renamed: Column<EventRow, Uint8Array>;
  /** 1 where the event is the free of the selected object that the `object…` columns describe. */
  readonly freed: Column<EventRow, Uint8Array>;
  readonly objectCall: Column<EventRow, Uint32Array, Call>;
  readonly objectTs: Column<EventRow, Float64Array>;
  readonly objectTask: Column<EventRow, Uint32Array, Task>;
  readonly objectCpu: Column<EventRow, Uint16Array, Cpu>;
  /** 1 where an object is freed before anything else was allocated on the CPU that allocated it. */
  readonly temporary: Column<EventRow, Uint8Array>;
}

export function createPairedBatch(): PairedBatch {
  return {
    outcome: column(new Uint8Array(BATCH_CAPACITY)),
    selected: column(new Uint8Array(BATCH_CAPACITY)),
    born: column(new Uint8Array(BATCH_CAPACITY)),
    gone: column(new Uint8Array(BATCH_CAPACITY)),
    renamed: column(new Uint8Array(BATCH_CAPACITY)),
    freed: column(new Uint8Array(BATCH_CAPACITY)),
    objectCall: column(new Uint32Array(BATCH_CAPACITY)),
    objectTs: column(new Float64Array(BATCH_CAPACITY)),
    objectTask: column(new Uint32Array(BATCH_CAPACITY)),
    objectCpu: column(new Uint16Array(BATCH_CAPACITY)),
    temporary: column(new Uint8Array(BATCH_CAPACITY)),
  };
}
