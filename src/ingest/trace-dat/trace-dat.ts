// Format `trace-dat`: what `trace-cmd record` writes, versions 6 and 7. All the events are pages of
// the ring buffer, a row of them per CPU and instance.

import { memorySource } from '../../base/byte-cursor.ts';
import { TraceFormatError, UsageError } from '../../base/errors.ts';
import type { RandomAccessFile } from '../../base/random-access-file.ts';
import { clockUnitOf, type TraceInfo } from '../../kernel/events/trace-info.ts';
import { TraceStats } from '../../kernel/events/trace-stats.ts';
import { pageSizeOf } from '../../recording/read-facts.ts';
import type { SidecarFiles } from '../../recording/sidecars.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import type { TraceFormat, TraceInput, TraceReader } from '../format.ts';
import { countKmemRecords } from '../ring-buffer/count-records.ts';
import { CpuStream, type PageSource } from '../ring-buffer/cpu-stream.ts';
import { FilePages } from '../ring-buffer/file-pages.ts';
import { openRingBufferReader } from '../ring-buffer/reader.ts';
import { parseCmdlines } from '../saved-cmdlines.ts';
import { tracerClock } from '../tracer-files.ts';
import {
  readTraceDatHeader,
  TRACE_DAT_MAGIC,
  type TraceBuffer,
  type TraceDatHeader,
} from './header.ts';
import { PackedPages } from './packed-pages.ts';

export const traceDatFormat: TraceFormat = {
  name: 'trace-dat',
  title: 'trace.dat of trace-cmd, versions 6 and 7',
  carries: 'exact times and addresses, kallsyms, task names, clock, lost events, stacks',

  detect(head) {
    const magic = memorySource(Buffer.from(head)).slice(0, TRACE_DAT_MAGIC.length);
    return magic.equals(TRACE_DAT_MAGIC) || 'it does not start with 17 08 44 "tracing"';
  },

  async open(input, writer, info) {
    const file = await input.open();
    try {
      return await openTraceDat(file, input, writer, info);
    } catch (error) {
      file.close();
      throw error;
    }
  },
};

function openTraceDat(
  file: RandomAccessFile,
  input: TraceInput,
  writer: BatchWriter,
  info: TraceInfo,
): Promise<TraceReader> {
  const { stats } = writer;
  if (file.truncated) stats.add('truncated', 1, `byte ${file.size}`);
  const header = readTraceDatHeader(file, input.path);
  const buffer = chooseBuffer(header, file, input);
  // Data that are cut off themselves are counted where they end.
  if (
    header.cut &&
    !file.truncated &&
    buffer.cpus.every(({ offset, size }) => offset + size <= file.size)
  ) {
    stats.add('truncated', 1, `byte ${file.size}`);
  }
  const { options } = header;
  info.clock = clockOf(header, buffer, input);
  info.clockUnit = options.tscToNs === undefined ? clockUnitOf(info.clock) : 'ns';
  info.cpus = options.cpuCount ?? buffer.cpus.length;
  info.kernelRelease = options.uname?.split(/\s+/)[2] ?? null;
  const pageSize = memoryPageSize(header, input.sidecars);
  info.pageSize = pageSize;
  info.pointerBytes = header.layout.longSize;
  if (header.kallsyms !== undefined) input.sidecars.offer('kallsyms.txt', header.kallsyms);
  return openRingBufferReader(
    {
      streams: openStreams(header, buffer, file, stats),
      formats: header.formats,
      layout: { ...header.layout, pageSize },
      commOf: parseCmdlines(header.cmdlines),
      timeOffset: options.timeOffset ?? 0n,
      ...(options.tscToNs === undefined ? {} : { tscToNs: options.tscToNs }),
      close: () => file.close(),
    },
    input,
    writer,
    info,
  );
}

/**
 * The clock of a buffer. The TRACECLOCK option is the top instance's; `trace-cmd restore` writes
 * none and claims "local" for the buffer, so a recorded trace_clock stands before that.
 */
function clockOf(header: TraceDatHeader, buffer: TraceBuffer, input: TraceInput): string | null {
  if (buffer.name !== '') return buffer.clock;
  return header.options.clock ?? tracerClock(input.sidecars) ?? buffer.clock;
}

/** Machines that have pages of 4 KiB only. */
const SMALL_PAGE = 4096;
/** `6.12.117+deb13-arm64-16k`: the page size as distributions name it in the release. */
const FLAVOUR = /[-+.](4|16|64)k$/;
const SMALL_PAGES = /^(?:x86_64|i[3-6]86|s390x?|riscv\d*)$/;

/**
 * Bytes in a page of the machine. The head has the size of a sub-buffer, which is a page until
 * buffer_subbuf_size_kb (6.8) says otherwise.
 */
function memoryPageSize({ options, layout }: TraceDatHeader, sidecars: SidecarFiles): number {
  const recorded = pageSizeOf(sidecars);
  if (recorded !== undefined) return recorded;
  const words = options.uname?.trim().split(/\s+/) ?? [];
  const machine = words.at(-1) ?? '';
  const kib = FLAVOUR.exec(words[2] ?? '')?.[1];
  if (kib !== undefined) return Number(kib) * 1024;
  return SMALL_PAGES.test(machine) ? SMALL_PAGE : layout.pageSize;
}

function openStreams(
  header: TraceDatHeader,
  buffer: TraceBuffer,
  file: RandomAccessFile,
  stats: TraceStats,
): CpuStream[] {
  const { pageSize } = buffer;
  const layout = { ...header.layout, pageSize };
  const losses = header.options.losses.get(buffer.name);
  const cpus = buffer.cpus.length;
  return buffer.cpus.map((data) => {
    const { offset: position, size: length } = data;
    const pages: PageSource = buffer.packed
      ? new PackedPages(file, data, cpus, layout, header.compression, stats)
      : new FilePages({ file, position, length, pageSize, cpus }, stats);
    return new CpuStream(data.cpu, pages, layout, stats, losses?.get(data.cpu));
  });
}

const bufferName = (buffer: TraceBuffer): string => (buffer.name === '' ? 'top' : buffer.name);

/**
 * The instance that holds events about slab memory.
 * @throws UsageError where several do, or the named one is not there
 */
function chooseBuffer(
  header: TraceDatHeader,
  file: RandomAccessFile,
  input: TraceInput,
): TraceBuffer {
  const { buffers } = header;
  const first = buffers[0];
  if (first === undefined) {
    throw new TraceFormatError(
      `${input.path}: it is only the head of a trace and holds no events`,
      {
        hint: 'Name the trace_pipe_raw.cpuN file beside it; this head is then read with it.',
      },
    );
  }
  if (input.buffer !== undefined) {
    const named = buffers.find((b) => bufferName(b) === input.buffer);
    if (named !== undefined) return named;
    throw new UsageError(`${input.path}: there is no buffer "${input.buffer}"`, {
      hint: `Its buffers: ${buffers.map(bufferName).join(', ')}.`,
    });
  }
  if (buffers.length === 1) return first;
  const counted = buffers.map((buffer) => ({
    buffer,
    count: countKmemRecords(openStreams(header, buffer, file, new TraceStats()), header.formats),
  }));
  const holding = counted.filter(({ count }) => count > 0);
  if (holding.length > 1) {
    const list = holding.map(({ buffer, count }) => `${bufferName(buffer)} (${count} events)`);
    throw new UsageError(`${input.path}: several buffers hold events: ${list.join(', ')}`, {
      hint: 'Choose one with --buffer NAME.',
    });
  }
  return holding[0]?.buffer ?? first;
}
