// A Dictionary to and from its tables: string, site, call, task, stack_frame.

import type Database from 'better-sqlite3';
import { StoreError } from '../base/errors.ts';
import { type Call, Dictionary } from '../kernel/dictionary.ts';
import { EVENT_NAMES } from '../kernel/event-kind.ts';
import { type SqlValue, toSigned, toUnsigned } from './sql-value.ts';

/** What the analysis adds to the rows of sites and calls. */
export interface DictionaryNames {
  symbolOf(site: number): { readonly symbol: string | null; readonly module: string | null };
  cacheOf(call: number): { readonly name: string | null; readonly inferred: boolean };
}

/** An address as a signed 64-bit number. */
export function signedAddress(hi: number, lo: number): bigint {
  return toSigned((BigInt(hi) << 32n) | BigInt(lo));
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

/** @throws StoreError where the tables do not fit together */
export function loadDictionary(db: Database.Database): Dictionary {
  const dictionary = new Dictionary();
  const { strings, sites, calls, tasks } = dictionary;
  for (const row of rowsOf<{ id: number; value: string }>(db, 'string')) {
    expectId('string', row.id, strings.intern(row.value));
  }
  for (const row of rowsOf<{ id: number; address: bigint | null; text: number }>(db, 'site')) {
    const address = toUnsigned(row.address ?? 0);
    const text = Number(row.text);
    expectBelow('site', row.id, text, strings.length);
    const lo = Number(address & 0xffffffffn);
    expectId('site', row.id, sites.intern(lo, Number(address >> 32n), text));
  }
  for (const row of rowsOf<CallRow>(db, 'call')) {
    // Id 0 is the tuple of zeros, which no call makes.
    if (Number(row.id) > 0) expectId('call', row.id, calls.intern(loadCall(row, dictionary)));
  }
  for (const row of rowsOf<{ id: number; pid: number; comm: number }>(db, 'task')) {
    expectBelow('task', row.id, row.comm, strings.length);
    if (row.id > 0) expectId('task', row.id, tasks.intern(row.pid, row.comm));
  }
  loadStacks(db, dictionary);
  return dictionary;
}

/** Ids are given in order, so a row gets the one that it has. */
function expectId(table: string, id: number, made: number): void {
  if (Number(id) !== made) {
    throw new StoreError(`table ${table} of the database is damaged at id ${id}`);
  }
}

/** What a row points to must be there. */
function expectBelow(table: string, id: number, reference: number, limit: number): void {
  if (!(reference >= 0 && reference < limit)) {
    throw new StoreError(`table ${table} of the database is damaged at id ${id}`);
  }
}

function loadCall(row: CallRow, { strings, sites }: Dictionary): Call {
  const call: Call = {
    kind: Number(row.kind),
    site: Number(row.site),
    bytesReq: Number(toUnsigned(row.bytes_req)),
    bytesAlloc: Number(toUnsigned(row.bytes_alloc)),
    gfp: Number(row.gfp_flags),
    gfpKnown: Number(row.gfp_known) === 1,
    node: Number(row.node),
    cache: Number(row.cache),
    accounted: Number(row.accounted),
    data: Number(row.data),
  };
  expectBelow('call', row.id, call.kind, EVENT_NAMES.length);
  expectBelow('call', row.id, call.site, sites.length);
  expectBelow('call', row.id, call.cache, strings.length);
  expectBelow('call', row.id, call.data, strings.length);
  return call;
}

interface CallRow {
  readonly id: number;
  readonly kind: number;
  readonly site: number;
  readonly bytes_req: number;
  readonly bytes_alloc: number;
  readonly gfp_flags: number;
  readonly gfp_known: number;
  readonly node: number;
  readonly cache: number;
  readonly accounted: number;
  readonly data: number;
}

function* rowsOf<T>(db: Database.Database, table: string): Generator<T> {
  const isWide = table === 'site' || table === 'call';
  yield* db
    .prepare(`SELECT * FROM "${table}" ORDER BY id`)
    .safeIntegers(isWide)
    .iterate() as IterableIterator<T>;
}

function loadStacks(db: Database.Database, { stacks, sites }: Dictionary): void {
  let current = 0;
  let frames: number[] = [];
  const flush = (): void => {
    if (current === 0) return;
    expectId('stack_frame', current, stacks.intern(Uint32Array.from(frames), frames.length));
  };
  const rows = db.prepare('SELECT stack, site FROM stack_frame ORDER BY stack, depth').iterate();
  for (const row of rows as IterableIterator<{ stack: number; site: number }>) {
    expectBelow('stack_frame', row.stack, row.site, sites.length);
    if (row.stack !== current) {
      flush();
      current = row.stack;
      frames = [];
    }
    frames.push(row.site);
  }
  flush();
}
