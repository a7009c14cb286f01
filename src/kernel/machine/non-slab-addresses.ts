// Addresses that can be no slab memory, wherever the kernel put it: slab pages are in the direct map.
// Truth: Documentation/arch/x86/x86_64/mm.rst (the image and the modules take the last 2 GiB, user
// space the half below); /proc/vmallocinfo, whose areas are in one range apart from the direct map.

import { joinHalves } from '../../base/address.ts';

export interface NonSlabAddresses {
  /**
   * Where an address is, in words; undefined where it can be slab memory.
   * @param slabHi high half of an address of slab memory, 0 where none is known: of some machines (32
   *   bits, s390) the kernel's addresses are below as well
   */
  placeOf(hi: number, lo: number, slabHi: number): string | undefined;
}

const USER_END_HI = 0x80000000;
const IMAGE_HI = 0xffffffff;
const IMAGE_LO = 0x80000000;

// 0xffffc90000000000-0xffffc90000005000   20480 irq_init_percpu_irqstack+0x15d/0x220 vmap
const AREA = /^0x([0-9a-f]{16})-0x([0-9a-f]{16})\s/gm;

/** @param vmallocinfo /proc/vmallocinfo, where it was recorded */
export function nonSlabAddresses(vmallocinfo: string | undefined): NonSlabAddresses {
  let first = 2n ** 64n;
  let end = 0n;
  for (const [, from, to] of (vmallocinfo ?? '').matchAll(AREA)) {
    const area = BigInt(`0x${from}`);
    const areaEnd = BigInt(`0x${to}`);
    if (area < first) first = area;
    if (areaEnd > end) end = areaEnd;
  }
  return {
    placeOf: (hi, lo, slabHi) => {
      if (hi < USER_END_HI && slabHi >= USER_END_HI) return 'user space';
      if (hi === IMAGE_HI && lo >= IMAGE_LO) return 'the kernel image and its modules';
      const address = joinHalves(hi, lo);
      return address >= first && address < end ? 'vmalloc memory' : undefined;
    },
  };
}
