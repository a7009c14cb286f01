// Copies the pages of each CPU's ring buffer as they fill: trace_pipe_raw gives whole pages, and of
// the page that is being written what it has (tracing_buffers_read(), kernel/trace/trace.c).

import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { describeError, InputError, OutputError } from '../base/errors.ts';

/** Pages that are read in a row from one CPU before the next has its turn. */
const PAGES_A_TURN = 256;

/** `commit` of struct buffer_data_page: how many bytes of it are events, in its low bits. */
const COMMIT_AT = 8;
const COMMIT_MASK = 0xfffff;

interface Stream {
  readonly from: number;
  readonly to: number;
  readonly path: string;
}

export class RawPagesReader {
  bytes = 0;
  private readonly streams: Stream[] = [];
  private readonly page: Buffer;

  constructor(pageSize: number) {
    this.page = Buffer.alloc(pageSize);
  }

  /** @throws InputError, OutputError where one of the files cannot be opened */
  open(pipe: string, path: string): void {
    let from: number;
    try {
      from = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      throw new InputError(`${pipe}: ${describeError(error)}`, { cause: error });
    }
    try {
      this.streams.push({ from, to: openSync(path, 'w'), path });
    } catch (error) {
      closeSync(from);
      throw new OutputError(`${path}: ${describeError(error)}`, { cause: error });
    }
  }

  /**
   * Copies what is there now; true where there may be more.
   * @throws OutputError where the disk is full; what was copied until then is whole
   */
  drain(): boolean {
    let hasMore = false;
    for (const stream of this.streams) if (this.drainOne(stream)) hasMore = true;
    return hasMore;
  }

  close(): void {
    for (const { from, to } of this.streams.splice(0)) {
      closeSync(from);
      closeSync(to);
    }
  }

  private drainOne({ from, to, path }: Stream): boolean {
    const { page } = this;
    for (let i = 0; i < PAGES_A_TURN; i++) {
      const length = readNow(from, page);
      if (length === 0) return false;
      // A short read is a page that is not full: the reader counts in whole pages.
      page.fill(0, length);
      try {
        writeSync(to, page);
      } catch (error) {
        throw new OutputError(`${path}: cannot be written: ${describeError(error)}`, {
          cause: error,
          hint: 'What was recorded until then is kept. Make room, or record less: --duration, --pid.',
        });
      }
      this.bytes += page.length;
      // Reading makes events too: a page that is not full yet ends the turn, or there is no end to it.
      if ((page.readUInt32LE(COMMIT_AT) & COMMIT_MASK) < page.length / 2) return false;
    }
    return true;
  }
}

/** 0 where nothing is there now. */
function readNow(fd: number, page: Buffer): number {
  try {
    return readSync(fd, page, 0, page.length, null);
  } catch (error) {
    if ((error as { code?: string }).code === 'EAGAIN') return 0;
    throw error;
  }
}
