// The files beside the events that a run database took in. Each is read by itself and once, so that
// nothing stays open and no one has to close it.

import { gunzipSync } from 'node:zlib';
import type Database from 'better-sqlite3';
import { describeError } from '../base/errors.ts';
import { MAX_SIDECAR_BYTES, type SidecarFiles } from '../recording/sidecars.ts';
import { asDamage, damagedRow, openRunDatabase } from './open-database.ts';

export class StoredSidecars implements SidecarFiles {
  readonly taken: Map<string, string> = new Map();
  readonly offered: ReadonlyMap<string, Buffer> = new Map();
  private readonly path: string;
  private readonly read = new Map<string, Buffer | undefined>();

  /** @param path of a run database */
  constructor(path: string) {
    this.path = path;
  }

  /** @throws StoreError where the database is damaged, InputError where it is gone */
  bytes(name: string): Buffer | undefined {
    if (!this.read.has(name)) this.read.set(name, this.unpack(name));
    return this.read.get(name);
  }

  private unpack(name: string): Buffer | undefined {
    const row = this.query((db) =>
      db
        .prepare<[string], { source: unknown; content: unknown }>(
          'SELECT source, content FROM sidecar WHERE name = ?',
        )
        .get(name),
    );
    if (row === undefined) return undefined;
    this.taken.set(name, String(row.source));
    try {
      if (!Buffer.isBuffer(row.content)) throw new TypeError('it is no blob');
      return gunzipSync(row.content, { maxOutputLength: MAX_SIDECAR_BYTES });
    } catch (error) {
      const fault = `content cannot be unpacked: ${describeError(error)}`;
      throw damagedRow(this.path, 'sidecar', `name '${name}'`, fault);
    }
  }

  text(name: string): string | undefined {
    return this.bytes(name)?.toString('utf8');
  }

  list(folder: string): string[] {
    const names = this.query((db) =>
      db
        .prepare("SELECT name FROM sidecar WHERE name LIKE ? || '/%' ORDER BY name")
        .pluck()
        .all(folder),
    );
    return names.map((name) => String(name).slice(folder.length + 1));
  }

  offer(): void {}

  private query<T>(ask: (db: Database.Database) => T): T {
    const db = openRunDatabase(this.path);
    try {
      return ask(db);
    } catch (error) {
      throw asDamage(this.path, error);
    } finally {
      db.close();
    }
  }
}
