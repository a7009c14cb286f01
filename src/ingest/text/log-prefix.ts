// What a log puts before a line of a trace that went through it: ftrace_dump_on_oops and tp_printk
// print through the kernel log, and people send traces through logger.
//
//   [   55.200000] …                                   printk; with [  T412] or [    C1] (CONFIG_PRINTK_CALLER)
//   <4>[   55.200000] …                                 dmesg -r, a serial console
//   Aug 06 22:26:38 host1 kernel: [   55.200000] …      syslog, journalctl
//   2026-08-06T22:26:38.123456+02:00 host1 kernel: …    journalctl -o short-iso, rsyslog
//   [Thu Aug  6 22:26:38 2026] …                        dmesg -T
//   08-06 22:26:38.123  1234  1240 I kernel : …         logcat

/** A log's prefix before a line. */
export interface LogPrefix {
  readonly length: number;
  /** The time that printk gave the line, as its two numbers; undefined where none is printed. */
  readonly seconds: string | undefined;
  readonly fraction: string | undefined;
}

const LEVEL = String.raw`(?:<\d{1,3}>)?`;
const PRINTK = String.raw`${LEVEL}\[ *(\d{1,10})\.(\d{6})\](?: ?\[ *[TC]\d{1,10}\])?:? ?`;
const DATED = [
  String.raw`[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?(?: \S+)? [\w./-]+(?:\[\d+\])?: `,
  String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S* (?:\S+ )?[\w./-]+(?:\[\d+\])?: `,
  String.raw`\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} +\d+ +\d+ [VDIWEF] [^:]{1,40}: `,
].join('|');
const CTIME = String.raw`\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\](?: ?\[ *[TC]\d{1,10}\])? ?`;

const PREFIX = new RegExp(
  String.raw`^[\s>|]*${LEVEL}(?:(?:${DATED})(?:${PRINTK})?|${PRINTK}|${CTIME})`,
);
/** Said soon of nearly all lines: no log has touched them. */
const MAYBE =
  /^[\s>|]*(?:<\d|\[ *\d+\.\d{6}\]|\[[A-Z]|[A-Z][a-z]{2} [ \d]\d \d|\d{4}-\d\d-|\d\d-\d\d )/;

/** The prefix of a line, or undefined where no log has touched it. */
export function readLogPrefix(text: string): LogPrefix | undefined {
  if (!MAYBE.test(text)) return undefined;
  const match = PREFIX.exec(text);
  if (match === null) return undefined;
  const [all, datedSeconds, datedFraction, seconds, fraction] = match;
  return {
    length: all.length,
    seconds: seconds ?? datedSeconds,
    fraction: fraction ?? datedFraction,
  };
}
