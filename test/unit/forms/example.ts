// An input of a form, and the folder of a test in which it lies.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The content of a file alone, or several files. */
export type Example = string | Uint8Array | FolderExample;

export interface FolderExample {
  /** By path in the folder of the recording. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** What is given as SOURCE; the folder itself where it is not said. */
  readonly source?: string;
  /** Programs without which it cannot be read. */
  readonly tools?: readonly string[];
}

/** By form, as docs/formats.md names it. */
export type Examples = Readonly<Record<string, Example>>;

/** Writes an example into a folder; returns what to give as SOURCE. */
export function writeExample(example: Example, folder: string): string {
  const { files, source = '.' } = partsOf(example);
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return join(folder, source);
}

export function toolsOf(example: Example): readonly string[] {
  return partsOf(example).tools ?? [];
}

function partsOf(example: Example): FolderExample {
  if (typeof example !== 'string' && 'files' in example) return example;
  return { files: { input: example }, source: 'input' };
}
