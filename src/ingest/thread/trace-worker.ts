// The reading thread: reads and cuts one input after the other, sends batches, waits when all of
// them are away.

import { parentPort } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import {
  Dictionary,
  type DictionaryChanges,
  EMPTY_DICTIONARY,
} from '../../kernel/events/dictionary.ts';
import { BATCH_CAPACITY, createBatch, type EventBatch } from '../../kernel/events/event-batch.ts';
import type { SidecarFiles } from '../../recording/sidecars.ts';
import { type ReadControl, readEvents } from '../read-events.ts';
import { type FromReader, type ReaderWork, takeSlot, toPlainError } from './trace-thread.ts';

assert(parentPort !== null, 'trace-worker runs as a worker thread');
const port = parentPort;
port.on('message', (work: ReaderWork) => void serve(work));

function send(message: FromReader, handedOver: ArrayBuffer[] = []): void {
  port.postMessage(message, handedOver);
}

async function serve({ description, state }: ReaderWork): Promise<void> {
  const dictionary = new Dictionary();
  /** Every batch that was made; its place is its slot. */
  const slots: EventBatch[] = [];
  /** Those that the other side has. */
  const known = new Set<EventBatch>();
  let mark = EMPTY_DICTIONARY;
  let percent = 0;
  const offered = new Set<string>();
  /** The files that were found in the trace since the last call, and memory that goes with them. */
  const takeOffered = (sidecars: SidecarFiles): [Map<string, Buffer>, ArrayBuffer[]] => {
    const found = new Map([...sidecars.offered].filter(([name]) => !offered.has(name)));
    for (const name of found.keys()) offered.add(name);
    // Some megabytes of symbols, for which nobody here asks again: not copied.
    const own = [...found.values()].filter(({ buffer, length }) => buffer.byteLength === length);
    return [found, own.flatMap(({ buffer }) => (buffer instanceof ArrayBuffer ? [buffer] : []))];
  };
  const takeChanges = (): DictionaryChanges => {
    const changes = dictionary.changesSince(mark);
    mark = dictionary.mark();
    return changes;
  };
  const control: ReadControl = {
    stopped: false,
    opened(sidecars) {
      const [found, memory] = takeOffered(sidecars);
      send({ type: 'opened', offered: found }, memory);
    },
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
    const [found, memory] = takeOffered(sidecars);
    send(
      { type: 'done', info, stats: stats.list(), changes: takeChanges(), offered: found },
      memory,
    );
  } catch (error) {
    send({ type: 'failed', error: toPlainError(error) });
  }
}
