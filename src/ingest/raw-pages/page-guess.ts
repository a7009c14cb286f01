// Are these bytes pages of a ring buffer? They have no mark, but hardly anything else is one: a
// length that fits the page, and data that fall wholly into records with event ids.

import { type ByteLayout, cutPage, PageRecords, pageTimestamp } from '../ring-buffer/page.ts';

const PAGE_SIZES = [4096, 8192, 16384, 32768, 65536] as const;
const ORIGIN = { lo: 0, hi: 0 };

/** The layouts that are tried, the most common ones first. */
const LAYOUTS: readonly ByteLayout[] = [true, false].flatMap((littleEndian) =>
  ([8, 4] as const).flatMap((longSize) =>
    PAGE_SIZES.map((pageSize) => ({ littleEndian, longSize, pageSize })),
  ),
);

/** A layout by which the first pages of a file cut into records, or undefined. */
export function guessLayout(
  head: Uint8Array,
  known: Partial<ByteLayout> = {},
): ByteLayout | undefined {
  const candidates = LAYOUTS.map((layout) => ({ ...layout, ...known }));
  return candidates.find((layout) => fits(head, layout));
}

/** True where the pages in `head` are intact, hold records, and stand in the order of their times. */
function fits(head: Uint8Array, layout: ByteLayout): boolean {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const { pageSize } = layout;
  const records = new PageRecords();
  let withRecords = 0;
  let last = -1;
  // A page that the head holds only in part is looked at where it is the only one.
  for (let at = 0; at === 0 || at + pageSize <= head.length; at += pageSize) {
    if (at + 8 + layout.longSize > head.length) return false;
    cutPage(view, at, layout, ORIGIN, records);
    if (!records.intact || !haveEvents(view, records, layout)) return false;
    const { lo, hi } = pageTimestamp(view, at, layout);
    const stamp = hi * 2 ** 32 + lo;
    if (stamp < last) return false;
    last = stamp;
    if (records.length > 0) withRecords++;
  }
  return withRecords > 0;
}

/** Every record begins with the id of its event, which is never 0. */
function haveEvents(view: DataView, records: PageRecords, layout: ByteLayout): boolean {
  for (let i = 0; i < records.length; i++) {
    const size = records.size[i] ?? 0;
    if (size < 8 || view.getUint16(records.offset[i] ?? 0, layout.littleEndian) === 0) return false;
  }
  return true;
}
