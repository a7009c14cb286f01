// Where the records of a perf.data come from: the data section of a file, or (pipe mode) all bytes of
// the input in a row.

import type { ReadState } from '../../base/input-bytes.ts';
import type { RandomAccessFile } from '../../base/random-access-file.ts';
import type { TraceStats } from '../../kernel/events/trace-stats.ts';
import type { TraceInput } from '../format.ts';
import type { Section } from './file-header.ts';
import type { RecordBuffer } from './record-buffer.ts';
import type { RecordFeed } from './record-reader.ts';

/** What is read at a time: little enough to be still in the processor's cache when it is cut. */
const READ_BYTES = 128 * 1024;

/** The data section of a file. */
export class FileFeed implements RecordFeed {
  private readonly file: RandomAccessFile;
  private readonly start: number;
  private readonly end: number;
  private position: number;

  constructor(file: RandomAccessFile, { offset, size }: Section, stats: TraceStats) {
    this.file = file;
    this.start = offset;
    this.position = offset;
    this.end = Math.min(offset + size, file.size);
    if (offset + size > file.size) stats.add('truncated', 1, `byte ${file.size}`);
  }

  get progress(): number {
    const { start, end, position } = this;
    return end <= start ? 1 : (position - start) / (end - start);
  }

  fill(buffer: RecordBuffer): boolean {
    const wanted = Math.min(READ_BYTES, this.end - this.position);
    if (wanted <= 0) return false;
    buffer.room(wanted);
    const { bytes, to } = buffer;
    const read = this.file.read(this.position, bytes.subarray(to, to + wanted));
    buffer.to += read;
    this.position += read;
    return read > 0;
  }

  close(): void {
    this.file.close();
  }
}

/** All bytes of the input behind its head. */
export class PipeFeed implements RecordFeed {
  private readonly input: TraceInput;
  private readonly chunks: AsyncIterator<Uint8Array>;
  private readonly state: ReadState = { truncated: false };
  private readonly stats: TraceStats;
  private skip: number;
  private given = 0;

  /** @param skip bytes before the first record */
  constructor(input: TraceInput, skip: number, stats: TraceStats) {
    this.chunks = input.chunks(this.state)[Symbol.asyncIterator]();
    this.input = input;
    this.skip = skip;
    this.stats = stats;
  }

  get progress(): number {
    return this.input.share();
  }

  async fill(buffer: RecordBuffer): Promise<boolean> {
    const next = await this.chunks.next();
    if (next.done === true) {
      if (this.state.truncated) this.stats.add('truncated', 1, `byte ${this.given}`);
      return false;
    }
    const passed = Math.min(this.skip, next.value.length);
    this.skip -= passed;
    this.given += next.value.length;
    buffer.append(next.value.subarray(passed));
    return true;
  }

  close(): void {
    this.chunks.return?.().catch(() => undefined);
  }
}
