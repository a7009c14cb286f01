// ELF notes → VMCOREINFO and registers: {u32 namesz, u32 descsz, u32 type}, name and desc each padded
// to four bytes. The same in ELF cores and in kdump-compressed files.

import type { Findings } from '../findings.ts';
import type { ImageNotes } from './physical-image.ts';
import { type CpuRegisters, parsePrstatus, parseQemuControl } from './registers.ts';

/** What a note segment may have at most: 8192 CPUs with QEMU's notes are 8 MiB. */
export const MAX_NOTES_BYTES: number = 64 * 1024 * 1024;

const NT_PRSTATUS = 1;
/** Notes that only the core dump of a process has: NT_PRPSINFO, NT_AUXV, NT_FILE. */
const PROCESS_NOTES: ReadonlySet<number> = new Set([3, 6, 0x46494c45]);

export interface ParsedNotes extends ImageNotes {
  /** True for the core dump of a process, which is no image of the kernel's memory. */
  readonly ofProcess: boolean;
}

export function parseNotes(notes: Buffer, where: string, findings: Findings): ParsedNotes {
  let vmcoreinfo: string | undefined;
  let ofProcess = false;
  const registers: CpuRegisters[] = [];
  const control: Record<string, bigint>[] = [];
  for (const { name, type, desc } of eachNote(notes, where, findings)) {
    if (name === 'VMCOREINFO') vmcoreinfo = textOf(desc);
    else if (name === 'QEMU') control.push(...found(parseQemuControl(desc)));
    else if (name === 'CORE' && type === NT_PRSTATUS) registers.push(...found(parsePrstatus(desc)));
    else if (name === 'CORE' && PROCESS_NOTES.has(type)) ofProcess = true;
  }
  const joined = registers.map((r, i) => ({ ...r, control: control[i] }));
  return { vmcoreinfo, registers: joined, ofProcess };
}

interface Note {
  readonly name: string;
  readonly type: number;
  readonly desc: Buffer;
}

function* eachNote(notes: Buffer, where: string, findings: Findings): Generator<Note> {
  for (let at = 0; at + 12 <= notes.length; ) {
    const nameSize = notes.readUInt32LE(at);
    const descSize = notes.readUInt32LE(at + 4);
    const type = notes.readUInt32LE(at + 8);
    const descAt = at + 12 + padded(nameSize);
    // Two zero sizes are the padding at the end of a PT_NOTE that was reserved too large.
    if (nameSize === 0 && descSize === 0) return;
    if (descAt + descSize > notes.length) {
      findings.add('bad_note', `note at byte ${at} of ${where}`);
      return;
    }
    const name = notes.toString('latin1', at + 12, at + 12 + Math.max(0, nameSize - 1));
    yield { name, type, desc: notes.subarray(descAt, descAt + descSize) };
    at = descAt + padded(descSize);
  }
}

function found<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}

/** The text of a VMCOREINFO note up to its padding. */
export function textOf(desc: Buffer): string {
  const end = desc.indexOf(0);
  return desc.toString('latin1', 0, end < 0 ? desc.length : end);
}

function padded(size: number): number {
  return Math.ceil(size / 4) * 4;
}
