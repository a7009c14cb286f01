// Reads a trace in a thread of its own (or, where that gains nothing or cannot be, in this one) and
// hands its batches to a consumer.

import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { present } from '../../base/assert.ts';
import { takeSignals } from '../../base/end-signals.ts';
import { STDIN } from '../../base/input-bytes.ts';
import type { ProgressListener } from '../../base/progress.ts';
import { Dictionary } from '../../kernel/events/dictionary.ts';
import { createBatch, type EventBatch, sliceBatch } from '../../kernel/events/event-batch.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import { TraceStats } from '../../kernel/events/trace-stats.ts';
import { FolderSidecars } from '../../recording/sidecar-files.ts';
import type { SidecarFiles } from '../../recording/sidecars.ts';
import type { InputDescription } from '../open-input.ts';
import type { ReadControl } from '../read-events.ts';
import { giveBackReadingThread, takeReadingThread } from './reading-thread.ts';
import {
  createSlotState,
  type FromReader,
  fromPlainError,
  type ReaderWork,
  returnSlot,
} from './trace-thread.ts';

export interface TraceConsumer {
  /** Called when the trace is open, before `begin`: the files beside it and inside it. */
  opened(sidecars: SidecarFiles): void;
  /**
   * Called before the first batch, or at the end where there is none.
   * @param dictionary that the batches' indexes point into; complete for every batch that comes
   * @param info what is known of the trace by then, its origin included
   */
  begin(dictionary: Dictionary, info: TraceInfo): void;
  batch(batch: EventBatch): void;
}

export interface TraceRead {
  readonly dictionary: Dictionary;
  readonly info: TraceInfo;
  readonly stats: TraceStats;
  readonly sidecars: SidecarFiles;
}

/** @throws ToolError where the input cannot be read */
export async function readTrace(
  description: InputDescription,
  consumer: TraceConsumer,
  tell: ProgressListener,
): Promise<TraceRead> {
  const thread = takeReadingThread(description.path);
  return thread === undefined
    ? readHere(description, consumer, tell)
    : readInThread(thread, description, consumer, tell);
}

async function readHere(
  description: InputDescription,
  consumer: TraceConsumer,
  tell: ProgressListener,
): Promise<TraceRead> {
  const { readEvents } = await import('../read-events.ts');
  const dictionary = new Dictionary();
  const empty: EventBatch[] = [];
  let begun = false;
  const control = {
    // Cast: set by others while the reader runs.
    stopped: false as boolean,
    opened: (sidecars) => consumer.opened(sidecars),
    obtain: () => empty.pop() ?? createBatch(),
    emit(batch: EventBatch, info: TraceInfo) {
      if (!begun) consumer.begin(dictionary, info);
      begun = true;
      consumer.batch(batch);
      empty.push(batch);
    },
    progress(fraction: number) {
      tell(fraction);
      return setImmediate(); // lets signals through
    },
  } satisfies ReadControl;
  // Ctrl-C ends standard input: what was read until then is the result.
  const stop = (): void => {
    control.stopped = true;
    off?.(); // the second one ends the program
  };
  const off = description.path === STDIN ? takeSignals(['SIGINT'], stop) : undefined;
  try {
    const read = await readEvents(description, dictionary, control);
    if (!begun) consumer.begin(dictionary, read.info);
    return { dictionary, ...read };
  } finally {
    off?.();
  }
}

function readInThread(
  thread: Worker,
  description: InputDescription,
  consumer: TraceConsumer,
  tell: ProgressListener,
): Promise<TraceRead> {
  const dictionary = new Dictionary();
  let begun = false;
  const slots: EventBatch[] = [];
  const state = createSlotState();
  const sidecars = new FolderSidecars(description.sidecarFolders);
  const takeOffered = (offered: ReadonlyMap<string, Uint8Array>): void => {
    for (const [name, { buffer, byteOffset, length }] of offered) {
      sidecars.offer(name, Buffer.from(buffer, byteOffset, length));
    }
  };
  const work: ReaderWork = { description, state };
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      reject(error);
      void thread.terminate();
    };
    thread.on('error', fail);
    thread.on('exit', () => reject(new Error('internal error: the reading thread ended early')));
    thread.on('message', (message: FromReader) => {
      try {
        switch (message.type) {
          case 'opened':
            takeOffered(message.offered);
            consumer.opened(sidecars);
            break;
          case 'batch': {
            const { batch: sent } = message;
            const batch = sent === undefined ? present(slots[message.slot]) : ownBatch(sent);
            slots[message.slot] = batch;
            batch.length = message.length;
            dictionary.apply(message.changes);
            if (message.info !== undefined) consumer.begin(dictionary, message.info);
            begun = true;
            consumer.batch(batch);
            returnSlot(state, message.slot);
            break;
          }
          case 'progress':
            tell(message.fraction);
            break;
          case 'done': {
            dictionary.apply(message.changes);
            if (!begun) consumer.begin(dictionary, message.info);
            const stats = new TraceStats();
            stats.addAll(message.stats);
            takeOffered(message.offered);
            giveBackReadingThread(thread);
            resolve({ dictionary, info: message.info, stats, sidecars });
            break;
          }
          case 'failed':
            fail(fromPlainError(message.error));
            break;
        }
      } catch (error) {
        fail(error);
      }
    });
    thread.postMessage(work);
  });
}

/** The same columns in an object made here: what comes from another thread has another shape for V8. */
function ownBatch(sent: EventBatch): EventBatch {
  return sliceBatch(sent, 0, sent.ts.length);
}
