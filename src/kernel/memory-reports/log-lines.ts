// A kernel log as people have it → its messages, one by one, without what stands before them. Escapes
// of mails and pages are undone, colours and carriage returns left out, lines that a mail program
// broke put together again. A prefix that log-prefix.ts does not know is learnt from the line that
// begins a report: the lines below it have the same.

import { type PrefixedText, stripPrefix } from './log-prefix.ts';
import { HEAD_MARK } from './report-heads.ts';

export interface LogLine extends PrefixedText {
  /** Number in the log, from 1. */
  readonly line: number;
}

/** Longer lines are no kernel's: printk cuts at 1024. */
const MOST_CHARS = 4096;
/** Prefixes that are learnt from one log. */
const MOST_LEARNT = 8;

// biome-ignore lint/suspicious/noControlCharactersInRegex: what terminals take as colours
const COLOURS = /(?:\x1b|\^\[|\u241b)\[[0-9;?]*[A-Za-z]/g;
/** Tabs and line ends as rsyslog (`#011`) and others (`\\x0a`) write them. */
const ESCAPED = /#01[123](?!\d)|\\x0[9ad]/g;
const QUOTED = /\b(?:age|fp|size|cache|cpu|pid|objects|used|flags|inuse|offset|ptr|call_site)=3D/;
const HEX_ESCAPE = /=([0-9A-F]{2})/g;
const ENTITY = /&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,5});/;
const TAG = /<\/?(?:br|pre|code|p|div|span|td|tr|th|li|font|tt|samp|b|i|a)(?:\s[^<>]{0,200})?\/?>/g;
const ENTITIES: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
  '&quot;': '"',
  '&apos;': "'",
  '&nbsp;': ' ',
};

/** A line of SLUB's trace (slub-trace.ts). */
export const TRACE_MARK: RegExp = /TRACE \S+ (?:alloc|free) 0x/;
const MARK = new RegExp(`${HEAD_MARK.source}|${TRACE_MARK.source}`);
/** Words that stand before such a text where somebody writes about it. */
const PROSE = /\b(?:Subject|Re|Fwd|summary|title):\s*(?:\[[^\]]*\]\s*)*$/i;

/** The lines of a log. */
export class LogLines {
  readonly messages: LogMessages;
  private readonly text: string;
  private at = 0;
  private number = 0;

  constructor(text: string) {
    this.text = text;
    this.messages = new LogMessages(text);
  }

  /** The next line as it is, undefined at the end. */
  next(): RawLine | undefined {
    const { text } = this;
    if (this.at >= text.length) return undefined;
    const line = this.number + 1;
    let raw = this.cut();
    while (this.messages.goesOn(raw) && raw.length < MOST_CHARS && this.at < text.length) {
      raw = raw.replace(/=\s*$/, '') + this.cut();
    }
    return { raw, line };
  }

  private cut(): string {
    const end = this.text.indexOf('\n', this.at);
    const to = end < 0 ? this.text.length : end;
    const raw = this.text.slice(this.at, Math.min(to, this.at + MOST_CHARS + 1));
    this.at = to + 1;
    this.number++;
    return raw;
  }
}

interface RawLine {
  readonly raw: string;
  readonly line: number;
}

/** Lines of one log → their messages. */
export class LogMessages {
  private readonly isQuoted: boolean;
  private readonly hasEntities: boolean;
  private readonly learnt: RegExp[] = [];

  /** @param sample of the log, or all of it: how its text is escaped */
  constructor(sample: string) {
    this.isQuoted = QUOTED.test(sample);
    this.hasEntities = ENTITY.test(sample);
  }

  /** Whether a line goes on in the next one, as quoted-printable says it. */
  goesOn(raw: string): boolean {
    return this.isQuoted && /=\s*$/.test(raw);
  }

  /** The message of a line; undefined for what is too long to be one. */
  read({ raw, line }: RawLine): LogLine | undefined {
    if (raw.length > MOST_CHARS) return undefined;
    const clean = this.clean(raw);
    const known = stripPrefix(clean);
    const mark = MARK.exec(known.text);
    if (mark === null || mark.index === 0) {
      return { ...(mark === null ? (this.byLearnt(clean) ?? known) : known), line };
    }
    // Something unknown stands before it, maybe with a known prefix on either side of it.
    const start = clean.length - known.text.length + mark.index;
    const prefix = clean.slice(0, start);
    if (PROSE.test(prefix)) return { ...known, line };
    if (this.learnt.length < MOST_LEARNT) this.learnt.push(patternOf(prefix));
    return { ...this.cutAt(clean, start), line };
  }

  private byLearnt(clean: string): PrefixedText | undefined {
    for (const pattern of this.learnt) {
      const match = pattern.exec(clean);
      if (match !== null) return this.cutAt(clean, match[0].length);
    }
    return undefined;
  }

  /** What a prefix of its own says: the known pieces in it are found wherever they stand. */
  private cutAt(clean: string, start: number): PrefixedText {
    const prefix = clean.slice(0, start);
    let found: PrefixedText = { text: '', atSec: null, caller: null, isTimed: true };
    for (let at = prefix.indexOf('['); at >= 0; at = prefix.indexOf('[', at + 1)) {
      const { atSec, caller } = stripPrefix(prefix.slice(at));
      found = { ...found, atSec: found.atSec ?? atSec, caller: found.caller ?? caller };
    }
    return { ...found, text: clean.slice(start).trimEnd() };
  }

  private clean(raw: string): string {
    let clean = raw.replace(/^\r+|\s+$/g, '');
    if (clean.includes('[')) clean = clean.replace(COLOURS, '');
    if (clean.includes('#01') || clean.includes('\\x0'))
      clean = clean.replace(ESCAPED, ' ').trimEnd();
    if (this.isQuoted) {
      clean = clean.replace(HEX_ESCAPE, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
    }
    if (this.hasEntities) {
      clean = clean
        .replace(TAG, '')
        .replace(/&(?:\w{2,4}|#\d{1,5});/g, (word) =>
          word.startsWith('&#')
            ? String.fromCharCode(Number(word.slice(2, -1)))
            : (ENTITIES[word] ?? word),
        );
    }
    // The end of a row of a table.
    return clean.replace(/\s*\|$/, '').replace(/\r/g, ' ');
  }
}

/** A prefix with everything that changes from line to line left open. */
function patternOf(prefix: string): RegExp {
  const source = prefix
    .slice(-200)
    .replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
    .replace(/\d+/g, '\\d+')
    .replace(/\s+/g, '\\s*')
    .replace(/(\\s\*)?$/, '\\s*');
  return new RegExp(prefix.length > 200 ? source : `^${source}`);
}
