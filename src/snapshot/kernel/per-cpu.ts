// Per-CPU variables: each CPU has its copy at the variable's address + __per_cpu_offset[cpu], modulo
// 2^64 (include/linux/percpu-defs.h). CPUs that can be there are in __cpu_possible_mask.

import { wrap64 } from '../../base/address.ts';
import type { KernelImage } from './kernel-image.ts';
import { type KernelReader, MissingMemory } from './kernel-reader.ts';

/** CONFIG_NR_CPUS of the largest kernels. */
const MAX_CPUS = 8192;

export interface Cpu {
  readonly cpu: number;
  readonly offset: bigint;
}

/** The CPUs of the machine with their offsets; empty where the symbols or the memory are missing. */
export function readCpus({ symbols, reader }: KernelImage): Cpu[] {
  const offsets = symbols.addressOf('__per_cpu_offset');
  const mask = symbols.addressOf('__cpu_possible_mask');
  if (offsets === undefined) return [];
  const cpus: Cpu[] = [];
  const count = cpuCount(symbols.addressOf('nr_cpu_ids'), reader);
  try {
    for (let cpu = 0; cpu < count; cpu++) {
      if (mask !== undefined && !bitIn(reader, mask, cpu)) continue;
      cpus.push({ cpu, offset: reader.u64(offsets + BigInt(cpu * 8)) });
    }
  } catch (error) {
    if (!(error instanceof MissingMemory)) throw error;
  }
  return cpus;
}

/** The copy of a per-CPU variable (or allocation) that a CPU has. */
export function perCpuAddress(variable: bigint, { offset }: Cpu): bigint {
  return wrap64(variable + offset);
}

/** Without nr_cpu_ids the kernel was built for one CPU, or says so in no place we know. */
function cpuCount(address: bigint | undefined, reader: KernelReader): number {
  if (address === undefined) return 1;
  try {
    return Math.min(MAX_CPUS, reader.u32(address));
  } catch (error) {
    if (error instanceof MissingMemory) return 1;
    throw error;
  }
}

function bitIn(reader: KernelReader, mask: bigint, bit: number): boolean {
  const word = reader.u32(mask + BigInt((bit >>> 5) * 4));
  return ((word >>> (bit & 31)) & 1) === 1;
}
