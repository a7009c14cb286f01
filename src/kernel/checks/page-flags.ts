// struct page.flags → the text of `%pGp`, as reports print it: lib/vsprintf.c format_page_flags(),
// the names of include/trace/events/mmflags.h, the bits of enum pageflags, the fields above them of
// include/linux/page-flags-layout.h (6.1, 6.12).
//
//   0xfffffc0010200(slab|head|node=0|zone=1|lastcpupid=0x1fffff)

import { configNumber, isConfigured, type KernelConfig } from '../machine/kernel-config.ts';
import { isAtLeast, type KernelVersion } from '../machine/kernel-version.ts';

/** Names by bit, and the order that they are printed in. Bits from `unevictable` on hang on options. */
interface FlagNames {
  readonly bits: readonly string[];
  readonly printed: readonly string[];
}

const BEFORE_6_12: FlagNames = {
  bits: (
    'locked referenced uptodate dirty lru active workingset waiters error slab owner_priv_1 arch_1 ' +
    'reserved private private_2 writeback head mappedtodisk reclaim swapbacked unevictable mlocked'
  ).split(' '),
  printed: (
    'locked waiters error referenced uptodate dirty lru active workingset slab owner_priv_1 arch_1 ' +
    'reserved private private_2 writeback head mappedtodisk reclaim swapbacked unevictable mlocked'
  ).split(' '),
};

const SINCE_6_12: FlagNames = {
  bits: (
    'locked writeback referenced uptodate dirty lru head waiters active workingset owner_priv_1 ' +
    'owner_2 arch_1 reserved private private_2 reclaim swapbacked unevictable mlocked'
  ).split(' '),
  printed: (
    'locked waiters referenced uptodate dirty lru active workingset owner_priv_1 owner_2 arch_1 ' +
    'reserved private private_2 writeback head reclaim swapbacked unevictable mlocked'
  ).split(' '),
};

interface PageField {
  readonly name: string;
  readonly width: number;
  readonly hex: boolean;
}

/**
 * @param config without it the fields above the flags (node, zone, lastcpupid) are left out: their
 *   places hang on it
 */
export function formatPageFlags(
  flags: bigint,
  version: KernelVersion | undefined,
  config: KernelConfig | undefined,
): string {
  const { bits, printed } = isAtLeast(version, 6, 12) ? SINCE_6_12 : BEFORE_6_12;
  const parts = printed.filter((name) => (flags >> BigInt(bits.indexOf(name))) & 1n);
  let shift = 64;
  for (const { name, width, hex } of config === undefined ? [] : fieldsOf(config)) {
    shift -= width;
    if (width === 0) continue;
    const value = (flags >> BigInt(shift)) & ((1n << BigInt(width)) - 1n);
    parts.push(`${name}=${hex ? `0x${value.toString(16)}` : value}`);
  }
  return `0x${flags.toString(16)}(${parts.join('|')})`;
}

/** From the top bit down. Model: SPARSEMEM_VMEMMAP (no section), no KASAN tags. */
function fieldsOf(config: KernelConfig): PageField[] {
  const cpuBits = Math.ceil(Math.log2(configNumber(config, 'NR_CPUS') ?? 1));
  const zones = ['ZONE_DMA', 'ZONE_DMA32', 'HIGHMEM', 'ZONE_DEVICE'];
  // ZONE_NORMAL and ZONE_MOVABLE are always there.
  const count = 2 + zones.filter((option) => isConfigured(config, option, false)).length;
  const balancing = isConfigured(config, 'NUMA_BALANCING', false);
  return [
    { name: 'node', width: configNumber(config, 'NODES_SHIFT') ?? 0, hex: false },
    { name: 'zone', width: Math.ceil(Math.log2(count)), hex: false },
    { name: 'lastcpupid', width: balancing ? 8 + cpuBits : 0, hex: true },
  ];
}
