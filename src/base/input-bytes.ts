// The bytes of a file or of standard input from front to back, unpacked where they are packed.

import { createReadStream, read as readCallback } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describeError, errnoOf, InputError } from './errors.ts';
import { assertUnpacked, isTar, PACKING_HEAD_BYTES, packingOf } from './packing.ts';
import { unpackChunks } from './unpack-chunks.ts';

const CHUNK_BYTES = 512 * 1024;

const read = promisify(readCallback);

/** The name that stands for standard input. */
export const STDIN = '-';

/** What reading learned about its end. */
export interface ReadState {
  /** Set where packed input ended before its own end mark. */
  truncated: boolean;
  /** Bytes of the file that were handed out so far, packed or not. */
  bytesTaken?: number;
}

/**
 * The unpacked bytes of a file (or of standard input for '-') in chunks.
 * @param takesTar true where the caller reads tar archives
 * @throws InputError where it cannot be read, TraceFormatError where packed data are damaged, or
 * packed so that they are not unpacked here
 */
export async function* readChunks(
  path: string,
  state: ReadState,
  takesTar = false,
): AsyncGenerator<Buffer> {
  const packed = await withHead(path === STDIN ? stdinChunks() : fileChunks(path, state));
  const packing = packingOf(packed.head);
  const plain =
    packing === undefined
      ? packed
      : await withHead(unpackChunks(packing, path, packed.chunks, state));
  try {
    if (!(takesTar && isTar(plain.head))) {
      assertUnpacked(plain.head, path === STDIN ? undefined : path);
    }
    yield* plain.chunks;
  } finally {
    await plain.chunks.return(undefined);
  }
}

/** Chunks, and the first bytes of them; a pipe may give these one by one. */
async function withHead(
  chunks: AsyncGenerator<Buffer>,
): Promise<{ head: Buffer; chunks: AsyncGenerator<Buffer> }> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < PACKING_HEAD_BYTES) {
    const next = await chunks.next();
    if (next.done) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return { head, chunks: prepend(head, chunks) };
}

async function* fileChunks(path: string, state: ReadState): AsyncGenerator<Buffer> {
  try {
    const stream: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: CHUNK_BYTES });
    for await (const chunk of stream) {
      state.bytesTaken = (state.bytesTaken ?? 0) + chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw new InputError(`${path}: ${describeError(error)}`, { cause: error });
  }
}

const STDIN_FD = 0;
const RETRY_MS = 10;

async function* stdinChunks(): AsyncGenerator<Buffer> {
  for (;;) {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let bytes: number;
    try {
      bytes = (await read(STDIN_FD, { buffer })).bytesRead;
    } catch (error) {
      // Whoever made the pipe non-blocking (a terminal, another program): nothing there yet.
      if (errnoOf(error) === 'EAGAIN') {
        await setTimeout(RETRY_MS);
        continue;
      }
      if (errnoOf(error) === 'EOF') return;
      throw new InputError(`standard input: ${describeError(error)}`, { cause: error });
    }
    if (bytes === 0) return;
    yield buffer.subarray(0, bytes);
  }
}

/** `first`, then `rest`, which is given back also where the caller stops at `first`. */
export async function* prepend(
  first: Buffer,
  rest: AsyncGenerator<Buffer>,
): AsyncGenerator<Buffer> {
  try {
    if (first.length > 0) yield first;
    yield* rest;
  } finally {
    await rest.return(undefined);
  }
}
