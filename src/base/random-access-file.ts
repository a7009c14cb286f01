// A file that is read in pieces, in any order, without ever being in memory as a whole.
// What is packed is unpacked first, into a temporary file that has no name any more when the
// first byte is read: the system frees it however the program ends.

import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeError, errnoOf, InputError, OutputError } from './errors.ts';
import { type ReadState, readChunks } from './input-bytes.ts';
import { assertUnpacked, PACKING_HEAD_BYTES, packingOf } from './packing.ts';

export class RandomAccessFile {
  readonly path: string;
  readonly size: number;
  /** True where the packed input ended too early: the size is that of what could be unpacked. */
  readonly truncated: boolean;
  /** Open for reading as long as this is; other threads may read by it. */
  readonly fd: number;

  private constructor(path: string, fd: number, truncated: boolean) {
    this.path = path;
    this.fd = fd;
    this.size = fstatSync(fd).size;
    this.truncated = truncated;
  }

  /**
   * Opens a file, unpacked where it is packed.
   * @param tmp folder for what must be unpacked
   * @throws InputError where it cannot be opened, TraceFormatError where it is packed so that it is
   * not unpacked here, OutputError where there is no room to unpack it
   */
  static async open(path: string, tmp: string = tmpdir()): Promise<RandomAccessFile> {
    const state: ReadState = { truncated: false };
    // What is no plain file (a pipe) cannot be read in any order either.
    if (!isPlainFile(path))
      return RandomAccessFile.fromChunks(path, readChunks(path, state), state, tmp);
    const fd = openForReading(path);
    const file = new RandomAccessFile(path, fd, false);
    try {
      const head = file.slice(0, PACKING_HEAD_BYTES);
      if (packingOf(head) === undefined) {
        assertUnpacked(head, path);
        return file;
      }
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
    return RandomAccessFile.fromChunks(path, readChunks(path, state), state, tmp);
  }

  /**
   * A file of bytes that come in a row.
   * @param path names them in messages
   * @param state says, when they have ended, whether they ended too early
   */
  static async fromChunks(
    path: string,
    chunks: AsyncIterable<Uint8Array>,
    state: ReadState,
    tmp: string = tmpdir(),
  ): Promise<RandomAccessFile> {
    const fd = openNameless(tmp);
    try {
      for await (const chunk of chunks) writeAll(fd, chunk, path, tmp);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return new RandomAccessFile(path, fd, state.truncated);
  }

  /**
   * Reads into `target` from `position`; returns the number of bytes, fewer only at the end.
   * @throws InputError where the device fails
   */
  read(position: number, target: Uint8Array): number {
    let done = 0;
    try {
      while (done < target.length) {
        const n = readSync(this.fd, target, done, target.length - done, position + done);
        if (n === 0) break;
        done += n;
      }
    } catch (error) {
      throw new InputError(`${this.path}: ${describeError(error)}`, { cause: error });
    }
    return done;
  }

  /** The bytes [position, position + length), fewer only at the end. The caller bounds `length`. */
  slice(position: number, length: number): Buffer {
    const available = Math.max(0, Math.min(length, this.size - position));
    const buffer = Buffer.allocUnsafe(available);
    return buffer.subarray(0, this.read(position, buffer));
  }

  close(): void {
    closeSync(this.fd);
  }
}

/**
 * False for pipes and devices, which have no positions.
 * @throws InputError where there is no such file, or it is a folder
 */
export function isPlainFile(path: string): boolean {
  try {
    const stat = statSync(path);
    if (!stat.isDirectory()) return stat.isFile();
  } catch (error) {
    throw new InputError(`${path}: ${describeError(error)}`, { cause: error });
  }
  throw new InputError(`${path}: is a directory`);
}

/** @throws InputError in the words of the errno */
export function openForReading(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw new InputError(`${path}: ${describeError(error)}`, { cause: error });
  }
}

function openNameless(tmp: string): number {
  try {
    const folder = mkdtempSync(join(tmp, 'slabreplay-'));
    try {
      return openSync(join(folder, 'unpacked'), 'w+', 0o600);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  } catch (error) {
    throw new OutputError(`${tmp}: cannot unpack here: ${describeError(error)}`, {
      hint: 'Name another folder with --tmp.',
      cause: error,
    });
  }
}

function writeAll(fd: number, chunk: Uint8Array, path: string, tmp: string): void {
  try {
    for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
  } catch (error) {
    const words = describeError(error);
    throw new OutputError(`${tmp}: cannot unpack ${path} here: ${words}`, {
      ...(errnoOf(error) === 'ENOSPC' && { hint: 'Name a folder with more room with --tmp.' }),
      cause: error,
    });
  }
}
