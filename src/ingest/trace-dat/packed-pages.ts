// The pages of one CPU in a packed buffer of trace.dat v7: u32 number of pieces, then the pieces;
// unpacked and put in a row they are the pages.

import { ByteCursor, type ByteSource, OutOfBytes } from '../../base/byte-cursor.ts';
import type { TraceStats } from '../../kernel/events/trace-stats.ts';
import type { PageSource } from '../ring-buffer/cpu-stream.ts';
import type { ByteLayout } from '../ring-buffer/page.ts';
import { BadPiece, type Compression, DamagedPiece, readPiece } from './compression.ts';
import type { CpuData } from './cpu-data.ts';

/** The number of pieces; trace-cmd does not count it to the size of the data. */
const COUNT_BYTES = 4;
/** Bytes of pieces that all CPUs of a recording hold at a time. */
const TOTAL_PIECE_BYTES = 64 * 1024 * 1024;
/** Pages in a piece that are always believed; trace-cmd packs ten at a time. */
const PAGES_IN_PIECE = 16;

/** Damaged pieces after which the rest is taken for lost too. */
const MAX_DAMAGED = 1000;

export class PackedPages implements PageSource {
  private readonly cursor: ByteCursor;
  private readonly layout: ByteLayout;
  private readonly compression: Compression;
  private readonly stats: TraceStats;
  /** Bytes that a piece may have. */
  private readonly limit: number;
  private readonly pieces: number;
  private piecesLeft: number;
  broken = false;
  private damaged = 0;
  /** True where nothing more is read, and the reason is counted. */
  private gaveUp = false;
  /** Bytes of a page whose rest is in the next piece. */
  private rest: Buffer = Buffer.alloc(0);

  /** @param cpus CPUs that are read at the same time: they share the memory */
  constructor(
    source: ByteSource,
    data: CpuData,
    cpus: number,
    layout: ByteLayout,
    compression: Compression,
    stats: TraceStats,
  ) {
    const own: ByteSource = {
      size: Math.min(data.offset + COUNT_BYTES + data.size, source.size),
      slice: (position, length) => source.slice(position, length),
    };
    this.cursor = new ByteCursor(own, data.offset, layout.littleEndian);
    this.layout = layout;
    this.compression = compression;
    this.stats = stats;
    this.limit = Math.max(PAGES_IN_PIECE * layout.pageSize, TOTAL_PIECE_BYTES / cpus);
    this.pieces = data.size === 0 ? 0 : this.readCount();
    this.piecesLeft = this.pieces;
  }

  get progress(): number {
    if (this.pieces === Infinity) return this.cursor.position / this.cursor.source.size;
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
    this.checkEnd();
    return undefined;
  }

  /** Counts what is left behind the last piece: bytes of a page, or pieces that are not counted. */
  private checkEnd(): void {
    const place = this.place(this.cursor.position);
    if (this.rest.length > 0) this.stats.add('truncated', 1, place);
    if (this.pieces > 0 && !this.gaveUp && this.cursor.remaining > 0) {
      this.stats.add('bad_page', 1, place);
      this.broken = true;
    }
    this.rest = Buffer.alloc(0);
    this.gaveUp = true;
  }

  private readCount(): number {
    // trace-cmd fills in the number when the pieces are written: 0 says that it was stopped before.
    if (this.cursor.remaining >= COUNT_BYTES) return this.cursor.u32() || Infinity;
    this.stats.add('truncated', 1, this.place(this.cursor.source.size));
    return 0;
  }

  /**
   * The next piece; undefined, and counted, where it is damaged (the next one may be intact) or where
   * the file ends.
   */
  private readPiece(): Buffer | undefined {
    try {
      return readPiece(this.cursor, this.compression, this.limit);
    } catch (error) {
      if (!(error instanceof OutOfBytes || error instanceof BadPiece)) throw error;
      const isEnd = error instanceof OutOfBytes;
      this.stats.add(isEnd ? 'truncated' : 'bad_page', 1, this.place(this.cursor.position));
      if (!(error instanceof DamagedPiece) || ++this.damaged > MAX_DAMAGED) {
        this.piecesLeft = 0;
        this.gaveUp = true;
      }
      return undefined;
    }
  }
}
