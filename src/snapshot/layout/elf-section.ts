// An ELF file (vmlinux) → the bytes of one of its sections, by name.

import { ByteCursor, type ByteSource, OutOfBytes } from '../../base/byte-cursor.ts';
import { ELF_HEADER_BYTES, isElf64, parseElfHeader } from '../image/elf-header.ts';

const SHDR_BYTES = 64;
/** The BTF of a distribution kernel is 5 MiB. */
const MAX_SECTION_BYTES = 256 * 1024 * 1024;

/** Undefined where there is no such section, or the file is no 64-bit little-endian ELF. */
export function readElfSection(file: ByteSource, name: string): Buffer | undefined {
  try {
    const head = new ByteCursor(file).bytes(ELF_HEADER_BYTES);
    if (!isElf64(head)) return undefined;
    const { shoff, shnum, shstrndx } = parseElfHeader(head);
    const headers = new ByteCursor(file, shoff).bytes(shnum * SHDR_BYTES);
    const names = sectionBytes(file, headers, shstrndx);
    for (let i = 0; i < shnum; i++) {
      const at = headers.readUInt32LE(i * SHDR_BYTES);
      const end = names?.indexOf(0, at) ?? -1;
      if (names?.toString('latin1', at, end) === name) return sectionBytes(file, headers, i);
    }
    return undefined;
  } catch (error) {
    if (error instanceof OutOfBytes || error instanceof RangeError) return undefined;
    throw error;
  }
}

function sectionBytes(file: ByteSource, headers: Buffer, i: number): Buffer | undefined {
  const offset = Number(headers.readBigUInt64LE(i * SHDR_BYTES + 24));
  const size = Number(headers.readBigUInt64LE(i * SHDR_BYTES + 32));
  if (size > MAX_SECTION_BYTES) return undefined;
  return new ByteCursor(file, offset).bytes(size);
}
