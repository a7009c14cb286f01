// A process of its own that reads a trace in one thread and says how long each stage took:
//   node stages.js DIST TRACE  →  {"events":…,"cutting":seconds,"pairing":…,"storing":…,"dbBytes":…}
// Cutting is all of reading: pages or lines into records, merging by time, fields into columns.

import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [dist, path] = process.argv.slice(2);
const { readEvents } = await import(join(dist, 'ingest/read-events.js'));
const { Dictionary } = await import(join(dist, 'kernel/events/dictionary.js'));
const { createBatch } = await import(join(dist, 'kernel/events/event-batch.js'));
const { RunTracker } = await import(join(dist, 'pairing/run-tracker.js'));
const { TraceStore } = await import(join(dist, 'store/trace-store.js'));

const folder = mkdtempSync(join(tmpdir(), 'slabreplay-bench-'));
const store = new TraceStore(join(folder, 'run.db'), false);
const dictionary = new Dictionary();
const tracker = new RunTracker(dictionary, {});
const unused = [];
let events = 0;
let pairing = 0;
let storing = 0;

const start = performance.now();
await readEvents(
  {
    path,
    format: undefined,
    sidecarFolders: [],
    buffer: undefined,
    tmp: undefined,
  },
  dictionary,
  {
    stopped: false,
    opened: () => undefined,
    obtain: () => unused.pop() ?? createBatch(),
    emit(batch, info) {
      events += batch.length;
      const t0 = performance.now();
      tracker.add(batch);
      const t1 = performance.now();
      store.addBatch(batch, info.originNs);
      pairing += t1 - t0;
      storing += performance.now() - t1;
      unused.push(batch);
    },
    progress: () => undefined,
  },
);
const cutting = performance.now() - start - pairing - storing;
const t0 = performance.now();
store.finish();
storing += performance.now() - t0;
const dbBytes = statSync(join(folder, 'run.db')).size;
rmSync(folder, { recursive: true });
const seconds = { cutting: cutting / 1e3, pairing: pairing / 1e3, storing: storing / 1e3 };
process.stdout.write(`${JSON.stringify({ events, ...seconds, dbBytes })}\n`);
