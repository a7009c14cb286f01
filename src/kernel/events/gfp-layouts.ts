// The bits of gfp_flags have moved four times (include/linux/gfp.h of 3.10, 4.4, 4.10, 4.18 and 5.1).
// Numbers of older kernels are turned into today's when they are read, so that everything else knows
// one layout. Flags that are gone have bits of their own here, above those of today.

import type { GfpName } from './trace-info.ts';

/** Flags that no longer exist, in bits that no kernel with today's layout uses for anything named. */
export const GONE = {
  COLD: 0x2000000,
  NOTRACK: 0x4000000,
  OTHER_NODE: 0x8000000,
  NO_KSWAPD: 0x10000000,
  NOACCOUNT: 0x20000000,
} as const;

/** Pairs of an old kernel's bit and today's bits for it. Empty: today's layout. */
export type GfpLayout = readonly (readonly [old: number, today: number])[];

export const TODAY: GfpLayout = [];

const RECLAIM = 0xc00;

/** The same in all: zones, movable, high, io, fs. */
const LOW_BITS: GfpLayout = [1, 2, 4, 8, 0x20, 0x40, 0x80].map((bit) => [bit, bit]);

/** From NOWARN to THISNODE: the same from 3.10 to 5.0. */
const MIDDLE_BITS: GfpLayout = [
  [0x200, 0x2000], // NOWARN
  [0x400, 0x4000], // REPEAT, later RETRY_MAYFAIL
  [0x800, 0x8000], // NOFAIL
  [0x1000, 0x10000], // NORETRY
  [0x2000, 0x20000], // MEMALLOC
  [0x4000, 0x40000], // COMP
  [0x8000, 0x100], // ZERO
  [0x10000, 0x80000], // NOMEMALLOC
  [0x20000, 0x100000], // HARDWALL
  [0x40000, 0x200000], // THISNODE
];

/** Until 4.3: __GFP_WAIT may sleep, and wakes kswapd. */
const UNTIL_4_3: GfpLayout = [
  ...LOW_BITS,
  ...MIDDLE_BITS,
  [0x10, RECLAIM], // WAIT
  [0x100, GONE.COLD],
  [0x80000, 0x10], // RECLAIMABLE
  [0x100000, GONE.NOACCOUNT],
  [0x200000, GONE.NOTRACK],
  [0x400000, GONE.NO_KSWAPD],
  [0x800000, GONE.OTHER_NODE],
  [0x1000000, 0x1000], // WRITE
];

/** From 4.4 on: __GFP_WAIT in two parts. */
const SINCE_4_4: GfpLayout = [
  ...LOW_BITS,
  ...MIDDLE_BITS,
  [0x10, 0x10], // RECLAIMABLE
  [0x80000, 0x200], // ATOMIC
  [0x100000, 0x400000], // ACCOUNT (4.4: NOACCOUNT)
];

const UNTIL_4_9: GfpLayout = [
  ...SINCE_4_4,
  [0x100, GONE.COLD],
  [0x200000, GONE.NOTRACK],
  [0x400000, 0x400], // DIRECT_RECLAIM
  [0x800000, GONE.OTHER_NODE],
  [0x1000000, 0x1000], // WRITE
  [0x2000000, 0x800], // KSWAPD_RECLAIM
];

const UNTIL_4_17: GfpLayout = [
  ...SINCE_4_4,
  [0x100, GONE.COLD],
  [0x200000, GONE.NOTRACK],
  [0x400000, 0x400], // DIRECT_RECLAIM
  [0x800000, 0x1000], // WRITE
  [0x1000000, 0x800], // KSWAPD_RECLAIM
];

const UNTIL_5_0: GfpLayout = [
  ...SINCE_4_4,
  [0x100, 0x1000], // WRITE
  [0x200000, 0x400], // DIRECT_RECLAIM
  [0x400000, 0x800], // KSWAPD_RECLAIM
];

/** The first release (major * 1000 + minor) behind each, and the number of its GFP_KERNEL. */
const LAYOUTS: readonly { until: number; kernel: number; layout: GfpLayout }[] = [
  { until: 4004, kernel: 0xd0, layout: UNTIL_4_3 },
  { until: 4010, kernel: 0x24000c0, layout: UNTIL_4_9 },
  { until: 4018, kernel: 0x14000c0, layout: UNTIL_4_17 },
  { until: 5001, kernel: 0x6000c0, layout: UNTIL_5_0 },
];

/** @param version major * 1000 + minor */
export function gfpLayoutOf(version: number): GfpLayout {
  return LAYOUTS.find(({ until }) => version < until)?.layout ?? TODAY;
}

/** The layout of the kernel that prints flags by these names; told by the number of its GFP_KERNEL. */
export function gfpLayoutOfNames(names: readonly GfpName[]): GfpLayout {
  const kernel = names.find(({ name }) => name === 'GFP_KERNEL')?.mask;
  return LAYOUTS.find((each) => each.kernel === kernel)?.layout ?? TODAY;
}

/** Flags in today's bits; bits that the layout does not have stay as they are. */
export function todaysGfp(flags: number, layout: GfpLayout): number {
  if (layout.length === 0) return flags;
  let rest = flags;
  let today = 0;
  for (const [old, bits] of layout) {
    if ((flags & old) === 0) continue;
    today |= bits;
    rest &= ~old;
  }
  return (today | rest) >>> 0;
}
