// What the reading thread and the main thread say to each other. Batches travel as transferred
// buffers and come back empty; what the dictionary has learned travels with each batch.

import { ToolError } from '../base/errors.ts';
import type { DictionaryChanges } from '../kernel/dictionary.ts';
import { BATCH_COLUMNS, type EventBatch } from '../kernel/event-batch.ts';
import type { TraceInfo } from '../kernel/trace-info.ts';
import type { Stat } from '../kernel/trace-stats.ts';

/** Batches on the way at a time: enough that neither side waits, little memory. */
export const MAX_BATCHES_AWAY = 8;

export type FromReader =
  | {
      readonly type: 'batch';
      readonly batch: EventBatch;
      readonly changes: DictionaryChanges;
      /** With the first batch only: what is known of the trace by then, its origin included. */
      readonly info: TraceInfo | undefined;
    }
  | { readonly type: 'progress'; readonly fraction: number }
  | {
      readonly type: 'done';
      readonly info: TraceInfo;
      readonly stats: readonly Stat[];
      readonly changes: DictionaryChanges;
      readonly offered: ReadonlyMap<string, Uint8Array>;
    }
  | { readonly type: 'failed'; readonly error: PlainError };

export interface ToReader {
  readonly type: 'empty';
  readonly batch: EventBatch;
}

/** An error as it crosses threads. */
export interface PlainError {
  readonly message: string;
  readonly stack: string | undefined;
  /** Undefined for a bug. */
  readonly exitCode: number | undefined;
  readonly hint: string | undefined;
}

/** The buffers of a batch, for transfer. */
export function batchBuffers(batch: EventBatch): ArrayBuffer[] {
  return BATCH_COLUMNS.map((column) => batch[column].buffer);
}

export function toPlainError(error: unknown): PlainError {
  const isTool = error instanceof ToolError;
  const known = error instanceof Error ? error : new Error(String(error));
  return {
    message: known.message,
    stack: known.stack,
    exitCode: isTool ? error.exitCode : undefined,
    hint: isTool ? error.hint : undefined,
  };
}

export function fromPlainError(plain: PlainError): Error {
  if (plain.exitCode !== undefined) {
    const details = plain.hint === undefined ? {} : { hint: plain.hint };
    return new ToolError(plain.message, plain.exitCode, details);
  }
  const error = new Error(plain.message);
  if (plain.stack !== undefined) error.stack = plain.stack;
  return error;
}
