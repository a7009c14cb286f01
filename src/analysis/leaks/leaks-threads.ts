// A reference scan in as many threads as pay: this one, and workers over the same open image.

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { ProgressListener } from '../../base/progress.ts';
import { type KernelImage, shareKernel } from '../../snapshot/kernel/kernel-image.ts';
import type { BuiltScan } from '../../snapshot/scan/build-scan.ts';
import type { FoundReferences } from '../../snapshot/scan/references.ts';
import { type ScanTask, takePart } from '../../snapshot/scan/run-scan.ts';
import type { PageFields } from '../../snapshot/scan/scan-memory.ts';
import type { LeaksThreadInput } from './leaks-worker.ts';

/** A thread needs about as long to start as it needs for this much memory. */
const BYTES_PER_THREAD = 64 * 1024 * 1024;
const MAX_THREADS = 8;

export async function scanInThreads(
  kernel: KernelImage,
  built: BuiltScan,
  pages: PageFields,
  tell: ProgressListener,
): Promise<FoundReferences[]> {
  const next = new Int32Array(new SharedArrayBuffer(4));
  const { objects, table, plan } = built;
  const task: ScanTask = { objects, table, plan, pages, next };
  const shared = shareKernel(kernel);
  const path = workerFile();
  const bytes = plan.length.reduce((sum, n) => sum + n, 0);
  const most = Math.min(MAX_THREADS, availableParallelism(), Math.ceil(bytes / BYTES_PER_THREAD));
  const helpers: Promise<FoundReferences>[] = [];
  if (shared !== undefined && path !== undefined) {
    const input: LeaksThreadInput = { kernel: shared, task };
    for (let i = 1; i < most; i++) helpers.push(runThread(path, input));
  }
  const all = Promise.all(helpers);
  // Where this thread fails, what the others say is not asked for any more.
  all.catch(() => undefined);
  const own = takePart(kernel.space, task, tell);
  return [own, ...(await all)];
}

/** The compiled worker; there is none where the source runs uncompiled (unit tests). */
function workerFile(): string | undefined {
  const path = fileURLToPath(new URL('./leaks-worker.js', import.meta.url));
  return existsSync(path) ? path : undefined;
}

function runThread(path: string, workerData: LeaksThreadInput): Promise<FoundReferences> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(path, { workerData });
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', () => reject(new Error('internal error: a scanning thread ended early')));
  });
}
