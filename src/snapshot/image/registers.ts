// NT_PRSTATUS (struct elf_prstatus of x86-64, 0x150 bytes) and QEMU's own note (struct QEMUCPUState
// of target/i386/arch_dump.c, 0x1b8 bytes) → the registers of a CPU at the instant of the dump.

import { joinHalves } from '../../base/address.ts';

export interface CpuRegisters {
  /** What the CPU ran, as the note gives it; QEMU counts CPUs from 1 here. */
  readonly pid: number;
  /** By name: rip, rsp, rbp, rax … r15, rflags. */
  readonly general: Readonly<Record<string, bigint>>;
  /** cr0, cr2, cr3, cr4 where QEMU wrote them. */
  readonly control: Readonly<Record<string, bigint>> | undefined;
}

const PRSTATUS_BYTES = 0x150;
const PR_PID = 32;
const PR_REG = 112;

/** struct user_regs_struct, eight bytes each. */
const PRSTATUS_ORDER: readonly string[] =
  'r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs rflags rsp ss'.split(
    ' ',
  );

/** Undefined where the note is not one of x86-64. */
export function parsePrstatus(desc: Buffer): CpuRegisters | undefined {
  if (desc.length !== PRSTATUS_BYTES) return undefined;
  const general: Record<string, bigint> = {};
  for (const [i, name] of PRSTATUS_ORDER.entries()) general[name] = word(desc, PR_REG + i * 8);
  return { pid: desc.readInt32LE(PR_PID), general, control: undefined };
}

const QEMU_BYTES = 0x1b8;
/** u32 version, u32 size, 18 registers, 10 segments of 24 bytes, cr[5]. */
const QEMU_CR = 8 + 18 * 8 + 10 * 24;

/** The control registers of QEMU's note; undefined where it is of another kind. */
export function parseQemuControl(desc: Buffer): Record<string, bigint> | undefined {
  if (desc.length < QEMU_CR + 40 || desc.readUInt32LE(0) !== 1) return undefined;
  if (desc.readUInt32LE(4) !== QEMU_BYTES) return undefined;
  return {
    cr0: word(desc, QEMU_CR),
    cr2: word(desc, QEMU_CR + 16),
    cr3: word(desc, QEMU_CR + 24),
    cr4: word(desc, QEMU_CR + 32),
  };
}

function word(desc: Buffer, at: number): bigint {
  return joinHalves(desc.readUInt32LE(at + 4), desc.readUInt32LE(at));
}
