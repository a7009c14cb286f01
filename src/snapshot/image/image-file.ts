// The file of a memory image, shared by all threads: a descriptor belongs to the whole process, so a
// worker reads through the one that the first thread opened, also where the file was unpacked into
// a temporary one that has no name.

import { fstatSync, readSync, statSync } from 'node:fs';
import { describeError, InputError } from '../../base/errors.ts';
import { RandomAccessFile } from '../../base/random-access-file.ts';
import type { ImageBytes } from './physical-image.ts';

/** A descriptor as another thread of this process can take it. */
export interface SharedFile {
  readonly path: string;
  readonly descriptor: number;
  /** True where packed input ended too early. */
  readonly truncated: boolean;
}

/** False also where nothing can be said: opening it will. */
function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

export class ImageFile implements ImageBytes {
  readonly path: string;
  readonly size: number;
  readonly shared: SharedFile;
  private readonly owner: RandomAccessFile | undefined;

  private constructor(shared: SharedFile, owner: RandomAccessFile | undefined) {
    this.path = shared.path;
    this.size = fstatSync(shared.descriptor).size;
    this.shared = shared;
    this.owner = owner;
  }

  /** @param tmp folder for what must be unpacked */
  static async open(path: string, tmp: string | undefined): Promise<ImageFile> {
    if (isDirectory(path)) throw new InputError(`${path}: is a directory`);
    const file = await RandomAccessFile.open(path, tmp);
    return new ImageFile({ path, descriptor: file.fd, truncated: file.truncated }, file);
  }

  /** Takes a descriptor that another thread opened and goes on to own. */
  static adopt(shared: SharedFile): ImageFile {
    return new ImageFile(shared, undefined);
  }

  read(position: number, target: Uint8Array): number {
    let done = 0;
    while (done < target.length) {
      const left = target.length - done;
      const n = this.readOnce(target, done, left, position + done);
      if (n === 0) break;
      done += n;
    }
    return done;
  }

  slice(position: number, length: number): Buffer {
    const available = Math.max(0, Math.min(length, this.size - position));
    const buffer = Buffer.allocUnsafe(available);
    return buffer.subarray(0, this.read(position, buffer));
  }

  close(): void {
    this.owner?.close();
  }

  private readOnce(target: Uint8Array, at: number, length: number, position: number): number {
    try {
      return readSync(this.shared.descriptor, target, at, length, position);
    } catch (error) {
      const words = `${this.path}: ${describeError(error)} at byte ${position}`;
      throw new InputError(words, { cause: error });
    }
  }
}
