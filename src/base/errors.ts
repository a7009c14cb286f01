// The errors a user can meet, each with the exit code that docs/ and `--help` promise.
// Anything else that is thrown is a bug in slabreplay (exit 70).

/** Exit codes as in sysexits.h, plus 1 for a crossed gate and 2 for wrong usage. */
export const EXIT = {
  done: 0,
  gateCrossed: 1,
  usage: 2,
  badData: 65,
  bug: 70,
  io: 74,
} as const;

interface Details {
  /** What the user can do next, one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** An operation cannot go on, and it is not our bug. The message names the thing and the place. */
export class ToolError extends Error {
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(message: string, exitCode: number, details: Details = {}) {
    super(message, { cause: details.cause });
    this.name = new.target.name;
    this.exitCode = exitCode;
    this.hint = details.hint;
  }
}

/** A bad option, a bad combination, or a name that matches nothing. */
export class UsageError extends ToolError {
  constructor(message: string, details: Details = {}) {
    super(message, EXIT.usage, details);
  }
}

/** Input that cannot be read as what it claims to be; the message has path and line or byte. */
export class TraceFormatError extends ToolError {
  constructor(message: string, details: Details = {}) {
    super(message, EXIT.badData, details);
  }
}

/** A database that is not ours, is newer than this program, or is damaged. */
export class StoreError extends ToolError {
  constructor(message: string, details: Details = {}) {
    super(message, EXIT.badData, details);
  }
}

/** A file that cannot be opened or read. */
export class InputError extends ToolError {
  constructor(message: string, details: Details = {}) {
    super(message, EXIT.io, details);
  }
}

/** A result that cannot be written. */
export class OutputError extends ToolError {
  constructor(message: string, details: Details = {}) {
    super(message, EXIT.io, details);
  }
}

/** The errno name of a failed system call ('ENOENT'), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const ERRNO_WORDS: Record<string, string> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  ENOSPC: 'no space left on the device',
  EROFS: 'read-only file system',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  EIO: 'input/output error',
  ENOMEM: 'not enough memory',
  EBUSY: 'in use',
  ENOTEMPTY: 'not empty',
  EEXIST: 'exists already',
};

/** What went wrong in words: the errno's where there is one, else the error's message. */
export function describeError(error: unknown): string {
  const errno = errnoOf(error);
  if (errno !== undefined) return ERRNO_WORDS[errno] ?? errno;
  return error instanceof Error ? error.message : String(error);
}
