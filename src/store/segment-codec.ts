// Batches of events to and from the columns of table `segment` (layout: schema.sql).

import type { Dictionary } from '../kernel/dictionary.ts';
import { BATCH_CAPACITY, type EventBatch } from '../kernel/event-batch.ts';

/** A row of table `segment`. */
export interface SegmentRow {
  readonly first_seq: number;
  readonly length: number;
  readonly min_ns: bigint;
  readonly max_ns: bigint;
  readonly ts: Buffer;
  readonly call: Buffer;
  readonly task: Buffer;
  readonly ptr_lo: Buffer;
  readonly ptr_hi: Buffer;
  readonly cpu: Buffer;
  readonly flags: Buffer;
  readonly stack: Buffer;
}

/** Columns of the table with those of the batch. */
const COLUMNS = [
  ['ts', 'ts'],
  ['call', 'call'],
  ['task', 'task'],
  ['ptr_lo', 'ptrLo'],
  ['ptr_hi', 'ptrHi'],
  ['cpu', 'cpu'],
  ['flags', 'flags'],
  ['stack', 'stack'],
] as const;

/** The columns of a batch as blobs; views of the batch, valid until it changes. */
export function encodeBatch(batch: EventBatch): Buffer[] {
  return COLUMNS.map(([, column]) => {
    const array = batch[column];
    return Buffer.from(array.buffer, array.byteOffset, batch.length * array.BYTES_PER_ELEMENT);
  });
}

/**
 * Fills a batch from a row.
 * @returns false where the row contradicts itself, or points to what the dictionary does not have
 */
export function decodeSegment(
  row: SegmentRow,
  batch: EventBatch,
  { calls, tasks, stacks }: Dictionary,
): boolean {
  if (row.length < 0 || row.length > BATCH_CAPACITY) return false;
  for (const [name, column] of COLUMNS) {
    const blob = row[name];
    const array = batch[column];
    if (blob.length !== row.length * array.BYTES_PER_ELEMENT) return false;
    new Uint8Array(array.buffer, array.byteOffset).set(blob);
  }
  batch.length = row.length;
  return (
    isWhole(batch.ts, row.length) &&
    isBelow(batch.call, row.length, calls.length) &&
    isBelow(batch.task, row.length, tasks.length) &&
    isBelow(batch.stack, row.length, stacks.length)
  );
}

function isWhole(numbers: Float64Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (!Number.isInteger(numbers[i])) return false;
  return true;
}

function isBelow(ids: Uint32Array, length: number, limit: number): boolean {
  for (let i = 0; i < length; i++) if ((ids[i] as number) >= limit) return false;
  return true;
}
