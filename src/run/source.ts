// A SOURCE of the command line, opened: found once, the files beside it read once, its events as often
// as somebody asks for them. The only place that knows whether events come from a trace or a database.

import { setImmediate } from 'node:timers/promises';
import { NO_PROGRESS, type Progress, type ProgressListener } from '../base/progress.ts';
import type { CsvOptions } from '../ingest/format.ts';
import type { InputDescription } from '../ingest/open-input.ts';
import {
  type BatchConsumer,
  readTrace,
  type TraceConsumer,
  type TraceRead,
} from '../ingest/thread/read-trace.ts';
import type { Selection, TimeBound } from '../pairing/event-filter.ts';
import {
  canReadTwice,
  type FoundSource,
  findSource,
  folderWithoutEvents,
  type SidecarChoice,
  sidecarFolders,
} from '../recording/find-source.ts';
import { FolderSidecars } from '../recording/sidecar-files.ts';
import type { SidecarFiles } from '../recording/sidecars.ts';
import type { Unmatched } from './selection.ts';

export interface SourceOptions {
  readonly source: string;
  readonly label?: string | undefined;
  readonly inputFormat?: string | undefined;
  readonly sidecars?: SidecarChoice;
  readonly buffer?: string | undefined;
  readonly csv?: CsvOptions | undefined;
  readonly maps?: readonly string[] | undefined;
  readonly tmp?: string | undefined;
  /** What the command speaks of; all where it is not said. */
  readonly selection?: Selection | undefined;
  /** Takes the names in the options that match nothing of the run; else they are an error. */
  readonly onUnmatched?: ((unmatched: readonly Unmatched[]) => void) | undefined;
  /** False: call sites stay in functions that allocate for others (kvmalloc_node, kmemdup). */
  readonly looksThrough?: boolean | undefined;
  /** Events after this moment are not looked at: the state then is the result. */
  readonly until?: TimeBound | undefined;
  readonly progress?: Progress | undefined;
  /** What the progress of its first pass is called; undefined: reading. */
  readonly doing?: string | undefined;
}

export interface Source {
  readonly options: SourceOptions;
  readonly found: FoundSource;
  /** What the user calls it, else its file or folder name. */
  readonly label: string;
  /** False for standard input and pipes. */
  readonly isRereadable: boolean;
  readonly sidecars: SidecarFiles;
}

/**
 * Nothing stays open: a run database is opened and closed by each read.
 * @throws InputError where there is no such file
 */
export async function openSource(options: SourceOptions): Promise<Source> {
  const found = findSource(options.source);
  return {
    options,
    found,
    label: options.label ?? found.label,
    isRereadable: canReadTwice(options.source),
    sidecars: await sidecarsOf(found, options.sidecars),
  };
}

/** Those of a run database are what it took in. */
async function sidecarsOf(found: FoundSource, choice: SidecarChoice): Promise<SidecarFiles> {
  if (found.kind === 'database') {
    const { StoredSidecars } = await import('../store/stored-sidecars.ts');
    return new StoredSidecars(found.path);
  }
  return new FolderSidecars(sidecarFolders(choice, found.folder));
}

/**
 * One pass over the events.
 * @param doing what its progress is called
 * @throws TraceFormatError where the source is a folder without events
 * @throws ToolError where they cannot be read
 */
export function readSource<C extends BatchConsumer>(
  source: Source,
  consumer: TraceConsumer<C>,
  doing: string,
): Promise<TraceRead<C>> {
  const { found, label, sidecars, options } = source;
  if (found.kind === 'folder') throw folderWithoutEvents(found.folder);
  const { progress = NO_PROGRESS } = options;
  return progress.during(`${doing} ${label}`, (tell) =>
    found.kind === 'database'
      ? readDatabase(found.path, consumer, tell)
      : readTrace(describeInput(options, found), sidecars, consumer, tell),
  );
}

/** An event file of a source, for the readers. */
function describeInput(
  options: SourceOptions,
  found: { readonly path: string; readonly folder: string | undefined },
): InputDescription {
  return {
    path: found.path,
    // A file whose columns the user names has no header line to be known by.
    format: options.inputFormat ?? (options.csv?.columns === undefined ? undefined : 'csv'),
    sidecarFolders: sidecarFolders(options.sidecars, found.folder),
    buffer: options.buffer,
    csv: options.csv,
    maps: options.maps,
    tmp: options.tmp,
  };
}

async function readDatabase<C extends BatchConsumer>(
  path: string,
  consumer: TraceConsumer<C>,
  tell: ProgressListener,
): Promise<TraceRead<C>> {
  const { RunDatabase } = await import('../store/run-database.ts');
  const database = new RunDatabase(path);
  try {
    const { dictionary, info, stats, batchCount } = database;
    const begin = (firstTs: number): C => consumer.begin({ dictionary, info, firstTs });
    let pass: C | undefined;
    let batches = 0;
    for (const batch of database.batches()) {
      pass ??= begin(batch.ts[0] ?? Number.NaN);
      pass.batch(batch);
      tell(++batches / batchCount);
      await setImmediate(); // lets signals through
    }
    return { dictionary, info, stats, pass: pass ?? begin(Number.NaN) };
  } finally {
    database.close();
  }
}
