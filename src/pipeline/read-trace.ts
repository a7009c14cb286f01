// Reads a trace in a thread of its own (or, where that gains nothing or cannot be, in this one) and
// hands its batches to a consumer.

import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { STDIN } from '../base/input-bytes.ts';
import type { InputDescription } from '../ingest/open-input.ts';
import { type ReadControl, readEvents } from '../ingest/read-events.ts';
import { FolderSidecars } from '../ingest/sidecar-files.ts';
import { Dictionary } from '../kernel/dictionary.ts';
import { createBatch, type EventBatch } from '../kernel/event-batch.ts';
import type { SidecarFiles } from '../kernel/sidecars.ts';
import type { TraceInfo } from '../kernel/trace-info.ts';
import { TraceStats } from '../kernel/trace-stats.ts';
import {
  createSlotState,
  type FromReader,
  fromPlainError,
  type ReaderWork,
  returnSlot,
} from './trace-thread.ts';

/** Below this a thread costs more than it saves. */
const SMALL_FILE_BYTES = 256 * 1024;

export interface TraceConsumer {
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

/** Told how much of the input was read, 0 to 1. */
export type ProgressListener = (fraction: number) => void;

/** @throws ToolError where the input cannot be read */
export async function readTrace(
  description: InputDescription,
  consumer: TraceConsumer,
  onProgress: ProgressListener = () => undefined,
): Promise<TraceRead> {
  const worker = workerFile();
  if (worker === undefined || !isWorthAThread(description.path)) {
    return readHere(description, consumer, onProgress);
  }
  return readInThread(worker, description, consumer, onProgress);
}

/** The compiled worker; there is none where the source runs uncompiled (unit tests). */
function workerFile(): string | undefined {
  const path = fileURLToPath(new URL('./trace-worker.js', import.meta.url));
  return existsSync(path) ? path : undefined;
}

function isWorthAThread(path: string): boolean {
  if (path === STDIN) return false;
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && stat.size > SMALL_FILE_BYTES;
}

async function readHere(
  description: InputDescription,
  consumer: TraceConsumer,
  onProgress: ProgressListener,
): Promise<TraceRead> {
  const dictionary = new Dictionary();
  const empty: EventBatch[] = [];
  let begun = false;
  const control = {
    stopped: false as boolean,
    obtain: () => empty.pop() ?? createBatch(),
    emit(batch: EventBatch, info: TraceInfo) {
      if (!begun) consumer.begin(dictionary, info);
      begun = true;
      consumer.batch(batch);
      empty.push(batch);
    },
    progress: onProgress,
  } satisfies ReadControl;
  // Ctrl-C ends standard input: what was read until then is the result.
  const stop = (): void => {
    control.stopped = true;
  };
  if (description.path === STDIN) process.once('SIGINT', stop);
  try {
    const read = await readEvents(description, dictionary, control);
    if (!begun) consumer.begin(dictionary, read.info);
    return { dictionary, ...read };
  } finally {
    process.off('SIGINT', stop);
  }
}

function readInThread(
  workerPath: string,
  description: InputDescription,
  consumer: TraceConsumer,
  onProgress: ProgressListener,
): Promise<TraceRead> {
  const dictionary = new Dictionary();
  let begun = false;
  const slots: EventBatch[] = [];
  const state = createSlotState();
  const work: ReaderWork = { description, state };
  const worker = new Worker(workerPath, { workerData: work });
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      reject(error);
      void worker.terminate();
    };
    worker.on('error', fail);
    worker.on('exit', () => reject(new Error('internal error: the reading thread ended early')));
    worker.on('message', (message: FromReader) => {
      try {
        switch (message.type) {
          case 'batch': {
            const batch = message.batch ?? (slots[message.slot] as EventBatch);
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
            onProgress(message.fraction);
            break;
          case 'done': {
            dictionary.apply(message.changes);
            if (!begun) consumer.begin(dictionary, message.info);
            const stats = new TraceStats();
            stats.addAll(message.stats);
            const sidecars = new FolderSidecars(description.sidecarFolders);
            for (const [name, bytes] of message.offered) sidecars.offer(name, Buffer.from(bytes));
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
  });
}
