// POSIX basic regular expressions, as regcomp(3) of glibc reads them (regex_internal.h, regcomp.c
// peek_token(); syntax RE_SYNTAX_POSIX_BASIC), become JavaScript's. The kernel's slabinfo tool takes
// such a pattern, and there `kmalloc-(64|96)` is literal while `kmalloc-\(64\|96\)` is a choice.

import { describeError, UsageError } from '../../base/errors.ts';

/** A matcher that finds the pattern anywhere, in any case. A bad pattern is a UsageError. */
export function compilePosixRegex(pattern: string): RegExp {
  try {
    const regex = new RegExp(new BasicRegex(pattern).translate(), 'is');
    // V8 compiles at the first use, and may then find it too large.
    regex.test('');
    return regex;
  } catch (error) {
    throw new UsageError(`invalid pattern '${pattern}': ${describeError(error)}`, {
      cause: error,
      hint: 'it is a POSIX basic regular expression, as of grep without -E',
    });
  }
}

/** RE_DUP_MAX */
const MAX_REPEAT = 32767;

const CLASSES: Record<string, string> = {
  alpha: 'a-zA-Z',
  digit: '0-9',
  alnum: 'a-zA-Z0-9',
  upper: 'a-zA-Z',
  lower: 'a-zA-Z',
  space: ' \\t-\\r',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`{-~',
  print: ' -~',
  graph: '!-~',
  cntrl: '\\x00-\\x1f\\x7f',
  xdigit: '0-9a-fA-F',
};

/** GNU's additions that have a form in JavaScript. They match no character but for \w and \W. */
const GNU_ANCHORS: Record<string, string> = {
  '<': '\\b(?=\\w)',
  '>': '\\b(?<=\\w)',
  b: '\\b',
  B: '\\B',
  '`': '^',
  "'": '$',
};
const GNU_CLASSES: Record<string, string> = { w: '\\w', W: '\\W', s: '\\s', S: '\\S' };

/** Matches nowhere. */
const NOTHING = '[]';

class BasicRegex {
  private readonly text: string;
  private at = 0;
  private groups = 0;
  private readonly closed: Set<number> = new Set();

  constructor(text: string) {
    this.text = text;
  }

  translate(): string {
    const regex = this.alternatives(0);
    if (this.at < this.text.length) throw new Error('unmatched \\)');
    return regex;
  }

  /** Up to the end or to the `\)` of the open group. */
  private alternatives(depth: number): string {
    let out = this.branch(depth);
    while (this.take('\\|')) out += `|${this.branch(depth)}`;
    return out;
  }

  private branch(depth: number): string {
    let out = '';
    // At the start, and after an anchor, a repetition is an ordinary character.
    let atom = '';
    let repeat = '';
    if (this.take('^')) out = '^';
    while (this.at < this.text.length && !this.looksAt('\\|')) {
      if (this.looksAt('\\)')) {
        if (depth === 0) throw new Error('unmatched \\)');
        break;
      }
      const next = this.repetition(atom !== '');
      if (next !== undefined) {
        if (this.looksAt('*') || this.looksAt('\\{')) throw new Error('repeated repetition');
        // Written side by side, `a+?` would mean something else.
        if (repeat !== '') atom = `(?:${atom}${repeat})`;
        repeat = next;
        continue;
      }
      out += atom + repeat;
      repeat = '';
      const anchor = this.anchor();
      out += anchor ?? '';
      atom = anchor === undefined ? this.atom(depth) : '';
    }
    return out + atom + repeat;
  }

  /** `*`, `\+`, `\?` or `\{m,n\}` as JavaScript writes it, where there is something to repeat. */
  private repetition(hasAtom: boolean): string | undefined {
    if (this.looksAt('\\{')) {
      if (!hasAtom) throw new Error('nothing to repeat before \\{');
      return this.interval();
    }
    if (!hasAtom) return undefined;
    if (this.take('*')) return '*';
    if (this.take('\\+')) return '+';
    return this.take('\\?') ? '?' : undefined;
  }

  private interval(): string {
    const found = /^\\\{(\d*)(,?)(\d*)\\\}/.exec(this.text.slice(this.at));
    const [whole = '', from = '', comma = '', to = ''] = found ?? [];
    const least = Number(from);
    const most = comma === '' ? least : to === '' ? undefined : Number(to);
    if (whole === '' || (from === '' && comma === '')) throw new Error('bad \\{…\\}');
    if (least > (most ?? least) || Math.max(least, most ?? 0) > MAX_REPEAT) {
      throw new Error('bad numbers in \\{…\\}');
    }
    this.at += whole.length;
    return `{${least},${most ?? ''}}`;
  }

  /** What matches between characters. `$` does so at the end of a branch only. */
  private anchor(): string | undefined {
    const rest = this.text.slice(this.at);
    if (/^\$($|\\\||\\\))/.test(rest)) {
      this.at++;
      return '$';
    }
    const form = rest[0] === '\\' ? own(GNU_ANCHORS, rest[1] ?? '') : undefined;
    if (form !== undefined) this.at += 2;
    return form;
  }

  private atom(depth: number): string {
    const char = this.text[this.at++] ?? '';
    if (char === '.') return '.';
    if (char === '[') return this.bracket();
    if (char !== '\\') return literal(char);
    const escaped = this.text[this.at++];
    if (escaped === undefined) throw new Error('it ends in a backslash');
    if (escaped === '(') return this.group(depth);
    if (/[1-9]/.test(escaped)) {
      if (!this.closed.has(Number(escaped))) throw new Error(`there is no group ${escaped}`);
      return `(?:\\${escaped})`;
    }
    // glibc, told to ignore case, looks at the text in capitals, but leaves an escaped letter small.
    if (/[a-z]/.test(escaped) && own(GNU_CLASSES, escaped) === undefined) return NOTHING;
    return own(GNU_CLASSES, escaped) ?? literal(escaped);
  }

  private group(depth: number): string {
    const number = ++this.groups;
    const inner = this.alternatives(depth + 1);
    if (!this.take('\\)')) throw new Error('unmatched \\(');
    this.closed.add(number);
    return `(${inner})`;
  }

  /** `[…]`, its `[` taken: no escapes, and a `]` that comes first is itself. */
  private bracket(): string {
    const not = this.take('^') ? '^' : '';
    let out = this.bracketItem();
    while (!this.take(']')) {
      if (this.looksAt('-') && this.text[this.at + 1] !== ']') throw new Error('misplaced - in [');
      out += this.bracketItem();
    }
    return `[${not}${out}]`;
  }

  /** `[:alpha:]`, `a-z` or a character. */
  private bracketItem(): string {
    if (this.looksAt('[:')) return this.bracketClass();
    // Told to ignore case, glibc compares capitals: `[$-k]` ends at K.
    const from = this.bracketChar().toUpperCase();
    if (!this.looksAt('-') || this.text[this.at + 1] === ']') return literal(from);
    this.at++;
    const to = this.bracketChar().toUpperCase();
    if (from > to) throw new Error(`range ${from}-${to} is empty`);
    return `${literal(from)}-${literal(to)}`;
  }

  private bracketClass(): string {
    const [whole = '', name = ''] = /^\[:(\w*):\]/.exec(this.text.slice(this.at)) ?? [];
    const form = own(CLASSES, name);
    if (form === undefined) throw new Error(`there is no class [:${name}:]`);
    this.at += whole.length;
    return form;
  }

  /** One character of a bracket: itself, or `[.x.]`, or `[=x=]`. */
  private bracketChar(): string {
    const named = /^\[([.=])(.)\1\]/.exec(this.text.slice(this.at));
    const char = named?.[2] ?? this.text[this.at] ?? '';
    if (named === null && (this.looksAt('[.') || this.looksAt('[=')))
      throw new Error('unmatched [');
    if (char === '') throw new Error('unmatched [');
    this.at += named?.[0].length ?? 1;
    return char;
  }

  private looksAt(token: string): boolean {
    return this.text.startsWith(token, this.at);
  }

  private take(token: string): boolean {
    if (!this.looksAt(token)) return false;
    this.at += token.length;
    return true;
  }
}

function literal(char: string): string {
  return /[\w ]/.test(char) ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function own(table: Record<string, string>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
