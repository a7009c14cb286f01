// A run in other tools' formats.

import { closeSync, existsSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { describeError, OutputError } from '../base/errors.ts';
import type { EventBatch } from '../kernel/event-batch.ts';
import { writeEventRows } from '../store/event-rows-file.ts';
import type { EventTableInput } from '../store/event-table.ts';
import { onEndSignal } from './end-signals.ts';
import type { SourceOptions } from './load-run.ts';
import { openOrIngest } from './open-database.ts';

/** Renders events as text, a batch at a time. */
export interface EventText {
  heading(): string;
  rows(batch: EventBatch): string;
}

export interface ExportTarget {
  readonly path: string;
  readonly force: boolean;
}

/** Writes events as text; returns how many. */
export async function exportEvents(
  options: SourceOptions,
  target: ExportTarget,
  createText: (input: EventTableInput) => EventText,
): Promise<number> {
  const opened = await openOrIngest(options);
  try {
    const text = createText(opened.tables);
    const file = new PartialFile(target);
    try {
      file.write(text.heading());
      let count = 0;
      for (const batch of opened.database.batches()) {
        file.write(text.rows(batch));
        count += batch.length;
        await setImmediate(); // lets signals through
      }
      file.finish();
      return count;
    } catch (error) {
      file.abandon();
      throw error;
    }
  } finally {
    opened.close();
  }
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

/** A file that gets its name when it is whole. */
class PartialFile {
  private readonly path: string;
  private readonly partial: string;
  private readonly fd: number;
  private readonly offEndSignal: () => void;

  constructor({ path, force }: ExportTarget) {
    if (existsSync(path) && !force) {
      throw new OutputError(`${path}: exists already`, { hint: 'Use --force to overwrite it.' });
    }
    this.path = path;
    this.partial = `${path}.partial-${process.pid}`;
    this.offEndSignal = onEndSignal(() => rmSync(this.partial, { force: true }));
    try {
      this.fd = openSync(this.partial, 'w');
    } catch (error) {
      this.offEndSignal();
      throw new OutputError(`${path}: ${describeError(error)}`, { cause: error });
    }
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
    } catch (error) {
      throw new OutputError(`${this.path}: ${describeError(error)}`, { cause: error });
    }
  }

  finish(): void {
    closeSync(this.fd);
    this.offEndSignal();
    renameSync(this.partial, this.path);
  }

  abandon(): void {
    closeSync(this.fd);
    this.offEndSignal();
    rmSync(this.partial, { force: true });
  }
}
