// The sorting of the kernel's slabinfo tool (sort_slabs(), sort_aliases()): every pair in turn is
// exchanged where the comparison says so. With a comparison that is no order (-i) the result is
// neither sorted nor stable, but it is what the tool prints, so it is done the same way.

/** The tool itself gives up above 500 caches (2000 in later versions). */
const MAX_EXACT = 4000;

/** Sorts in place; `compare` above 0 exchanges. Longer lists than any kernel's: an ordinary sort. */
export function exchangeSort<T>(items: T[], compare: (a: T, b: T) => number): void {
  if (items.length > MAX_EXACT) {
    items.sort((a, b) => Math.sign(compare(a, b)) - Math.sign(compare(b, a)));
    return;
  }
  for (let i = 0; i < items.length; i++) {
    for (let j = i + 1; j < items.length; j++) {
      const a = items[i]!;
      const b = items[j]!;
      if (compare(a, b) > 0) {
        items[i] = b;
        items[j] = a;
      }
    }
  }
}
