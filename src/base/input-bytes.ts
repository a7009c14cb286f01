// The bytes of a file or of standard input from front to back, unpacked where they are gzip.

import { createReadStream, read as readCallback } from 'node:fs';
import type { Writable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import { describeError, errnoOf, InputError, TraceFormatError } from './errors.ts';

const CHUNK_BYTES = 512 * 1024;
/** Packed bytes that are unpacked at a time; they may become a thousand times as many. */
const PIECE_BYTES = 64 * 1024;

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

/** Bytes that `isGzip` looks at. */
export const GZIP_HEAD_BYTES = 4;

/** RFC 1952: the magic, method 8, no reserved flag (raw data may begin like the magic alone). */
export function isGzip(head: Uint8Array): boolean {
  return (
    head[0] === 0x1f && head[1] === 0x8b && head[2] === 0x08 && ((head[3] ?? 0xff) & 0xe0) === 0
  );
}

/**
 * The unpacked bytes of a file (or of standard input for '-') in chunks.
 * @throws InputError where it cannot be read, TraceFormatError where packed data are damaged
 */
export async function* readChunks(path: string, state: ReadState): AsyncGenerator<Buffer> {
  const raw = path === STDIN ? stdinChunks() : fileChunks(path, state);
  // A pipe may give its first bytes one by one.
  let head: Buffer = Buffer.alloc(0);
  while (head.length < GZIP_HEAD_BYTES) {
    const next = await raw.next();
    if (next.done) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  const all = prepend(head, raw);
  if (isGzip(head)) yield* gunzipChunks(path, all, state);
  else yield* all;
}

async function* fileChunks(path: string, state: ReadState): AsyncGenerator<Buffer> {
  try {
    const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES });
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      // In pieces, since packed ones are long in becoming events.
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, at + PIECE_BYTES);
        state.bytesTaken = (state.bytesTaken ?? 0) + piece.length;
        yield piece;
      }
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

/**
 * Unpacks piece by piece. A stream would throw away what it has unpacked when it meets the early end
 * of its input; here every piece is out before the next goes in.
 */
async function* gunzipChunks(
  path: string,
  packed: AsyncGenerator<Buffer>,
  state: ReadState,
): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const unpacked: Buffer[] = [];
  let bytes = 0;
  let failure: unknown;
  gunzip.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    unpacked.push(chunk);
  });
  gunzip.on('error', (error) => {
    failure = error;
  });
  const closed = new Promise<void>((resolve) => {
    gunzip.once('close', () => resolve());
  });
  let written: Promise<void> | undefined;
  try {
    for await (const chunk of packed) {
      for (let at = 0; at < chunk.length && failure === undefined; at += PIECE_BYTES) {
        await written;
        // The next piece is being unpacked while the caller works on this one.
        written = Promise.race([write(gunzip, chunk.subarray(at, at + PIECE_BYTES)), closed]);
        yield* unpacked.splice(0);
      }
      if (failure !== undefined) break;
    }
    await written;
    if (failure === undefined) gunzip.end();
    await closed;
    yield* unpacked.splice(0);
  } finally {
    gunzip.destroy();
  }
  if (errnoOf(failure) === 'Z_BUF_ERROR') state.truncated = true;
  else if (failure !== undefined) {
    throw new TraceFormatError(
      `${path}: the packed data are damaged after ${bytes} unpacked bytes: ${describeError(failure)}`,
      { hint: 'Copy the file again; `gzip -t` tests it.', cause: failure },
    );
  }
}

function write(stream: Writable, piece: Buffer): Promise<void> {
  return new Promise((resolve) => {
    stream.write(piece, () => resolve());
  });
}
