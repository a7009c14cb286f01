// The reading thread: reads and cuts the input, sends batches, waits when all of them are away.

import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { type ReadControl, readEvents } from '../ingest/read-events.ts';
import { Dictionary, EMPTY_DICTIONARY } from '../kernel/dictionary.ts';
import { BATCH_CAPACITY, createBatch, type EventBatch } from '../kernel/event-batch.ts';
import { type FromReader, type ReaderWork, takeSlot, toPlainError } from './trace-thread.ts';

assert(parentPort !== null, 'trace-worker runs as a worker thread');
const port = parentPort;
const { description, state } = workerData as ReaderWork;
const dictionary = new Dictionary();
/** Every batch that was made; its place is its slot. */
const slots: EventBatch[] = [];
/** Those that the other side has. */
const known = new Set<EventBatch>();
let mark = EMPTY_DICTIONARY;
let percent = 0;

function send(message: FromReader): void {
  port.postMessage(message);
}

function takeChanges(): ReturnType<Dictionary['changesSince']> {
  const changes = dictionary.changesSince(mark);
  mark = dictionary.mark();
  return changes;
}

const control: ReadControl = {
  stopped: false,
  obtain() {
    const slot = takeSlot(state, slots.length);
    const batch = slots[slot] ?? createBatch(BATCH_CAPACITY, true);
    slots[slot] = batch;
    return batch;
  },
  emit(batch, info) {
    const first = mark === EMPTY_DICTIONARY ? info : undefined;
    send({
      type: 'batch',
      slot: slots.indexOf(batch),
      length: batch.length,
      batch: known.has(batch) ? undefined : batch,
      changes: takeChanges(),
      info: first,
    });
    known.add(batch);
  },
  progress(fraction) {
    if (fraction < (percent + 1) / 100) return;
    percent = Math.floor(fraction * 100);
    send({ type: 'progress', fraction });
  },
};

try {
  const { info, stats, sidecars } = await readEvents(description, dictionary, control);
  send({
    type: 'done',
    info,
    stats: stats.list(),
    changes: takeChanges(),
    offered: sidecars.offered,
  });
} catch (error) {
  send({ type: 'failed', error: toPlainError(error) });
} finally {
  port.close();
}
