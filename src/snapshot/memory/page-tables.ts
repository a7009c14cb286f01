// x86-64 page tables with 4 or 5 levels → what an address maps to (arch/x86/include/asm/
// pgtable_types.h): entries of eight bytes, bit 0 present, bit 7 a 2 MiB or 1 GiB page at the second
// and third level, bits 12 to 51 the physical address. Tables are data from outside: those that are
// missing, run in a circle or point nowhere end a walk, they do not stop it all.

import { hex16, PAGE_SIZE, pageHi, pageLo } from '../../base/address.ts';
import type { Findings } from '../findings.ts';
import type { PhysicalMemory } from './physical-memory.ts';

/** How the kernel's addresses are translated; plain data, for other threads too. */
export interface TableRoot {
  /** Physical address of the top table. */
  readonly paddr: number;
  readonly levels: 4 | 5;
  /** The high half of the address bits of an entry: without the bit of memory encryption. */
  readonly maskHi: number;
}

/** Consecutive pages that map consecutive physical pages. */
export interface Mapping {
  /** The number of the first page of the address. */
  page: number;
  /** The number of its physical page. */
  frame: number;
  count: number;
}

const ENTRIES = 512;
const PRESENT = 1;
const LARGE = 0x80;
const ADDRESS_LO = 0xfffff000;
export const ADDRESS_HI = 0x000fffff;
/** One past the last page of the address space. */
export const LAST_PAGE: number = 2 ** 52;
/** Tables that one listing enters: 8 TiB in pages of 4 KiB. */
const MAX_TABLES = 4 * 1024 * 1024;

/** Pages under one entry of a level: 1, 512, … */
function span(level: number): number {
  return ENTRIES ** (level - 1);
}

export class PageTables {
  private readonly memory: PhysicalMemory;
  private readonly root: TableRoot;

  constructor(memory: PhysicalMemory, root: TableRoot) {
    this.memory = memory;
    this.root = root;
  }

  /** The physical page of a page, or -1 where nothing is mapped or a table is missing. */
  frameOf(page: number): number {
    const { memory } = this;
    const { maskHi } = this.root;
    if (page >= LAST_PAGE || !this.isCanonical(page)) return -1;
    let table = this.root.paddr;
    for (let level: number = this.root.levels; level >= 1; level--) {
      const index = Math.floor(page / span(level)) % ENTRIES;
      const at = memory.word(table + index * 8);
      if (at < 0) return -1;
      const lo = memory.words[at]!;
      const hi = memory.words[at + 1]!;
      if ((lo & PRESENT) === 0) return -1;
      const paddr = (hi & maskHi) * 2 ** 32 + ((lo & ADDRESS_LO) >>> 0);
      if (level === 1) return paddr / PAGE_SIZE;
      if ((lo & LARGE) !== 0) {
        if (level > 3) return -1;
        const first = paddr / PAGE_SIZE;
        return first - (first % span(level)) + (page % span(level));
      }
      table = paddr;
    }
    return -1;
  }

  /**
   * What is mapped of [fromPage, toPage), in order, contiguous mappings joined. A table that is
   * entered a second time is passed over: in a running kernel only the shadow of KASAN does that.
   */
  *mappings(fromPage: number, toPage: number, findings?: Findings): Generator<Mapping> {
    const walk = new TableWalk(this.memory, this.root, fromPage, toPage, findings);
    let joined: Mapping = { page: 0, frame: 0, count: 0 };
    while (walk.next()) {
      const { page, frame, count } = walk;
      const follows = page - joined.page === joined.count && frame - joined.frame === joined.count;
      if (follows && joined.count > 0) {
        joined.count += count;
      } else {
        if (joined.count > 0) yield joined;
        joined = { page, frame, count };
      }
    }
    if (joined.count > 0) yield joined;
  }

  /** The upper bits of an address must all equal its highest translated one. */
  private isCanonical(page: number): boolean {
    const half = (span(this.root.levels) * ENTRIES) / 2;
    return page < half || page >= LAST_PAGE - half;
  }
}

/** Goes through the tables with a stack of its own: one entry at each level, no recursion. */
class TableWalk {
  page = 0;
  frame = 0;
  count = 0;
  private readonly memory: PhysicalMemory;
  private readonly root: TableRoot;
  private readonly from: number;
  private readonly to: number;
  private readonly findings: Findings | undefined;
  private readonly visited = new Set<number>();
  /** By level: a copy of the table, the next entry, and the page of entry 0. */
  private readonly tables: Uint32Array[];
  private readonly bytes: Uint8Array[];
  private readonly entry: number[];
  private readonly base: number[];
  private level: number;

  constructor(
    memory: PhysicalMemory,
    root: TableRoot,
    from: number,
    to: number,
    findings: Findings | undefined,
  ) {
    this.memory = memory;
    this.root = root;
    this.from = from;
    this.to = to;
    this.findings = findings;
    this.tables = Array.from({ length: root.levels + 1 }, () => new Uint32Array(ENTRIES * 2));
    this.bytes = this.tables.map((t) => new Uint8Array(t.buffer));
    this.entry = this.tables.map(() => 0);
    this.base = this.tables.map(() => 0);
    this.level = root.levels;
    if (!this.enter(root.levels, root.paddr, 0)) this.level = root.levels + 1;
  }

  /** Moves on to the next mapped entry; false at the end. */
  next(): boolean {
    const top = this.root.levels;
    while (this.level <= top) {
      const { level } = this;
      const i = this.entry[level]!++;
      if (i >= ENTRIES) {
        this.level++;
        continue;
      }
      const page = this.pageAt(level, i);
      if (page >= this.to) this.entry[level] = ENTRIES;
      else if (page + span(level) > this.from && this.take(level, i, page)) return true;
    }
    return false;
  }

  private pageAt(level: number, i: number): number {
    const page = this.base[level]! + i * span(level);
    // The upper half of the top table is the end of the address space.
    if (level !== this.root.levels || i < ENTRIES / 2) return page;
    return page + LAST_PAGE - ENTRIES * span(level);
  }

  /** True where the entry maps pages; an entry that leads to a table is entered. */
  private take(level: number, i: number, page: number): boolean {
    const table = this.tables[level]!;
    const lo = table[i * 2]!;
    if ((lo & PRESENT) === 0) return false;
    const hi = table[i * 2 + 1]! & this.root.maskHi;
    const paddr = hi * 2 ** 32 + ((lo & ADDRESS_LO) >>> 0);
    if (level === 1 || (lo & LARGE) !== 0) return this.mapped(level, page, paddr);
    if (this.enter(level - 1, paddr, page)) this.level = level - 1;
    return false;
  }

  private mapped(level: number, page: number, paddr: number): boolean {
    if (level > 3) {
      this.count1('table_nonsense', page);
      return false;
    }
    const size = span(level);
    const first = paddr / PAGE_SIZE;
    const skipped = Math.max(0, this.from - page);
    this.page = page + skipped;
    this.frame = first - (first % size) + skipped;
    this.count = Math.min(page + size, this.to) - this.page;
    return true;
  }

  private enter(level: number, paddr: number, page: number): boolean {
    if (this.visited.has(paddr) || this.visited.size >= MAX_TABLES) {
      this.count1('table_revisited', page);
      return false;
    }
    this.visited.add(paddr);
    const from = Math.floor(Math.max(0, this.from - page) / span(level));
    if (!this.memory.read(paddr, this.bytes[level]!)) {
      this.count1('table_missing', page);
      return false;
    }
    // The top table's entries are not in the order of distance from `page`.
    this.entry[level] = level === this.root.levels ? 0 : Math.min(from, ENTRIES);
    this.base[level] = page;
    return true;
  }

  private count1(name: 'table_nonsense' | 'table_revisited' | 'table_missing', page: number): void {
    this.findings?.add(name, () => `at ${hex16(pageHi(page), pageLo(page))}`);
  }
}
