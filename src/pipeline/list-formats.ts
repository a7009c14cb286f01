// The formats that can be read, for people.

import { TRACE_FORMATS } from '../ingest/formats.ts';

export interface FormatEntry {
  readonly name: string;
  readonly title: string;
  readonly carries: string;
}

export function listFormats(): FormatEntry[] {
  return TRACE_FORMATS.map(({ name, title, carries }) => ({ name, title, carries }));
}
