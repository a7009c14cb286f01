// What a name behind `-o` stands for: a file, which gets its name when it is whole and is never
// overwritten unasked, or something that is written to as it is: `-`, /dev/stdout, a pipe, a device.

import { closeSync, openSync, writeSync } from 'node:fs';
import { describeError, errnoOf, OutputError, UsageError } from './errors.ts';
import { fileStat } from './file-stat.ts';

/** The name that stands for standard output. */
export const STDOUT = '-';

export type OutputTarget =
  | { readonly kind: 'file'; readonly path: string }
  /** `fd`: one that is open already; undefined: to be opened by its path. */
  | { readonly kind: 'stream'; readonly path: string; readonly fd: number | undefined };

const STDOUT_FD = 1;
const STDERR_FD = 2;

/** Names of open files. Opened again, a file behind them would be cut off and written from its start. */
const OPEN_FILE = /^\/(?:dev|proc\/self)\/fd\/(\d{1,6})$/;

/**
 * Also to be asked before a long run.
 * @param force whether a file may be overwritten
 * @param option by which it was named, for messages
 * @throws UsageError for an empty name, OutputError for a folder or a file that exists
 */
export function outputTarget(path: string, force: boolean, option = '-o'): OutputTarget {
  if (path === '') throw new UsageError(`${option}: the name is empty`, { hint: 'Name a file.' });
  const fd = openedFile(path);
  if (fd !== undefined) return { kind: 'stream', path, fd };
  const stat = fileStat(path);
  if (stat === undefined) return { kind: 'file', path };
  if (stat.isDirectory()) {
    throw new OutputError(`${path}: is a directory`, { hint: 'Name a file in it.' });
  }
  if (!stat.isFile()) return { kind: 'stream', path, fd };
  if (!force) {
    throw new OutputError(`${path}: exists already`, { hint: 'Use --force to overwrite it.' });
  }
  return { kind: 'file', path };
}

/**
 * The same for what has to be a file: a database cannot go into a pipe.
 * @throws UsageError also for anything that is none
 */
export function fileTarget(path: string, force: boolean, option = '-o'): void {
  const target = outputTarget(path, force, option);
  if (target.kind === 'file') return;
  throw new UsageError(`${option} ${path}: a database cannot be written to a pipe or a device`, {
    hint: 'Name a file.',
  });
}

function openedFile(path: string): number | undefined {
  if (path === STDOUT || path === '/dev/stdout') return STDOUT_FD;
  if (path === '/dev/stderr') return STDERR_FD;
  const [, digits] = OPEN_FILE.exec(path) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** Writes to what is no file. Where a reader has seen enough and left, what follows is dropped. */
export class OutputStream {
  private readonly target: OutputTarget & { readonly kind: 'stream' };
  private readonly fd: number;
  private hasReader = true;

  /** @throws OutputError where it cannot be opened */
  constructor(target: OutputTarget & { readonly kind: 'stream' }) {
    this.target = target;
    try {
      this.fd = target.fd ?? openSync(target.path, 'w');
    } catch (error) {
      throw this.failure(error);
    }
  }

  /** @throws OutputError where there is no room */
  write(content: string | Uint8Array): void {
    if (this.fd === STDOUT_FD) process.stdout.write(content);
    else if (this.fd === STDERR_FD) process.stderr.write(content);
    else this.writeAll(typeof content === 'string' ? Buffer.from(content) : content);
  }

  close(): void {
    if (this.target.fd === undefined) closeSync(this.fd);
  }

  private writeAll(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length && this.hasReader; ) at += writeSync(this.fd, bytes, at);
    } catch (error) {
      if (errnoOf(error) !== 'EPIPE') throw this.failure(error);
      this.hasReader = false;
    }
  }

  private failure(error: unknown): OutputError {
    const { path } = this.target;
    return new OutputError(`${path}: cannot be written: ${describeError(error)}`, { cause: error });
  }
}
