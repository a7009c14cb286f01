// A run database as a source of events: what was ingested comes out as it went in.

import { gunzipSync } from 'node:zlib';
import type Database from 'better-sqlite3';
import { StoreError } from '../base/errors.ts';
import type { Dictionary } from '../kernel/dictionary.ts';
import { createBatch, type EventBatch } from '../kernel/event-batch.ts';
import type { SidecarFiles } from '../kernel/sidecars.ts';
import type { TraceInfo } from '../kernel/trace-info.ts';
import { STAT_KINDS, type Stat, TraceStats } from '../kernel/trace-stats.ts';
import { loadDictionary } from './dictionary-rows.ts';
import { damaged, damagedEvents, openRunDatabase } from './open-database.ts';
import { decodeSegment, type SegmentRow } from './segment-codec.ts';

/** TraceInfo as table `run` keeps it: JSON, the origin as digits. */
type StoredInfo = Omit<TraceInfo, 'originNs'> & { readonly originNs: string };

export function encodeInfo(info: TraceInfo): string {
  return JSON.stringify({ ...info, originNs: info.originNs.toString() } satisfies StoredInfo);
}

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

  /** A value of table `run`. */
  value(key: string): string | undefined {
    const row = this.db.prepare('SELECT value FROM run WHERE key = ?').get(key);
    return (row as { value: string } | undefined)?.value;
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

  private texts(query: string): (string | null)[] {
    return this.db.prepare(query).pluck().all() as (string | null)[];
  }

  /** How many batches `batches` gives at most. */
  get batchCount(): number {
    return Number(this.db.prepare('SELECT count(*) FROM segment').pluck().get());
  }

  /** The events, a batch at a time; the batch is valid until the next one. */
  *batches(): Generator<EventBatch> {
    const batch = createBatch();
    try {
      for (const row of this.db.prepare('SELECT * FROM segment ORDER BY id').iterate()) {
        if (!decodeSegment(row as SegmentRow, batch, this.dictionary)) {
          throw damagedEvents(this.path);
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
    const stored = JSON.parse(text) as StoredInfo;
    return { ...stored, originNs: BigInt(stored.originNs) };
  }

  private loadStats(): TraceStats {
    const stats = new TraceStats();
    const rows = this.db
      .prepare('SELECT name, count, first_position AS firstPosition FROM ingest_stat')
      .all() as Stat[];
    stats.addAll(rows.filter((row) => Object.hasOwn(STAT_KINDS, row.name)));
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
        | { source: string; content: Buffer }
        | undefined;
      if (row === undefined) return undefined;
      this.taken.set(name, row.source);
      return gunzipSync(row.content);
    } catch (error) {
      throw asDamage(this.db.name, error);
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
