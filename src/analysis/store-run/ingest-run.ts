// A trace and the files beside it → a run database: events as they are read, results when they end.

import { gzipSync } from 'node:zlib';
import { onEndSignal } from '../../base/end-signals.ts';
import { ToolError } from '../../base/errors.ts';
import { PairTally } from '../../pairing/pair-tally.ts';
import { RateBins } from '../../pairing/rate-bins.ts';
import { TaskTally } from '../../pairing/task-tally.ts';
import { findSource } from '../../recording/find-source.ts';
import { SIDECAR_NAMES, type SidecarFiles } from '../../recording/sidecars.ts';
import { openRun } from '../../run/open-run.ts';
import type { SourceOptions } from '../../run/source.ts';
import type { StoredSnapshot } from '../../store/run-database.ts';
import { identifySnapshot } from '../../store/snapshot-identity.ts';
import { TraceStore } from '../../store/trace-store.ts';
import { buildAnalysis } from '../overview.ts';
import { resultRows } from './result-rows.ts';

/** Intervals of table rate_bin: a second, or a million units of another clock. */
const RATE_INTERVAL = 1e9;

export interface Ingested {
  readonly path: string;
  /** Events of the recording, as `analyze` counts them. */
  readonly events: number;
  /** Of these, the ones that are not about slab memory, which no database holds. */
  readonly notStored: number;
}

/** @throws OutputError where the database cannot be written; nothing stays under its name then */
export async function ingestRun(
  options: SourceOptions,
  path: string,
  force: boolean,
): Promise<Ingested> {
  let store: TraceStore | undefined;
  // Before the file is made, so that no moment is left in which a signal would leave it behind.
  const off = onEndSignal(() => store?.abandon());
  try {
    store = new TraceStore(path, force);
    return await fill(store, options, path);
  } catch (error) {
    store?.abandon();
    throw error;
  } finally {
    off();
  }
}

/**
 * Stores a run and gives the options that read it from there. A run database is what it is already.
 * @throws OutputError where the database cannot be written
 */
export async function keepDatabase(
  options: SourceOptions,
  path: string,
  force: boolean,
): Promise<SourceOptions> {
  const found = findSource(options.source);
  if (found.kind === 'database') return options;
  // What is stored is whole: filters are of the command that reads it.
  await ingestRun({ ...options, selection: undefined, until: undefined }, path, force);
  return { ...options, label: options.label ?? found.label, source: path };
}

async function fill(store: TraceStore, options: SourceOptions, path: string): Promise<Ingested> {
  const { run, series, origin, sidecars, trackers } = await openRun(
    { ...options, doing: 'storing' },
    {
      trackers: {
        tasks: (dictionary) => new TaskTally(dictionary),
        pairs: () => new PairTally(),
        bins: ({ calls }) => new RateBins(calls, RATE_INTERVAL),
      },
      onBatch: (batch, originNs) => store.addBatch(batch, originNs),
    },
  );
  trackers.bins.flush();
  const analysis = buildAnalysis(run, series, origin);
  for (const { table, rows } of resultRows(run, analysis, trackers)) store.addRows(table, rows);
  store.addRows('sidecar', sidecarRows(sidecars));
  const snapshot = await snapshotOf(options);
  if (snapshot !== undefined) store.addRows('run', [['snapshot', JSON.stringify(snapshot)]]);
  store.finish();
  return { path, events: analysis.events.total, notStored: run.stats.get('other_events') };
}

/** The snapshot that commands would take for this source; undefined where they would take none. */
async function snapshotOf({
  source,
  sidecars,
}: SourceOptions): Promise<StoredSnapshot | undefined> {
  try {
    const { findVmcore } = await import('../../run/open-vmcore.ts');
    const found = await findVmcore({ source, sidecars });
    return found === undefined || 'gone' in found ? undefined : identifySnapshot(found.path);
  } catch (error) {
    // Several snapshots, or one that cannot be read: the commands that need it say so.
    if (error instanceof ToolError) return undefined;
    throw error;
  }
}

function* sidecarRows(sidecars: SidecarFiles): Generator<[string, string, Buffer]> {
  for (const name of SIDECAR_NAMES) {
    const content = sidecars.bytes(name);
    if (content === undefined) continue;
    yield [name, sidecars.taken.get(name) ?? '', gzipSync(content, { level: 1 })];
  }
}
