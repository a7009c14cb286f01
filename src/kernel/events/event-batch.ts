// Events as columns: the only form in which they travel between the stages. What repeats is an
// index into the Dictionary; what differs from event to event is a number here. 32 bytes an event.

import { type Column, column } from '../column.ts';
import type { Call, Cpu, EventRow, Stack, Task } from '../indices.ts';

/** Events in a full batch. */
export const BATCH_CAPACITY = 16384;

/** `flags` of an event whose text did not show them. */
export const FLAGS_UNKNOWN = 0xffff;

/** Bits of `flags`: the recorded common_flags (trace_flag_type in include/linux/trace_events.h). */
export const IRQ_FLAG = {
  irqsOff: 0x01,
  needResched: 0x04,
  hardirq: 0x08,
  softirq: 0x10,
  preemptResched: 0x20,
  nmi: 0x40,
  bhOff: 0x80,
} as const;

/** A run of events in time order; rows [0, length) of every column. */
export interface EventBatch {
  length: number;
  /** Nanoseconds (or units of the trace's clock) since `TraceInfo.originNs`; whole numbers. */
  readonly ts: Column<EventRow, Float64Array>;
  /** Index into `Dictionary.calls`: what was called, from where, with which arguments. */
  readonly call: Column<EventRow, Uint32Array, Call>;
  /** Index into `Dictionary.tasks`. */
  readonly task: Column<EventRow, Uint32Array, Task>;
  /** The address of the object, its two halves; 0 for NULL. */
  readonly ptrLo: Column<EventRow>;
  readonly ptrHi: Column<EventRow>;
  readonly cpu: Column<EventRow, Uint16Array, Cpu>;
  /** Bits 0-7 common_flags, 8-11 preempt depth, 12-15 migrate-disable depth; or FLAGS_UNKNOWN. */
  readonly flags: Column<EventRow, Uint16Array>;
  /** Index into `Dictionary.stacks`; 0 where no stack was recorded. */
  readonly stack: Column<EventRow, Uint32Array, Stack>;
}

/** The columns in the order in which they are stored and sent. */
export const BATCH_COLUMNS = [
  'ts',
  'call',
  'task',
  'ptrLo',
  'ptrHi',
  'cpu',
  'flags',
  'stack',
] as const;

/**
 * An empty batch with room for `capacity` events.
 * @param isShared its columns can be used by several threads
 */
export function createBatch(capacity: number = BATCH_CAPACITY, isShared = false): EventBatch {
  const memory = (bytes: number): ArrayBufferLike =>
    isShared ? new SharedArrayBuffer(bytes * capacity) : new ArrayBuffer(bytes * capacity);
  return {
    length: 0,
    ts: column(new Float64Array(memory(8))),
    call: column(new Uint32Array(memory(4))),
    task: column(new Uint32Array(memory(4))),
    ptrLo: column(new Uint32Array(memory(4))),
    ptrHi: column(new Uint32Array(memory(4))),
    cpu: column(new Uint16Array(memory(2))),
    flags: column(new Uint16Array(memory(2))),
    stack: column(new Uint32Array(memory(4))),
  };
}

/** Rows [from, to) of a batch, or as many of them as there are; the memory is shared. */
export function sliceBatch(batch: EventBatch, from: number, to: number): EventBatch {
  return {
    length: Math.min(to, batch.length) - from,
    ts: column(batch.ts.subarray(from, to)),
    call: column(batch.call.subarray(from, to)),
    task: column(batch.task.subarray(from, to)),
    ptrLo: column(batch.ptrLo.subarray(from, to)),
    ptrHi: column(batch.ptrHi.subarray(from, to)),
    cpu: column(batch.cpu.subarray(from, to)),
    flags: column(batch.flags.subarray(from, to)),
    stack: column(batch.stack.subarray(from, to)),
  };
}

/** Adds the rows of a batch to one that has room for them. */
export function appendBatch(to: EventBatch, from: EventBatch): void {
  for (const name of BATCH_COLUMNS) to[name].set(from[name].subarray(0, from.length), to.length);
  to.length += from.length;
}

/** Drops the events of a batch that are later than `until`. */
export function cutAfter(batch: EventBatch, until: number): void {
  let length: EventRow = 0;
  while (length < batch.length && batch.ts[length] <= until) length++;
  batch.length = length;
}
