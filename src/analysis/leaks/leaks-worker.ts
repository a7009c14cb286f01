// A thread of a reference scan: takes ranges of the plan until none are left.

import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { openSharedKernel, type SharedKernel } from '../../snapshot/kernel/kernel-image.ts';
import { type ScanTask, takePart } from '../../snapshot/scan/run-scan.ts';

/** What a thread is given; plain data and shared memory. */
export interface LeaksThreadInput {
  readonly kernel: SharedKernel;
  readonly task: ScanTask;
}

assert(parentPort !== null, 'leaks-worker runs as a worker thread');
// Cast: what the thread was started with.
const { kernel, task } = workerData as LeaksThreadInput;
const found = takePart(openSharedKernel(kernel), task);
parentPort.postMessage(found, [found.edges.buffer as ArrayBuffer]);
