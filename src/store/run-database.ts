// A run database as a source of events: what was ingested comes out as it went in.

import type Database from 'better-sqlite3';
import { asCount, asText, checkedObject } from '../base/checked-json.ts';
import { describeError, StoreError } from '../base/errors.ts';
import type { Dictionary } from '../kernel/events/dictionary.ts';
import { createBatch, type EventBatch } from '../kernel/events/event-batch.ts';
import type { TraceInfo } from '../kernel/events/trace-info.ts';
import { STAT_KINDS, type Stat, TraceStats } from '../kernel/events/trace-stats.ts';
import type { SidecarFiles } from '../recording/sidecars.ts';
import { loadDictionary } from './dictionary-rows.ts';
import { asDamage, damagedRow, openRunDatabase } from './open-database.ts';
import { decodeInfo } from './run-info.ts';
import { decodeSegment, type SegmentRow } from './segment-codec.ts';
import { StoredSidecars } from './stored-sidecars.ts';

/** The memory snapshot that was beside a recording when it was taken in; it stays where it is. */
export interface StoredSnapshot {
  /** Absolute. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** SHA-256, in hex, of its first and its last MiB. */
  readonly digest: string;
}

/** To be closed. */
export class RunDatabase {
  readonly path: string;
  readonly info: TraceInfo;
  readonly dictionary: Dictionary;
  readonly stats: TraceStats;
  /** Still to be read when this is closed. */
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
      this.sidecars = new StoredSidecars(path);
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

  /** @throws StoreError where what is stored of it is none */
  snapshot(): StoredSnapshot | undefined {
    const text = this.value('snapshot');
    if (text === undefined) return undefined;
    try {
      return checkedObject(JSON.parse(text), 'snapshot', {
        path: asText,
        size: asCount,
        digest: asText,
      });
    } catch {
      // Said below.
    }
    throw new StoreError(`${this.path}: the snapshot of the run is not described`, {
      hint: 'Ingest the recording again, or name the snapshot with --vmcore FILE.',
    });
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
    const texts = this.db.prepare(query).pluck().all();
    return texts.map((text) => (typeof text === 'string' ? text : null));
  }

  /** How many batches `batches` gives at most. */
  get batchCount(): number {
    try {
      return Number(this.db.prepare('SELECT count(*) FROM segment').pluck().get());
    } catch (error) {
      throw asDamage(this.path, error);
    }
  }

  /** The events, a batch at a time; the batch is valid until the next one. */
  *batches(): Generator<EventBatch> {
    const batch = createBatch();
    try {
      const segments = this.db.prepare<[], SegmentRow>('SELECT * FROM segment ORDER BY id');
      for (const segment of segments.iterate()) {
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
      .prepare<[], Stat>('SELECT name, count, first_position AS firstPosition FROM ingest_stat')
      .all();
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
