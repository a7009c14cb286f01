// The reading thread: reads and cuts the input, sends batches, waits when too many are away.

import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import type { InputDescription } from '../ingest/open-input.ts';
import { type ReadControl, readEvents } from '../ingest/read-events.ts';
import { Dictionary, EMPTY_DICTIONARY } from '../kernel/dictionary.ts';
import { createBatch, type EventBatch } from '../kernel/event-batch.ts';
import {
  batchBuffers,
  type FromReader,
  MAX_BATCHES_AWAY,
  type ToReader,
  toPlainError,
} from './trace-thread.ts';

assert(parentPort !== null, 'trace-worker runs as a worker thread');
const port = parentPort;
const dictionary = new Dictionary();
const empty: EventBatch[] = [];
let mark = EMPTY_DICTIONARY;
let away = 0;
let wake: (() => void) | undefined;

port.on('message', (message: ToReader) => {
  empty.push(message.batch);
  away--;
  wake?.();
  wake = undefined;
});

function send(message: FromReader, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function takeChanges(): ReturnType<Dictionary['changesSince']> {
  const changes = dictionary.changesSince(mark);
  mark = dictionary.mark();
  return changes;
}

const control: ReadControl = {
  stopped: false,
  obtain: () => empty.pop() ?? createBatch(),
  emit(batch, info) {
    away++;
    const first = mark === EMPTY_DICTIONARY ? info : undefined;
    send({ type: 'batch', batch, changes: takeChanges(), info: first }, batchBuffers(batch));
  },
  drained() {
    if (away < MAX_BATCHES_AWAY) return undefined;
    return new Promise((resolve) => {
      wake = resolve;
    });
  },
  progress: (fraction) => send({ type: 'progress', fraction }),
};

try {
  const { info, stats, sidecars } = await readEvents(
    workerData as InputDescription,
    dictionary,
    control,
  );
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
