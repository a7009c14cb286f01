// Where the recordings of real kernels are, for tests that hold us to them. A user's machine does not
// have them: such tests are then skipped, by name.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

/** The folder of recordings: SLABREPLAY_DATA, else shared/data beside the checkout. */
const DATA = process.env['SLABREPLAY_DATA'] ?? join(ROOT, '..', 'shared', 'data');

/** The path of a recording or of a file in one: `recording('debian-plain', 'trace.dat.gz')`. */
export function recording(...parts: string[]): string {
  return join(DATA, ...parts);
}

/** `describe` where the named recording is there, else skipped under a name that says so. */
export function describeWithData(name: string, title: string, body: () => void): void {
  if (existsSync(recording(name))) describe(`${title} (${name})`, body);
  else describe.skip(`${title} (skipped: recording ${name} is not on this machine)`, body);
}
