// Format `raw-pages`: the pages of the ring buffer as tracefs gives them
// (per_cpu/cpuN/trace_pipe_raw), a file per CPU. All CPUs of the folder are read when one is named.

import { basename } from 'node:path';
import { UsageError } from '../../base/errors.ts';
import type { RandomAccessFile } from '../../base/random-access-file.ts';
import { clockUnitOf, type TraceInfo } from '../../kernel/events/trace-info.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import type { TraceFormat, TraceInput, TraceReader } from '../format.ts';
import { CpuStream } from '../ring-buffer/cpu-stream.ts';
import { FilePages } from '../ring-buffer/file-pages.ts';
import type { ByteLayout } from '../ring-buffer/page.ts';
import { openRingBufferReader } from '../ring-buffer/reader.ts';
import { tracerLosses } from '../tracer-files.ts';
import { cpuFiles } from './cpu-files.ts';
import { describePages } from './description.ts';
import { guessLayout } from './page-guess.ts';

const HEAD_BYTES = 65536;

export const rawPagesFormat: TraceFormat = {
  name: 'raw-pages',
  title: 'raw ring-buffer pages (trace_pipe_raw.cpuN) with tracing/events or head.dat',
  carries: 'exact times and addresses, task names, clock, lost events, stacks',

  detect(head) {
    return guessLayout(head) !== undefined || 'its first bytes are no page of a ring buffer';
  },

  async open(input, writer, info) {
    const files = await openFiles(input);
    try {
      return await openRawPages(files, input, writer, info);
    } catch (error) {
      closeAll(files);
      throw error;
    }
  },
};

interface OpenedCpu {
  readonly cpu: number;
  readonly path: string;
  readonly file: RandomAccessFile;
}

function closeAll(opened: readonly OpenedCpu[]): void {
  for (const { file } of opened) file.close();
}

async function openFiles(input: TraceInput): Promise<OpenedCpu[]> {
  const opened: OpenedCpu[] = [];
  try {
    for (const { cpu, path } of cpuFiles(input.path)) {
      opened.push({ cpu, path, file: await input.open(path) });
    }
  } catch (error) {
    closeAll(opened);
    throw error;
  }
  return opened;
}

function openRawPages(
  opened: readonly OpenedCpu[],
  input: TraceInput,
  writer: BatchWriter,
  info: TraceInfo,
): Promise<TraceReader> {
  if (input.buffer !== undefined) {
    throw new UsageError(`${input.path}: raw pages are of one buffer, which has no name`);
  }
  const filled = opened.find(({ file }) => file.size > 0);
  const head = filled?.file.slice(0, HEAD_BYTES) ?? Buffer.alloc(0);
  const pages = describePages(filled?.path ?? input.path, head, input.sidecars);
  const { layout } = pages;
  const memoryPageSize = pages.memoryPageSize ?? layout.pageSize;
  info.clock = pages.clock;
  info.clockUnit = clockUnitOf(info.clock);
  info.cpus = opened.length;
  info.kernelRelease = pages.kernelRelease;
  info.pageSize = memoryPageSize;
  info.pointerBytes = layout.longSize;
  if (pages.kallsyms !== undefined) input.sidecars.offer('kallsyms.txt', pages.kallsyms);
  const streams = opened.map((one) => openStream(one, opened.length, layout, input, writer));
  return openRingBufferReader(
    {
      streams,
      formats: pages.formats,
      layout: { ...layout, pageSize: memoryPageSize },
      commOf: pages.commOf,
      timeOffset: 0n,
      close: () => closeAll(opened),
    },
    input,
    writer,
    info,
  );
}

function openStream(
  { cpu, path, file }: OpenedCpu,
  cpus: number,
  layout: ByteLayout,
  input: TraceInput,
  writer: BatchWriter,
): CpuStream {
  const { stats } = writer;
  const label = `${basename(path)} `;
  if (file.truncated) stats.add('truncated', 1, `${label}byte ${file.size}`);
  const { pageSize } = layout;
  const pages = new FilePages(
    { file, position: 0, length: file.size, pageSize, cpus, label },
    stats,
  );
  return new CpuStream(cpu, pages, layout, stats, tracerLosses(input.sidecars, cpu));
}
