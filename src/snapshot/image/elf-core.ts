// ELF cores → physical memory: QEMU's dump-guest-memory with and without paging, kdump's vmcore,
// makedumpfile -E. Program headers are {u32 type, u32 flags, u64 offset, vaddr, paddr, filesz,
// memsz, align}. Only p_paddr counts: with paging QEMU repeats a page for every address it is
// mapped at. Memory beyond p_filesz was left out of the file (filtered, or zero): missing.

import { readU64 } from '../../base/address.ts';
import { ByteCursor, OutOfBytes } from '../../base/byte-cursor.ts';
import { TraceFormatError } from '../../base/errors.ts';
import { ELF_HEADER_BYTES, type ElfHeader, isElf, isElf64, parseElfHeader } from './elf-header.ts';
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
      const offset = readU64(phdrs, at + 8);
      const paddr = readU64(phdrs, at + 24);
      const fileSize = readU64(phdrs, at + 32);
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

/** @returns where the program headers are, and how many */
function readHeader(bytes: ImageBytes): Pick<ElfHeader, 'phoff' | 'phnum'> {
  const { path } = bytes;
  if (!isElf64(new ByteCursor(bytes).bytes(16))) {
    throw new TraceFormatError(
      `${path}: an ELF core of a 32-bit or big-endian machine, which is not supported`,
    );
  }
  const header = parseElfHeader(new ByteCursor(bytes).bytes(ELF_HEADER_BYTES));
  const { type, machine, phoff, phentsize, shoff } = header;
  if (type !== ET_CORE) {
    throw new TraceFormatError(
      `${path}: an ELF file, but ${ET_NAMES[type] ?? `of type ${type}`} and no core dump`,
    );
  }
  if (machine !== EM_X86_64) refuseMachine(path, MACHINES[machine] ?? `machine ${machine}`);
  if (phentsize !== PHDR_BYTES) {
    throw new TraceFormatError(`${path}: program headers of ${phentsize} bytes`);
  }
  const isMore = header.phnum === PN_XNUM;
  const phnum = isMore ? new ByteCursor(bytes, shoff + SH_INFO).u32() : header.phnum;
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
