// Memory that is scanned and that no allocation of the trace explains, found by struct page: what was
// allocated before there was an allocator (memblock; its pages are PG_reserved) and page-backed
// kmallocs from before the trace (compound pages that are no slab and no user's). PG_reserved is
// right before PG_private in every version (include/linux/page-flags.h).

import type { KernelImage } from '../kernel/kernel-image.ts';
import { eachStructPage, slabPageTest } from '../slub-walk/struct-pages.ts';
import type { SlubImage } from '../slub-walk/walk-slabs.ts';
import type { PageFields } from './scan-memory.ts';

const PG_PRIVATE_6_1 = 13;
const PG_LRU_6_1 = 4;

/** Called with runs of physical pages [from, to). */
export interface BootMemoryVisitor {
  reserved(from: number, to: number): void;
  compound(from: number, to: number): void;
}

export function pageFields({ layout, vmcoreinfo }: KernelImage): PageFields {
  const refcount =
    layout?.field('page', '_refcount')?.offset ?? vmcoreinfo?.offset('page', '_refcount') ?? 52;
  return { size: layout?.sizeOf('page') ?? 64, refcount };
}

/** Goes through all struct pages once. */
export function findBootMemory(slub: SlubImage, visitor: BootMemoryVisitor): void {
  const { kernel, layout, vmemmap } = slub;
  const flag = (name: string, otherwise: number): number =>
    Number(kernel.vmcoreinfo?.number(name) ?? BigInt(otherwise));
  const reserved = 2 ** (flag('PG_private', PG_PRIVATE_6_1) - 1);
  const lru = 2 ** flag('PG_lru', PG_LRU_6_1);
  const at = fieldsOf(kernel);
  const isSlab = slabPageTest(kernel, layout.slab);
  const runs = new Runs(visitor);
  let head = { hi: 0, lo: 0 };
  eachStructPage(kernel, layout.slab.pageSize, vmemmap, (page) => {
    const word = (offset: number): number => page.words[page.at + offset / 4]!;
    const flags = word(at.flags);
    if (flags === 0xffffffff) return;
    if ((flags & reserved) !== 0) {
      runs.add('reserved', page.frame);
      return;
    }
    const headLo = word(at.compoundHead);
    if ((headLo & 1) === 1) {
      const isTail = head.lo === headLo - 1 && head.hi === word(at.compoundHead + 4);
      if (!isTail) return;
      if (runs.kind !== 'compound') runs.add('compound', page.frame - 1);
      runs.add('compound', page.frame);
      return;
    }
    const isKernels =
      word(at.refcount) !== 0 &&
      (flags & lru) === 0 &&
      word(at.mapping) === 0 &&
      word(at.mapping + 4) === 0 &&
      !isSlab(page);
    head = isKernels ? { hi: page.hi, lo: page.lo } : { hi: 0, lo: 0 };
    runs.end();
  });
  runs.end();
}

function fieldsOf({ layout, vmcoreinfo }: KernelImage): Record<PageField, number> {
  const offset = (name: string, otherwise: number): number =>
    layout?.field('page', name)?.offset ?? vmcoreinfo?.offset('page', name) ?? otherwise;
  return {
    flags: offset('flags', 0),
    compoundHead: offset('compound_head', 8),
    mapping: offset('mapping', 24),
    refcount: offset('_refcount', 52),
  };
}

type PageField = 'flags' | 'compoundHead' | 'mapping' | 'refcount';

/** Joins pages that follow each other. */
class Runs {
  kind: 'reserved' | 'compound' | undefined;
  private from = 0;
  private to = 0;
  private readonly visitor: BootMemoryVisitor;

  constructor(visitor: BootMemoryVisitor) {
    this.visitor = visitor;
  }

  add(kind: 'reserved' | 'compound', frame: number): void {
    if (this.kind === kind && this.to === frame) {
      this.to++;
      return;
    }
    this.end();
    this.kind = kind;
    this.from = frame;
    this.to = frame + 1;
  }

  end(): void {
    if (this.kind !== undefined) this.visitor[this.kind](this.from, this.to);
    this.kind = undefined;
  }
}
