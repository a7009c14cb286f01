// A trace.dat of version 7 without its end: of a recording that was killed, a full disk, a copy that
// broke off. trace-cmd writes where the data of the CPUs lie behind these data; here they are found by
// walking over the sections, which stand one behind the other, and over the data themselves.
//
//   section   u16 id, u16 flags (1: packed), u32 name, u64 size (0 while it is being written), body
//   buffer    the data of each CPU that has any, each from the next page of the file on: pages, or
//             packed u32 pieces (0 while they are being written), then u32 size, u32 unpacked, bytes

import { ByteCursor, type ByteSource, OutOfBytes } from '../../base/byte-cursor.ts';
import type { CpuLosses } from '../ring-buffer/cpu-stats.ts';
import {
  type ByteLayout,
  cutPage,
  PageRecords,
  pageTimestamp,
  timeSince,
} from '../ring-buffer/page.ts';
import { type CpuData, MAX_CPU } from './cpu-data.ts';

const SECTION_HEADER_BYTES = 16;
const SECTION_BUFFER = 3;
const KNOWN_SECTIONS: ReadonlySet<number> = new Set([0, 3, 15, 16, 17, 18, 19, 20, 21, 22]);
/** Pages of one CPU that are looked at together. */
/** Time and commit of a page (struct buffer_data_page in kernel/trace/ring_buffer.c). */
const PAGE_HEADER_BYTES = 16;
const PAGES_AT_ONCE = 64;

export interface FoundSection {
  readonly id: number;
  readonly offset: number;
  readonly packed: boolean;
  /** The end of its body; Infinity where that was not written yet. */
  readonly end: number;
}

/** The sections from `from` on, as far as they are there. */
export function findSections(source: ByteSource, from: number, layout: ByteLayout): FoundSection[] {
  const found: FoundSection[] = [];
  let offset = from;
  for (;;) {
    const section = sectionAt(source, offset, layout);
    if (section === undefined) return found;
    // A buffer that nothing was recorded in is empty; another follows it.
    const isOpen =
      section.id === SECTION_BUFFER &&
      section.end === offset + SECTION_HEADER_BYTES &&
      sectionAt(source, section.end, layout) === undefined;
    found.push(isOpen ? { ...section, end: Infinity } : section);
    if (isOpen || section.end >= source.size) return found;
    offset = section.end;
  }
}

function sectionAt(
  source: ByteSource,
  offset: number,
  layout: ByteLayout,
): FoundSection | undefined {
  if (offset + SECTION_HEADER_BYTES > source.size) return undefined;
  const at = new ByteCursor(source, offset, layout.littleEndian);
  const id = at.u16();
  const flags = at.u16();
  at.u32();
  const size = Number(at.u64());
  if (!KNOWN_SECTIONS.has(id) || flags > 1) return undefined;
  if (size === 0 && id !== SECTION_BUFFER) return undefined;
  return { id, offset, packed: flags === 1, end: offset + SECTION_HEADER_BYTES + size };
}

export interface CutBuffer {
  readonly source: ByteSource;
  readonly section: FoundSection;
  /** Of the ring buffer. */
  readonly layout: ByteLayout;
  /** To which the data of each CPU are aligned: the page size of the file's head. */
  readonly alignment: number;
  readonly cpuCount: number | undefined;
  /** What the tracer counted, by CPU; written before the data. */
  readonly stats: ReadonlyMap<number, CpuLosses> | undefined;
}

/** Where the data of a buffer's CPUs lie, as far as they are there. */
export function findCpuData(buffer: CutBuffer): CpuData[] {
  const cpus = cpusWithData(buffer);
  return buffer.section.packed ? findPackedData(buffer, cpus) : findPages(buffer, cpus);
}

/** The CPUs that have data, in the order in which these stand. */
function cpusWithData({ source, layout, alignment, cpuCount, stats }: CutBuffer): number[] {
  const count = Math.min(cpuCount ?? MAX_CPU, MAX_CPU);
  // Each has a page at least, or a part of one.
  const most = Math.ceil(source.size / Math.min(alignment, layout.pageSize));
  const cpus: number[] = [];
  for (let cpu = 0; cpu < count && cpus.length < most; cpu++) {
    if (stats?.get(cpu)?.records !== 0) cpus.push(cpu);
  }
  return cpus;
}

function aligned(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

function findPackedData(
  { source, section, layout, alignment }: CutBuffer,
  cpus: number[],
): CpuData[] {
  const found: CpuData[] = [];
  const limit = Math.min(section.end, source.size);
  let offset = aligned(section.offset + SECTION_HEADER_BYTES, alignment);
  for (const cpu of cpus) {
    if (offset + 4 >= limit) break;
    const end = endOfPieces(source, offset, layout);
    found.push({ cpu, offset, size: end - offset - 4 });
    offset = aligned(end, alignment);
  }
  return found;
}

/** The end of pieces that a number stands before; Infinity where the file ends before they do. */
function endOfPieces(source: ByteSource, offset: number, layout: ByteLayout): number {
  const at = new ByteCursor(source, offset, layout.littleEndian);
  try {
    const pieces = at.u32();
    for (let i = 0; i < pieces; i++) {
      const size = at.u32();
      at.u32();
      at.position += size;
    }
    return pieces === 0 || at.position > source.size ? Infinity : at.position;
  } catch (error) {
    if (error instanceof OutOfBytes) return Infinity;
    throw error;
  }
}

interface Page {
  readonly view: DataView;
  /** Where it is in `view`, and in the file. */
  readonly at: number;
  readonly offset: number;
}

/** Pages one behind the other, as far as they have a header. */
function* pagesOf(source: ByteSource, from: number, to: number, pageSize: number): Generator<Page> {
  for (let offset = from; offset < to; ) {
    const bytes = source.slice(offset, Math.min(PAGES_AT_ONCE * pageSize, to - offset));
    if (bytes.length < PAGE_HEADER_BYTES) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at + PAGE_HEADER_BYTES <= bytes.length; at += pageSize) {
      yield { view, at, offset: offset + at };
    }
    offset += bytes.length;
  }
}

/**
 * Nothing stands between the pages of two CPUs. Those of one hold as many records as the tracer
 * counted; where it did not, the next CPU begins where the times begin anew.
 */
function findPages(
  { source, section, layout, alignment, stats }: CutBuffer,
  cpus: number[],
): CpuData[] {
  const { pageSize } = layout;
  const origin = { lo: 0, hi: 0 };
  const records = new PageRecords();
  const found: CpuData[] = [];
  const limit = Math.min(section.end, source.size);
  let start = aligned(section.offset + SECTION_HEADER_BYTES, alignment);
  let index = 0;
  let held = 0;
  let lastStamp = -Infinity;
  for (const { view, at, offset } of pagesOf(source, start, limit, pageSize)) {
    const stamp = timeSince(origin, pageTimestamp(view, at, layout));
    const wanted = stats?.get(cpus[index] ?? -1)?.records ?? undefined;
    const isNext = wanted === undefined ? stamp < lastStamp : held >= wanted;
    if (isNext && index + 1 < cpus.length && offset > start) {
      found.push({ cpu: cpus[index] ?? 0, offset: start, size: offset - start });
      start = offset;
      index++;
      held = 0;
    }
    lastStamp = stamp;
    if (wanted !== undefined) {
      cutPage(view, at, layout, origin, records);
      held += records.length;
    }
  }
  if (start < limit && index < cpus.length) {
    found.push({ cpu: cpus[index] ?? 0, offset: start, size: section.end - start });
  }
  return found;
}
