// The bytes of COMPRESSED records → the records in them. All of a file's are consecutive parts of one
// zstd stream that perf flushes after each record (tools/perf/util/zstd.c,
// zstd_compress_stream_to_records()); so what was unpacked stays the dictionary of what comes, and a
// record may begin in one part and end in the next.

import { Decompress } from 'fzstd';
import { describeError } from '../../base/errors.ts';
import { assertZstdFrame } from '../../base/zstd.ts';

/** A part holds at most 64 KiB, of data that pack well but are no desert of zeros. */
const MAX_PART_OUTPUT = 64 * 1024 * 1024;

export class ZstdStream {
  private readonly stream: Decompress;
  private room = 0;
  private begun = false;
  /** Why nothing more can be unpacked, once that is so. */
  private failure: string | undefined;

  /** @param onData gets what was unpacked, piece by piece; it may keep a piece */
  constructor(onData: (piece: Uint8Array) => void) {
    this.stream = new Decompress((piece) => {
      this.room -= piece.length;
      if (this.room < 0) throw new Error(`more than ${MAX_PART_OUTPUT} bytes in one record`);
      onData(piece);
    });
  }

  /** Unpacks a part; what is wrong with it, undefined where it is whole. */
  push(part: Uint8Array): string | undefined {
    if (this.failure !== undefined) return this.failure;
    this.room = MAX_PART_OUTPUT;
    try {
      if (!this.begun) assertZstdFrame(part);
      this.begun = true;
      this.stream.push(part);
    } catch (error) {
      this.failure = describeError(error);
    }
    return this.failure;
  }
}
