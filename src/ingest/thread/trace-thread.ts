// What the reading thread and the main thread say to each other. Batches lie in shared memory and go
// to and fro by number; what the dictionary has learned travels with each batch.

import { ToolError } from '../../base/errors.ts';
import type { DictionaryChanges } from '../../kernel/events/dictionary.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { Stat } from '../../kernel/events/trace-stats.ts';
import type { InputDescription } from '../open-input.ts';

/** Batches that there are at most: enough that neither side waits, little memory. */
const MAX_SLOTS = 10;
/** A reader holds two batches at most (BatchWriter), so that many are always to be had. */
const WAKE_AT = 6;

/** What the reading thread gets to start with. */
export interface ReaderWork {
  readonly description: InputDescription;
  readonly state: SlotState;
}

/** Shared: how often the reader was woken, then for each slot whether it is free. */
export type SlotState = Int32Array;

export function createSlotState(): SlotState {
  return new Int32Array(new SharedArrayBuffer(4 * (1 + MAX_SLOTS)));
}

/**
 * Gives the batch of a slot back to the reader. One who waits is woken when several are free, as each
 * wake costs as much as thousands of events; in the end all are free that it does not hold itself.
 */
export function returnSlot(state: SlotState, slot: number): void {
  Atomics.store(state, 1 + slot, 1);
  let free = 0;
  for (let other = 0; other < MAX_SLOTS; other++) free += Atomics.load(state, 1 + other);
  if (free < WAKE_AT) return;
  Atomics.add(state, 0, 1);
  Atomics.notify(state, 0);
}

/**
 * A free slot, or the next one that was never used; blocks until there is one.
 * @param used slots that were used so far
 */
export function takeSlot(state: SlotState, used: number): number {
  for (;;) {
    const woken = Atomics.load(state, 0);
    for (let slot = 0; slot < used; slot++) {
      if (Atomics.compareExchange(state, 1 + slot, 1, 0) === 1) return slot;
    }
    if (used < MAX_SLOTS) return used;
    Atomics.wait(state, 0, woken);
  }
}

export type FromReader =
  | {
      readonly type: 'opened';
      /** Files that were found inside the trace. */
      readonly offered: ReadonlyMap<string, Uint8Array>;
    }
  | {
      readonly type: 'batch';
      readonly slot: number;
      readonly length: number;
      /** The slot's columns, the first time that it is sent. */
      readonly batch: EventBatch | undefined;
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
      /** Files that were found inside it since it was opened. */
      readonly offered: ReadonlyMap<string, Uint8Array>;
    }
  | { readonly type: 'failed'; readonly error: PlainError };

/** An error as it crosses threads. */
export interface PlainError {
  readonly message: string;
  readonly stack: string | undefined;
  /** Undefined for a bug. */
  readonly exitCode: number | undefined;
  readonly hint: string | undefined;
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
