// Which memory node a page is of: the spans of /proc/zoneinfo (mm/vmstat.c, zoneinfo_show_print()),
//
//   Node 0, zone    DMA32
//           spanned  102400
//     start_pfn:           4096
//
// and the start of the direct map, which KASLR moves in steps of 1 GiB.

export interface ZoneSpan {
  readonly node: number;
  readonly startPfn: number;
  /** Exclusive. */
  readonly endPfn: number;
}

/** The spans of the zones that have pages. */
export function parseZoneSpans(zoneinfo: string): ZoneSpan[] {
  const spans: ZoneSpan[] = [];
  let node = -1;
  let spanned = 0;
  for (const line of zoneinfo.split('\n')) {
    const zone = /^Node (\d+), zone/.exec(line)?.[1];
    if (zone !== undefined) {
      node = Number(zone);
      spanned = 0;
    }
    spanned = Number(/^\s+spanned\s+(\d+)/.exec(line)?.[1] ?? spanned);
    const start = /^\s+start_pfn:\s+(\d+)/.exec(line)?.[1];
    if (start === undefined || node < 0 || node > 255 || spanned === 0) continue;
    spans.push({ node, startPfn: Number(start), endPfn: Number(start) + spanned });
  }
  return spans;
}

/** The node of an address (its two halves); 0 where nothing tells. */
export type NodeOfAddress = (lo: number, hi: number) => number;

const GIB_SHIFT = 30;

/**
 * @param lowest the lowest slab address seen: the direct map starts at the 1 GiB boundary below it
 */
export function nodeOfAddress(
  spans: readonly ZoneSpan[],
  lowest: { readonly lo: number; readonly hi: number },
  pageSize: number,
): NodeOfAddress {
  if (new Set(spans.map((span) => span.node)).size < 2) return () => 0;
  const baseLo = (lowest.lo >>> GIB_SHIFT) * 2 ** GIB_SHIFT;
  return (lo, hi) => {
    const pfn = ((hi - lowest.hi) * 2 ** 32 + (lo - baseLo)) / pageSize;
    for (const { node, startPfn, endPfn } of spans)
      if (pfn >= startPfn && pfn < endPfn) return node;
    return 0;
  };
}
