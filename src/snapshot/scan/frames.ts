// Physical pages that are reserved since boot and are scanned under other addresses, or are not the
// running kernel's: what would count every reference twice.

import { hiOf, loOf, PAGE_SIZE } from '../../base/address.ts';
import type { KernelImage } from '../kernel/kernel-image.ts';
import { MissingMemory } from '../kernel/kernel-reader.ts';
import { perCpuAddress, readCpus } from '../kernel/per-cpu.ts';

/** Physical pages [from, to). */
export interface Frames {
  readonly from: number;
  readonly to: number;
}

/**
 * The kernel's image, the first per-CPU chunk (kmemleak_ignore_phys() in mm/percpu.c) and the memory
 * of a crash kernel (kernel/crash_reserve.c), in order.
 */
export function scannedElsewhere(kernel: KernelImage): Frames[] {
  const { symbols, reader, space } = kernel;
  const found: Frames[] = [];
  const add = (address: bigint, bytes: number): void => {
    const paddr = space.translate(hiOf(address), loOf(address));
    if (paddr < 0 || bytes <= 0) return;
    const from = Math.floor(paddr / PAGE_SIZE);
    found.push({ from, to: Math.ceil((paddr + bytes) / PAGE_SIZE) });
  };
  const text = symbols.addressOf('_text');
  const end = symbols.addressOf('_end');
  if (text !== undefined && end !== undefined) add(text, Number(end - text));
  const start = symbols.addressOf('__per_cpu_start');
  const unit = symbols.addressOf('pcpu_unit_size');
  const crash = symbols.addressOf('crashk_res');
  try {
    if (start !== undefined && unit !== undefined) {
      const bytes = reader.u32(unit);
      for (const cpu of readCpus(kernel)) add(perCpuAddress(start, cpu), bytes);
    }
    if (crash !== undefined) {
      const from = Number(reader.u64(crash)) / PAGE_SIZE;
      const to = Math.ceil((Number(reader.u64(crash + 8n)) + 1) / PAGE_SIZE);
      if (from > 0 && to > from) found.push({ from, to });
    }
  } catch (error) {
    if (!(error instanceof MissingMemory)) throw error;
  }
  return found.sort((a, b) => a.from - b.from);
}

/** What is left of [from, to). @param taken in order */
export function without(from: number, to: number, taken: readonly Frames[]): Frames[] {
  const left: Frames[] = [];
  let at = from;
  for (const t of taken) {
    if (t.to <= at || t.from >= to) continue;
    if (t.from > at) left.push({ from: at, to: t.from });
    at = Math.max(at, t.to);
  }
  if (at < to) left.push({ from: at, to });
  return left;
}
