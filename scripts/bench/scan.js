// A process of its own that scans memory for references, and copies the same bytes:
//   node scan.js DIST MIB  →  {"bytes":…,"objects":…,"copy":seconds,"scan":…,"threads":…}
// The memory is made up, after that of a running kernel: an object for each KiB, on a quarter of the
// pages; of its words 5 in 100 point to an object, half of these to the one that was pointed to before
// or its neighbours, most of the others to a few popular ones; 40 are zero, the rest text, small numbers
// and addresses of other things.

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const HI = 0xffff8880;
const PAGE = 4096;
const OBJECT = 256;
/** One page in so many has objects. */
const EVERY = 4;
const WORDS_OF_100 = { pointers: 5, zeroes: 40, texts: 25, numbers: 20 };

const dist = isMainThread ? process.argv[2] : workerData.dist;
const { takePart } = await import(join(dist, 'snapshot/scan/run-scan.js'));

/** Memory in a buffer, from HI on, as an image's address space gives it. */
class BufferSpace {
  constructor(bytes) {
    this.bytes = bytes;
  }
  read(hi, lo, target) {
    const at = (hi - HI) * 2 ** 32 + lo;
    target.set(this.bytes.subarray(at, at + target.length));
    return true;
  }
}

if (isMainThread) await main(Number(process.argv[3]) * 2 ** 20);
else {
  const { bytes, task, gate } = workerData;
  parentPort.postMessage('ready');
  Atomics.wait(gate, 0, 0);
  takePart(new BufferSpace(bytes), task);
  parentPort.postMessage('done');
}

async function main(size) {
  const { ScanBuilder } = await import(join(dist, 'snapshot/scan/build-scan.js'));
  const shared = new SharedArrayBuffer(size);
  const objects = fill(new Uint32Array(shared));
  const traced = {
    count: objects.length,
    hi: objects.map(() => HI),
    lo: objects,
    annotation: new Int32Array(objects.length).fill(-1),
    annotations: [],
  };
  const builder = new ScanBuilder(traced);
  for (let row = 0; row < traced.count; row++) builder.row(row, OBJECT);
  // What lies on the pages between those with objects.
  for (let at = PAGE; at < size; at += EVERY * PAGE) {
    builder.rootAt('everything else', HI, at, (EVERY - 1) * PAGE);
  }
  const { objects: columns, table, plan } = builder.build([]);
  const bytes = new Uint8Array(shared);
  const threads = Math.min(8, availableParallelism());
  const next = new Int32Array(new SharedArrayBuffer(4));
  const task = { objects: columns, table, plan, pages: { size: 64, refcount: 52 }, next };
  const best = { copy: Infinity, scan: Infinity };
  const copied = new Uint8Array(size);
  for (let n = 0; n < 5; n++) {
    let start = performance.now();
    copied.set(bytes);
    best.copy = Math.min(best.copy, (performance.now() - start) / 1e3);
    next[0] = 0;
    const begin = await startThreads(threads - 1, bytes, task);
    start = performance.now();
    const all = begin();
    takePart(new BufferSpace(bytes), task);
    await all;
    best.scan = Math.min(best.scan, (performance.now() - start) / 1e3);
  }
  const result = { bytes: size, objects: objects.length, ...best, threads };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** Threads are started before the clock is: a scan of a large image has them once. */
async function startThreads(count, bytes, task) {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const workers = [];
  for (let i = 0; i < count; i++) {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { dist, bytes, task, gate },
    });
    await new Promise((resolve) => worker.once('message', resolve));
    workers.push(new Promise((resolve) => worker.once('message', resolve)));
  }
  return () => {
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    return Promise.all(workers);
  };
}

/** Fills memory; returns the low halves of the objects' addresses. */
function fill(words) {
  let state = 12345;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  const size = words.length * 4;
  const perPage = PAGE / OBJECT;
  const pages = size / PAGE / EVERY;
  const objectAt = (n) => Math.floor(n / perPage) * EVERY * PAGE + (n % perPage) * OBJECT;
  const { pointers, zeroes, texts, numbers } = WORDS_OF_100;
  const count = pages * perPage;
  let near = 0;
  for (let at = 0; at < words.length; at += 2) {
    const kind = (random() >>> 8) % 100;
    if (kind < pointers) {
      const far = random() / 2 ** 32;
      near = random() % 512 < 256 ? near ^ (random() >>> 29) : Math.floor(far ** 4 * count);
      words[at] = objectAt(near) + ((random() >>> 8) % 4) * 16;
      words[at + 1] = HI;
    } else if (kind < pointers + zeroes) continue;
    else if (kind < pointers + zeroes + texts) {
      words[at] = 0x20202020 | random();
      words[at + 1] = 0x20202020 | (random() & 0x5f5f5f5f);
    } else if (kind < pointers + zeroes + texts + numbers) words[at] = random() % 65536;
    else {
      words[at] = random();
      words[at + 1] = 0xffffea00;
    }
  }
  return Uint32Array.from({ length: count }, (_, n) => objectAt(n));
}
