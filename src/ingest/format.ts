// What a format is to the rest of the program: it knows its own files by their first bytes, and it
// writes their events in time order. Adding one: CONTRIBUTING.md.

import type { ReadState } from '../base/input-bytes.ts';
import type { RandomAccessFile } from '../base/random-access-file.ts';
import type { TraceInfo } from '../kernel/events/trace-info.ts';
import type { SidecarFiles } from '../recording/sidecars.ts';
import type { BatchWriter } from './events/batch-writer.ts';

/** What a column of times counts: fractions of a second, or units of a clock that is no clock. */
export type CsvTimeUnit = 's' | 'ms' | 'us' | 'ns' | 'tick' | 'count';

/** What the user says about a CSV. */
export interface CsvOptions {
  /** Names of its columns; undefined: its header line names them. */
  readonly columns: readonly string[] | undefined;
  /** True where columns that are not known are passed over. */
  readonly ignoreColumns: boolean;
  /** The unit of its times; undefined: as the column's name says. */
  readonly tsUnit: CsvTimeUnit | undefined;
}

export const DEFAULT_CSV: CsvOptions = {
  columns: undefined,
  ignoreColumns: false,
  tsUnit: undefined,
};

/** What a reader reads from. */
export interface TraceInput {
  /** The file's path as the user gave it, '-' for standard input; for messages. */
  readonly path: string;
  /** The first bytes (at most 64 KiB), unpacked. */
  readonly head: Uint8Array;
  /** Files that belong to the recording. */
  readonly sidecars: SidecarFiles;
  /** The instance to read where a file has several. */
  readonly buffer: string | undefined;
  readonly csv: CsvOptions;
  /** What the user says about probe events, as `parseProbeMapping` takes it. */
  readonly maps: readonly string[];
  /** How much of the file `chunks` has handed out, 0 to 1; 0 where its size is not known. */
  share(): number;
  /** All bytes from the start, unpacked. */
  chunks(state: ReadState): AsyncIterable<Uint8Array>;
  /**
   * The unpacked bytes for reading in any order.
   * @param path another file that belongs to the input
   * @throws UsageError for standard input, InputError where the file cannot be opened
   */
  open(path?: string): Promise<RandomAccessFile>;
}

/** Reads one input. */
export interface TraceReader {
  /** Reads on for a while (some thousand events); false when there is no more. */
  step(): boolean | Promise<boolean>;
  /** How much of the input was read, 0 to 1; 0 where that is not known. */
  progress(): number;
  /** What events it knows of, for the message where none of them is ours. */
  seen?(): EventsSeen;
  /** Gives back what it holds; also after an error. */
  close(): void;
}

/** Events that an input describes or holds, whether we read them or not. */
export interface EventsSeen {
  /** Names of events of ours that it describes. */
  readonly described: readonly string[];
  /** How many it holds of others, by name. */
  readonly others: ReadonlyMap<string, number>;
  /** The command that records what can be read. */
  readonly record: string;
}

export interface TraceFormat {
  /** As `--input-format` takes it. */
  readonly name: string;
  /** One line for `slabreplay formats`. */
  readonly title: string;
  /** What it carries beside events, for `slabreplay formats`. */
  readonly carries: string;
  /** True where the first bytes are of this format, else why they are not. */
  detect(head: Uint8Array): true | string;
  /** Begins to read. What the trace says about itself is put into `info` as it is learned. */
  open(input: TraceInput, writer: BatchWriter, info: TraceInfo): Promise<TraceReader>;
}
