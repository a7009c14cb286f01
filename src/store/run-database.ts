// A run database as a source of events: what was ingested comes out as it went in.

import { gunzipSync } from 'node:zlib';
import type Database from 'better-sqlite3';
import { describeError, StoreError } from '../base/errors.ts';
import type { Dictionary } from '../kernel/dictionary.ts';
import { createBatch, type EventBatch } from '../kernel/event-batch.ts';
import { MAX_SIDECAR_BYTES, type SidecarFiles } from '../kernel/sidecars.ts';
import type { TraceInfo } from '../kernel/trace-info.ts';
import { STAT_KINDS, type Stat, TraceStats } from '../kernel/trace-stats.ts';
import { loadDictionary } from './dictionary-rows.ts';
import { damaged, damagedRow, openRunDatabase } from './open-database.ts';
import { decodeInfo } from './run-info.ts';
import { decodeSegment, type SegmentRow } from './segment-codec.ts';

export class RunDatabase {
  readonly path: string;
  readonly info: TraceInfo;
  readonly dictionary: Dictionary;
  readonly stats: TraceStats;
  readonly sidecars: SidecarFiles;
  private readonly db: Database.Database;

  /** @throws StoreError where it is not a whole run database of this version */
  constructor(path: string) {
    this.path = path;
    this.db = openRunDatabase(path);
    try {
      this.info = this.loadInfo();
      this.stats = this.loadStats();
      this.dictionary = loadDictionary(this.db);
      this.sidecars = new StoredSidecars(this.db);
    } catch (error) {
      this.db.close();
      throw asDamage(path, error);
    }
  }

  /** A value of table `run`; undefined where it has none. */
  value(key: string): string | undefined {
    const value = this.db.prepare('SELECT value FROM run WHERE key = ?').pluck().get(key);
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'string') return value;
    throw damagedRow(this.path, 'run', `key '${key}'`, 'value is no text');
  }

  /** `symbol+0xoff [module]` of each site and the cache of each call, as the analysis gave them. */
  names(): { siteLabels: (string | null)[]; cacheOfCall: (string | null)[] } {
    const labels = "CASE WHEN module IS NULL THEN symbol ELSE symbol || ' [' || module || ']' END";
    try {
      return {
        siteLabels: this.texts(`SELECT ${labels} FROM site ORDER BY id`),
        cacheOfCall: this.texts('SELECT cache_name FROM call ORDER BY id'),
      };
    } catch (error) {
      throw asDamage(this.path, error);
    }
  }

  /** A column of texts, in which some may be missing. */
  private texts(query: string): (string | null)[] {
    const texts = this.db.prepare(query).pluck().all() as unknown[];
    return texts.map((text) => (typeof text === 'string' ? text : null));
  }

  /** The events, a batch at a time; the batch is valid until the next one. */
  *batches(): Generator<EventBatch> {
    const batch = createBatch();
    try {
      for (const row of this.db.prepare('SELECT * FROM segment ORDER BY id').iterate()) {
        const segment = row as SegmentRow;
        const fault = decodeSegment(segment, batch, this.dictionary);
        if (fault !== undefined) {
          throw damagedRow(this.path, 'segment', `id ${segment.id}`, fault);
        }
        yield batch;
      }
    } catch (error) {
      throw asDamage(this.path, error);
    }
  }

  close(): void {
    this.db.close();
  }

  private loadInfo(): TraceInfo {
    const text = this.value('info');
    if (text === undefined) throw new StoreError(`${this.path}: the run is not described`);
    try {
      return decodeInfo(text);
    } catch (error) {
      throw damagedRow(this.path, 'run', "key 'info'", describeError(error));
    }
  }

  private loadStats(): TraceStats {
    const stats = new TraceStats();
    const rows = this.db
      .prepare('SELECT name, count, first_position AS firstPosition FROM ingest_stat')
      .all() as Stat[];
    for (const row of rows) {
      if (!Object.hasOwn(STAT_KINDS, row.name)) continue; // of a later version
      const { name, count, firstPosition } = row;
      const fault = !Number.isSafeInteger(count) || count < 0 ? 'count' : undefined;
      if (fault !== undefined || typeof firstPosition !== 'string') {
        throw damagedRow(
          this.path,
          'ingest_stat',
          `name '${name}'`,
          `${fault ?? 'first_position'} cannot be`,
        );
      }
      stats.add(name, count, firstPosition);
    }
    return stats;
  }
}

/** What goes wrong with a file that was opened as a run database. */
function asDamage(path: string, error: unknown): StoreError {
  return error instanceof StoreError ? error : damaged(path, error);
}

/** The files that were taken in. */
class StoredSidecars implements SidecarFiles {
  readonly taken: Map<string, string> = new Map();
  readonly offered: ReadonlyMap<string, Buffer> = new Map();
  private readonly db: Database.Database;

  constructor(db: Database.Database) {
    this.db = db;
  }

  bytes(name: string): Buffer | undefined {
    try {
      const row = this.db.prepare('SELECT source, content FROM sidecar WHERE name = ?').get(name) as
        | { source: unknown; content: unknown }
        | undefined;
      if (row === undefined) return undefined;
      if (!Buffer.isBuffer(row.content)) throw new TypeError('it is no blob');
      this.taken.set(name, String(row.source));
      return gunzipSync(row.content, { maxOutputLength: MAX_SIDECAR_BYTES });
    } catch (error) {
      const fault = `content cannot be unpacked: ${describeError(error)}`;
      throw damagedRow(this.db.name, 'sidecar', `name '${name}'`, fault);
    }
  }

  text(name: string): string | undefined {
    return this.bytes(name)?.toString('utf8');
  }

  list(folder: string): string[] {
    const rows = this.db
      .prepare("SELECT name FROM sidecar WHERE name LIKE ? || '/%' ORDER BY name")
      .all(folder) as { name: string }[];
    return rows.map((row) => row.name.slice(folder.length + 1));
  }

  offer(): void {}
}
