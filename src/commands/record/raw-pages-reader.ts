// Copies the pages of each CPU's ring buffer as they fill: trace_pipe_raw gives whole pages, and of
// the page that is being written a copy of what it has (tracing_buffers_read(), kernel/trace/trace.c;
// ring_buffer_read_page(), ring_buffer.c).

import { closeSync, constants, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, errnoOf, InputError } from '../../base/errors.ts';
import { readIfThere } from './machine-roots.ts';
import { cannotWrite } from './recording-folder.ts';

/** What is read in a row from one CPU before the next has its turn. */
const TURN_BYTES = 1 << 20;

interface Stream {
  readonly cpu: number;
  readonly from: number;
  readonly pipe: string;
  readonly path: string;
  /** Undefined until the CPU has a buffer: only CPUs that were ever online have one. */
  to: number | undefined;
  written: number;
}

/**
 * Bytes of a page of a buffer, by the events/header_page of its tracefs folder; from 6.8 on they may be
 * several pages of memory (buffer_subbuf_size_kb).
 */
export function bufferPageSize(tracer: string): number {
  const text = readIfThere(join(tracer, 'events', 'header_page')) ?? '';
  const [, offset, size] = /char data;\s*offset:(\d+);\s*size:(\d+);/.exec(text) ?? [];
  return size === undefined ? 4096 : Number(offset) + Number(size);
}

export class RawPagesReader {
  bytes = 0;
  private readonly streams: Stream[] = [];
  private readonly pageSize: number;
  private readonly turn: Buffer;

  constructor(pageSize: number) {
    this.pageSize = pageSize;
    this.turn = Buffer.alloc(Math.ceil(TURN_BYTES / pageSize) * pageSize);
  }

  /**
   * @param path the file that is made, once the CPU has a buffer
   * @throws InputError where the pipe cannot be opened
   */
  open(cpu: number, pipe: string, path: string): void {
    try {
      const from = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
      this.streams.push({ cpu, from, pipe, path, to: undefined, written: 0 });
    } catch (error) {
      throw new InputError(`${pipe}: ${describeError(error)}`, { cause: error });
    }
  }

  /**
   * Copies what is there now; true where there may be more.
   * @throws OutputError where the disk is full: what was copied until then is whole pages
   * @throws InputError where the kernel gives an error
   */
  drain(): boolean {
    let hasMore = false;
    for (const stream of this.streams) if (this.drainOne(stream)) hasMore = true;
    return hasMore;
  }

  /** The CPUs that have a file now. */
  cpus(): number[] {
    return this.streams.filter(({ to }) => to !== undefined).map(({ cpu }) => cpu);
  }

  close(): void {
    for (const { from, to } of this.streams.splice(0)) {
      closeSync(from);
      if (to !== undefined) closeSync(to);
    }
  }

  private drainOne(stream: Stream): boolean {
    const { turn, pageSize } = this;
    let end = 0;
    while (end < turn.length) {
      const length = this.readPage(stream, end);
      if (length === undefined) return false;
      if (length === 0) break;
      turn.fill(0, end + length, end + pageSize);
      end += pageSize;
    }
    this.write(stream, end);
    return end === turn.length;
  }

  /** 0 where nothing is there now, undefined where the CPU has no buffer. */
  private readPage({ from, pipe }: Stream, at: number): number | undefined {
    try {
      return readSync(from, this.turn, at, this.pageSize, null);
    } catch (error) {
      const errno = errnoOf(error);
      if (errno === 'EAGAIN') return 0;
      if (errno === 'ENODEV') return undefined;
      throw new InputError(`${pipe}: ${describeError(error)}`, { cause: error });
    }
  }

  /** The first `end` bytes of what was read. */
  private write(stream: Stream, end: number): void {
    try {
      stream.to ??= openSync(stream.path, 'wx');
      for (let at = 0; at < end; ) {
        const length = writeSync(stream.to, this.turn, at, end - at);
        at += length;
        stream.written += length;
        this.bytes += length;
      }
    } catch (error) {
      const excess = stream.written % this.pageSize;
      if (stream.to !== undefined) ftruncateSync(stream.to, stream.written - excess);
      this.bytes -= excess;
      throw cannotWrite(stream.path, error);
    }
  }
}
