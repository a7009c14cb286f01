// The header of an ELF file of a 64-bit little-endian machine: struct elf64_hdr in
// include/uapi/linux/elf.h. Of cores, of vmlinux, of what holds a section.

import { readU64 } from '../../base/address.ts';

export const ELF_HEADER_BYTES = 64;

export interface ElfHeader {
  readonly type: number;
  readonly machine: number;
  /** Where the program headers are, bytes of each, and how many. */
  readonly phoff: number;
  readonly phentsize: number;
  readonly phnum: number;
  /** The same of the section headers; and which of them holds their names. */
  readonly shoff: number;
  readonly shnum: number;
  readonly shstrndx: number;
}

export function isElf(head: Buffer): boolean {
  return head.length >= 4 && head.readUInt32BE(0) === 0x7f454c46;
}

/** Whether the first bytes, at least 6, are of a file that `parseElfHeader` reads. */
export function isElf64(head: Buffer): boolean {
  return isElf(head) && head[4] === 2 && head[5] === 1;
}

/** @param head its first ELF_HEADER_BYTES bytes */
export function parseElfHeader(head: Buffer): ElfHeader {
  return {
    type: head.readUInt16LE(16),
    machine: head.readUInt16LE(18),
    phoff: readU64(head, 32),
    phentsize: head.readUInt16LE(54),
    phnum: head.readUInt16LE(56),
    shoff: readU64(head, 40),
    shnum: head.readUInt16LE(60),
    shstrndx: head.readUInt16LE(62),
  };
}
