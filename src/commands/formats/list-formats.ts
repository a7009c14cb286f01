// The formats that can be read, for people.

import { loadFormats } from '../../ingest/formats.ts';

export interface FormatEntry {
  readonly name: string;
  readonly title: string;
  readonly carries: string;
}

export async function listFormats(): Promise<FormatEntry[]> {
  return (await loadFormats()).map(({ name, title, carries }) => ({ name, title, carries }));
}
