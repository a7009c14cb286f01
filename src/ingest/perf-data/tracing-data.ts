// TRACING_DATA of perf.data: the descriptions of the recorded tracepoints, in the layout of an early
// trace.dat (tools/perf/util/trace-event-info.c, tracing_data_get(); trace-event-read.c).
//
//   17 08 44 "tracing"  version\0 ("0.6")  u8 endian  u8 long size  u32 page size
//   page header, ftrace formats, event formats, kallsyms, printk formats as in trace.dat version 6;
//   from 0.6 on the saved task names
//
// Where perf was ended before it wrote them, the recording's folder may have them: tracing/events.

import { ByteCursor, type ByteSource, OutOfBytes } from '../../base/byte-cursor.ts';
import { pageSizeOf } from '../../recording/read-facts.ts';
import type { SidecarFiles } from '../../recording/sidecars.ts';
import type { EventFormat } from '../events/event-format.ts';
import { isPageSize } from '../ring-buffer/header-page.ts';
import type { ByteLayout } from '../ring-buffer/page.ts';
import { parseCmdlines } from '../saved-cmdlines.ts';
import { readSidecarFormats } from '../sidecar-formats.ts';
import { BadPiece } from '../trace-dat/compression.ts';
import { TRACE_DAT_MAGIC } from '../trace-dat/header.ts';
import { MetadataParts } from '../trace-dat/metadata-parts.ts';
import { tracerTaskNames } from '../tracer-files.ts';

const DEFAULT_PAGE_SIZE = 4096;

export interface TracingData {
  readonly layout: ByteLayout;
  readonly formats: readonly EventFormat[];
  readonly kallsyms: Buffer | undefined;
  /** Names that the tracer saved, by thread. */
  readonly taskNames: ReadonlyMap<number, string>;
  /** What is wrong with it, where something is; what stands before that was read. */
  readonly damage: string | undefined;
}

/** Reads what can be read. @param littleEndian of the file: that of the records in the samples */
export function readTracingData(source: ByteSource, littleEndian: boolean): TracingData {
  const parts = new MetadataParts();
  let layout: ByteLayout = { littleEndian, longSize: 8, pageSize: DEFAULT_PAGE_SIZE };
  let damage: string | undefined;
  try {
    parts.current = 'the head of the event formats';
    const start = new ByteCursor(source);
    if (!start.bytes(TRACE_DAT_MAGIC.length).equals(TRACE_DAT_MAGIC)) {
      throw new BadPiece('it does not start with 17 08 44 "tracing"');
    }
    const version = Number.parseFloat(start.cString(16));
    const ownLittleEndian = start.u8() === 0;
    const at = new ByteCursor(source, start.position, ownLittleEndian);
    layout = { littleEndian, longSize: longSizeOf(at.u8()), pageSize: checkPageSize(at.u32()) };
    parts.readHeaderInfo(at);
    parts.readFtraceFormats(at);
    parts.readEventFormats(at);
    parts.readKallsyms(at);
    parts.readPrintk(at);
    if (version >= 0.6) parts.readCmdlines(at);
  } catch (error) {
    if (!(error instanceof OutOfBytes || error instanceof BadPiece)) throw error;
    damage = `${parts.current}: ${error.message}`;
  }
  const { formats, kallsyms, cmdlines } = parts.result();
  const longSize = parts.page?.longSize ?? layout.longSize;
  return {
    layout: { ...layout, longSize },
    formats,
    kallsyms,
    taskNames: parseCmdlines(cmdlines),
    damage,
  };
}

function longSizeOf(size: number): 4 | 8 {
  if (size !== 4 && size !== 8) throw new BadPiece(`a long of ${size} bytes`);
  return size;
}

function checkPageSize(size: number): number {
  if (!isPageSize(size)) throw new BadPiece(`a page of ${size} bytes`);
  return size;
}

/** The same from the recording's folder; undefined where it has no formats of events that we know. */
export function readSidecarTracingData(
  sidecars: SidecarFiles,
  littleEndian: boolean,
): TracingData | undefined {
  const formats = readSidecarFormats(sidecars);
  if (formats.length === 0) return undefined;
  const pointers = formats.flatMap((format) => format.fields.get('ptr') ?? []);
  return {
    layout: {
      littleEndian,
      longSize: pointers.some((field) => field.size === 4) ? 4 : 8,
      pageSize: pageSizeOf(sidecars) ?? DEFAULT_PAGE_SIZE,
    },
    formats,
    kallsyms: undefined,
    taskNames: tracerTaskNames(sidecars) ?? new Map(),
    damage: undefined,
  };
}
