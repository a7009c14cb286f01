// Physical memory + page tables → the kernel's virtual memory. The direct map is taken by arithmetic
// where the page tables were seen to map it so (the runs are listed once, when the space is made);
// everything else is walked, with the pages used last remembered.

import { hex16, PAGE_SIZE, pageHi, pageLo, pageNumber } from '../../base/address.ts';
import type { Findings } from '../findings.ts';
import { type AddressSpace, KERNEL_HALF_HI, type MappedRun } from './address-space.ts';
import { LAST_PAGE, type Mapping, PageTables, type TableRoot } from './page-tables.ts';
import type { PhysicalMemory } from './physical-memory.ts';

/** Everything that makes the space again over the same image; plain data, for other threads. */
export interface SpaceDescription {
  readonly root: TableRoot;
  readonly directMap: DirectMap;
}

/** Where all of physical memory is mapped one to one, as far as the page tables say so. */
export interface DirectMap {
  /** The page that maps physical page 0 (page_offset_base); -1: not known. */
  readonly base: number;
  /** Physical pages [from, to) of each run, in order. */
  readonly from: Float64Array;
  readonly to: Float64Array;
}

export const NO_DIRECT_MAP: DirectMap = {
  base: -1,
  from: new Float64Array(0),
  to: new Float64Array(0),
};

/** The kernel maps a page in the direct map, perhaps in its image or vmalloc, hardly ever again. */
const MAX_TIMES_MAPPED = 16;
const REMEMBERED = 8192;
/** A direct map in more runs than this is walked like everything else. */
const MAX_RUNS = 1024 * 1024;

/**
 * The direct map at `base`, as far as the tables map page p at base + p.
 * @param end one past the last physical page of the image
 */
export function listDirectMap(
  tables: PageTables,
  base: number,
  end: number,
  findings: Findings,
): DirectMap {
  const from: number[] = [];
  const to: number[] = [];
  for (const m of tables.mappings(base, Math.min(base + end, LAST_PAGE), findings)) {
    if (m.page - m.frame !== base) {
      findings.add('direct_map_broken', () => `at ${hex16(pageHi(m.page), pageLo(m.page))}`);
    } else {
      from.push(m.frame);
      to.push(m.frame + m.count);
    }
    if (from.length > MAX_RUNS) return { base, from: new Float64Array(0), to: new Float64Array(0) };
  }
  return { base, from: Float64Array.from(from), to: Float64Array.from(to) };
}

export class PagedSpace implements AddressSpace {
  readonly memory: PhysicalMemory;
  readonly description: SpaceDescription;
  private readonly tables: PageTables;
  private readonly pages: Float64Array = new Float64Array(REMEMBERED).fill(-1);
  private readonly frames: Float64Array = new Float64Array(REMEMBERED);

  constructor(memory: PhysicalMemory, description: SpaceDescription) {
    this.memory = memory;
    this.description = description;
    this.tables = new PageTables(memory, description.root);
  }

  translate(hi: number, lo: number): number {
    const frame = this.frameOf(pageNumber(hi, lo));
    return frame < 0 ? -1 : frame * PAGE_SIZE + (lo & (PAGE_SIZE - 1));
  }

  read(hi: number, lo: number, target: Uint8Array): boolean {
    let page = pageNumber(hi, lo);
    let within = lo & (PAGE_SIZE - 1);
    for (let done = 0; done < target.length; ) {
      const frame = this.frameOf(page);
      if (frame < 0) return false;
      let pages = 1;
      let n = PAGE_SIZE - within;
      while (done + n < target.length && this.frameOf(page + pages) === frame + pages) {
        n += PAGE_SIZE;
        pages++;
      }
      n = Math.min(n, target.length - done);
      const part = n === target.length ? target : target.subarray(done, done + n);
      if (!this.memory.read(frame * PAGE_SIZE + within, part)) return false;
      done += n;
      page += pages;
      within = 0;
    }
    return true;
  }

  *runs(hi: number, lo: number, length: number): Generator<MappedRun> {
    if (length <= 0) return;
    const first = pageNumber(hi, lo);
    const within = lo & (PAGE_SIZE - 1);
    const to = Math.min(LAST_PAGE, first + Math.ceil((within + length) / PAGE_SIZE));
    // What the last page has beyond the end.
    const beyond = Math.max(0, (to - first) * PAGE_SIZE - within - length);
    for (const m of this.tables.mappings(first, to)) {
      const skipped = m.page === first ? within : 0;
      const cut = m.page + m.count === to ? beyond : 0;
      yield* this.present(m, skipped, m.count * PAGE_SIZE - skipped - cut);
    }
  }

  readRun(run: MappedRun, offset: number, target: Uint8Array): boolean {
    return this.memory.read(run.paddr + offset, target);
  }

  *kernelRuns(): Generator<MappedRun> {
    const from = pageNumber(KERNEL_HALF_HI, 0);
    // Damaged tables may map the same memory over and over.
    let left = MAX_TIMES_MAPPED * this.bytesInImage();
    for (const m of this.tables.mappings(from, LAST_PAGE)) {
      for (const run of this.present(m, 0, m.count * PAGE_SIZE)) {
        left -= run.length;
        if (left < 0) return;
        yield run;
      }
    }
  }

  private bytesInImage(): number {
    let bytes = 0;
    for (const range of this.memory.ranges()) bytes += range.length;
    return bytes;
  }

  /** The parts of a mapping that the image holds. */
  private *present(m: Mapping, skipped: number, bytes: number): Generator<MappedRun> {
    const start = m.frame * PAGE_SIZE + skipped;
    const end = start + bytes;
    for (let at = this.memory.nextPresent(start); at >= 0 && at < end; ) {
      const length = this.memory.presentFrom(at, end - at);
      const offset = at - m.frame * PAGE_SIZE;
      const page = m.page + Math.floor(offset / PAGE_SIZE);
      yield { hi: pageHi(page), lo: pageLo(page) + (offset % PAGE_SIZE), length, paddr: at };
      at = this.memory.nextPresent(at + length);
    }
  }

  private frameOf(page: number): number {
    const slot = page & (REMEMBERED - 1);
    if (this.pages[slot] === page) return this.frames[slot]!;
    const direct = this.directFrame(page);
    if (direct >= 0) return direct;
    const frame = this.tables.frameOf(page);
    this.pages[slot] = page;
    this.frames[slot] = frame;
    return frame;
  }

  /** The physical page of a page of the direct map, or -1. */
  private directFrame(page: number): number {
    const { base, from, to } = this.description.directMap;
    const frame = page - base;
    if (base < 0 || frame < 0) return -1;
    let low = 0;
    let high = from.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (from[mid]! <= frame) low = mid + 1;
      else high = mid;
    }
    return low > 0 && frame < to[low - 1]! ? frame : -1;
  }
}
