// gfp_flags between the kernel's numbers and the names it prints.
// Masks: include/linux/gfp_types.h (6.1: gfp.h); names and their order: show_gfp_flags() in
// include/trace/events/mmflags.h. The bits below 23 are the same from 5.10 to 7.2; GFP_ATOMIC and
// GFP_NOWAIT are not, and where a trace brings its own table (print fmt) that one is used.

import type { GfpName } from './trace-info.ts';

export const GFP = {
  DMA: 0x1,
  HIGHMEM: 0x2,
  DMA32: 0x4,
  MOVABLE: 0x8,
  RECLAIMABLE: 0x10,
  HIGH: 0x20,
  IO: 0x40,
  FS: 0x80,
  ZERO: 0x100,
  DIRECT_RECLAIM: 0x400,
  KSWAPD_RECLAIM: 0x800,
  WRITE: 0x1000,
  NOWARN: 0x2000,
  RETRY_MAYFAIL: 0x4000,
  NOFAIL: 0x8000,
  NORETRY: 0x10000,
  MEMALLOC: 0x20000,
  COMP: 0x40000,
  NOMEMALLOC: 0x80000,
  HARDWALL: 0x100000,
  THISNODE: 0x200000,
  ACCOUNT: 0x400000,
} as const;

const RECLAIM = GFP.DIRECT_RECLAIM | GFP.KSWAPD_RECLAIM;
const KERNEL = RECLAIM | GFP.IO | GFP.FS;
const USER = KERNEL | GFP.HARDWALL;
const HIGHUSER = USER | GFP.HIGHMEM;
const HIGHUSER_MOVABLE = HIGHUSER | GFP.MOVABLE;
const TRANSHUGE_LIGHT = (HIGHUSER_MOVABLE | GFP.COMP | GFP.NOMEMALLOC | GFP.NOWARN) & ~RECLAIM;

/** Bit 9 was __GFP_ATOMIC until 6.2. */
const ATOMIC_BIT = 0x200;

function composites(atomic: number, nowait: number): GfpName[] {
  return [
    { name: 'GFP_TRANSHUGE', mask: TRANSHUGE_LIGHT | GFP.DIRECT_RECLAIM },
    { name: 'GFP_TRANSHUGE_LIGHT', mask: TRANSHUGE_LIGHT },
    { name: 'GFP_HIGHUSER_MOVABLE', mask: HIGHUSER_MOVABLE },
    { name: 'GFP_HIGHUSER', mask: HIGHUSER },
    { name: 'GFP_USER', mask: USER },
    { name: 'GFP_KERNEL_ACCOUNT', mask: KERNEL | GFP.ACCOUNT },
    { name: 'GFP_KERNEL', mask: KERNEL },
    { name: 'GFP_NOFS', mask: RECLAIM | GFP.IO },
    { name: 'GFP_ATOMIC', mask: atomic },
    { name: 'GFP_NOIO', mask: RECLAIM },
    { name: 'GFP_NOWAIT', mask: nowait },
  ];
}

const SINGLE_BITS_OLD: GfpName[] = [
  { name: 'GFP_DMA', mask: GFP.DMA },
  { name: '__GFP_HIGHMEM', mask: GFP.HIGHMEM },
  { name: 'GFP_DMA32', mask: GFP.DMA32 },
  { name: '__GFP_HIGH', mask: GFP.HIGH },
  { name: '__GFP_ATOMIC', mask: ATOMIC_BIT },
  { name: '__GFP_IO', mask: GFP.IO },
  { name: '__GFP_FS', mask: GFP.FS },
  { name: '__GFP_NOWARN', mask: GFP.NOWARN },
  { name: '__GFP_RETRY_MAYFAIL', mask: GFP.RETRY_MAYFAIL },
  { name: '__GFP_NOFAIL', mask: GFP.NOFAIL },
  { name: '__GFP_NORETRY', mask: GFP.NORETRY },
  { name: '__GFP_COMP', mask: GFP.COMP },
  { name: '__GFP_ZERO', mask: GFP.ZERO },
  { name: '__GFP_NOMEMALLOC', mask: GFP.NOMEMALLOC },
  { name: '__GFP_MEMALLOC', mask: GFP.MEMALLOC },
  { name: '__GFP_HARDWALL', mask: GFP.HARDWALL },
  { name: '__GFP_THISNODE', mask: GFP.THISNODE },
  { name: '__GFP_RECLAIMABLE', mask: GFP.RECLAIMABLE },
  { name: '__GFP_MOVABLE', mask: GFP.MOVABLE },
  { name: '__GFP_ACCOUNT', mask: GFP.ACCOUNT },
  { name: '__GFP_WRITE', mask: GFP.WRITE },
  { name: '__GFP_RECLAIM', mask: RECLAIM },
  { name: '__GFP_DIRECT_RECLAIM', mask: GFP.DIRECT_RECLAIM },
  { name: '__GFP_KSWAPD_RECLAIM', mask: GFP.KSWAPD_RECLAIM },
];

/** From 5.14 on. */
const ZEROTAGS: GfpName = { name: '__GFP_ZEROTAGS', mask: 0x800000 };

/** From 6.18 on: the single bits in bit order. */
const SINGLE_BITS_618: GfpName[] = [
  { name: 'GFP_DMA', mask: GFP.DMA },
  { name: 'GFP_DMA32', mask: GFP.DMA32 },
  { name: '__GFP_RECLAIM', mask: RECLAIM },
  ...Object.entries(GFP).map(([bit, mask]) => ({ name: `__GFP_${bit}`, mask })),
  ZEROTAGS,
  { name: '__GFP_NO_OBJ_EXT', mask: 0x1000000 },
];

const NAMES_5_10: readonly GfpName[] = [...composites(0xa20, 0x800), ...SINGLE_BITS_OLD];
const NAMES_6_1: readonly GfpName[] = [...NAMES_5_10, ZEROTAGS];
const NAMES_6_12: readonly GfpName[] = [
  ...composites(0x820, 0x2800),
  ...SINGLE_BITS_OLD.filter((entry) => entry.mask !== ATOMIC_BIT),
  ZEROTAGS,
];
const NAMES_6_18: readonly GfpName[] = [...composites(0x820, 0x2800), ...SINGLE_BITS_618];

/** The table of a kernel release ('6.1.0-56-amd64'); an unknown one is read as 6.1's. */
export function gfpNamesOf(release: string | null): readonly GfpName[] {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release ?? '') ?? [];
  const version = Number(major ?? 6) * 1000 + Number(minor ?? 1);
  if (version >= 6018) return NAMES_6_18;
  if (version >= 6003) return NAMES_6_12;
  return version >= 5014 ? NAMES_6_1 : NAMES_5_10;
}

/**
 * `GFP_KERNEL|__GFP_ZERO` for 0xdc0, as the kernel prints it: walk the table, print what is wholly
 * set and clear it; 'none' for 0, what is left over as `0x…`.
 */
export function formatGfpFlags(flags: number, names: readonly GfpName[]): string {
  if (flags === 0) return 'none';
  const parts: string[] = [];
  let rest = flags;
  for (const { mask, name } of names) {
    if ((rest & mask) === mask && mask !== 0) {
      parts.push(name);
      rest &= ~mask;
    }
  }
  if (rest !== 0) parts.push(`0x${(rest >>> 0).toString(16)}`);
  return parts.join('|');
}

/** Names that older kernels printed for today's flags (include/trace/events/gfpflags.h, 4.x). */
const OLD_NAMES: Record<string, number> = {
  GFP_WAIT: GFP.DIRECT_RECLAIM,
  GFP_REPEAT: GFP.RETRY_MAYFAIL,
  GFP_TEMPORARY: KERNEL | GFP.RECLAIMABLE,
  GFP_NOTRACK: 0,
  GFP_OTHER_NODE: 0,
};

/**
 * The number of `GFP_KERNEL|__GFP_ZERO`, `0xdc0`, `3520` or `none`. Kernels before 4.6 print
 * `GFP_ZERO` for `__GFP_ZERO`. A name that is not known is left out.
 */
export function parseGfpFlags(text: string, names: readonly GfpName[]): number {
  if (text === 'none' || text === '') return 0;
  let flags = 0;
  for (const part of text.split('|')) {
    const number = Number(part);
    if (Number.isInteger(number)) flags |= number;
    else flags |= maskOf(part, names);
  }
  return flags >>> 0;
}

function maskOf(name: string, names: readonly GfpName[]): number {
  const entry = names.find((n) => n.name === name) ?? names.find((n) => n.name === `__${name}`);
  return entry?.mask ?? OLD_NAMES[name.replace(/^__/, '')] ?? 0;
}
