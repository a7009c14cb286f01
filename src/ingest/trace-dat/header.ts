// The head of a trace.dat file, versions 6 and 7: trace-cmd.dat.v6(5), trace-cmd.dat.v7(5).
//
//   17 08 44 "tracing"  version\0  u8 endian  u8 long size  u32 page size
//   v6: the parts in a row        v7: compression\0 version\0 u64 first OPTIONS section
//
// What is said of the events lies here; the events themselves lie where the buffers say (pages of
// the ring buffer, one row per CPU).

import { ByteCursor, type ByteSource, memorySource, OutOfBytes } from '../../base/byte-cursor.ts';
import { TraceFormatError } from '../../base/errors.ts';
import { windowedSource } from '../../base/windowed-source.ts';
import { parseTraceClock } from '../../kernel/events/trace-info.ts';
import type { EventFormat } from '../events/event-format.ts';
import { isPageSize, type PageShape } from '../ring-buffer/header-page.ts';
import type { ByteLayout } from '../ring-buffer/page.ts';
import { BadPiece, type Compression, UnknownKind } from './compression.ts';
import { type CpuData, checkApart, MAX_CPU } from './cpu-data.ts';
import { findCpuData, findSections } from './cut-file.ts';
import { MetadataParts } from './metadata-parts.ts';
import {
  emptyOptions,
  readOptionsV6,
  readOptionsV7,
  type TraceDatOptions,
  type TraceDatOptionsV7,
} from './options.ts';

export const TRACE_DAT_MAGIC: Buffer = Buffer.from('\x17\x08\x44tracing', 'latin1');

/** One tracing instance; the top one has the name ''. */
export interface TraceBuffer {
  readonly name: string;
  readonly clock: string | null;
  readonly pageSize: number;
  readonly packed: boolean;
  readonly cpus: readonly CpuData[];
}

export interface TraceDatHeader {
  readonly version: number;
  readonly layout: ByteLayout;
  /** What header_page says of the pages, where it could be read. */
  readonly page: PageShape | undefined;
  readonly compression: Compression;
  readonly formats: readonly EventFormat[];
  readonly kallsyms: Buffer | undefined;
  /** `PID COMM` lines. */
  readonly cmdlines: string;
  readonly options: TraceDatOptions;
  readonly buffers: readonly TraceBuffer[];
  /** True where the file ends too early: `buffers` is what could be found in the rest. */
  readonly cut: boolean;
}

/**
 * Reads the head of a trace.dat.
 * @throws TraceFormatError that names the part and the place where it cannot go on
 */
export function readTraceDatHeader(source: ByteSource, path: string): TraceDatHeader {
  const parts = new MetadataParts();
  try {
    return readHeader(windowedSource(source), parts);
  } catch (error) {
    if (!(error instanceof OutOfBytes || error instanceof BadPiece)) throw error;
    const place = parts.current;
    throw new TraceFormatError(
      error instanceof OutOfBytes
        ? `${path}: the file ends after ${source.size} bytes inside ${place} (${error.message})`
        : `${path}: ${place}: ${error.message}`,
      { hint: hintFor(error), cause: error },
    );
  }
}

function hintFor(error: OutOfBytes | BadPiece): string {
  if (error instanceof UnknownKind) return error.hint;
  return 'It looks cut off or damaged while copying; copy it again.';
}

function readHeader(source: ByteSource, parts: MetadataParts): TraceDatHeader {
  parts.current = 'the file header';
  const start = new ByteCursor(source, TRACE_DAT_MAGIC.length);
  const version = Number(start.cString(16));
  if (version !== 6 && version !== 7) {
    throw new UnknownKind(
      `version ${version} of trace.dat is not known (6 and 7 are)`,
      'Convert it with: trace-cmd convert --file-version 7 -i FILE -o NEW.dat',
    );
  }
  const littleEndian = start.u8() === 0;
  const longSize = start.u8();
  if (longSize !== 4 && longSize !== 8) throw new BadPiece(`a long of ${longSize} bytes`);
  const cursor = new ByteCursor(source, start.position, littleEndian);
  const pageSize = cursor.u32();
  if (!isPageSize(pageSize)) throw new BadPiece(`a page of ${pageSize} bytes`);
  const layout: ByteLayout = { littleEndian, longSize, pageSize };
  const header = version === 6 ? readV6(cursor, layout, parts) : readV7(cursor, layout, parts);
  parts.current = 'the places of the data';
  checkApart(
    header.buffers.flatMap((buffer) => buffer.cpus),
    source.size,
  );
  return header;
}

/** Tracing instances in a file; each has a table of all CPUs. */
const MAX_BUFFERS = 256;
/** The names of a kernel's clocks are some hundred bytes. */
const MAX_CLOCK_TEXT = 4096;

/** Everything in a row; then tagged parts up to the one that says where the data are. */
function readV6(cursor: ByteCursor, layout: ByteLayout, parts: MetadataParts): TraceDatHeader {
  parts.readHeaderInfo(cursor);
  parts.readFtraceFormats(cursor);
  parts.readEventFormats(cursor);
  parts.readKallsyms(cursor);
  parts.readPrintk(cursor);
  parts.readCmdlines(cursor);
  // The head that `trace-cmd restore -c` made before version 7 ends here.
  if (cursor.remaining === 0) return headV6(layout, parts, emptyOptions(), []);
  parts.current = 'the CPU count';
  const cpuCount = checkCpus(cursor.u32());
  let options = emptyOptions();
  for (;;) {
    parts.current = 'the part after the CPU count';
    const tag = cursor
      .bytes(10)
      .toString('latin1')
      .replace(/[ \0]+$/, '');
    if (tag === 'options') {
      parts.current = 'the options';
      options = readOptionsV6(cursor);
    } else if (tag === 'flyrecord') break;
    else if (tag === 'latency') {
      throw new UnknownKind(
        'it holds the text of a latency tracer and no events',
        'Record with: trace-cmd record -e kmem',
      );
    } else throw new BadPiece(`unknown part "${tag}"`);
  }
  parts.current = 'the table of CPU data';
  const pageSize = parts.page?.pageSize ?? layout.pageSize;
  const hasClock = options.clock !== undefined;
  const buffers = [readBufferV6('', cursor, cpuCount, pageSize, hasClock)];
  let cut = false;
  for (const entry of options.bufferEntries) {
    if (buffers.length === MAX_BUFFERS) throw new BadPiece(`more than ${MAX_BUFFERS} buffers`);
    const { name } = entry;
    // The table of an instance stands behind the data of the one before it.
    if (entry.offset >= cursor.source.size) {
      cut = true;
      continue;
    }
    const at = new ByteCursor(cursor.source, entry.offset, cursor.littleEndian);
    if (!at.bytes(10).toString('latin1').startsWith('flyrecord')) {
      throw new BadPiece(`instance "${name}" has no data at 0x${entry.offset.toString(16)}`);
    }
    const count = checkCpus(entry.cpuCount ?? cpuCount);
    buffers.push(readBufferV6(name, at, count, pageSize, hasClock));
  }
  return headV6(layout, parts, options, buffers, cut);
}

function headV6(
  layout: ByteLayout,
  parts: MetadataParts,
  options: TraceDatOptions,
  buffers: readonly TraceBuffer[],
  cut = false,
): TraceDatHeader {
  const { longSize } = parts.page ?? layout;
  return {
    version: 6,
    page: parts.page,
    layout: { ...layout, longSize },
    compression: 'none',
    ...parts.result(),
    options,
    buffers,
    cut,
  };
}

/** Per CPU u64 offset, u64 size; then, where there is a TRACECLOCK option, u64 size and the clock. */
function readBufferV6(
  name: string,
  from: ByteCursor,
  cpuCount: number,
  pageSize: number,
  hasClock: boolean,
): TraceBuffer {
  const table = new ByteCursor(memorySource(from.bytes(16 * cpuCount)), 0, from.littleEndian);
  const cpus = Array.from({ length: cpuCount }, (_, cpu) => ({
    cpu,
    offset: table.size64(),
    size: table.size64(),
  }));
  let clock: string | null = null;
  if (hasClock && from.remaining >= 8) {
    const size = from.u64();
    // Some versions left garbage here; the events can be read without it.
    if (size <= MAX_CLOCK_TEXT && size <= from.remaining) {
      clock = parseTraceClock(from.bytes(Number(size)).toString('latin1'));
    }
  }
  return { name, clock, pageSize, packed: false, cpus };
}

function checkCpus(count: number): number {
  if (count > MAX_CPU) throw new BadPiece(`${count} CPUs`);
  return count;
}

const SECTION = {
  buffer: 3,
  headerInfo: 16,
  ftraceFormats: 17,
  eventFormats: 18,
  kallsyms: 19,
  printk: 20,
  cmdlines: 21,
} as const;

/** Sections, found through the options. */
function readV7(cursor: ByteCursor, layout: ByteLayout, parts: MetadataParts): TraceDatHeader {
  const name = cursor.cString(64);
  cursor.cString(64); // version of the compression library
  if (name !== 'none' && name !== 'zlib' && name !== 'zstd') {
    throw new UnknownKind(
      `compression "${name}" is not known (none, zlib and zstd are)`,
      'Unpack it with: trace-cmd convert --compression none -i FILE -o NEW.dat',
    );
  }
  const compression: Compression = name;
  const headEnd = cursor.position + 8;
  parts.current = 'the options';
  const options = readOptionsV7(cursor.source, cursor.size64(), layout, compression);
  const open = (id: number, what: string): ByteCursor | undefined => {
    const offset = options.sections.get(id);
    if (offset === undefined) return undefined;
    parts.current = `${what} (section ${id} at 0x${offset.toString(16)})`;
    return parts.openSection(cursor.source, offset, id, layout, compression);
  };
  const read = (id: number, what: string, reader: (at: ByteCursor) => void): void => {
    const section = open(id, what);
    if (section !== undefined) reader(section);
  };
  read(SECTION.headerInfo, 'the page header', (at) => parts.readHeaderInfo(at));
  read(SECTION.ftraceFormats, 'the ftrace formats', (at) => parts.readFtraceFormats(at));
  read(SECTION.eventFormats, 'the event formats', (at) => parts.readEventFormats(at));
  read(SECTION.kallsyms, 'kallsyms', (at) => parts.readKallsyms(at));
  read(SECTION.printk, 'the printk formats', (at) => parts.readPrintk(at));
  read(SECTION.cmdlines, 'the task names', (at) => parts.readCmdlines(at));
  const buffers = options.buffers.map((b): TraceBuffer => {
    parts.current = `buffer "${b.name}"`;
    const section = new ByteCursor(cursor.source, b.sectionOffset, layout.littleEndian);
    const id = section.u16();
    if (id !== SECTION.buffer) throw new BadPiece(`section ${id} where its data should be`);
    return { ...b, packed: (section.u16() & 1) !== 0 };
  });
  const { longSize } = parts.page ?? layout;
  const found = options.complete
    ? []
    : findBuffers(cursor.source, headEnd, { ...layout, longSize }, parts, options);
  return {
    version: 7,
    page: parts.page,
    layout: { ...layout, longSize },
    compression,
    ...parts.result(),
    options,
    buffers: [...buffers, ...found],
    cut: !options.complete,
  };
}

/** The buffers that no option describes: of a file that is cut off. */
function findBuffers(
  source: ByteSource,
  headEnd: number,
  layout: ByteLayout,
  parts: MetadataParts,
  options: TraceDatOptionsV7,
): TraceBuffer[] {
  parts.current = 'the sections';
  const known = new Set(options.buffers.map(({ sectionOffset }) => sectionOffset));
  const sections = findSections(source, headEnd, layout).filter(({ id }) => id === SECTION.buffer);
  // Their names stand at the end of the file, and in the order of the buffers at the statistics.
  const names = ['', ...[...options.losses.keys()].filter((name) => name !== '')];
  const pageSize = parts.page?.pageSize ?? layout.pageSize;
  return sections.flatMap((section, i) => {
    if (known.has(section.offset)) return [];
    const name = names[i] ?? `buffer ${i}`;
    const cpus = findCpuData({
      source,
      section,
      layout: { ...layout, pageSize },
      alignment: layout.pageSize,
      cpuCount: options.cpuCount,
      stats: options.losses.get(name),
    });
    if (cpus.length === 0) return [];
    return [{ name, clock: options.clock ?? null, pageSize, packed: section.packed, cpus }];
  });
}
