// ELF cores → physical memory: QEMU's dump-guest-memory with and without paging, kdump's vmcore,
// makedumpfile -E. Program headers are {u32 type, u32 flags, u64 offset, vaddr, paddr, filesz,
// memsz, align}. Only p_paddr counts: with paging QEMU repeats a page for every address it is
// mapped at. Memory beyond p_filesz was left out of the file (filtered, or zero): missing.

import { ByteCursor, OutOfBytes } from '../../base/byte-cursor.ts';
import { TraceFormatError } from '../../base/errors.ts';
import { MAX_NOTES_BYTES, type ParsedNotes, parseNotes } from './elf-notes.ts';
import type { ImageContext, ImageFormat } from './image-format.ts';
import { type ImageBytes, type OpenedImage, PHYSICAL_END } from './physical-image.ts';
import { RangeList } from './range-table.ts';

const PT_LOAD = 1;
const PT_NOTE = 4;
const PHDR_BYTES = 56;
/** e_phnum where the true number is in sh_info of section header 0. */
const PN_XNUM = 0xffff;
const SH_INFO = 44;
/** More segments than any dump has; with them all the table is 200 MB. */
const MAX_SEGMENTS = 8 * 1024 * 1024;
const PHDRS_AT_A_TIME = 4096;

const MACHINES: Readonly<Record<number, string>> = {
  3: 'i386',
  8: 'MIPS',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  183: 'arm64',
  243: 'RISC-V',
  258: 'LoongArch',
};
const EM_X86_64 = 62;
const ET_CORE = 4;
const ET_NAMES: readonly string[] = ['no type', 'an object file', 'a program', 'a shared object'];

export const elfCoreFormat: ImageFormat = {
  name: 'ELF core',
  detect: (head) => (isElf(head) ? true : 'does not begin with 7f "ELF"'),
  open(bytes, context) {
    try {
      return openElf(bytes, context);
    } catch (error) {
      if (!(error instanceof OutOfBytes)) throw error;
      throw new TraceFormatError(`${bytes.path}: the ELF core ends in its headers`, {
        hint: `${error.message}. Copy the file again.`,
        cause: error,
      });
    }
  },
};

function isElf(head: Buffer): boolean {
  return head.length >= 4 && head.readUInt32BE(0) === 0x7f454c46;
}

interface ElfHeader {
  readonly phoff: number;
  readonly phnum: number;
}

function openElf(bytes: ImageBytes, context: ImageContext): OpenedImage {
  const header = readHeader(bytes);
  const ranges = new RangeList();
  let notes: ParsedNotes | undefined;
  for (let first = 0; first < header.phnum; first += PHDRS_AT_A_TIME) {
    const count = Math.min(PHDRS_AT_A_TIME, header.phnum - first);
    const cursor = new ByteCursor(bytes, header.phoff + first * PHDR_BYTES);
    const phdrs = cursor.bytes(count * PHDR_BYTES);
    for (let at = 0; at < phdrs.length; at += PHDR_BYTES) {
      const type = phdrs.readUInt32LE(at);
      const offset = u64(phdrs, at + 8);
      const paddr = u64(phdrs, at + 24);
      const fileSize = u64(phdrs, at + 32);
      if (type === PT_LOAD) {
        if (offset < PHYSICAL_END && paddr + fileSize <= PHYSICAL_END) {
          ranges.add(paddr, fileSize, offset);
        } else {
          const number = first + at / PHDR_BYTES + 1;
          context.findings.add('bad_segment', `program header ${number} of ${bytes.path}`);
        }
      } else if (type === PT_NOTE) {
        notes = mergeNotes(notes, readNotes(bytes, offset, fileSize, context));
      }
    }
  }
  refuseProcess(bytes.path, notes, ranges.size);
  return {
    image: ranges.build(bytes, context.findings),
    notes: notes ?? { vmcoreinfo: undefined, registers: [] },
  };
}

function readHeader(bytes: ImageBytes): ElfHeader {
  const { path } = bytes;
  const ident = new ByteCursor(bytes).bytes(16);
  if (ident[4] !== 2 || ident[5] !== 1) {
    throw new TraceFormatError(
      `${path}: an ELF core of a 32-bit or big-endian machine, which is not supported`,
    );
  }
  const head = new ByteCursor(bytes).bytes(64);
  const type = head.readUInt16LE(16);
  const machine = head.readUInt16LE(18);
  if (type !== ET_CORE) {
    throw new TraceFormatError(
      `${path}: an ELF file, but ${ET_NAMES[type] ?? `of type ${type}`} and no core dump`,
    );
  }
  if (machine !== EM_X86_64) refuseMachine(path, MACHINES[machine] ?? `machine ${machine}`);
  const phoff = u64(head, 32);
  let phnum = head.readUInt16LE(56);
  if (head.readUInt16LE(54) !== PHDR_BYTES) {
    throw new TraceFormatError(`${path}: program headers of ${head.readUInt16LE(54)} bytes`);
  }
  if (phnum === PN_XNUM) phnum = new ByteCursor(bytes, u64(head, 40) + SH_INFO).u32();
  if (phnum > MAX_SEGMENTS) {
    throw new TraceFormatError(`${path}: claims ${phnum} segments, at most ${MAX_SEGMENTS} can be`);
  }
  return { phoff, phnum };
}

/** @throws TraceFormatError always: the form is known, the machine is not supported */
export function refuseMachine(path: string, machine: string): never {
  throw new TraceFormatError(`${path}: a memory image of ${machine}; only x86-64 is supported`, {
    hint: 'Without the snapshot, `leaks --outstanding` works on any machine.',
  });
}

function refuseProcess(path: string, notes: ParsedNotes | undefined, loads: number): void {
  if (notes?.ofProcess) {
    throw new TraceFormatError(`${path}: the core dump of a process, not of a kernel`);
  }
  if (loads === 0) throw new TraceFormatError(`${path}: an ELF core without memory in it`);
}

function readNotes(
  bytes: ImageBytes,
  offset: number,
  size: number,
  context: ImageContext,
): ParsedNotes {
  const there = Math.max(0, Math.min(size, bytes.size - offset, MAX_NOTES_BYTES));
  const where = `the notes of ${bytes.path}`;
  if (there < size) context.findings.add('bad_note', where);
  return parseNotes(bytes.slice(offset, there), where, context.findings);
}

/** kdump writes one PT_NOTE; where there are several, they add up. */
function mergeNotes(a: ParsedNotes | undefined, b: ParsedNotes): ParsedNotes {
  if (a === undefined) return b;
  return {
    vmcoreinfo: a.vmcoreinfo ?? b.vmcoreinfo,
    registers: [...a.registers, ...b.registers],
    ofProcess: a.ofProcess || b.ofProcess,
  };
}

/** A 64-bit field as a number; inexact above 2^53, which is beyond everything it is compared with. */
function u64(buffer: Buffer, at: number): number {
  return buffer.readUInt32LE(at + 4) * 2 ** 32 + buffer.readUInt32LE(at);
}
