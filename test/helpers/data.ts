// Where the recordings of real kernels are, for tests that hold us to them. A user's machine does not
// have them: such tests are then skipped, by name.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe } from 'vitest';
import { skipByName } from './skip-by-name.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** The folder of recordings: SLABREPLAY_DATA, else shared/data beside the checkout. */
const DATA = process.env['SLABREPLAY_DATA'] ?? join(ROOT, '..', 'shared', 'data');

/** The path of a recording or of a file in one: `recording('debian-plain', 'trace.dat.gz')`. */
export function recording(...parts: string[]): string {
  return join(DATA, ...parts);
}

/** The bytes of a file of a recording, which may be there with `.gz` alone: then unpacked. */
export function recordedBytes(...parts: string[]): Buffer {
  const path = recording(...parts);
  return existsSync(path) ? readFileSync(path) : gunzipSync(readFileSync(`${path}.gz`));
}

/** The text of a file of a recording, unpacked where it has to be. */
export function recordedText(...parts: string[]): string {
  return recordedBytes(...parts).toString();
}

/** The text of a file of a recording; undefined where the recording has no such file. */
export function textIfRecorded(...parts: string[]): string | undefined {
  return isRecorded(...parts) ? recordedText(...parts) : undefined;
}

/** True where a recording has a file, packed or not. */
export function isRecorded(...parts: string[]): boolean {
  const path = recording(...parts);
  return existsSync(path) || existsSync(`${path}.gz`);
}

/**
 * `describe` where all named recordings are there. Else `body` does not run: one skipped test has the
 * title and says what is missing. A body declares tests and hooks; only these read files.
 */
export function describeWithData(
  names: string | readonly string[],
  title: string,
  body: () => void,
): void {
  const wanted = [names].flat();
  const missing = wanted.filter((name) => !existsSync(recording(name)));
  if (missing.length === 0) describe(`${title} (${wanted.join(', ')})`, body);
  else skipByName(title, `no recording ${missing.join(', ')} on this machine`);
}

/** `describeWithData` for each recording that has all of some files, also those no test names. */
export function describeEachWith(
  files: readonly string[],
  title: string,
  body: (name: string) => void,
): void {
  const all = existsSync(DATA) ? readdirSync(DATA).sort() : [];
  const names = all.filter((name) => files.every((file) => isRecorded(name, file)));
  for (const name of names) describe(`${title} (${name})`, () => body(name));
  if (names.length === 0)
    skipByName(title, `no recording with ${files.join(', ')} on this machine`);
}
