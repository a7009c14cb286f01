// gfp_flags between the kernel's numbers and the names it prints.
// Masks: include/linux/gfp_types.h (6.1: gfp.h); names and their order: show_gfp_flags() in
// include/trace/events/mmflags.h. The bits below 23 are the same from 5.1 to 7.2, and those of older
// kernels are turned into these (gfp-layouts.ts); GFP_ATOMIC and GFP_NOWAIT are not, and where a trace
// brings its own table (print fmt) that one is used.

import { type GfpLayout, GONE, gfpLayoutOf, TODAY, todaysGfp } from './gfp-layouts.ts';
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

const SINGLE_BITS_GONE: GfpName[] = Object.entries(GONE).map(([bit, mask]) => ({
  name: `__GFP_${bit}`,
  mask,
}));

/** Until 4.3: GFP_ATOMIC is __GFP_HIGH alone, and no flag at all is GFP_NOWAIT. */
const NAMES_3_10: readonly GfpName[] = [
  ...composites(GFP.HIGH, 0).flatMap((entry) =>
    entry.name === 'GFP_KERNEL_ACCOUNT'
      ? [{ name: 'GFP_TEMPORARY', mask: KERNEL | GFP.RECLAIMABLE }]
      : entry,
  ),
  ...SINGLE_BITS_OLD,
  ...SINGLE_BITS_GONE,
];
const NAMES_4_4: readonly GfpName[] = [
  { name: 'GFP_TEMPORARY', mask: KERNEL | GFP.RECLAIMABLE },
  ...composites(0xa20, 0x800),
  ...SINGLE_BITS_OLD,
  ...SINGLE_BITS_GONE,
];
const NAMES_5_10: readonly GfpName[] = [...composites(0xa20, 0x800), ...SINGLE_BITS_OLD];
const NAMES_6_1: readonly GfpName[] = [...NAMES_5_10, ZEROTAGS];
const NAMES_UNKNOWN: readonly GfpName[] = [...NAMES_6_1, ...SINGLE_BITS_GONE];
const NAMES_6_12: readonly GfpName[] = [
  ...composites(0x820, 0x2800),
  ...SINGLE_BITS_OLD.filter((entry) => entry.mask !== ATOMIC_BIT),
  ZEROTAGS,
];
const NAMES_6_18: readonly GfpName[] = [...composites(0x820, 0x2800), ...SINGLE_BITS_618];

/** How the numbers and names of a kernel's gfp flags are to be read. */
export interface GfpTable {
  /** Masks in today's bits, in the order in which the kernel tests them. */
  readonly names: readonly GfpName[];
  readonly layout: GfpLayout;
}

/** Major * 1000 + minor of a release ('6.1.0-56-amd64'); an unknown one is read as 6.1. */
function versionOf(release: string | null): number {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release ?? '') ?? [];
  return Number(major ?? 6) * 1000 + Number(minor ?? 1);
}

/** The names of a kernel release; of an unknown one those of 6.1, and those that are gone. */
export function gfpNamesOf(release: string | null): readonly GfpName[] {
  if (release === null) return NAMES_UNKNOWN;
  const version = versionOf(release);
  if (version >= 6018) return NAMES_6_18;
  if (version >= 6003) return NAMES_6_12;
  if (version >= 5014) return NAMES_6_1;
  if (version >= 4018) return NAMES_5_10;
  return version >= 4004 ? NAMES_4_4 : NAMES_3_10;
}

/** What a trace says of its flags, or else what its release had. */
export function gfpTableOf(info: {
  readonly gfpNames: readonly GfpName[] | null;
  readonly gfpLayout: GfpLayout | null;
  readonly kernelRelease: string | null;
}): GfpTable {
  return {
    names: info.gfpNames ?? gfpNamesOf(info.kernelRelease),
    layout: info.gfpLayout ?? gfpLayoutOf(versionOf(info.kernelRelease)),
  };
}

/**
 * `GFP_KERNEL|__GFP_ZERO` for 0xdc0, as the kernel prints it: walk the table, print what is wholly
 * set and clear it; 'none' (or its name) for 0, what is left over as `0x…`.
 */
export function formatGfpFlags(flags: number, names: readonly GfpName[]): string {
  if (flags === 0) return names.find(({ mask }) => mask === 0)?.name ?? 'none';
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
  GFP_WAIT: RECLAIM,
  GFP_REPEAT: GFP.RETRY_MAYFAIL,
  GFP_TEMPORARY: KERNEL | GFP.RECLAIMABLE,
  GFP_COLD: GONE.COLD,
  GFP_NOTRACK: GONE.NOTRACK,
  GFP_OTHER_NODE: GONE.OTHER_NODE,
  GFP_NO_KSWAPD: GONE.NO_KSWAPD,
  GFP_NOACCOUNT: GONE.NOACCOUNT,
};

/**
 * The number, in today's bits, of `GFP_KERNEL|__GFP_ZERO`, `0xdc0`, `3520` or `none`. Kernels before
 * 4.6 print `GFP_ZERO` for `__GFP_ZERO`. Undefined where a name is not known.
 * @param layout of the kernel, for numbers
 */
export function parseGfpFlags(
  text: string,
  names: readonly GfpName[],
  layout: GfpLayout = TODAY,
): number | undefined {
  if (text === 'none' || text === '') return 0;
  let flags = 0;
  for (const part of text.split('|')) {
    const number = part === '' ? Number.NaN : Number(part);
    const mask = Number.isInteger(number) ? todaysGfp(number, layout) : maskOf(part, names);
    if (mask === undefined) return undefined;
    flags |= mask;
  }
  return flags >>> 0;
}

/** A name without an entry in the kernel's table may be that of another age. */
function maskOf(name: string, names: readonly GfpName[]): number | undefined {
  const bare = name.replace(/^__/, '');
  for (const table of [names, SINGLE_BITS_618, SINGLE_BITS_OLD, composites(0xa20, 0x800)]) {
    const entry = table.find((n) => n.name === name) ?? table.find((n) => n.name === `__${name}`);
    if (entry !== undefined) return entry.mask;
  }
  return OLD_NAMES[bare];
}
