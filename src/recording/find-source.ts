// What a SOURCE on the command line is: a run database, a recording folder, an event file, or
// standard input (contract: docs/recording-folder.md).

import { closeSync, existsSync, readdirSync, readSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { describeError, InputError, TraceFormatError } from '../base/errors.ts';
import { fileStat } from '../base/file-stat.ts';
import { STDIN } from '../base/input-bytes.ts';
import { PACKED_SUFFIX, packedNames } from '../base/packing.ts';
import { openForReading } from '../base/random-access-file.ts';
import { isCtfMetadata } from './ctf-metadata.ts';

/** The event files of a recording folder, best first. */
const EVENT_FILES = [
  'trace.dat',
  'trace.txt',
  'perf.data',
  'trace.pftrace',
  'trace.perfetto-trace',
  'trace.csv',
];
const RAW_PAGES = new RegExp(`^trace_pipe_raw\\.cpu\\d+${PACKED_SUFFIX}$`);

export type FoundSource =
  | { readonly kind: 'database'; readonly path: string; readonly label: string }
  | {
      readonly kind: 'trace';
      /** The event file; of raw ring-buffer pages the first CPU's. */
      readonly path: string;
      /** Where its sidecars lie; undefined for standard input. */
      readonly folder: string | undefined;
      readonly label: string;
    }
  | {
      /** A folder without events, for commands that need none. */
      readonly kind: 'folder';
      readonly folder: string;
      readonly label: string;
    };

/** @throws InputError where there is no such file, or it cannot be looked at */
export function findSource(source: string): FoundSource {
  if (source === STDIN) return { kind: 'trace', path: STDIN, folder: undefined, label: 'stdin' };
  const stat = fileStat(source);
  if (stat === undefined) throw new InputError(`${source}: no such file or directory`);
  const label = basename(resolve(source));
  if (stat.isDirectory()) {
    const path = eventFileIn(source);
    if (path === undefined) return { kind: 'folder', folder: source, label };
    return { kind: 'trace', path, folder: source, label };
  }
  // A pipe is opened once: who writes into it would be cut off.
  if (stat.isFile() && isDatabase(source)) return { kind: 'database', path: source, label };
  return { kind: 'trace', path: source, folder: dirname(source), label };
}

/** Further folders for sidecars, which go before the source's own; 'none': no file beside the events. */
export type SidecarChoice = readonly string[] | 'none' | undefined;

/** Folders in which sidecars are looked for: those named, then the source's own. */
export function sidecarFolders(choice: SidecarChoice, own: string | undefined): string[] {
  if (choice === 'none') return [];
  return [...(choice ?? []), ...(own === undefined ? [] : [own])];
}

/** False for standard input and pipes: what was read from them is gone. */
export function canReadTwice(source: string): boolean {
  return source !== STDIN && !(fileStat(source)?.isFIFO() ?? false);
}

/** The event file of a folder, or undefined where it has none. */
function eventFileIn(folder: string): string | undefined {
  const inPerfFolder = perfFileIn(folder);
  if (inPerfFolder !== undefined) return inPerfFolder;
  for (const name of EVENT_FILES) {
    const packed = packedNames(name).find((each) => existsSync(join(folder, each)));
    if (packed === undefined) continue;
    const path = join(folder, packed);
    return fileStat(path)?.isDirectory() ? eventFileIn(path) : path;
  }
  const raw = readdirSync(folder)
    .filter((name) => RAW_PAGES.test(name))
    .sort();
  return raw[0] === undefined ? ctfMetadataIn(folder) : join(folder, raw[0]);
}

/** `data` of a folder that perf record --kcore or --threads wrote; undefined where it is none. */
function perfFileIn(folder: string): string | undefined {
  const path = join(folder, 'data');
  return fileStat(path)?.isFile() && startsWith(path, 'PERFILE2') ? path : undefined;
}

/** `metadata` of a CTF trace; LTTng has that of the kernel in a folder below the session's. */
function ctfMetadataIn(folder: string): string | undefined {
  return ['metadata', 'kernel/metadata']
    .map((name) => join(folder, name))
    .find((path) => fileStat(path)?.isFile() && isCtfMetadata(firstBytes(path, 64)));
}

/** For commands that need events. */
export function folderWithoutEvents(folder: string): TraceFormatError {
  return new TraceFormatError(`${folder}: no events in this folder`, {
    hint: `Looked for ${EVENT_FILES.join(', ')} and trace_pipe_raw.cpuN, each also as .gz, .xz or .zst.`,
  });
}

function isDatabase(path: string): boolean {
  return startsWith(path, 'SQLite format 3\0');
}

/** @param magic one byte a character */
function startsWith(path: string, magic: string): boolean {
  return firstBytes(path, magic.length).toString('latin1') === magic;
}

/** As many as there are, up to `count`. */
function firstBytes(path: string, count: number): Buffer {
  const fd = openForReading(path);
  try {
    const head = Buffer.alloc(count);
    return head.subarray(0, readSync(fd, head, 0, count, 0));
  } catch (error) {
    throw new InputError(`${path}: ${describeError(error)}`, { cause: error });
  } finally {
    closeSync(fd);
  }
}
