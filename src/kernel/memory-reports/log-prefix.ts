// What stands before the text of a kernel message: times, who printed it, level, host, quotes of a
// mail. Taken off piece by piece, whatever the order, because people put one program's output through
// another's: dmesg and its options, /dev/kmsg, syslog, journalctl, netconsole, logcat, consoles,
// vendor kernels, grep -n. What none of these pieces fits is learnt from the line that begins a report
// (log-lines.ts).

export interface PrefixedText {
  readonly text: string;
  /** Seconds since boot; null where none are printed, or a date instead. */
  readonly atSec: number | null;
  /** Who printed it, as CONFIG_PRINTK_CALLER (`T123`, `C1`) and vendors say; null where not. */
  readonly caller: string | null;
  /** True where a time or a date stood before it. */
  readonly isTimed: boolean;
}

/** `[   12.345678]`, with a CPU (`@1`), an `s`, or the step since the last line (dmesg -d) in it. */
const SECONDS = /^\s*(\d{1,10}\.\d{1,9})s?(?:@\d+|,\s*\d+)?\s*(?:<[^>]*>|[/|] .*)?\s*$/;
const TIME_OF_DAY = /\d\d:\d\d/;
const CALLER = /^\s*(?:[TC]\d+|pid:.*|\d+:.*)\s*$/;
// Not what belongs to the text: `[<ffffffff81046ea6>] frame`, `[Poison overwritten] 0x…`.
const BRACKETS =
  /\[(?![^\]]*overwritten\])(?!\s*<)(?!\s*(?:0x)?[0-9a-f]{8,16}\s*\])([^[\]]{1,80})\](?:d(?= ))?/y;

const DAY = `(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?`;
const CLOCK = String.raw`\d\d:\d\d:\d\d(?:[.,]\d{1,9})?`;
const DATES: readonly RegExp[] = [
  String.raw`${DAY}\d{4}[-/]\d\d[-/]\d\d[T ]${CLOCK}(?:Z|\s?[+-]\d\d:?\d\d)?(?: (?:UTC|[A-Z]{1,4}T)(?= ))?`,
  String.raw`${DAY}(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+\d{1,2} ${CLOCK}(?: \d{4})?`,
  String.raw`\d\d-\d\d ${CLOCK}`,
  CLOCK,
  String.raw`\d{10}\.\d{3,9}(?= )`,
].map((source) => new RegExp(source, 'y'));

const KMSG = /\d{1,4},\d+,(\d{1,16}),[-+cf](?:,([^;]{0,200}))?;/y;
const LEVELS = 'emerg|alert|crit|err|error|warn|warning|notice|info|debug';
/** Without anything to be learned from them. */
const PLAIN: readonly RegExp[] = [
  String.raw`\s+`,
  '[>|](?!=)',
  String.raw`(?:[-+*#]|\/\/)\s+`,
  String.raw`<\d{1,3}>(?:1 )?`,
  String.raw`[-.~]?\(\d+\)(?=\[)`,
  String.raw`\((?:CPU|cpu)\W?\d[^)]{0,60}\)`,
  String.raw`[a-z]{4,8}\d?\s*:\s*(?:${LEVELS})\s*:`,
  // host1 kern.err kernel:, kernel[0]:, host1 ERR kernel:, rsyslog's `host1 kernel - - -`
  String.raw`(?:[\w.:-]{1,64} ){0,3}(?:kernel|klogd)(?:\[\d+\]|\(\d+\))?:`,
  String.raw`[\w.:-]{1,64} kernel - - (?:- )?`,
  // logcat: threadtime, brief, tag
  String.raw`(?:[a-z]\w*\s+)?\d+\s+\d+ [VDIWEF] [^:]{0,40}:`,
  String.raw`[VDIWEF]\/[^(:]{0,40}(?:\(\s*\d+\))?:`,
  String.raw`c\d{1,2}\s+(?:\d+\s+|(?=[A-Z[(]))`,
  // grep -n, with the name of the file
  String.raw`(?:[\w./-]{1,80}:)?\d{1,7}(?::(?!\d)|-(?=[[<\s]))`,
].map((source) => new RegExp(source, 'y'));

/** Pieces of a line at most. */
const MOST_PIECES = 24;

/** Takes the pieces that are known off the start of a line. */
export function stripPrefix(line: string): PrefixedText {
  let at = 0;
  let atSec: number | null = null;
  let caller: string | null = null;
  let isTimed = false;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(line);
    if (match !== null) at += match[0].length;
    return match;
  };
  for (let piece = 0; piece < MOST_PIECES; piece++) {
    const inside = take(BRACKETS)?.[1];
    if (inside !== undefined) {
      const seconds = SECONDS.exec(inside)?.[1];
      if (seconds !== undefined) atSec ??= Number(seconds);
      else if (CALLER.test(inside) && !TIME_OF_DAY.test(inside)) caller ??= inside.trim();
      isTimed ||= seconds !== undefined || /\d/.test(inside);
      continue;
    }
    if (DATES.some(take)) {
      isTimed = true;
      continue;
    }
    const kmsg = take(KMSG);
    if (kmsg !== null) {
      atSec ??= Number(kmsg[1]) / 1e6;
      caller ??= /caller=([TC]\d+)/.exec(kmsg[2] ?? '')?.[1] ?? null;
      isTimed = true;
      continue;
    }
    if (!PLAIN.some(take)) break;
  }
  return { text: line.slice(at), atSec, caller, isTimed };
}
