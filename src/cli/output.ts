// Where a command's result goes: standard output, or a file that is never overwritten unasked.

import { existsSync } from 'node:fs';
import { OutputError } from '../base/errors.ts';
import { writeWhole } from '../base/partial-file.ts';

/** Version of the JSON that `--json` prints (CHANGELOG-formats.md). */
const FORMAT_VERSION = 1;

export interface Target {
  readonly out?: string | undefined;
  readonly force?: boolean | undefined;
}

/** @throws OutputError where the file exists or cannot be written */
export function writeResult(content: string | Uint8Array, target: Target): void {
  const { out } = target;
  if (out === undefined) {
    process.stdout.write(content);
    return;
  }
  writeWhole(out, content, target.force === true);
}

/**
 * To be said before a long run, too.
 * @throws OutputError where one of the files exists
 */
export function refuseOverwriting(paths: readonly (string | undefined)[], force: boolean): void {
  const existing = force ? undefined : paths.find((path) => path !== undefined && existsSync(path));
  if (existing === undefined) return;
  throw new OutputError(`${existing}: exists already`, { hint: 'Use --force to overwrite it.' });
}

/** A result as `--json` prints it. */
export function renderJson(result: object): string {
  return `${JSON.stringify({ formatVersion: FORMAT_VERSION, ...result }, null, 1)}\n`;
}

/** A line to standard error. */
export function warn(text: string): void {
  process.stderr.write(`slabreplay: ${text}\n`);
}
