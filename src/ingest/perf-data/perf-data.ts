// Format `perf-data`: what `perf record` writes with kmem tracepoints, into a file or through a pipe
// (tools/perf/Documentation/perf.data-file-format.txt, tools/perf/util/header.c).

import { type ByteSource, memorySource, OutOfBytes } from '../../base/byte-cursor.ts';
import { TraceFormatError } from '../../base/errors.ts';
import { STDIN } from '../../base/input-bytes.ts';
import type { RandomAccessFile } from '../../base/random-access-file.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { TraceStats } from '../../kernel/events/trace-stats.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import type { TraceFormat, TraceInput, TraceReader } from '../format.ts';
import { BadPiece } from '../trace-dat/compression.ts';
import { readFeature } from './features.ts';
import { type FileKind, fileKind, type PerfFileHeader, readFileHeader } from './file-header.ts';
import { FolderReader, partsOf } from './folder-reader.ts';
import { FileFeed, PipeFeed } from './record-feeds.ts';
import { RecordReader } from './record-reader.ts';
import { FEATURE } from './record-types.ts';
import { PerfSession } from './session.ts';
import { readTracingData } from './tracing-data.ts';

/** What a feature may have; the largest, the descriptions of all events, have some 5 MiB. */
const MAX_FEATURE_BYTES = 64 * 1024 * 1024;

export const perfDataFormat: TraceFormat = {
  name: 'perf-data',
  title: 'perf.data of perf record: file, folder or pipe, also packed (-z)',
  carries: 'exact times and addresses, task names, clock, lost events, stacks, places of modules',

  detect: (head) => fileKind(head) !== undefined || 'it does not start with "PERFILE2"',

  async open(input, writer, info) {
    const kind = fileKind(input.head);
    if (kind === undefined) throw new TraceFormatError(`${input.path}: not a perf.data`);
    if (kind.isPipe) {
      const session = new PerfSession(input, writer, info, kind);
      return new RecordReader(
        session,
        new PipeFeed(input, kind.headerSize, writer.stats),
        kind.headerSize,
      );
    }
    const file = await input.open();
    try {
      return await openFile(file, kind, input, writer, info);
    } catch (error) {
      file.close();
      throw error;
    }
  },
};

async function openFile(
  file: RandomAccessFile,
  kind: FileKind,
  input: TraceInput,
  writer: BatchWriter,
  info: TraceInfo,
): Promise<TraceReader> {
  const { stats } = writer;
  const header = readHeader(file, kind, input.path);
  const session = new PerfSession(input, writer, info, kind);
  for (const attr of header.attrs) session.addAttr(attr);
  const sectionOf = (bit: number): ByteSource | undefined => {
    const { offset, size } = header.features.get(bit) ?? { offset: 0, size: Infinity };
    return size > MAX_FEATURE_BYTES ? undefined : memorySource(file.slice(offset, size));
  };
  for (const bit of [FEATURE.osRelease, FEATURE.nrCpus, FEATURE.buildId]) {
    const section = sectionOf(bit);
    if (section !== undefined) {
      readFeature(bit, section, kind.littleEndian, info, session.modules);
    }
  }
  // An unfinished file, or one that was cut off, has lost what perf writes last.
  session.isComplete = header.finished && header.hasFeatureTable;
  if (!session.isComplete) stats.add('truncated', 1, `byte ${file.size}`);
  const tracing = sectionOf(FEATURE.tracingData);
  session.describeEvents(tracing && readTracingData(tracing, kind.littleEndian));
  // perf record --kcore keeps the symbols of its machine beside the file.
  const kallsyms = input.sidecars.text('kcore_dir/kallsyms');
  if (kallsyms !== undefined) input.sidecars.offer('kallsyms.txt', Buffer.from(kallsyms));
  const feed = new FileFeed(file, header.data, stats);
  const isFolder = header.features.has(FEATURE.dirFormat);
  const reader = new RecordReader(session, feed, header.data.offset, isFolder);
  return isFolder ? openParts(session, reader, input, stats) : reader;
}

/** @throws TraceFormatError where the files with the records are not there */
async function openParts(
  session: PerfSession,
  head: RecordReader,
  input: TraceInput,
  stats: TraceStats,
): Promise<TraceReader> {
  const paths = input.path === STDIN ? [] : partsOf(input.path);
  if (paths.length === 0) {
    throw new TraceFormatError(`${input.path}: its events are in data.0, data.1 … of its folder`, {
      hint: 'perf record --threads writes such folders: copy all of it, and name the folder.',
    });
  }
  const parts: RecordReader[] = [];
  try {
    for (const path of paths) {
      const file = await input.open(path);
      const feed = new FileFeed(file, { offset: 0, size: file.size }, stats);
      parts.push(new RecordReader(session, feed, 0, true));
    }
  } catch (error) {
    for (const part of parts) part.close();
    throw error;
  }
  return new FolderReader(session, head, parts);
}

/** @throws TraceFormatError that says what is wrong with the head */
function readHeader(file: RandomAccessFile, kind: FileKind, path: string): PerfFileHeader {
  try {
    return readFileHeader(file, kind.littleEndian);
  } catch (error) {
    if (!(error instanceof OutOfBytes || error instanceof BadPiece)) throw error;
    throw new TraceFormatError(
      error instanceof OutOfBytes
        ? `${path}: the file ends after ${file.size} bytes inside its head (${error.message})`
        : `${path}: ${error.message}`,
      { hint: 'It looks cut off or damaged while copying; copy it again.', cause: error },
    );
  }
}
