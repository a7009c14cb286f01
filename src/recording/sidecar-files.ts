// The files that lie beside the events of a recording (docs/recording-folder.md), found by name in
// one or more folders, packed or not, or inside the trace itself.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, InputError } from '../base/errors.ts';
import { fileStat } from '../base/file-stat.ts';
import { packedNames, unpackedName } from '../base/packing.ts';
import { readWhole } from '../base/read-whole.ts';
import { MAX_SIDECAR_BYTES, type SidecarFiles } from './sidecars.ts';

/** Sidecars in folders; the first folder that has a file wins. A file is read and unpacked once. */
export class FolderSidecars implements SidecarFiles {
  readonly taken: Map<string, string> = new Map();
  readonly offered: Map<string, Buffer> = new Map();
  private readonly folders: readonly string[];
  private readonly read = new Map<string, Buffer | undefined>();

  constructor(folders: readonly string[]) {
    this.folders = folders;
  }

  bytes(name: string): Buffer | undefined {
    if (!this.read.has(name)) this.read.set(name, this.readFile(name));
    const content = this.read.get(name);
    if (content !== undefined) return content;
    const offered = this.offered.get(name);
    if (offered !== undefined) this.taken.set(name, 'the trace itself');
    return offered;
  }

  private readFile(name: string): Buffer | undefined {
    for (const folder of this.folders) {
      for (const packed of packedNames(name)) {
        const path = join(folder, packed);
        if (!isThere(path, 'file')) continue;
        this.taken.set(name, path);
        return readWhole(path, MAX_SIDECAR_BYTES);
      }
    }
    return undefined;
  }

  text(name: string): string | undefined {
    return this.bytes(name)?.toString('utf8');
  }

  list(folder: string): string[] {
    const names = new Set<string>();
    for (const top of this.folders) {
      const path = join(top, folder);
      if (!isThere(path, 'folder')) continue;
      for (const name of namesIn(path)) names.add(unpackedName(name));
    }
    return [...names].sort();
  }

  offer(name: string, bytes: Buffer): void {
    this.offered.set(name, bytes);
  }
}

function isThere(path: string, what: 'file' | 'folder'): boolean {
  const stat = fileStat(path);
  return what === 'file' ? (stat?.isFile() ?? false) : (stat?.isDirectory() ?? false);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw new InputError(`${folder}: ${describeError(error)}`, { cause: error });
  }
}
