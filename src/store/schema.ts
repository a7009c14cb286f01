// The schema (schema.sql at the top of the repository, also of the installed package) and what
// identifies a database as ours.

import { readFileSync } from 'node:fs';

/** "SLRR" */
export const APPLICATION_ID = 0x534c5252;
export const SCHEMA_VERSION = 1;

export function readSchema(): string {
  return readFileSync(new URL('../../schema.sql', import.meta.url), 'utf8');
}
