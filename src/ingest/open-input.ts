// An input by its path → something that readers can read: the first bytes for detection, all bytes
// in a row, or random access.

import { UsageError } from '../base/errors.ts';
import { fileStat } from '../base/file-stat.ts';
import { prepend, type ReadState, readChunks, STDIN } from '../base/input-bytes.ts';
import { isPlainFile, RandomAccessFile } from '../base/random-access-file.ts';
import { FolderSidecars } from '../recording/sidecar-files.ts';
import type { SidecarFiles } from '../recording/sidecars.ts';
import { type CsvOptions, DEFAULT_CSV, type TraceInput } from './format.ts';
import { isQuotedPrintable, unquote, unquoteChunks } from './quoted-printable.ts';

const HEAD_BYTES = 65536;

/** What to read; plain data, so that it can be sent to another thread. */
export interface InputDescription {
  /** The event file, '-' for standard input. */
  readonly path: string;
  /** A format's name where the user forces one. */
  readonly format: string | undefined;
  /** Folders in which sidecars are looked for, in this order. */
  readonly sidecarFolders: readonly string[];
  readonly buffer: string | undefined;
  readonly csv?: CsvOptions | undefined;
  readonly maps?: readonly string[] | undefined;
  /** Folder for what must be unpacked. */
  readonly tmp: string | undefined;
}

/** An opened input, and its sidecars. */
export interface OpenedInput {
  readonly input: TraceInput;
  readonly sidecars: SidecarFiles;
  /** Gives the input back where no reader takes it. */
  close(): Promise<void>;
}

/** @throws InputError where the file cannot be opened */
export async function openInput(
  description: InputDescription,
  sidecars: SidecarFiles = new FolderSidecars(description.sidecarFolders),
): Promise<OpenedInput> {
  const { path, tmp } = description;
  const isPlain = path !== STDIN && isPlainFile(path);
  const state: ReadState = { truncated: false };
  const fileBytes = isPlain ? (fileStat(path)?.size ?? 0) : 0;
  const chunks = readChunks(path, state);
  const first: Buffer[] = [];
  let length = 0;
  while (length < HEAD_BYTES) {
    const { value, done } = await chunks.next();
    if (done) break;
    first.push(value);
    length += value.length;
  }
  const head = Buffer.concat(first);
  const isQuoted = isQuotedPrintable(head.subarray(0, HEAD_BYTES));
  let begun = false;
  const input: TraceInput = {
    path,
    head: (isQuoted ? unquote(head) : head).subarray(0, HEAD_BYTES),
    sidecars,
    buffer: description.buffer,
    csv: description.csv ?? DEFAULT_CSV,
    maps: description.maps ?? [],
    share: () => (fileBytes === 0 ? 0 : Math.min(1, (state.bytesTaken ?? 0) / fileBytes)),
    async *chunks(target) {
      if (begun) throw new Error('internal error: an input is read front to back once');
      begun = true;
      const bytes = prepend(head, chunks);
      yield* isQuoted ? unquoteChunks(bytes) : bytes;
      target.truncated = state.truncated;
    },
    async open(other = path) {
      if (path !== STDIN && !isPlain && other === path) {
        // A pipe cannot be opened again: what was read of it goes first.
        return RandomAccessFile.fromChunks(path, prepend(head, chunks), state, tmp);
      }
      await chunks.return(undefined);
      if (path !== STDIN) return RandomAccessFile.open(other, tmp);
      throw new UsageError('standard input can only be read as text', {
        hint: 'Save it to a file first, and name the file.',
      });
    },
  };
  return {
    input,
    sidecars,
    async close() {
      await chunks.return(undefined);
    },
  };
}
