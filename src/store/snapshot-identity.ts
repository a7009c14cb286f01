// What tells one memory snapshot from another without reading all of it: a run database keeps it of the
// snapshot that was beside its recording, which is too large to be taken in.

import { createHash } from 'node:crypto';
import { closeSync, fstatSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { describeError, InputError } from '../base/errors.ts';
import { openForReading } from '../base/random-access-file.ts';
import type { StoredSnapshot } from './run-database.ts';

/** What is read at the start and at the end: headers, notes and the last pages. */
const END_BYTES = 1024 * 1024;

/** @throws InputError where it cannot be read */
export function identifySnapshot(path: string): StoredSnapshot {
  const fd = openForReading(path);
  try {
    const { size } = fstatSync(fd);
    const hash = createHash('sha256');
    const bytes = Buffer.alloc(END_BYTES);
    for (const from of new Set([0, Math.max(0, size - END_BYTES)])) {
      hash.update(bytes.subarray(0, readSync(fd, bytes, 0, END_BYTES, from)));
    }
    return { path: resolve(path), size, digest: hash.digest('hex') };
  } catch (error) {
    throw new InputError(`${path}: ${describeError(error)}`, { cause: error });
  } finally {
    closeSync(fd);
  }
}
