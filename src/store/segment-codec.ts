// Batches of events to and from the columns of table `segment` (layout: schema.sql).

import type { Dictionary } from '../kernel/events/dictionary.ts';
import { BATCH_CAPACITY, type EventBatch } from '../kernel/events/event-batch.ts';

/** A row of table `segment`. */
export interface SegmentRow {
  readonly id: number;
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
 * @returns the first column that contradicts the others, or points to what the dictionary does not
 *   have, and how; undefined where none does
 */
export function decodeSegment(
  row: SegmentRow,
  batch: EventBatch,
  { calls, tasks, stacks }: Dictionary,
): string | undefined {
  const { length } = row;
  if (!(length >= 0 && length <= BATCH_CAPACITY)) return `length is ${length}`;
  if (typeof row.first_seq !== 'number') return 'first_seq is no number';
  for (const [name, column] of COLUMNS) {
    const blob = row[name];
    const array = batch[column];
    const bytes = length * array.BYTES_PER_ELEMENT;
    if (!Buffer.isBuffer(blob)) return `${name} is no blob`;
    if (blob.length !== bytes) return `${name} has ${blob.length} bytes and not ${bytes}`;
    new Uint8Array(array.buffer, array.byteOffset).set(blob);
  }
  batch.length = length;
  if (!areTimes(batch.ts, length)) return 'ts has what is no time';
  if (!areBelow(batch.call, length, calls.length)) return 'call points to no call';
  if (!areBelow(batch.task, length, tasks.length)) return 'task points to no task';
  if (!areBelow(batch.stack, length, stacks.length)) return 'stack points to no stack';
  return undefined;
}

function areTimes(numbers: Float64Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (!Number.isSafeInteger(numbers[i])) return false;
  return true;
}

function areBelow(ids: Uint32Array, length: number, limit: number): boolean {
  for (let i = 0; i < length; i++) if (ids[i]! >= limit) return false;
  return true;
}
