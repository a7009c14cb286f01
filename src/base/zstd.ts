// zstd data, piece by piece, and what the head of a frame says (RFC 8878, 3.1.1.1).

import { Decompress, ZstdErrorCode } from 'fzstd';

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
/** What zstd itself unpacks without being told otherwise (ZSTD_WINDOWLOG_LIMIT_DEFAULT). */
const MAX_WINDOW = 2 ** 27;
/** Packed bytes that are unpacked at a time; four of them may become 128 KiB. */
const PIECE_BYTES = 4096;

/** Unpacked bytes of the frame at the start; -1 where it does not tell, or there is none. */
export function zstdContentSize(packed: Uint8Array): number {
  if (!isFrame(packed)) return -1;
  const descriptor = packed[4] ?? 0;
  const singleSegment = (descriptor >> 5) & 1;
  const sizeFlag = descriptor >> 6;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const bytes = sizeFlag === 0 ? singleSegment : 1 << sizeFlag;
  const at = 6 - singleSegment + dictionaryBytes;
  let size = sizeFlag === 1 ? 256 : 0;
  for (let i = 0; i < bytes; i++) size += (packed[at + i] ?? 0) * 2 ** (8 * i);
  return bytes === 0 ? -1 : size;
}

/** True where bytes begin with a frame of zstd (and not with one to be skipped). */
function isFrame(packed: Uint8Array): boolean {
  return packed.length > 5 && MAGIC.every((byte, i) => packed[i] === byte);
}

/**
 * @throws Error where the bytes begin with no frame, or with one that wants more memory than there
 * should be for it: fzstd makes a window as large as the frame says
 */
export function assertZstdFrame(packed: Uint8Array): void {
  if (!isFrame(packed)) throw new Error('not zstd data');
  const window = windowOf(packed);
  if (window > MAX_WINDOW) {
    throw new Error(`they want a window of ${window} bytes (\`zstd -d --long=31\` unpacks it)`);
  }
}

/** Unpacked bytes of the frame at the start that later ones may repeat, so that must be kept. */
function windowOf(packed: Uint8Array): number {
  if (((packed[4] ?? 0) & 0x20) !== 0) return zstdContentSize(packed);
  const descriptor = packed[5] ?? 0;
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** True for the error of data that end before their end. */
export function isZstdCut(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === ZstdErrorCode.UnexpectedEOF;
}

/** Unpacks frames that come in a row. */
export class ZstdUnpacker {
  private readonly unpacked: Buffer[] = [];
  private hasBegun = false;
  private readonly stream = new Decompress((piece) => {
    this.unpacked.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
  });

  /**
   * What `chunk` becomes, part by part.
   * @throws Error where it is damaged; what came before it was given
   */
  *push(chunk: Uint8Array): Generator<Buffer> {
    if (!this.hasBegun && isFrame(chunk)) assertZstdFrame(chunk);
    this.hasBegun = true;
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      yield* this.take(() => this.stream.push(chunk.subarray(at, at + PIECE_BYTES)));
    }
  }

  /** The rest. @throws Error, of which `isZstdCut` is true where the data are not at their end */
  *end(): Generator<Buffer> {
    yield* this.take(() => this.stream.push(new Uint8Array(0), true));
  }

  private *take(work: () => void): Generator<Buffer> {
    let failure: unknown;
    try {
      work();
    } catch (error) {
      failure = error;
    }
    yield* this.unpacked.splice(0);
    if (failure !== undefined) throw failure;
  }
}
