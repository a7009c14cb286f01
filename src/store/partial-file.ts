// Files that get their name when they are whole: until then they lie beside it under a name of their
// own, so that one that is never finished is not taken for a result.

import { closeSync, openSync } from 'node:fs';
import { errnoOf } from '../base/errors.ts';

const MAX_TRIES = 10_000;

/**
 * Makes an empty file beside `path` that nobody else writes to: not another process (of another
 * container with the same pid), not one that was killed here before.
 */
export function createPartialFile(path: string): string {
  for (let n = 1; ; n++) {
    const name = `${path}.partial-${process.pid}${n === 1 ? '' : `-${n}`}`;
    try {
      closeSync(openSync(name, 'wx'));
      return name;
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || n === MAX_TRIES) throw error;
    }
  }
}
