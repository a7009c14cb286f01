// The part of a line that holds an event's fields → values by name.

/** No event has longer fields; what has is no event, and not worth keeping. */
export const MAX_FIELD_BYTES = 8192;

/** Fields of one event as text. */
export type FieldTexts = ReadonlyMap<string, string>;

// call_site=805ef260 caller(foo_alloc_atomic+0x24/0x28) ptr=b7d94cc0 bytes_req=12 …
const NAME = /(?:^|\s)([a-z_]\w*)=/gi;

/**
 * Fields as the kernel, trace-cmd and perf print them. A value reaches to the next name, with words
 * of others that stand between. The first of two equal names counts.
 */
export function parseFields(text: string): FieldTexts {
  const fields = new Map<string, string>();
  let name = '';
  let from = 0;
  for (const match of text.matchAll(NAME)) {
    if (name !== '' && !fields.has(name)) fields.set(name, text.slice(from, match.index).trim());
    name = match[1] ?? '';
    from = match.index + match[0].length;
  }
  if (name !== '' && !fields.has(name)) fields.set(name, text.slice(from).trim());
  return fields;
}

// call_site = 0xFFFFFFFF8121A2B7, ptr = 0xFFFF8800AECF6F00, name = "filp", flags = ( "X" : container = 3 )
const PAIR =
  /([A-Za-z_]\w*) = (?:"((?:[^"\\]|\\.)*)"|\([^()]*container = (-?\w+) \)|([^,{}[\]]+))/g;

/** Fields as babeltrace prints them; those that are groups or arrays are left out. */
export function parsePairs(text: string): FieldTexts {
  const fields = new Map<string, string>();
  for (const [, name = '', quoted, container, plain] of text.matchAll(PAIR)) {
    fields.set(name, quoted ?? container ?? plain?.trim() ?? '');
  }
  return fields;
}

/** A whole number that is not negative, decimal or `0x…`, as the first word; undefined for others. */
export function parseCount(text: string | undefined): number | undefined {
  const word = /^(?:0x[0-9a-f]+|\d+)(?=\s|$)/i.exec(text ?? '')?.[0];
  const value = Number(word ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : undefined;
}
