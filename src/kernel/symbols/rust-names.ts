// Names of Rust functions as rustc mangles them → paths as written in the source.
// v0 (RFC 2603, rustc book "v0 Symbol Format"): `_RNvCskwGfYPst2Cb_3foo16example_function` is
// `foo::example_function`. Legacy: `_ZN4core3fmt5write17h0123456789abcdefE` is `core::fmt::write`.
// Hashes, disambiguators and lifetimes are left out, as rustc-demangle's `{:#}` does.

/** Nesting and length that no compiler makes. */
const MAX_DEPTH = 200;
const MAX_TEXT = 4096;

/** The path of a Rust function; any other name as it is. */
export function demangleRust(name: string): string {
  if (name.startsWith('_R')) return demangleV0(name) ?? name;
  if (name.startsWith('_ZN')) return demangleLegacy(name) ?? name;
  return name;
}

const LEGACY_ESCAPES: Readonly<Record<string, string>> = {
  SP: '@',
  BP: '*',
  RF: '&',
  LT: '<',
  GT: '>',
  LP: '(',
  RP: ')',
  C: ',',
};

function demangleLegacy(name: string): string | undefined {
  const parts: string[] = [];
  let at = 3;
  while (name[at] !== 'E') {
    const [digits] = /^[1-9]\d{0,3}/.exec(name.slice(at, at + 4)) ?? [];
    if (digits === undefined) return undefined;
    const start = at + digits.length;
    at = start + Number(digits);
    if (at >= name.length) return undefined;
    parts.push(name.slice(start, at));
  }
  // What C++ mangles this way has no hash.
  if (parts.length < 2 || !/^h[0-9a-f]{16}$/.test(parts.at(-1) ?? '')) return undefined;
  return parts.slice(0, -1).map(unescapeLegacy).join('::');
}

function unescapeLegacy(part: string): string {
  const own = part.startsWith('_$') ? part.slice(1) : part;
  return own
    .replaceAll('..', '::')
    .replaceAll(/\$(u([0-9a-f]{1,6})|[A-Z]{1,2})\$/g, (all, code: string, hex?: string) => {
      if (hex === undefined) return LEGACY_ESCAPES[code] ?? all;
      const point = Number.parseInt(hex, 16);
      return point >= 0x20 && point <= 0x10ffff ? String.fromCodePoint(point) : all;
    });
}

function demangleV0(name: string): string | undefined {
  try {
    return new V0Parser(name.slice(2)).symbol();
  } catch (error) {
    if (error instanceof NotMangled) return undefined;
    throw error;
  }
}

class NotMangled extends Error {}

const BASIC_TYPES: Readonly<Record<string, string>> = {
  a: 'i8',
  b: 'bool',
  c: 'char',
  d: 'f64',
  e: 'str',
  f: 'f32',
  h: 'u8',
  i: 'isize',
  j: 'usize',
  l: 'i32',
  m: 'u32',
  n: 'i128',
  o: 'u128',
  p: '_',
  s: 'i16',
  t: 'u16',
  u: '()',
  v: '...',
  x: 'i64',
  y: 'u64',
  z: '!',
};

function constantText(type: string, sign: string, value: bigint): string {
  if (type === 'b') return value === 0n ? 'false' : 'true';
  if (type === 'c' && value <= 0x10ffffn) return `'${String.fromCodePoint(Number(value))}'`;
  if (!/[ahlmnosijtxy]/.test(type)) throw new NotMangled();
  return `${sign}${value}`;
}

/** Names of the grammar's rules as the rustc book has them. */
class V0Parser {
  private readonly text: string;
  private at = 0;
  private depth = 0;
  private written = 0;

  constructor(text: string) {
    this.text = text;
  }

  symbol(): string {
    if (/\d/.test(this.peek())) throw new NotMangled(); // a later version of the format
    const path = this.path(true);
    if (/[A-Z]/.test(this.peek())) this.path(false); // the instantiating crate
    if (this.at < this.text.length && !/[.$]/.test(this.peek())) throw new NotMangled();
    return path;
  }

  /** @param isValue true where generic arguments follow `::` */
  private path(isValue: boolean): string {
    return this.nested(() => {
      switch (this.next()) {
        case 'C':
          return this.identifier();
        case 'M':
          this.implPath();
          return `<${this.type()}>`;
        case 'X':
          this.implPath();
          return `<${this.type()} as ${this.path(false)}>`;
        case 'Y':
          return `<${this.type()} as ${this.path(false)}>`;
        case 'N':
          return this.nestedPath(isValue);
        case 'I': {
          const path = this.path(isValue);
          const args = this.list(() => this.genericArg()).filter((arg) => arg !== '');
          return `${path}${isValue ? '::' : ''}<${args.join(', ')}>`;
        }
        case 'B':
          return this.backref(() => this.path(isValue));
        default:
          throw new NotMangled();
      }
    });
  }

  private implPath(): void {
    this.disambiguator();
    this.path(false);
  }

  private nestedPath(isValue: boolean): string {
    const namespace = this.next();
    const parent = this.path(isValue);
    const number = this.disambiguator();
    const name = this.bareIdentifier();
    if (/[a-z]/.test(namespace)) return name === '' ? parent : `${parent}::${name}`;
    const kind = namespace === 'C' ? 'closure' : namespace === 'S' ? 'shim' : namespace;
    return `${parent}::{${kind}${name === '' ? '' : `:${name}`}#${number}}`;
  }

  private genericArg(): string {
    if (this.take('L')) {
      this.base62();
      return '';
    }
    return this.take('K') ? this.constant() : this.type();
  }

  private type(): string {
    return this.nested(() => {
      const basic = BASIC_TYPES[this.peek()];
      if (basic !== undefined) {
        this.at++;
        return basic;
      }
      switch (this.peek()) {
        case 'A':
          this.at++;
          return `[${this.type()}; ${this.constant()}]`;
        case 'S':
          this.at++;
          return `[${this.type()}]`;
        case 'T': {
          this.at++;
          const parts = this.list(() => this.type());
          return `(${parts.join(', ')}${parts.length === 1 ? ',' : ''})`;
        }
        case 'R':
        case 'Q': {
          const mutable = this.next() === 'Q' ? 'mut ' : '';
          if (this.take('L')) this.base62();
          return `&${mutable}${this.type()}`;
        }
        case 'P':
          this.at++;
          return `*const ${this.type()}`;
        case 'O':
          this.at++;
          return `*mut ${this.type()}`;
        case 'F':
          this.at++;
          return this.fnSig();
        case 'D':
          this.at++;
          return this.dynBounds();
        case 'B':
          this.at++;
          return this.backref(() => this.type());
        default:
          return this.path(false);
      }
    });
  }

  private fnSig(): string {
    this.binder();
    const unsafe = this.take('U') ? 'unsafe ' : '';
    let abi = '';
    if (this.take('K')) abi = `extern "${this.take('C') ? 'C' : this.bareIdentifier()}" `;
    const args = this.list(() => this.type()).join(', ');
    const result = this.type();
    return `${unsafe}${abi.replaceAll('_', '-')}fn(${args})${result === '()' ? '' : ` -> ${result}`}`;
  }

  private dynBounds(): string {
    this.binder();
    const traits = this.list(() => {
      const path = this.path(false);
      const bindings: string[] = [];
      while (this.take('p')) bindings.push(`${this.bareIdentifier()} = ${this.type()}`);
      if (bindings.length === 0) return path;
      return path.endsWith('>')
        ? `${path.slice(0, -1)}, ${bindings.join(', ')}>`
        : `${path}<${bindings.join(', ')}>`;
    });
    if (!this.take('L')) throw new NotMangled();
    this.base62();
    return `dyn ${traits.join(' + ')}`;
  }

  private binder(): void {
    if (this.take('G')) this.base62();
  }

  private constant(): string {
    return this.nested(() => {
      if (this.take('B')) return this.backref(() => this.constant());
      if (this.take('p')) return '_';
      const type = this.next();
      const sign = this.take('n') ? '-' : '';
      const end = this.text.indexOf('_', this.at);
      const hex = end < 0 ? '?' : this.text.slice(this.at, end);
      if (!/^[0-9a-f]{0,32}$/.test(hex)) throw new NotMangled();
      this.at = end + 1;
      return constantText(type, sign, BigInt(`0x0${hex}`));
    });
  }

  private identifier(): string {
    this.disambiguator();
    return this.bareIdentifier();
  }

  private disambiguator(): bigint {
    return this.take('s') ? this.base62() + 1n : 0n;
  }

  private bareIdentifier(): string {
    const isPunycode = this.take('u');
    const [digits] = /^(0|[1-9]\d{0,3})/.exec(this.text.slice(this.at, this.at + 4)) ?? [];
    if (digits === undefined) throw new NotMangled();
    this.at += digits.length;
    this.take('_');
    const end = this.at + Number(digits);
    if (end > this.text.length) throw new NotMangled();
    const name = this.text.slice(this.at, end);
    this.at = end;
    return isPunycode ? `punycode{${name}}` : name;
  }

  /** Ends with `E`. */
  private list(one: () => string): string[] {
    const items: string[] = [];
    while (!this.take('E')) items.push(one());
    return items;
  }

  /** Digits of base 62 and `_`: one less than the number, none for 0. */
  private base62(): bigint {
    let value = 0n;
    if (this.take('_')) return value;
    for (let digits = 0; digits < 12; digits++) {
      const c = this.next();
      if (c === '_') return value + 1n;
      const digit = DIGITS.indexOf(c);
      if (digit < 0) throw new NotMangled();
      value = value * 62n + BigInt(digit);
    }
    throw new NotMangled();
  }

  /** What is at an earlier place, read again. */
  private backref(read: () => string): string {
    const start = this.at - 1;
    const target = Number(this.base62());
    if (target >= start) throw new NotMangled();
    const back = this.at;
    this.at = target;
    const text = read();
    this.at = back;
    return text;
  }

  /** Back references may double the text each time: both its depth and its length are bounded. */
  private nested(read: () => string): string {
    if (++this.depth > MAX_DEPTH) throw new NotMangled();
    const text = read();
    this.depth--;
    this.written += text.length + 1;
    if (this.written > MAX_TEXT * 16 || text.length > MAX_TEXT) throw new NotMangled();
    return text;
  }

  private peek(): string {
    return this.text[this.at] ?? '';
  }

  private next(): string {
    const c = this.text[this.at++];
    if (c === undefined) throw new NotMangled();
    return c;
  }

  private take(c: string): boolean {
    if (this.text[this.at] !== c) return false;
    this.at++;
    return true;
  }
}

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
