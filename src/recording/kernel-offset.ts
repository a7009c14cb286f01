// How far KASLR moved the kernel above the addresses it was linked at (System.map), as the files of a
// recording tell it: `nokaslr` on the command line; the line that the kernel logs when it panics
// (arch/x86/kernel/setup.c and arch/arm64/kernel/setup.c, dump_kernel_offset()); where perf found
// the kernel.

import { ModuleMap } from '../kernel/symbols/module-map.ts';
import type { SymbolTable } from '../kernel/symbols/symbols.ts';
import type { SidecarFiles } from './sidecars.ts';

export interface KernelOffset {
  /** In bytes; added to a link-time address, modulo 2^64. */
  readonly offset: bigint;
  /** What tells it, in words. */
  readonly source: string;
}

/** x86 links its kernel above here (__START_KERNEL_map). */
const START_KERNEL_MAP = 0xffffffff80000000n;

/**
 * KASLR moves the kernel in steps of this many bytes: the least CONFIG_PHYSICAL_ALIGN on x86; on
 * arm64 2 MiB, and 64 KiB where the boot loader put it so (EFI_KIMG_ALIGN).
 */
export function kaslrStep(linkAddress: bigint): bigint {
  return linkAddress >= START_KERNEL_MAP ? 0x200000n : 0x10000n;
}

// Kernel Offset: 0x36c00000 from 0xffffffff81000000 (relocation range: 0xffffffff80000000-…)
// Kernel Offset: disabled
const OFFSET_LINE = /Kernel Offset: (?:disabled|0x([0-9a-f]{1,16}))/g;

/**
 * The offset that the files beside the events tell, or undefined.
 * @param linked the symbols at the addresses that they were linked at
 */
export function statedKernelOffset(
  sidecars: SidecarFiles,
  linked: SymbolTable,
): KernelOffset | undefined {
  if (/(^|\s)nokaslr(\s|$)/.test(sidecars.text('cmdline.txt') ?? '')) {
    return { offset: 0n, source: 'nokaslr in cmdline.txt' };
  }
  const logged = [...(sidecars.text('dmesg.txt') ?? '').matchAll(OFFSET_LINE)].at(-1);
  if (logged !== undefined) return { offset: BigInt(`0x${logged[1] ?? 0}`), source: 'dmesg.txt' };
  return mappedOffset(sidecars.text('kernel_maps.txt'), linked);
}

/** perf's record of the kernel begins at `_text`. */
function mappedOffset(maps: string | undefined, linked: SymbolTable): KernelOffset | undefined {
  const start = maps === undefined ? undefined : ModuleMap.parse(maps).startOfKernel();
  const text = linked.addressOf('_text');
  if (start === undefined || text === undefined) return undefined;
  const offset = BigInt.asUintN(64, start - text);
  const isStep = offset % kaslrStep(text) === 0n;
  return isStep ? { offset, source: 'where perf found the kernel' } : undefined;
}
