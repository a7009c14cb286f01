// What the system says of a file by its path.

import { type Stats, statSync } from 'node:fs';
import { describeError, errnoOf, InputError } from './errors.ts';

/**
 * Undefined where there is no such file.
 * @throws InputError where the system does not say (no permission, a name that is too long)
 */
export function fileStat(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw new InputError(`${path}: ${describeError(error)}`, { cause: error });
  }
}
