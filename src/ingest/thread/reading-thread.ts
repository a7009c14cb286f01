// The life of the thread that reads traces (trace-worker.ts): it is started ahead, while the modules
// of a command are still loaded, and reads one trace after the other.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { fileStat } from '../../base/file-stat.ts';
import { findSource } from '../../recording/find-source.ts';
import { inlineLess } from './short-run.ts';

/** Below this a thread costs more than it saves. */
const SMALL_FILE_BYTES = 256 * 1024;
/** Some two million events: from here on a run is long enough for all that V8 can do. */
const LARGE_FILE_BYTES = 128 * 1024 * 1024;

let idle: Worker | undefined;

/**
 * Prepares for the reading of a source: starts the thread where one will be wanted. Where the source
 * is no trace, or that is not known, it does nothing.
 */
export function prepareReading(source: string): void {
  const bytes = traceBytes(source);
  if (bytes <= SMALL_FILE_BYTES) return;
  if (bytes < LARGE_FILE_BYTES) inlineLess();
  idle ??= createThread();
}

/** The thread for a trace; undefined where this thread had better read it itself. */
export function takeReadingThread(path: string): Worker | undefined {
  if (fileBytes(path) <= SMALL_FILE_BYTES) return undefined;
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
  // Traces that are read at the same time have a thread each; one of them is kept.
  if (idle === undefined) idle = thread;
  else void thread.terminate();
}

/** The size of a source's event file; 0 where it is none, or a pipe, which must not be opened twice. */
function traceBytes(source: string): number {
  try {
    const stat = fileStat(source);
    if (stat === undefined || !(stat.isFile() || stat.isDirectory())) return 0;
    const found = findSource(source);
    return found.kind === 'trace' ? fileBytes(found.path) : 0;
  } catch {
    return 0; // said when it is read, if it is a source at all
  }
}

/** 0 where it is no plain file. */
function fileBytes(path: string): number {
  const stat = fileStat(path);
  return stat?.isFile() === true ? stat.size : 0;
}

/** Undefined where the source runs uncompiled (unit tests): there is no worker to run. */
function createThread(): Worker | undefined {
  const path = fileURLToPath(new URL('./trace-worker.js', import.meta.url));
  if (!existsSync(path)) return undefined;
  const thread = new Worker(path);
  thread.unref();
  return thread;
}
