// A Dictionary to and from its tables: string, site, call, task, stack_frame.

import type Database from 'better-sqlite3';
import { joinHalves } from '../base/address.ts';
import type { StoreError } from '../base/errors.ts';
import { ACCOUNTED, type CallFields, Dictionary } from '../kernel/events/dictionary.ts';
import { EVENT_NAMES } from '../kernel/events/event-kind.ts';
import { damagedRow } from './open-database.ts';
import { type SqlValue, toSigned, toUnsigned } from './sql-value.ts';

/** What the analysis adds to the rows of sites and calls. */
export interface DictionaryNames {
  symbolOf(site: number): { readonly symbol: string | null; readonly module: string | null };
  cacheOf(call: number): { readonly name: string | null; readonly inferred: boolean };
}

/** An address as a signed 64-bit number. */
export function signedAddress(hi: number, lo: number): bigint {
  return toSigned(joinHalves(hi, lo));
}

/** The rows of each table, by table. */
export function* dictionaryRows(
  dictionary: Dictionary,
  names: DictionaryNames,
): Generator<{ table: string; rows: Iterable<readonly SqlValue[]> }> {
  const { strings, sites, calls, tasks, stacks } = dictionary;
  yield { table: 'string', rows: strings.values.map((value, id) => [id, value]) };
  yield {
    table: 'site',
    rows: (function* () {
      for (let id = 0; id < sites.length; id++) {
        const isText = sites.hi(id) === 0 && sites.lo(id) === 0;
        const { symbol, module } = names.symbolOf(id);
        const address = isText ? null : signedAddress(sites.hi(id), sites.lo(id));
        yield [id, address, sites.text(id), symbol, module];
      }
    })(),
  };
  yield {
    table: 'call',
    rows: (function* () {
      for (let id = 0; id < calls.length; id++) {
        const c = calls.get(id);
        const { name, inferred } = names.cacheOf(id);
        yield [
          id,
          c.kind,
          c.site,
          toSigned(BigInt(c.bytesReq)),
          toSigned(BigInt(c.bytesAlloc)),
          c.gfp,
          c.gfpKnown ? 1 : 0,
          c.node,
          c.cache,
          c.accounted,
          c.data,
          name,
          inferred ? 1 : 0,
        ];
      }
    })(),
  };
  yield {
    table: 'task',
    rows: (function* () {
      for (let id = 0; id < tasks.length; id++) yield [id, tasks.pid(id), tasks.comm(id)];
    })(),
  };
  yield {
    table: 'stack_frame',
    rows: (function* () {
      for (let id = 1; id < stacks.length; id++) {
        let depth = 0;
        for (const frame of stacks.frames(id)) yield [id, depth++, frame];
      }
    })(),
  };
}

/** A number of a row, as SQLite gives it: bigints where a column may need 64 bits. */
type Stored = number | bigint | string | Buffer | null;

/** @throws StoreError, which names table, row and column, where a row holds what cannot be there */
export function loadDictionary(db: Database.Database): Dictionary {
  const dictionary = new Dictionary();
  const { strings, sites, calls, tasks } = dictionary;
  for (const row of rowsOf(db, 'string')) {
    const { value } = row.values;
    if (typeof value !== 'string') throw row.damaged('value is no text');
    row.expectId(strings.intern(value));
  }
  for (const row of rowsOf(db, 'site')) {
    const address = row.values['address'] === null ? 0n : row.word('address');
    const lo = Number(address & 0xffffffffn);
    row.expectId(sites.intern(lo, Number(address >> 32n), row.number('text', 0, strings.length)));
  }
  for (const row of rowsOf(db, 'call')) {
    // Id 0 is the tuple of zeros, which no call makes.
    if (row.values['id'] !== 0n) row.expectId(calls.intern(loadCall(row, dictionary)));
  }
  for (const row of rowsOf(db, 'task')) {
    const pid = row.number('pid', -(2 ** 31), 2 ** 31);
    const comm = row.number('comm', 0, strings.length);
    if (row.values['id'] !== 0n) row.expectId(tasks.intern(pid, comm));
  }
  loadStacks(db, dictionary);
  return dictionary;
}

function loadCall(row: Row, { strings, sites }: Dictionary): CallFields {
  return {
    kind: row.number('kind', 0, EVENT_NAMES.length),
    site: row.number('site', 0, sites.length),
    bytesReq: Number(row.word('bytes_req')),
    bytesAlloc: Number(row.word('bytes_alloc')),
    gfp: row.number('gfp_flags', 0, 2 ** 32),
    gfpKnown: row.number('gfp_known', 0, 2) === 1,
    node: row.number('node', -(2 ** 31), 2 ** 31),
    cache: row.number('cache', 0, strings.length),
    accounted: row.number('accounted', 0, Object.keys(ACCOUNTED).length),
    data: row.number('data', 0, strings.length),
  };
}

/** A row of a table of the dictionary, whose values are checked as they are read. */
class Row {
  readonly values: Readonly<Record<string, Stored>>;
  private readonly path: string;
  private readonly table: string;
  private readonly name: string;

  constructor(path: string, table: string, name: string, values: Readonly<Record<string, Stored>>) {
    this.path = path;
    this.table = table;
    this.name = name;
    this.values = values;
  }

  damaged(fault: string): StoreError {
    return damagedRow(this.path, this.table, this.name, fault);
  }

  /** A whole number in [from, to). */
  number(column: string, from: number, to: number): number {
    const value = this.values[column];
    const number = Number(value);
    if (typeof value !== 'bigint' || number < from || number >= to) {
      throw this.damaged(`${column} is ${describe(value)}`);
    }
    return number;
  }

  /** An unsigned number of 64 bits. */
  word(column: string): bigint {
    const value = this.values[column];
    if (typeof value !== 'bigint') throw this.damaged(`${column} is ${describe(value)}`);
    return toUnsigned(value);
  }

  /** Ids are given in order, so a row gets the one that it has. */
  expectId(made: number): void {
    if (this.values['id'] !== BigInt(made)) {
      throw this.damaged(`it would be id ${made}: a row is missing, or there twice`);
    }
  }
}

function describe(value: Stored | undefined): string {
  if (value === undefined || value === null) return 'missing';
  if (typeof value === 'string') return 'a text';
  return Buffer.isBuffer(value) ? 'a blob' : String(value);
}

function* rowsOf(db: Database.Database, table: string): Generator<Row> {
  const query = `SELECT * FROM "${table}" ORDER BY id`;
  const rows = db.prepare<[], Record<string, Stored>>(query).safeIntegers();
  for (const values of rows.iterate()) {
    yield new Row(db.name, table, `id ${values['id']}`, values);
  }
}

function loadStacks(db: Database.Database, { stacks, sites }: Dictionary): void {
  let current = 0;
  let frames: number[] = [];
  const damagedStack = (fault: string): StoreError =>
    damagedRow(db.name, 'stack_frame', `stack ${current}`, fault);
  const flush = (): void => {
    if (current === 0) return;
    const made = stacks.intern(Uint32Array.from(frames), frames.length);
    if (made !== current) throw damagedStack('a stack is missing, or there twice');
  };
  const query = 'SELECT stack, site FROM stack_frame ORDER BY stack, depth';
  for (const { stack, site } of db.prepare<[], { stack: number; site: number }>(query).iterate()) {
    if (stack !== current) {
      flush();
      current = stack;
      frames = [];
    }
    if (!(Number.isInteger(site) && site >= 0 && site < sites.length)) {
      throw damagedStack(`site is ${site}`);
    }
    frames.push(site);
  }
  flush();
}
