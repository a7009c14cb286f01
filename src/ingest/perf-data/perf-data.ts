// Format `perf-data`: what `perf record` writes with kmem tracepoints, into a file or through a pipe
// (tools/perf/Documentation/perf.data-file-format.txt, tools/perf/util/header.c).

import { type ByteSource, memorySource, OutOfBytes } from '../../base/byte-cursor.ts';
import { TraceFormatError } from '../../base/errors.ts';
import type { RandomAccessFile } from '../../base/random-access-file.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import type { TraceFormat, TraceInput, TraceReader } from '../format.ts';
import { BadPiece } from '../trace-dat/compression.ts';
import { readFeature } from './features.ts';
import { type FileKind, fileKind, type PerfFileHeader, readFileHeader } from './file-header.ts';
import { FileFeed, PipeFeed } from './record-feeds.ts';
import { RecordReader } from './record-reader.ts';
import { FEATURE } from './record-types.ts';
import { PerfSession } from './session.ts';
import { readTracingData } from './tracing-data.ts';

/** What a feature may have; the largest, the descriptions of all events, have some 5 MiB. */
const MAX_FEATURE_BYTES = 64 * 1024 * 1024;

export const perfDataFormat: TraceFormat = {
  name: 'perf-data',
  title: 'perf.data of perf record, also packed (-z) and from a pipe',
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
      return openFile(file, kind, input, writer, info);
    } catch (error) {
      file.close();
      throw error;
    }
  },
};

function openFile(
  file: RandomAccessFile,
  kind: FileKind,
  input: TraceInput,
  writer: BatchWriter,
  info: TraceInfo,
): TraceReader {
  const { stats } = writer;
  const header = readHeader(file, kind, input.path);
  if (header.features.has(FEATURE.dirFormat)) {
    throw new TraceFormatError(`${input.path}: its events lie in other files of its folder`, {
      hint: 'perf record --threads writes such folders; record without it.',
    });
  }
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
  return new RecordReader(session, new FileFeed(file, header.data, stats), header.data.offset);
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
