// Values out of JSON that someone may have edited → typed values, or a TypeError that names the
// place: `runs[0].pairs.rows[12].allocs: not a number from 0 on`.

/** Gives the value back as what it is expected to be, or throws a TypeError. */
export type Check<T> = (value: unknown, at: string) => T;

/** True for what JSON calls an object: no list, not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function checkedObject<S extends Record<string, Check<unknown>>>(
  value: unknown,
  at: string,
  fields: S,
): { [K in keyof S]: ReturnType<S[K]> } {
  if (!isObject(value)) throw new TypeError(`${at}: not an object`);
  const result: Record<string, unknown> = {};
  for (const [name, check] of Object.entries(fields)) {
    result[name] = check(value[name], `${at}.${name}`);
  }
  // Cast: every field has gone through its check.
  return result as { [K in keyof S]: ReturnType<S[K]> };
}

export function checkedList<T>(value: unknown, at: string, check: Check<T>): T[] {
  if (!Array.isArray(value)) throw new TypeError(`${at}: not a list`);
  return value.map((item, i) => check(item, `${at}[${i}]`));
}

export const asNumber: Check<number> = (value, at) => {
  if (typeof value !== 'number') throw new TypeError(`${at}: not a number`);
  return value;
};

export const asCount: Check<number> = (value, at) => {
  if (typeof value !== 'number' || !(value >= 0)) {
    throw new TypeError(`${at}: not a number from 0 on`);
  }
  return value;
};

export const asBool: Check<boolean> = (value, at) => {
  if (typeof value !== 'boolean') throw new TypeError(`${at}: not true or false`);
  return value;
};

export const asText: Check<string> = (value, at) => {
  if (typeof value !== 'string') throw new TypeError(`${at}: not a text`);
  return value;
};

export function nullable<T>(check: Check<T>): Check<T | null> {
  return (value, at) => (value === null ? null : check(value, at));
}

/** A value that older files lack. */
export function optional<T>(check: Check<T>, absent: T): Check<T> {
  return (value, at) => (value === undefined ? absent : check(value, at));
}

export function oneOf<const T extends string>(...words: readonly T[]): Check<T> {
  return (value, at) => {
    const found = words.find((word) => word === value);
    if (found === undefined) throw new TypeError(`${at}: not ${words.join(' or ')}`);
    return found;
  };
}

export function recordOf<T>(check: Check<T>): Check<Record<string, T>> {
  return (value, at) => {
    if (!isObject(value)) throw new TypeError(`${at}: not an object`);
    const entries = Object.entries(value).map(([k, v]) => [k, check(v, `${at}.${k}`)] as const);
    return Object.fromEntries(entries);
  };
}
