// Packed bytes in a row → unpacked ones, as they come. What is cut off gives what could be unpacked.

import type { Writable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { describeError, errnoOf, ToolError, TraceFormatError } from './errors.ts';
import type { ReadState } from './input-bytes.ts';
import type { Packing } from './packing.ts';
import { unxzChunks } from './xz.ts';
import { isZstdCut, ZstdUnpacker } from './zstd.ts';

const CHUNK_BYTES = 512 * 1024;
/** Packed bytes that are unpacked at a time; they may become a thousand times as many. */
const PIECE_BYTES = 64 * 1024;

/** How a packing's data ended. */
interface End {
  readonly isCut: boolean;
  /** What is wrong with the data; undefined where nothing is. */
  readonly failure: unknown;
}

type Unpacker = (packed: AsyncGenerator<Buffer>) => AsyncGenerator<Buffer, End>;

const UNPACKERS: Record<Packing, { unpack: Unpacker; test: string }> = {
  gzip: { unpack: gunzipChunks, test: 'gzip -t' },
  xz: { unpack: unxzChunks, test: 'xz -t' },
  zstd: { unpack: unzstdChunks, test: 'zstd -t' },
};

/**
 * @param path names the input in messages
 * @param state gets whether the data were cut off
 * @throws TraceFormatError where they are damaged
 */
export async function* unpackChunks(
  packing: Packing,
  path: string,
  packed: AsyncGenerator<Buffer>,
  state: ReadState,
): AsyncGenerator<Buffer> {
  const { unpack, test } = UNPACKERS[packing];
  const unpacked = unpack(packed);
  let bytes = 0;
  try {
    for (;;) {
      const next = await unpacked.next();
      if (!next.done) {
        bytes += next.value.length;
        yield next.value;
        continue;
      }
      const { isCut, failure } = next.value;
      state.truncated = isCut;
      if (isCut || failure === undefined) return;
      const words = typeof failure === 'string' ? failure : describeError(failure);
      throw new TraceFormatError(
        `${path}: the packed data are damaged after ${bytes} unpacked bytes: ${words}`,
        { hint: `Copy the file again; \`${test}\` tests it.`, cause: failure },
      );
    }
  } finally {
    await unpacked.return({ isCut: false, failure: undefined });
  }
}

/**
 * Unpacks piece by piece. A stream would throw away what it has unpacked when it meets the early end
 * of its input; here every piece is out before the next goes in.
 */
async function* gunzipChunks(packed: AsyncGenerator<Buffer>): AsyncGenerator<Buffer, End> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  const unpacked: Buffer[] = [];
  let failure: unknown;
  gunzip.on('data', (chunk: Buffer) => {
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
  return { isCut: errnoOf(failure) === 'Z_BUF_ERROR', failure };
}

function write(stream: Writable, piece: Buffer): Promise<void> {
  return new Promise((resolve) => {
    stream.write(piece, () => resolve());
  });
}

async function* unzstdChunks(packed: AsyncGenerator<Buffer>): AsyncGenerator<Buffer, End> {
  const unpacker = new ZstdUnpacker();
  try {
    for await (const chunk of packed) yield* unpacker.push(chunk);
    yield* unpacker.end();
  } catch (failure) {
    if (failure instanceof ToolError) throw failure;
    return { isCut: isZstdCut(failure), failure };
  }
  return { isCut: false, failure: undefined };
}
