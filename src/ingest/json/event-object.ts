// An object of JSON → the fields of a row of CSV (docs/csv.md): its keys are columns, spelled as scripts
// and tracers spell them. Numbers stay as they are written: addresses do not fit a double.

import { COLUMN_NAMES, type ColumnName } from '../csv/columns.ts';

/** Other names of columns. Of several keys for one column the last in this list counts. */
const SPELLINGS: Readonly<Record<string, ColumnName>> = {
  time: 'ts',
  timestamp: 'ts',
  time_ns: 'ts_ns',
  timestamp_ns: 'ts_ns',
  nsecs: 'ts_ns',
  cpu_id: 'cpu',
  common_pid: 'pid',
  tid: 'pid',
  procname: 'comm',
  task: 'comm',
  event_name: 'event',
  tracepoint: 'event',
  addr: 'ptr',
  address: 'ptr',
  object: 'ptr',
  caller: 'call_site',
  size: 'bytes_req',
  gfp: 'gfp_flags',
  cache_name: 'cache',
  callchain: 'stack',
  stacktrace: 'stack',
  kstack: 'stack',
};
const RANKS: ReadonlyMap<string, number> = new Map(
  [...COLUMN_NAMES, ...Object.keys(SPELLINGS)].map((key, rank) => [key, rank]),
);
const ADDRESSES: ReadonlySet<ColumnName> = new Set(['ptr', 'call_site', 'stack']);

/** How printk and glibc print NULL. */
const NULLS: ReadonlySet<string> = new Set(['(null)', '(nil)']);
/** Stands before a number that was written without quotes. */
const NUMBER_MARK = '\u0001';
const TOKEN = /("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;

/** What a double may not hold as it is written. */
const LONG_NUMBER = /[\d.]{16}|\.0{6}/;

/** Makes strings of the numbers. */
function markNumbers(text: string): string {
  return text.replace(TOKEN, (_, quoted?: string, number?: string) =>
    quoted === undefined ? `"\\u0001${number ?? ''}"` : quoted,
  );
}

/** Keys and values of an event, those of inner objects (`args`, `fields`) beside them. */
export type EventObject = ReadonlyMap<string, unknown>;

/** The keys of an object; undefined where the text is none. */
export function parseEventObject(text: string): EventObject | undefined {
  const marked = LONG_NUMBER.test(text) ? markNumbers(text) : text;
  let value: unknown;
  try {
    value = JSON.parse(marked);
  } catch {
    return undefined;
  }
  const fields = new Map<string, unknown>();
  collect(value, fields, 0);
  return fields;
}

function collect(value: unknown, fields: Map<string, unknown>, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const isObject = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
    if (isObject && depth === 0) collect(inner, fields, depth + 1);
    else fields.set(plainKey(key), inner);
  }
}

/** Keys as columns are spelled, by how they are written. */
const plainKeys = new Map<string, string>();
/** An object that has values for keys must not fill the memory. */
const MAX_KEYS = 1024;

/** `call_site` of `callSite` and `call-site`. */
function plainKey(key: string): string {
  const known = plainKeys.get(key);
  if (known !== undefined) return known;
  const plain = key
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
  if (plainKeys.size >= MAX_KEYS) plainKeys.clear();
  plainKeys.set(key, plain);
  return plain;
}

/** The name of the event, without its group (`kmem:kmalloc`, LTTng's `kmem_kmalloc`); '' for none. */
export function eventOf(fields: EventObject): string {
  const name = [...EVENT_KEYS].map((key) => fields.get(key)).find((each) => each !== undefined);
  return typeof name === 'string'
    ? name.replace(/^(?:\w+:)?(?:kmem_(?=kmalloc|kfree|mm_))?/, '')
    : '';
}

/** `name` is the event's where nothing else is. */
const EVENT_KEYS = ['event', 'event_name', 'tracepoint', 'name'] as const;

export class EventColumns {
  private readonly places: ReadonlyMap<ColumnName, number>;
  private readonly values: string[];
  private readonly ranks: number[];
  private readonly ignoreUnknown: boolean;

  /** @param columns of the rows, in their order */
  constructor(columns: readonly ColumnName[], ignoreUnknown: boolean) {
    this.places = new Map(columns.map((column, i) => [column, i]));
    this.values = columns.map(() => '');
    this.ranks = columns.map(() => -1);
    this.ignoreUnknown = ignoreUnknown;
  }

  /** The row of an event, or the key that is no column: valid until the next call. */
  row(fields: EventObject, event: string): readonly string[] | { readonly unknown: string } {
    this.values.fill('');
    this.ranks.fill(-1);
    const isNamed = EVENT_KEYS.slice(0, -1).some((key) => fields.has(key));
    for (const [key, value] of fields) {
      const column = key === 'name' && isNamed ? 'cache' : columnOf(key);
      if (column === undefined) {
        if (!this.ignoreUnknown) return { unknown: key };
      } else
        this.set(column, RANKS.get(key) ?? 0, column === 'event' ? event : textOf(value, column));
    }
    return this.values;
  }

  private set(column: ColumnName, rank: number, text: string): void {
    const place = this.places.get(column) ?? -1;
    if (place < 0 || rank < (this.ranks[place] ?? -1) || text === '') return;
    this.ranks[place] = rank;
    this.values[place] = text;
  }
}

/** The column that a key stands for. */
export function columnOf(key: string): ColumnName | undefined {
  if (key === 'name') return 'event';
  const spelled = Object.hasOwn(SPELLINGS, key) ? SPELLINGS[key] : undefined;
  return spelled ?? COLUMN_NAMES.find((column) => column === key);
}

function textOf(value: unknown, column: ColumnName): string {
  if (Array.isArray(value)) {
    const texts = value.map((each) => (Array.isArray(each) ? '' : textOf(each, column)));
    return texts.join(column === 'stack' ? ';' : '|');
  }
  if (typeof value === 'object' && value !== null) return frameOf(value, column);
  if (typeof value === 'number') return numberText(String(value), column);
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return '';
  if (value.startsWith(NUMBER_MARK)) return numberText(value.slice(NUMBER_MARK.length), column);
  return NULLS.has(value) ? '0x0' : value;
}

function numberText(number: string, column: ColumnName): string {
  return ADDRESSES.has(column) && /^-?\d{1,20}$/.test(number)
    ? `0x${BigInt.asUintN(64, BigInt(number)).toString(16)}`
    : number;
}

/** A frame of a stack: its symbol, else its address. */
function frameOf(value: object, column: ColumnName): string {
  const frame = new Map(Object.entries(value));
  const text = ['symbol', 'sym', 'name', 'ip', 'addr', 'address']
    .map((key) => textOf(frame.get(key) instanceof Object ? undefined : frame.get(key), column))
    .find((each) => each !== '');
  return text ?? '';
}
