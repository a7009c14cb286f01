// Files that get their name when they are whole: until then they are beside it under a name that no one
// can guess, opened so that no one else has it. What had the name before stays until then.

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { onExit } from './end-signals.ts';
import { describeError, errnoOf, OutputError } from './errors.ts';
import { fileStat } from './file-stat.ts';

/** One file; `finish()` or `abandon()` it. The program takes it away where it exits before (onExit). */
export class PartialFile {
  /** Where it is written to; of a device or pipe, which is written to directly, its own name. */
  readonly partial: string;
  /** False for a device or a pipe. */
  readonly isFile: boolean;
  private readonly path: string;
  private readonly target: string;
  private readonly force: boolean;
  private readonly fd: number;
  private readonly offExit: () => void;

  /**
   * @param force takes the place of a file that exists
   * @throws OutputError where the file exists (without `force`), is a folder, or cannot be made
   */
  constructor(path: string, force: boolean) {
    const there = statOf(path);
    if (there?.isDirectory() === true) throw new OutputError(`${path}: is a directory`);
    this.isFile = there === undefined || there.isFile();
    if (there !== undefined && this.isFile && !force) throw existing(path, 'exists already');
    this.path = path;
    this.force = force;
    try {
      // A link stays one: the file that it names is replaced.
      this.target = there === undefined || !this.isFile ? path : realpathSync(path);
      const suffix = `.partial-${randomBytes(8).toString('hex')}`;
      this.partial = this.isFile ? `${this.target}${suffix}` : path;
      this.fd = openSync(this.partial, this.isFile ? 'wx' : 'w');
    } catch (error) {
      throw new OutputError(`${path}: cannot be made: ${describeError(error)}`, { cause: error });
    }
    this.offExit = onExit(() => this.remove());
    if (there?.isFile() === true) this.guard(() => fchmodSync(this.fd, there.mode & 0o777));
  }

  /** Adds to it. @throws OutputError where that fails; the file is abandoned then */
  write(content: string | Uint8Array): void {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    this.guard(() => {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
    });
  }

  /** Gives it its name. @throws OutputError where that fails; the file is abandoned then */
  finish(): void {
    this.guard(() => {
      if (!this.isFile) return;
      fsyncSync(this.fd);
      this.rename();
    });
    this.close();
  }

  /** Throws away what was written. */
  abandon(): void {
    this.close();
    this.remove();
  }

  private remove(): void {
    if (this.isFile) rmSync(this.partial, { force: true });
  }

  private rename(): void {
    if (!this.force) {
      try {
        // Unlike a rename it fails where someone made such a file meanwhile.
        linkSync(this.partial, this.target);
        rmSync(this.partial);
        return;
      } catch (error) {
        const isThere = errnoOf(error) === 'EEXIST' || existsSync(this.target);
        if (isThere) throw existing(this.path, 'exists by now');
        // A file system without links.
      }
    }
    renameSync(this.partial, this.target);
  }

  private guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.abandon();
      throw error instanceof OutputError ? error : cannotWrite(this.path, error);
    }
  }

  private isClosed = false;

  private close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.offExit();
    closeSync(this.fd);
  }
}

/**
 * Writes a file as a whole.
 * @throws OutputError where it exists (without `force`) or cannot be written
 */
export function writeWhole(path: string, content: string | Uint8Array, force: boolean): void {
  const file = new PartialFile(path, force);
  file.write(content);
  file.finish();
}

function statOf(path: string): Stats | undefined {
  try {
    return fileStat(path);
  } catch (error) {
    throw new OutputError(`${path}: ${describeError(error)}`, { cause: error });
  }
}

function existing(path: string, what: string): OutputError {
  return new OutputError(`${path}: ${what}`, { hint: 'Use --force to overwrite it.' });
}

function cannotWrite(path: string, error: unknown): OutputError {
  const isFull = errnoOf(error) === 'ENOSPC';
  return new OutputError(`${path}: cannot be written: ${describeError(error)}`, {
    ...(isFull ? { hint: 'The device is full.' } : {}),
    cause: error,
  });
}
