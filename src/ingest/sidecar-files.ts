// The files that lie beside the events of a recording (docs/recording-folder.md), found by name in
// one or more folders, plain or .gz, or inside the trace itself.

import { closeSync, fstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describeError, InputError, TraceFormatError } from '../base/errors.ts';
import { fileStat } from '../base/file-stat.ts';
import { isGzip } from '../base/input-bytes.ts';
import { openForReading } from '../base/random-access-file.ts';
import { MAX_SIDECAR_BYTES, type SidecarFiles } from '../kernel/sidecars.ts';

/** Sidecars in folders; the first folder that has a file wins. */
export class FolderSidecars implements SidecarFiles {
  readonly taken: Map<string, string> = new Map();
  readonly offered: Map<string, Buffer> = new Map();
  private readonly folders: readonly string[];

  constructor(folders: readonly string[]) {
    this.folders = folders;
  }

  bytes(name: string): Buffer | undefined {
    for (const folder of this.folders) {
      for (const path of [join(folder, name), `${join(folder, name)}.gz`]) {
        if (!isThere(path, 'file')) continue;
        this.taken.set(name, path);
        return readUnpacked(path);
      }
    }
    const offered = this.offered.get(name);
    if (offered !== undefined) this.taken.set(name, 'the trace itself');
    return offered;
  }

  text(name: string): string | undefined {
    return this.bytes(name)?.toString('utf8');
  }

  list(folder: string): string[] {
    const names = new Set<string>();
    for (const top of this.folders) {
      const path = join(top, folder);
      if (!isThere(path, 'folder')) continue;
      for (const name of namesIn(path)) names.add(name.replace(/\.gz$/, ''));
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

function readUnpacked(path: string): Buffer {
  const fd = openForReading(path);
  try {
    if (fstatSync(fd).size > MAX_SIDECAR_BYTES) {
      throw new InputError(
        `${path}: larger than ${MAX_SIDECAR_BYTES} bytes, so not what it claims`,
      );
    }
    const bytes = readFileSync(fd);
    return isGzip(bytes) ? gunzipSync(bytes, { maxOutputLength: MAX_SIDECAR_BYTES }) : bytes;
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new TraceFormatError(`${path}: cannot be read: ${describeError(error)}`, {
      cause: error,
    });
  } finally {
    closeSync(fd);
  }
}
