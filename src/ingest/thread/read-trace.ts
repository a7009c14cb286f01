// Reads a trace in a thread of its own (or, where that gains nothing or cannot be, in this one) and
// hands its batches to a consumer.

import { setImmediate } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { present } from '../../base/assert.ts';
import { signalsServed, takeSignals } from '../../base/end-signals.ts';
import { STDIN } from '../../base/input-bytes.ts';
import type { ProgressListener } from '../../base/progress.ts';
import { Dictionary } from '../../kernel/events/dictionary.ts';
import { createBatch, type EventBatch, sliceBatch } from '../../kernel/events/event-batch.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import { TraceStats } from '../../kernel/events/trace-stats.ts';
import type { SidecarFiles } from '../../recording/sidecars.ts';
import type { InputDescription } from '../open-input.ts';
import type { ReadControl } from '../read-events.ts';
import { oneATurn } from './one-a-turn.ts';
import { giveBackReadingThread, takeReadingThread } from './reading-thread.ts';
import {
  createSlotState,
  type FromReader,
  fromPlainError,
  type ReaderWork,
  returnSlot,
} from './trace-thread.ts';

/** What is known when the first batch is there, or at the end where there is none. */
export interface TraceStart {
  /** What the batches' indexes point into; complete for every batch that comes. */
  readonly dictionary: Dictionary;
  /** What is known of the trace by then, its origin included. */
  readonly info: TraceInfo;
  /** Time of the first event, as `EventBatch.ts`; NaN where there is none. */
  readonly firstTs: number;
}

export interface BatchConsumer {
  batch(batch: EventBatch): void;
}

export interface TraceConsumer<C extends BatchConsumer> {
  /** Called when the trace is open, before `begin`: the files inside it are among the sidecars. */
  opened?(): void;
  /** Makes what takes the batches. */
  begin(start: TraceStart): C;
}

export interface TraceRead<C extends BatchConsumer> {
  readonly dictionary: Dictionary;
  readonly info: TraceInfo;
  readonly stats: TraceStats;
  /** What `begin` made. */
  readonly pass: C;
}

/**
 * @param sidecars the files beside the trace; those inside it are offered to them
 * @throws ToolError where the input cannot be read
 */
export async function readTrace<C extends BatchConsumer>(
  description: InputDescription,
  sidecars: SidecarFiles,
  consumer: TraceConsumer<C>,
  tell: ProgressListener,
): Promise<TraceRead<C>> {
  const thread = takeReadingThread(description.path);
  return thread === undefined
    ? readHere(description, sidecars, consumer, tell)
    : readInThread(thread, description, sidecars, consumer, tell);
}

async function readHere<C extends BatchConsumer>(
  description: InputDescription,
  sidecars: SidecarFiles,
  consumer: TraceConsumer<C>,
  tell: ProgressListener,
): Promise<TraceRead<C>> {
  const dictionary = new Dictionary();
  const empty: EventBatch[] = [];
  let pass: C | undefined;
  const control = {
    // Cast: set by others while the reader runs.
    stopped: false as boolean,
    opened: () => consumer.opened?.(),
    obtain: () => empty.pop() ?? createBatch(),
    emit(batch: EventBatch, info: TraceInfo) {
      pass ??= consumer.begin({ dictionary, info, firstTs: batch.ts[0] ?? Number.NaN });
      pass.batch(batch);
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
    const { readEvents } = await import('../read-events.ts');
    const { info, stats } = await readEvents(description, dictionary, control, sidecars);
    pass ??= consumer.begin({ dictionary, info, firstTs: Number.NaN });
    return { dictionary, info, stats, pass };
  } finally {
    // The end of the input comes with the signal where that ends the writer too.
    if (off !== undefined) await signalsServed();
    off?.();
  }
}

function readInThread<C extends BatchConsumer>(
  thread: Worker,
  description: InputDescription,
  sidecars: SidecarFiles,
  consumer: TraceConsumer<C>,
  tell: ProgressListener,
): Promise<TraceRead<C>> {
  const dictionary = new Dictionary();
  let pass: C | undefined;
  const slots: EventBatch[] = [];
  const state = createSlotState();
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
    const take = (message: FromReader): void => {
      try {
        switch (message.type) {
          case 'opened':
            takeOffered(message.offered);
            consumer.opened?.();
            break;
          case 'batch': {
            const { batch: sent } = message;
            const batch = sent === undefined ? present(slots[message.slot]) : ownBatch(sent);
            slots[message.slot] = batch;
            batch.length = message.length;
            dictionary.apply(message.changes);
            if (message.info !== undefined) {
              const firstTs = batch.ts[0] ?? Number.NaN;
              pass = consumer.begin({ dictionary, info: message.info, firstTs });
            }
            present(pass).batch(batch); // the first batch comes with the info of its trace
            returnSlot(state, message.slot);
            break;
          }
          case 'progress':
            tell(message.fraction);
            break;
          case 'done': {
            dictionary.apply(message.changes);
            const { info } = message;
            pass ??= consumer.begin({ dictionary, info, firstTs: Number.NaN });
            const stats = new TraceStats();
            stats.addAll(message.stats);
            takeOffered(message.offered);
            giveBackReadingThread(thread);
            resolve({ dictionary, info, stats, pass });
            break;
          }
          case 'failed':
            fail(fromPlainError(message.error));
            break;
        }
      } catch (error) {
        fail(error);
      }
    };
    thread.on('message', oneATurn(take));
    thread.postMessage(work);
  });
}

/** The same columns in an object made here: what comes from another thread has another shape for V8. */
function ownBatch(sent: EventBatch): EventBatch {
  return sliceBatch(sent, 0, sent.ts.length);
}
