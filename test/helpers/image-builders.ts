// Memory images written byte by byte as their formats say, for tests: ELF cores, kdump-compressed
// files, the flattened form, LiME.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll } from 'vitest';

export const PAGE = 4096;

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A file with these bytes in a folder of its own, removed when the test file is through. */
export function tempFile(bytes: Uint8Array, name = 'image'): string {
  const folder = mkdtempSync(join(tmpdir(), 'slabreplay-test-'));
  folders.push(folder);
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** A page filled with one byte. */
export function pageOf(byte: number): Buffer {
  return Buffer.alloc(PAGE, byte);
}

export function note(name: string, type: number, desc: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(name.length + 1, 0);
  head.writeUInt32LE(desc.length, 4);
  head.writeUInt32LE(type, 8);
  return Buffer.concat([head, padded(Buffer.from(`${name}\0`)), padded(desc)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

export interface Segment {
  readonly paddr: number;
  readonly bytes: Buffer;
  /** p_memsz where it is larger than the bytes in the file. */
  readonly memSize?: number;
  readonly vaddr?: bigint;
}

export interface ElfOptions {
  readonly notes?: readonly Buffer[];
  readonly machine?: number;
  readonly type?: number;
  readonly elfClass?: number;
  /** Where section header 0 with the number of program headers stands; e_phnum is then 0xffff. */
  readonly extended?: 'before' | 'after';
}

/** ELF header, [section header], program headers, [section header], notes, memory. */
export function elfCore(segments: readonly Segment[], options: ElfOptions = {}): Buffer {
  const notes = Buffer.concat([...(options.notes ?? [])]);
  const count = segments.length + 1;
  const phoff = options.extended === 'before' ? 128 : 64;
  const afterHeaders = phoff + count * 56 + (options.extended === 'after' ? 64 : 0);
  const shoff = options.extended === 'before' ? 64 : phoff + count * 56;
  const head = Buffer.alloc(afterHeaders);
  head.set([0x7f, 0x45, 0x4c, 0x46, options.elfClass ?? 2, 1, 1]);
  head.writeUInt16LE(options.type ?? 4, 16);
  head.writeUInt16LE(options.machine ?? 62, 18);
  head.writeBigUInt64LE(BigInt(phoff), 32);
  head.writeUInt16LE(56, 54);
  head.writeUInt16LE(Math.min(count, 0xffff), 56);
  if (options.extended !== undefined) {
    head.writeBigUInt64LE(BigInt(shoff), 40);
    head.writeUInt16LE(0xffff, 56);
    head.writeUInt32LE(count, shoff + 44);
  }
  let at = phoff;
  let offset = afterHeaders;
  const phdr = (
    type: number,
    paddr: number,
    vaddr: bigint,
    fileSize: number,
    mem: number,
  ): void => {
    head.writeUInt32LE(type, at);
    head.writeBigUInt64LE(BigInt(offset), at + 8);
    head.writeBigUInt64LE(vaddr, at + 16);
    head.writeBigUInt64LE(BigInt(paddr), at + 24);
    head.writeBigUInt64LE(BigInt(fileSize), at + 32);
    head.writeBigUInt64LE(BigInt(mem), at + 40);
    at += 56;
    offset += fileSize;
  };
  phdr(4, 0, 0n, notes.length, notes.length);
  for (const s of segments) {
    phdr(1, s.paddr, s.vaddr ?? 0n, s.bytes.length, s.memSize ?? s.bytes.length);
  }
  return Buffer.concat([head, notes, ...segments.map((s) => s.bytes)]);
}

export interface KdumpOptions {
  readonly version?: number;
  readonly machine?: string;
  readonly vmcoreinfo?: string;
  readonly notes?: Buffer;
  readonly split?: number;
  readonly maxPage?: number;
  readonly blockSize?: number;
  /** Packs a page; the flags go into its descriptor. Default: zlib. */
  readonly pack?: (page: Buffer) => { flags: number; bytes: Buffer };
}

/** A kdump-compressed file with these pages, by number. */
export function kdump(pages: ReadonlyMap<number, Buffer>, options: KdumpOptions = {}): Buffer {
  const numbers = [...pages.keys()].sort((a, b) => a - b);
  const maxPage = options.maxPage ?? (numbers.at(-1) ?? 0) + 1;
  const bitmapBlocks = Math.ceil(maxPage / 8 / PAGE);
  const head = Buffer.alloc(PAGE);
  head.write('KDUMP   ', 0, 'latin1');
  head.writeInt32LE(options.version ?? 6, 8);
  head.write(options.machine ?? 'x86_64', 12 + 4 * 65, 'latin1');
  head.writeInt32LE(options.blockSize ?? PAGE, 428);
  head.writeInt32LE(1, 432);
  head.writeUInt32LE(bitmapBlocks * 2, 436);
  head.writeUInt32LE(maxPage, 440);
  const sub = Buffer.alloc(PAGE);
  sub.writeInt32LE(31, 8);
  sub.writeInt32LE(options.split ?? 0, 12);
  sub.writeBigUInt64LE(BigInt(maxPage), 96);
  const bitmap = Buffer.alloc(bitmapBlocks * PAGE);
  for (const n of numbers) bitmap[n >>> 3] = (bitmap[n >>> 3] ?? 0) | (1 << (n & 7));
  const descriptors = Buffer.alloc(numbers.length * 24);
  const parts: Buffer[] = [];
  let offset = (2 + bitmapBlocks * 2) * PAGE + descriptors.length;
  const append = (bytes: Buffer): number => {
    parts.push(bytes);
    offset += bytes.length;
    return offset - bytes.length;
  };
  if (options.vmcoreinfo !== undefined) {
    sub.writeBigUInt64LE(BigInt(append(Buffer.from(options.vmcoreinfo))), 32);
    sub.writeBigUInt64LE(BigInt(options.vmcoreinfo.length), 40);
  }
  if (options.notes !== undefined) {
    sub.writeBigUInt64LE(BigInt(append(options.notes)), 48);
    sub.writeBigUInt64LE(BigInt(options.notes.length), 56);
  }
  const pack = options.pack ?? ((page) => ({ flags: 1, bytes: deflateSync(page) }));
  for (const [i, n] of numbers.entries()) {
    const { flags, bytes } = pack(pages.get(n) ?? Buffer.alloc(0));
    descriptors.writeBigUInt64LE(BigInt(append(bytes)), i * 24);
    descriptors.writeUInt32LE(bytes.length, i * 24 + 8);
    descriptors.writeUInt32LE(flags, i * 24 + 12);
  }
  // The first bitmap tells what is RAM: here the same.
  return Buffer.concat([head, sub, bitmap, bitmap, descriptors, ...parts]);
}

/** makedumpfile's flattened form of writes, in their order. */
export function flattened(writes: readonly { offset: number; bytes: Buffer }[]): Buffer {
  const head = Buffer.alloc(PAGE);
  head.write('makedumpfile', 0, 'latin1');
  head.writeBigInt64BE(1n, 16);
  head.writeBigInt64BE(1n, 24);
  const record = (offset: number, size: number): Buffer => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigInt64BE(BigInt(offset), 0);
    bytes.writeBigInt64BE(BigInt(size), 8);
    return bytes;
  };
  const parts = writes.flatMap((w) => [record(w.offset, w.bytes.length), w.bytes]);
  return Buffer.concat([head, ...parts, record(-1, -1)]);
}

export function lime(ranges: readonly { start: number; bytes: Buffer }[]): Buffer {
  return Buffer.concat(
    ranges.flatMap(({ start, bytes }) => {
      const head = Buffer.alloc(32);
      head.writeUInt32LE(0x4c694d45, 0);
      head.writeUInt32LE(1, 4);
      head.writeBigUInt64LE(BigInt(start), 8);
      head.writeBigUInt64LE(BigInt(start + bytes.length - 1), 16);
      return [head, bytes];
    }),
  );
}
