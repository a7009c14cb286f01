// The pages of one CPU in a packed buffer of trace.dat v7: u32 number of pieces, then the pieces;
// unpacked and put in a row they are the pages.

import { ByteCursor, type ByteSource, OutOfBytes } from '../../base/byte-cursor.ts';
import type { TraceStats } from '../../kernel/trace-stats.ts';
import type { PageSource } from '../ring-buffer/cpu-stream.ts';
import type { ByteLayout } from '../ring-buffer/page.ts';
import { BadPiece, type Compression, DamagedPiece, readPiece } from './compression.ts';
import type { CpuData } from './header.ts';

/** Damaged pieces after which the rest is taken for lost too. */
const MAX_DAMAGED = 1000;

export class PackedPages implements PageSource {
  private readonly cursor: ByteCursor;
  private readonly layout: ByteLayout;
  private readonly compression: Compression;
  private readonly stats: TraceStats;
  private readonly pieces: number;
  private piecesLeft: number;
  broken = false;
  private damaged = 0;
  /** Bytes of a page whose rest is in the next piece. */
  private rest: Buffer = Buffer.alloc(0);

  constructor(
    source: ByteSource,
    data: CpuData,
    layout: ByteLayout,
    compression: Compression,
    stats: TraceStats,
  ) {
    this.cursor = new ByteCursor(source, data.offset, layout.littleEndian);
    this.layout = layout;
    this.compression = compression;
    this.stats = stats;
    this.pieces = data.size < 4 || this.cursor.remaining < 4 ? 0 : this.cursor.u32();
    if (data.size >= 4 && this.pieces === 0 && this.cursor.remaining < 4) {
      stats.add('truncated', 1, this.place(source.size));
    }
    this.piecesLeft = this.pieces;
  }

  get progress(): number {
    return this.pieces === 0 ? 1 : 1 - this.piecesLeft / this.pieces;
  }

  place(position: number): string {
    return `byte ${position}`;
  }

  next(): { view: DataView; position: number } | undefined {
    this.broken = false;
    while (this.piecesLeft > 0) {
      this.piecesLeft--;
      const { position } = this.cursor;
      const piece = this.readPiece();
      if (piece === undefined) {
        this.broken = true;
        this.rest = Buffer.alloc(0);
        continue;
      }
      const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, piece]) : piece;
      const whole = bytes.length - (bytes.length % this.layout.pageSize);
      this.rest = Buffer.from(bytes.subarray(whole));
      if (whole > 0) {
        return { view: new DataView(bytes.buffer, bytes.byteOffset, whole), position };
      }
    }
    if (this.rest.length > 0) this.stats.add('truncated', 1, this.place(this.cursor.position));
    this.rest = Buffer.alloc(0);
    return undefined;
  }

  /**
   * The next piece; undefined, and counted, where it is damaged (the next one may be intact) or where
   * the file ends.
   */
  private readPiece(): Buffer | undefined {
    try {
      return readPiece(this.cursor, this.compression);
    } catch (error) {
      if (!(error instanceof OutOfBytes || error instanceof BadPiece)) throw error;
      const isEnd = error instanceof OutOfBytes;
      this.stats.add(isEnd ? 'truncated' : 'bad_page', 1, this.place(this.cursor.position));
      if (!(error instanceof DamagedPiece) || ++this.damaged > MAX_DAMAGED) this.piecesLeft = 0;
      return undefined;
    }
  }
}
