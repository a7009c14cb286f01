// A kernel log as a program's records → its lines, with the time since boot before each: what
// `journalctl -o json`, `json-pretty`, `json-sse`, `json-seq` and `export` print (systemd's
// JOURNAL_EXPORT_FORMATS), and `dmesg -J` of util-linux.

/** Lines as dmesg prints them, and where each stands in the file. */
export interface JournalLines {
  readonly text: string;
  /** Line of the file, from 1, by line of `text`. */
  readonly lines: readonly number[];
}

interface Entry {
  readonly line: number;
  readonly message: string;
  /** Microseconds since boot; null where the record has none. */
  readonly micros: number | null;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what json-seq puts before a record
const JSON_MARK = /^(?:data: )?\x1e?\s*[{[][\s\S]{0,20000}?"(?:MESSAGE|msg)"\s*:/;
const EXPORT_MARK = /^(?:__CURSOR|__REALTIME_TIMESTAMP|__MONOTONIC_TIMESTAMP)=/m;

/** Undefined where the text is a log as it is. */
export function readJournal(text: string): JournalLines | undefined {
  const head = text.slice(0, 65536).replace(/^\ufeff/, '');
  const entries = JSON_MARK.test(head)
    ? jsonEntries(text)
    : EXPORT_MARK.test(head)
      ? exportEntries(text)
      : undefined;
  if (entries === undefined) return undefined;
  const all: string[] = [];
  const lines: number[] = [];
  for (const { line, message, micros } of entries) {
    const time = micros === null ? '' : `[${(micros / 1e6).toFixed(6).padStart(12)}] `;
    for (const each of message.split('\n')) {
      all.push(time + each);
      lines.push(line);
    }
  }
  return { text: all.join('\n'), lines };
}

const TOKEN = /"(?:[^"\\\n]|\\.)*"|[{}]|\n/g;
/** A record of the journal is smaller (systemd's DATA_SIZE_MAX is far above). */
const MOST_RECORD = 1024 * 1024;

/** Objects without objects in them, one after the other or in an array. */
function* jsonEntries(text: string): Generator<Entry> {
  let line = 1;
  let start = -1;
  let startLine = 1;
  for (const match of text.matchAll(TOKEN)) {
    const [token] = match;
    if (token === '\n') line++;
    else if (token === '{') {
      start = match.index;
      startLine = line;
    } else if (token === '}' && start >= 0) {
      const length = match.index + 1 - start;
      const record = length > MOST_RECORD ? undefined : parsed(text.slice(start, start + length));
      const entry = record === undefined ? undefined : entryOf(record, startLine);
      if (entry !== undefined) yield entry;
      start = -1;
    }
  }
}

function parsed(text: string): ReadonlyMap<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}

function entryOf(record: ReadonlyMap<string, unknown>, line: number): Entry | undefined {
  const isDmesg = record.has('msg') && !record.has('MESSAGE');
  const message = textOf(record.get(isDmesg ? 'msg' : 'MESSAGE'));
  if (message === undefined) return undefined;
  const seconds = isDmesg ? Number(record.get('time') ?? Number.NaN) * 1e6 : Number.NaN;
  const micros = isDmesg
    ? seconds
    : Number(record.get('_SOURCE_MONOTONIC_TIMESTAMP') ?? Number.NaN);
  return { line, message, micros: micros >= 0 && Number.isFinite(micros) ? micros : null };
}

/** What is no UTF-8 is an array of bytes; a field that a record has twice an array of texts. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  if (value.every((byte) => typeof byte === 'number')) return Buffer.from(value).toString('utf8');
  return textOf(value[0]);
}

/** Bytes of a length that stands before a value with line ends. */
const LENGTH_BYTES = 8;

/** Fields as NAME=value, an empty line behind each record. */
function* exportEntries(text: string): Generator<Entry> {
  let message: string | undefined;
  let micros: number | null = null;
  let at = 0;
  let isValue = false;
  let line = 0;
  for (const raw of text.split('\n')) {
    line++;
    if (isValue) {
      message ??= raw.slice(LENGTH_BYTES);
      isValue = false;
    } else if (raw.startsWith('MESSAGE=')) message ??= raw.slice('MESSAGE='.length);
    else if (raw === 'MESSAGE') isValue = true;
    else if (raw.startsWith('_SOURCE_MONOTONIC_TIMESTAMP=')) {
      const value = Number(raw.slice('_SOURCE_MONOTONIC_TIMESTAMP='.length));
      micros = Number.isFinite(value) ? value : null;
    }
    if (message !== undefined && at === 0) at = line;
    if (raw !== '' || message === undefined) continue;
    yield { line: at, message, micros };
    message = undefined;
    micros = null;
    at = 0;
  }
  if (message !== undefined) yield { line: at, message, micros };
}
