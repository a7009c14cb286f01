// What can be found in physical memory without any address: VMCOREINFO (one page that begins with
// OSRELEASE=, where images have no notes) and the kernel's banner (`Linux version …` at linux_banner).

import { PAGE_SIZE } from '../../base/address.ts';
import { textOf } from '../image/elf-notes.ts';
import { VmcoreInfo } from '../kernel/vmcoreinfo.ts';
import type { PhysicalMemory } from './physical-memory.ts';

const AT_A_TIME = 1024 * 1024;
const VMCOREINFO_START: Buffer = Buffer.from('OSRELEASE=');
const BANNER_START: Buffer = Buffer.from('Linux version ');
/** The kernel is loaded at multiples of this (CONFIG_PHYSICAL_ALIGN). */
const KERNEL_ALIGN = 2 * 1024 * 1024;
/** How far into the memory is looked for either. */
const MAX_SEARCHED = 256 * 2 ** 30;
const MAX_BANNER_ADDRESS = 2 ** 44;
/** Copies that may lie about: of the crash kernel, of an earlier boot. */
const MAX_CANDIDATES = 16;

/** VMCOREINFO texts that are in memory at the start of a page. */
export function findVmcoreInfo(memory: PhysicalMemory): VmcoreInfo[] {
  const found: VmcoreInfo[] = [];
  const buffer = Buffer.allocUnsafe(AT_A_TIME);
  let searched = 0;
  for (const { start, length } of memory.ranges()) {
    const end = start + Math.min(length, MAX_SEARCHED - searched);
    searched += end - start;
    let at = Math.ceil(start / PAGE_SIZE) * PAGE_SIZE;
    while (at < end && found.length < MAX_CANDIDATES) {
      const part = buffer.subarray(0, Math.min(AT_A_TIME, end - at));
      const n = memory.readSome(at, part);
      for (let at = 0; at < n; at += PAGE_SIZE) {
        const info = vmcoreInfoAt(part.subarray(at, Math.min(n, at + PAGE_SIZE)));
        if (info !== undefined) found.push(info);
      }
      // A page that cannot be read is passed over.
      at += n === part.length ? n : Math.floor(n / PAGE_SIZE + 1) * PAGE_SIZE;
    }
  }
  return found;
}

function vmcoreInfoAt(page: Buffer): VmcoreInfo | undefined {
  const begins = page.subarray(0, VMCOREINFO_START.length).equals(VMCOREINFO_START);
  const info = begins ? new VmcoreInfo(textOf(page)) : undefined;
  return info?.isUsable === true ? info : undefined;
}

/**
 * Physical addresses of the kernel's banner.
 * @param linkOffset where linux_banner is behind __START_KERNEL_map
 */
export function findBanner(memory: PhysicalMemory, linkOffset: number): number[] {
  const found: number[] = [];
  const buffer = Buffer.allocUnsafe(BANNER_START.length);
  const within = linkOffset % KERNEL_ALIGN;
  for (const { start, length } of memory.ranges()) {
    const end = Math.min(start + length, MAX_BANNER_ADDRESS);
    let at = Math.ceil((start - within) / KERNEL_ALIGN) * KERNEL_ALIGN + within;
    for (; at < end && found.length < MAX_CANDIDATES; at += KERNEL_ALIGN) {
      if (memory.read(at, buffer) && buffer.equals(BANNER_START)) found.push(at);
    }
  }
  return found;
}
