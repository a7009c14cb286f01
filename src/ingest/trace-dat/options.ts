// The options of a trace.dat: what trace-cmd noted about the recording, and in version 7 where
// everything lies. Numbers: trace-cmd.dat.v7(5), "OPTIONS".

import { ByteCursor, type ByteSource, memorySource, OutOfBytes } from '../../base/byte-cursor.ts';
import { parseTraceClock } from '../../kernel/events/trace-info.ts';
import { type CpuLosses, parseCpuStats } from '../ring-buffer/cpu-stats.ts';
import { isPageSize } from '../ring-buffer/header-page.ts';
import type { ByteLayout } from '../ring-buffer/page.ts';
import type { ClockToNs } from '../ring-buffer/reader.ts';
import { BadPiece, type Compression } from './compression.ts';
import { type CpuData, MAX_CPU } from './cpu-data.ts';
import { MetadataParts } from './metadata-parts.ts';

const OPTION = {
  done: 0,
  date: 1,
  cpustat: 2,
  buffer: 3,
  traceclock: 4,
  uname: 5,
  offset: 7,
  cpucount: 8,
  tsc2nsec: 14,
  firstSection: 16,
  lastSection: 21,
} as const;

const SECTION_OPTIONS = 0;
/** Bytes of all options of a file; most go to the places of the data, 20 for each CPU. */
const MAX_OPTION_BYTES = 16 * 1024 * 1024;
/** What an option costs of these beside its data, so that many empty ones have an end too. */
const OPTION_COST = 512;
/** What is read of an option's text: a CPU's statistics have some 200 bytes. */
const MAX_OPTION_TEXT = 65536;

export interface TraceDatOptions {
  clock?: string;
  uname?: string;
  cpuCount?: number;
  /** Added to every time stamp, ns (options DATE and OFFSET). */
  timeOffset?: bigint;
  tscToNs?: ClockToNs;
  /** What was lost per CPU, from the CPUSTAT texts, by the buffer's name. */
  readonly losses: Map<string, Map<number, CpuLosses>>;
  /** The buffer that the next CPUSTAT texts speak of. */
  statBuffer: string;
  /** v6: further instances. */
  readonly bufferEntries: { offset: number; name: string; cpuCount?: number }[];
}

export interface TraceDatOptionsV7 extends TraceDatOptions {
  /** False where the file ends before its last section of options, or they were not written. */
  readonly complete: boolean;
  readonly sections: ReadonlyMap<number, number>;
  readonly buffers: readonly {
    readonly sectionOffset: number;
    readonly name: string;
    readonly clock: string | null;
    readonly pageSize: number;
    readonly cpus: readonly CpuData[];
  }[];
}

export function emptyOptions(): TraceDatOptions {
  return { bufferEntries: [], losses: new Map(), statBuffer: '' };
}

/** u16 id, u32 size, data; up to id 0, which has neither. */
export function readOptionsV6(cursor: ByteCursor): TraceDatOptions {
  const options = emptyOptions();
  const reader = new OptionReader();
  for (;;) {
    const id = cursor.u16();
    if (id === OPTION.done) return options;
    const data = reader.data(cursor);
    if (id === OPTION.buffer) {
      const at = new ByteCursor(memorySource(data), 0, cursor.littleEndian);
      const entry: TraceDatOptions['bufferEntries'][number] = {
        offset: at.size64(),
        name: at.cString(),
      };
      // Only written where the instance was recorded on a machine with other CPUs (agents).
      if (at.remaining >= 4) entry.cpuCount = at.u32();
      options.bufferEntries.push(entry);
    } else readCommonOption(options, id, data, cursor.littleEndian);
  }
}

export function readOptionsV7(
  source: ByteSource,
  firstOffset: number,
  layout: ByteLayout,
  compression: Compression,
): TraceDatOptionsV7 {
  const common = emptyOptions();
  const sections = new Map<number, number>();
  const buffers: TraceDatOptionsV7['buffers'][number][] = [];
  const parts = new MetadataParts();
  const reader = new OptionReader();
  /** Reads one section of options; where the next one is, 0 after the last. */
  const readSection = (offset: number): number => {
    const at = parts.openSection(source, offset, SECTION_OPTIONS, layout, compression);
    for (;;) {
      const id = at.u16();
      const data = reader.data(at);
      const inner = new ByteCursor(memorySource(data), 0, layout.littleEndian);
      if (id === OPTION.done) return data.length >= 8 ? inner.size64() : 0;
      if (id >= OPTION.firstSection && id <= OPTION.lastSection) sections.set(id, inner.size64());
      else if (id === OPTION.buffer) buffers.push(readBuffer(inner));
      else readCommonOption(common, id, data, layout.littleEndian);
    }
  };
  let offset = readSection(firstOffset);
  try {
    while (offset !== 0) offset = readSection(offset);
  } catch (error) {
    // The first one says what was recorded; of what stands behind the data much may be missing.
    if (!(error instanceof OutOfBytes)) throw error;
  }
  return { ...common, sections, buffers, complete: offset === 0 && buffers.length > 0 };
}

/** Reads the data of options, up to a limit for all: sections of options form a chain. */
class OptionReader {
  private left = MAX_OPTION_BYTES;

  /** u32 size, data. */
  data(at: ByteCursor): Buffer {
    const size = at.u32();
    this.left -= size + OPTION_COST;
    if (this.left < 0) {
      throw new BadPiece(`more than ${MAX_OPTION_BYTES} bytes of options`);
    }
    return at.bytes(size);
  }
}

/** u64 section, name\0, clock\0, u32 page size, u32 CPUs, each u32 cpu, u64 offset, u64 size. */
function readBuffer(at: ByteCursor): TraceDatOptionsV7['buffers'][number] {
  const sectionOffset = at.size64();
  const name = at.cString();
  const clock = at.cString();
  const pageSize = at.u32();
  if (!isPageSize(pageSize)) throw new BadPiece(`a page of ${pageSize} bytes`);
  const count = at.u32();
  const cpus: CpuData[] = [];
  for (let i = 0; i < count; i++) {
    const cpu = at.u32();
    if (cpu > MAX_CPU) throw new BadPiece(`CPU ${cpu}`);
    cpus.push({ cpu, offset: at.size64(), size: at.size64() });
  }
  return { sectionOffset, name, clock: clock === '' ? null : clock, pageSize, cpus };
}

function readCommonOption(
  options: TraceDatOptions,
  id: number,
  data: Buffer,
  littleEndian: boolean,
): void {
  const text = (): string => textOf(data);
  switch (id) {
    case OPTION.traceclock: {
      const clock = parseTraceClock(text());
      if (clock !== null) options.clock = clock;
      break;
    }
    case OPTION.uname:
      options.uname = text();
      break;
    case OPTION.cpucount:
      if (data.length >= 4) {
        const count = littleEndian ? data.readUInt32LE() : data.readUInt32BE();
        if (count <= MAX_CPU) options.cpuCount = count;
      }
      break;
    case OPTION.date: // microseconds
      options.timeOffset = (options.timeOffset ?? 0n) + parseOffset(text()) * 1000n;
      break;
    case OPTION.offset:
      options.timeOffset = (options.timeOffset ?? 0n) + parseOffset(text());
      break;
    case OPTION.tsc2nsec: {
      const at = new ByteCursor(memorySource(data), 0, littleEndian);
      // The third number, an offset, is for the guest of a host; trace-cmd's report adds none.
      const clock = { mult: at.u32(), shift: at.u32() };
      if (clock.mult > 0 && clock.shift < 64) options.tscToNs = clock;
      break;
    }
    case OPTION.cpustat:
      readCpuStat(options, text());
      break;
  }
}

function textOf(data: Buffer): string {
  const end = data.indexOf(0);
  return data.toString('latin1', 0, Math.min(end < 0 ? data.length : end, MAX_OPTION_TEXT)).trim();
}

/** `Buffer: inst1` says whose the texts after it are; the others are `CPU: 0` and its stats. */
function readCpuStat(options: TraceDatOptions, text: string): void {
  const buffer = /^ *Buffer: (.+)$/m.exec(text)?.[1];
  if (buffer !== undefined) options.statBuffer = buffer.trim();
  const cpu = /^CPU:\s*(\d+)/m.exec(text)?.[1];
  const losses = parseCpuStats(text);
  if (cpu === undefined || losses === undefined) return;
  const ofBuffer = options.losses.get(options.statBuffer) ?? new Map<number, CpuLosses>();
  options.losses.set(options.statBuffer, ofBuffer.set(Number(cpu), losses));
}

/** `0x1a2b`, `-123`, `123`, of 64 bits as strtoll() reads them; 0 where it is none of these. */
function parseOffset(text: string): bigint {
  const [, sign, digits] = /^([-+]?)(0[xX][0-9a-fA-F]{1,16}|\d{1,19})$/.exec(text) ?? [];
  if (digits === undefined) return 0n;
  return sign === '-' ? -BigInt(digits) : BigInt(digits);
}
