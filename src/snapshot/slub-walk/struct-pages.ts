// The array of struct page → the pages that are slabs. Which ones: PG_slab in the flags up to 6.9, a
// page type from 6.10 on (0xf5 in the top byte from 6.12 on); VMCOREINFO says which. The array is read
// in large pieces, as far as it is mapped: 64 bytes for every page of the machine.

import { addHi, addLo, hiOf, loOf, PAGE_SIZE, pageNumber } from '../../base/address.ts';
import { isAtLeast, parseRelease } from '../../kernel/machine/kernel-version.ts';
import type { KernelImage } from '../kernel/kernel-image.ts';
import { MissingMemory } from '../kernel/kernel-reader.ts';
import type { SlabOffsets } from './struct-layout.ts';

/** Without KASLR, with 4 and 5 levels (Documentation/arch/x86/x86_64/mm.rst). */
const VMEMMAP: Readonly<Record<4 | 5, bigint>> = {
  4: 0xffffea0000000000n,
  5: 0xffd4000000000000n,
};
const PIECE_BYTES = 1024 * 1024;
/** enum pageflags, 2.6.25 to 6.9. */
const PG_SLAB = 9;
const PGTY_SLAB = 0xf5000000;

/** How a struct page shows that it begins a slab. */
type SlabTest =
  | { readonly kind: 'flag'; readonly mask: number }
  | { readonly kind: 'type'; readonly value: number; readonly mask: number };

/** One struct page, in `words` at `at`; valid until the next. */
export interface StructPage {
  readonly words: Uint32Array;
  at: number;
  /** The number of its physical page. */
  frame: number;
  /** Its own address. */
  hi: number;
  lo: number;
}

function slabTest({ vmcoreinfo, release }: KernelImage): SlabTest {
  const flag = vmcoreinfo?.number('PG_slab');
  const type = vmcoreinfo?.number('PAGE_SLAB_MAPCOUNT_VALUE');
  if (type !== undefined) {
    const value = Number(BigInt.asUintN(32, type));
    // 6.10 and 6.11 have types as cleared bits of -1: the whole word counts.
    return { kind: 'type', value, mask: (value & 0xffffff) === 0 ? 0xff000000 : 0xffffffff };
  }
  if (flag === undefined && isAtLeast(parseRelease(release ?? null), 6, 12)) {
    return { kind: 'type', value: PGTY_SLAB, mask: 0xff000000 };
  }
  return { kind: 'flag', mask: 2 ** Number(flag ?? BigInt(PG_SLAB)) };
}

/** Where the array of struct page begins, or undefined where that is not known. */
export function vmemmapBase(kernel: KernelImage): bigint | undefined {
  const { symbols, reader, paged, vmcoreinfo } = kernel;
  const said = vmcoreinfo?.symbol('vmemmap');
  if (said !== undefined) return said;
  const variable = symbols.addressOf('vmemmap_base');
  try {
    if (variable !== undefined) return reader.u64(variable);
  } catch (error) {
    if (!(error instanceof MissingMemory)) throw error;
  }
  return paged === undefined ? undefined : VMEMMAP[paged.description.root.levels];
}

/** Calls `visit` for every struct page that shows a slab. */
export function eachSlabPage(
  kernel: KernelImage,
  offsets: SlabOffsets,
  base: bigint,
  visit: (page: StructPage) => void,
): void {
  const isSlab = slabPageTest(kernel, offsets);
  eachStructPage(kernel, offsets.pageSize, base, (page) => {
    if (isSlab(page)) visit(page);
  });
}

/** Tells struct pages that begin a slab from others. */
export function slabPageTest(
  kernel: KernelImage,
  offsets: SlabOffsets,
): (page: StructPage) => boolean {
  const test = slabTest(kernel);
  const testAt = (test.kind === 'flag' ? offsets.pageFlags : offsets.pageType) / 4;
  return (page) => isSlab(test, page.words[page.at + testAt]!);
}

/**
 * Calls `visit` for every struct page that is mapped and in the image; it gets the same object each
 * time.
 * @param stride sizeof(struct page), a multiple of 8
 * @param base where the array begins
 */
export function eachStructPage(
  kernel: KernelImage,
  stride: number,
  base: bigint,
  visit: (page: StructPage) => void,
): void {
  const { paged } = kernel;
  if (paged === undefined) return;
  const words = new Uint32Array(PIECE_BYTES / 4);
  const bytes = new Uint8Array(words.buffer);
  const page: StructPage = { words, at: 0, frame: 0, hi: 0, lo: 0 };
  const baseHi = hiOf(base);
  const baseLo = loOf(base);
  const basePage = pageNumber(baseHi, baseLo);
  const perPiece = Math.floor(PIECE_BYTES / stride);
  for (const run of paged.runs(baseHi, baseLo, endOfMemory(kernel) * stride)) {
    const offset = (pageNumber(run.hi, run.lo) - basePage) * PAGE_SIZE + (run.lo % PAGE_SIZE);
    let frame = Math.ceil(offset / stride);
    const end = Math.floor((offset + run.length) / stride);
    while (frame < end) {
      const count = Math.min(perPiece, end - frame);
      if (!paged.readRun(run, frame * stride - offset, bytes.subarray(0, count * stride))) break;
      for (let i = 0; i < count; i++) {
        page.at = (i * stride) / 4;
        page.frame = frame + i;
        page.hi = addHi(baseHi, baseLo, page.frame * stride);
        page.lo = addLo(baseLo, page.frame * stride);
        visit(page);
      }
      frame += count;
    }
  }
}

/** A page whose flags are all ones was never set up. */
function isSlab(test: SlabTest, word: number): boolean {
  if (test.kind === 'type') return (word & test.mask) >>> 0 === test.value;
  return (word & test.mask) !== 0 && word !== 0xffffffff;
}

/** One past the last physical page of the image. */
function endOfMemory({ snapshot }: KernelImage): number {
  let end = 0;
  if (snapshot.kind === 'printed') return end;
  for (const r of snapshot.memory.ranges()) end = Math.ceil((r.start + r.length) / PAGE_SIZE);
  return end;
}
