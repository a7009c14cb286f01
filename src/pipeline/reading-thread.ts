// The life of the thread that reads traces (trace-worker.ts): it is started ahead, while the modules
// of a command are still loaded, and reads one trace after the other.

import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { findSource } from './find-source.ts';

/** Below this a thread costs more than it saves. */
const SMALL_FILE_BYTES = 256 * 1024;

let idle: Worker | undefined;

/** Starts the thread where one will be wanted for a source; else, or where that is not known, does nothing. */
export function startReadingThread(source: string): void {
  if (idle === undefined && isForThread(source)) idle = createThread();
}

/** The thread for a trace; undefined where this thread had better read it itself. */
export function takeReadingThread(path: string): Worker | undefined {
  if (!isLargeFile(path)) return undefined;
  const thread = idle ?? createThread();
  idle = undefined;
  thread?.ref();
  return thread;
}

/** Takes back a thread that has read its trace, for the next one. */
export function giveBackReadingThread(thread: Worker): void {
  // Not all at once: node has its own.
  for (const event of ['message', 'error', 'exit']) thread.removeAllListeners(event);
  thread.unref();
  idle = thread;
}

function isForThread(source: string): boolean {
  const stat = statSync(source, { throwIfNoEntry: false });
  if (stat === undefined || !(stat.isFile() || stat.isDirectory())) return false;
  try {
    const found = findSource(source);
    return found.kind === 'trace' && isLargeFile(found.path);
  } catch {
    return false; // said when it is read
  }
}

function isLargeFile(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true && stat.size > SMALL_FILE_BYTES;
}

/** Undefined where the source runs uncompiled (unit tests): there is no worker to run. */
function createThread(): Worker | undefined {
  const path = fileURLToPath(new URL('./trace-worker.js', import.meta.url));
  if (!existsSync(path)) return undefined;
  const thread = new Worker(path);
  thread.unref();
  return thread;
}
