// A run in other tools' formats.

import { setImmediate } from 'node:timers/promises';
import { openOrIngest } from '../../analysis/store-run/open-database.ts';
import { onEndSignal } from '../../base/end-signals.ts';
import { OutputStream, outputTarget } from '../../base/output-target.ts';
import { PartialFile } from '../../base/partial-file.ts';
import { NO_PROGRESS } from '../../base/progress.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import type { EventRow } from '../../kernel/indices.ts';
import type { SourceOptions } from '../../run/source.ts';
import { writeEventRows } from '../../store/event-rows-file.ts';
import { EVENT_COLUMNS, EventRows, type EventTableInput } from '../../store/event-table.ts';
import type { SqlValue } from '../../store/sql-value.ts';

/** Renders events for another tool, a batch at a time. */
export interface EventWriter {
  begin(): string | Uint8Array;
  rows(batch: EventBatch): string | Uint8Array;
  end(): string | Uint8Array;
}

export interface ExportTarget {
  readonly path: string;
  readonly force: boolean;
}

/** What the rows of events need, and how the SQL table `event` has them. */
export interface EventTable {
  readonly input: EventTableInput;
  readonly columns: readonly string[];
  readonly rowOf: (batch: EventBatch, i: EventRow, seq: number) => SqlValue[];
}

/** Writes events, all of them; returns how many. */
export async function exportEvents(
  options: SourceOptions,
  target: ExportTarget,
  createWriter: (table: EventTable) => EventWriter,
): Promise<number> {
  const opened = await openOrIngest(options);
  try {
    const rows = new EventRows(opened.tables);
    const writer = createWriter({
      input: opened.tables,
      columns: EVENT_COLUMNS,
      rowOf: (batch, i, seq) => rows.row(batch, i, seq),
    });
    // What goes to a terminal would get in between.
    const { progress = NO_PROGRESS } =
      outputTarget(target.path, true).kind === 'file' ? options : {};
    return await writeFile(target, async (file) => {
      file.write(writer.begin());
      const count = await progress.during(`writing ${target.path}`, async (tell) => {
        const { batchCount } = opened.database;
        let events = 0;
        let batches = 0;
        for (const batch of opened.database.batches()) {
          file.write(writer.rows(batch));
          events += batch.length;
          tell(++batches / batchCount);
          await setImmediate(); // lets signals through
        }
        return events;
      });
      file.write(writer.end());
      return count;
    });
  } finally {
    opened.close();
  }
}

/** Writes one result as a whole. */
export async function exportResult(
  target: ExportTarget,
  content: string | Uint8Array,
): Promise<void> {
  await writeFile(target, async (file) => file.write(content));
}

/** Writes a plain SQLite file with a row for every event; returns how many. */
export async function exportSqliteRows(
  options: SourceOptions,
  target: ExportTarget,
): Promise<number> {
  const opened = await openOrIngest(options);
  try {
    return await writeEventRows(opened.path, opened.tables, target.path, target.force);
  } finally {
    opened.close();
  }
}

/** Does some work on a file that gets its name when that is done. */
async function writeFile<T>(
  { path, force }: ExportTarget,
  work: (file: Pick<PartialFile, 'write'>) => Promise<T>,
): Promise<T> {
  const found = outputTarget(path, force);
  if (found.kind === 'stream') {
    const stream = new OutputStream(found);
    const result = await work(stream);
    stream.close();
    return result;
  }
  // A signal ends the program by way of its exit, which takes away what is half written.
  const off = onEndSignal(() => undefined);
  try {
    const file = new PartialFile(path, force);
    try {
      const result = await work(file);
      file.finish();
      return result;
    } catch (error) {
      file.abandon();
      throw error;
    }
  } finally {
    off();
  }
}
