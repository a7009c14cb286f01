// A run database for commands that work on one: the named one, or one that is made of the source for
// the time of the command.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onEndSignal } from '../../base/end-signals.ts';
import { gfpNamesOf } from '../../kernel/events/gfp-flags.ts';
import { canReadTwice, findSource } from '../../recording/find-source.ts';
import type { SourceOptions } from '../../run/source.ts';
import type { EventTableInput } from '../../store/event-table.ts';
import { RunDatabase } from '../../store/run-database.ts';
import { ingestRun } from './ingest-run.ts';

export interface OpenedDatabase {
  readonly path: string;
  readonly database: RunDatabase;
  /** What rows of events need beside the segments. */
  readonly tables: EventTableInput;
  close(): void;
}

export async function openOrIngest(options: SourceOptions): Promise<OpenedDatabase> {
  const found = findSource(options.source);
  if (found.kind === 'database') return open(found.path, () => undefined);
  const folder = mkdtempSync(join(options.tmp ?? tmpdir(), 'slabreplay-'));
  const clear = (): void => rmSync(folder, { recursive: true, force: true });
  const off = onEndSignal(clear);
  const remove = (): void => {
    off();
    clear();
  };
  try {
    const path = join(folder, 'run.db');
    // What is stored is whole: what a use selects, it selects from there.
    await ingestRun({ ...options, selection: undefined, until: undefined }, path, false);
    return open(path, remove);
  } catch (error) {
    remove();
    throw error;
  }
}

/** Work that reads its source twice: standard input and pipes by way of a database. */
export async function readingTwice<T>(
  options: SourceOptions,
  work: (options: SourceOptions) => Promise<T>,
): Promise<T> {
  if (canReadTwice(options.source)) return work(options);
  const label = options.label ?? findSource(options.source).label;
  const opened = await openOrIngest(options);
  try {
    return await work({ ...options, label, source: opened.path });
  } finally {
    opened.close();
  }
}

function open(path: string, remove: () => void): OpenedDatabase {
  const database = new RunDatabase(path);
  const close = (): void => {
    database.close();
    remove();
  };
  try {
    return { path, database, tables: tablesOf(database), close };
  } catch (error) {
    database.close();
    throw error;
  }
}

function tablesOf(database: RunDatabase): EventTableInput {
  const { dictionary, info } = database;
  const { siteLabels, cacheOfCall } = database.names();
  const release = database.value('kernel_release') ?? null;
  const gfpNames = info.gfpNames ?? gfpNamesOf(release);
  return { dictionary, info, gfpNames, siteLabels, cacheOfCall };
}
