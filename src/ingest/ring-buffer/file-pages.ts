// Pages of a ring buffer that lie one behind the other in a file.

import type { RandomAccessFile } from '../../base/random-access-file.ts';
import type { TraceStats } from '../../kernel/events/trace-stats.ts';
import type { PageSource } from './cpu-stream.ts';

/** Bytes that all CPUs of a recording hold at a time, and that one holds at most. */
const TOTAL_CHUNK_BYTES = 32 * 1024 * 1024;
const MAX_CHUNK_BYTES = 256 * 1024;

export interface PagesInFile {
  readonly file: RandomAccessFile;
  /** Where the pages begin, and how many bytes they take. */
  readonly position: number;
  readonly length: number;
  readonly pageSize: number;
  /** CPUs that are read at the same time: they share the memory. */
  readonly cpus: number;
  /** Before places in messages, where there are several files: 'trace_pipe_raw.cpu1 '. */
  readonly label?: string;
}

export class FilePages implements PageSource {
  broken = false;
  private cutOff = false;
  private readonly pages: PagesInFile;
  private readonly end: number;
  private readonly stats: TraceStats;
  private position: number;
  private readonly buffer: Uint8Array;

  constructor(pages: PagesInFile, stats: TraceStats) {
    const { position, length, pageSize } = pages;
    this.pages = pages;
    this.position = position;
    this.end = Math.min(position + length, pages.file.size);
    this.stats = stats;
    const bytes = Math.min(MAX_CHUNK_BYTES, TOTAL_CHUNK_BYTES / pages.cpus);
    const wholePages = Math.max(1, Math.floor(bytes / pageSize)) * pageSize;
    this.buffer = new Uint8Array(Math.max(0, Math.min(wholePages, this.end - position)));
    if (position + length > pages.file.size) this.cutOffAt(pages.file.size);
  }

  get progress(): number {
    const { position } = this.pages;
    return this.end <= position ? 1 : (this.position - position) / (this.end - position);
  }

  place(position: number): string {
    return `${this.pages.label ?? ''}byte ${position}`;
  }

  next(): { view: DataView; position: number } | undefined {
    const { position } = this;
    const wanted = Math.min(this.buffer.length, this.end - position);
    if (wanted <= 0) {
      this.broken = this.cutOff;
      return undefined;
    }
    const bytes = this.pages.file.read(position, this.buffer.subarray(0, wanted));
    this.position = position + wanted;
    if (bytes < wanted || (this.position === this.end && bytes % this.pages.pageSize !== 0)) {
      // Of a page that is cut off, the beginning is kept.
      this.cutOffAt(position + bytes);
      this.position = this.end;
    }
    return bytes === 0 ? undefined : { view: new DataView(this.buffer.buffer, 0, bytes), position };
  }

  private cutOffAt(position: number): void {
    if (!this.cutOff) this.stats.add('truncated', 1, this.place(position));
    this.cutOff = true;
  }
}
