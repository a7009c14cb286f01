// Lines of a test trace (builders.ts) in a run database, without the analysis: what the tests of
// src/store look into.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { BATCH_COLUMNS, type EventBatch } from '../../src/kernel/events/event-batch.ts';
import { EVENT_NAMES } from '../../src/kernel/events/event-kind.ts';
import { emptyTraceInfo, type TraceInfo } from '../../src/kernel/events/trace-info.ts';
import { dictionaryRows } from '../../src/store/dictionary-rows.ts';
import type { EventTableInput } from '../../src/store/event-table.ts';
import { RunDatabase } from '../../src/store/run-database.ts';
import { encodeInfo } from '../../src/store/run-info.ts';
import type { SqlValue } from '../../src/store/sql-value.ts';
import { TraceStore } from '../../src/store/trace-store.ts';
import { TestTrace } from './builders.ts';

/** A folder that is there until the test has ended. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'slabreplay-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface StoreOptions {
  readonly info?: Partial<TraceInfo>;
  /** Events in a segment. */
  readonly batchSize?: number;
  /** Rows of further tables. */
  readonly rows?: Readonly<Record<string, readonly (readonly SqlValue[])[]>>;
  readonly path?: string;
}

/** Writes a database; returns its path. */
export function storeTrace(lines: string | TestTrace, options: StoreOptions = {}): string {
  const trace = typeof lines === 'string' ? new TestTrace(lines) : lines;
  const path = options.path ?? join(testFolder(), 'run.db');
  const info = { ...emptyTraceInfo('test'), ...options.info };
  const store = new TraceStore(path, false);
  for (const batch of trace.batches(options.batchSize)) store.addBatch(batch, info.originNs);
  store.addRows('run', [['info', encodeInfo(info)]]);
  store.addRows(
    'event_kind',
    EVENT_NAMES.map((name, id) => [id, name]),
  );
  const { sites, strings, calls } = trace.dictionary;
  const tables = dictionaryRows(trace.dictionary, {
    symbolOf: (site) => ({ symbol: strings.get(sites.text(site)) || null, module: null }),
    cacheOf: (call) => ({ name: strings.get(calls.cache(call)) || null, inferred: false }),
  });
  for (const { table, rows } of tables) store.addRows(table, rows);
  for (const [table, rows] of Object.entries(options.rows ?? {})) store.addRows(table, rows);
  store.finish();
  return path;
}

/** An event as every column of it has it. */
export type PlainRow = Readonly<Record<(typeof BATCH_COLUMNS)[number], number>>;

/** The events of batches, each as an object. */
export function plainRows(batches: Iterable<EventBatch>): PlainRow[] {
  const rows: PlainRow[] = [];
  for (const batch of batches) {
    for (let i = 0; i < batch.length; i++) {
      rows.push(Object.fromEntries(BATCH_COLUMNS.map((c) => [c, batch[c][i]])) as PlainRow);
    }
  }
  return rows;
}

/** What the event tables need of a database. */
export function tablesOf(path: string): EventTableInput {
  const database = new RunDatabase(path);
  try {
    return {
      dictionary: database.dictionary,
      info: database.info,
      gfpNames: [{ mask: 0xcc0, name: 'GFP_KERNEL' }],
      ...database.names(),
    };
  } finally {
    database.close();
  }
}
