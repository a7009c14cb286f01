// Which text format the first lines of a file are. One survey answers for all of them, so that no
// two claim the same file: `# tracer:` is tracefs, `cpus=2` trace-cmd, `kmem:kmalloc:` perf; pasted
// pieces without a header are told apart by how their events are written.

import { babeltraceLineGrammar } from '../babeltrace/babeltrace-line.ts';
import { type LineGrammar, LinePrefix } from './line-prefix.ts';
import { perfLineGrammar } from './perf-line.ts';
import { taskLineGrammar } from './task-line.ts';

export type TextFormatName = 'ftrace-text' | 'trace-cmd-report' | 'perf-script' | 'babeltrace';

/** The format of a text, or why it is none. */
type Survey = { readonly format: TextFormatName } | { readonly reason: string };

const QUOTE = /^(?:[>|](?: |$))*/;
const MAX_LINE = 4096;

const TRACEFS_HEADER = /^# (?:tracer: \S|entries-in-buffer\/entries-written: |\S+ latency trace v)/;
const TRACE_CMD_HEADER = /^cpus=\d+$|^CPU:\d+ \[(?:\d+ )?EVENTS DROPPED\]$/;
const PERF_HEADER = /^# (?:captured on|perf version) +: /;
const LOST = /^CPU:\d+ \[LOST (?:\d+ )?EVENTS\]$/;
/** What is given of a longer file. */
const HEAD_BYTES = 65536;
const PAGE = /^\s*<(?:!DOCTYPE html|html)\b/i;
/** perf report, which has the same header. */
const PERF_REPORT = /^# (?:Overhead {2}|Samples: )/;
const NO_FIELDS = /^(?:\d+ \d+ \d+|[0-9a-f]{8} [0-9a-f]{8} [0-9a-f]{16}) type: \d+$/;
const NO_PREFIX =
  /^(?:\S+ +\d+ \[\d+\] +)?(?:kmem:)?(?:kmalloc|kfree|kmem_cache_(?:alloc|free))(?:_node)?: +\S*call_site=/;

const PERF_EVENT = /^\s*(?:\d+\s+)?\w[\w-]*:[\w-]+:(?:\s|$)|^PERF_RECORD_/;
// trace-cmd and perf write pointers with 0x; so does options/fields, with the decimal value behind
const FOREIGN_POINTER = /\bptr=(?:0x[0-9a-f]+(?![0-9a-f]| \()|\(nil\))/;
const PADDED_NAME = /^[A-Za-z_]\w*: {2,}\S/;
const KMEM_EVENT = /^(?:kmalloc|kfree|kmem_cache_(?:alloc|free))(?:_node)?:/;

interface Votes {
  tracefs: number;
  traceCmd: number;
  perf: number;
  babeltrace: number;
  /** Lines that tracefs and trace-cmd may have written. */
  either: number;
}

const surveys = new WeakMap<Uint8Array, Survey>();

/** The text format of a file with these first bytes. */
function surveyText(head: Uint8Array): Survey {
  let survey = surveys.get(head);
  if (survey === undefined) {
    survey = inspect(head);
    surveys.set(head, survey);
  }
  return survey;
}

/** The answer of one format's `detect`. */
export function detectText(head: Uint8Array, format: TextFormatName): true | string {
  const survey = surveyText(head);
  if ('reason' in survey) return survey.reason;
  return survey.format === format || `its lines are those of ${survey.format}`;
}

function inspect(head: Uint8Array): Survey {
  if (head.length === 0) return { reason: 'the file is empty' };
  if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) {
    return { reason: 'it is UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8' };
  }
  if (head.includes(0)) return { reason: 'it holds zero bytes, so it is not text' };
  const lines = Buffer.from(head)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .split('\n');
  const votes = countVotes(lines);
  const format = choose(votes);
  if (format !== undefined) return { format };
  // A page of systrace: its trace stands behind the scripts of the viewer.
  const goesOn = head.length >= HEAD_BYTES;
  if (goesOn && PAGE.test(lines.slice(0, 20).join(' '))) return { format: 'ftrace-text' };
  if (lines.some((line) => NO_PREFIX.test(line.replace(QUOTE, '').trimStart()))) {
    return { reason: 'its events have no time (options/context-info off, or perf script -F)' };
  }
  return { reason: 'no line of it looks like an event' };
}

function choose(votes: Votes): TextFormatName | undefined {
  const { tracefs, traceCmd, perf, babeltrace, either } = votes;
  const most = Math.max(tracefs, traceCmd, perf, babeltrace);
  if (most === 0) return either > 0 ? 'ftrace-text' : undefined;
  if (babeltrace === most) return 'babeltrace';
  if (perf === most) return 'perf-script';
  return traceCmd > tracefs ? 'trace-cmd-report' : 'ftrace-text';
}

/** A header is as good as all the lines below it. */
const HEADER_VOTES = 1e6;

function countVotes(lines: readonly string[]): Votes {
  const votes: Votes = { tracefs: 0, traceCmd: 0, perf: 0, babeltrace: 0, either: 0 };
  const tasks = taskLineGrammar(true);
  const babeltrace = babeltraceLineGrammar();
  const isReport = lines.some((line) => PERF_REPORT.test(line));
  for (const whole of lines) {
    const line = whole.slice(0, MAX_LINE).replace(/\r$/, '');
    const bare = line.replace(QUOTE, '').trimStart();
    if (TRACEFS_HEADER.test(bare)) votes.tracefs += HEADER_VOTES;
    else if (TRACE_CMD_HEADER.test(bare)) votes.traceCmd += HEADER_VOTES;
    else if (PERF_HEADER.test(bare)) votes.perf += isReport ? 0 : HEADER_VOTES;
    else if (LOST.test(bare) || NO_FIELDS.test(bare)) votes.tracefs++;
    else voteForEvent(line, votes, tasks, babeltrace);
  }
  return votes;
}

const prefix = new LinePrefix();

function voteForEvent(
  line: string,
  votes: Votes,
  tasks: LineGrammar,
  babeltrace: LineGrammar,
): void {
  if (babeltrace.read(line, prefix)) {
    votes.babeltrace++;
    return;
  }
  if (perfLineGrammar.read(line, prefix) && PERF_EVENT.test(line.slice(prefix.rest))) {
    votes.perf++;
    return;
  }
  if (!tasks.read(line, prefix)) return;
  const event = line.slice(prefix.rest);
  const isKmem = KMEM_EVENT.test(event);
  if (prefix.instance !== '' || PADDED_NAME.test(event)) votes.traceCmd++;
  else if (isKmem && FOREIGN_POINTER.test(event)) votes.traceCmd++;
  else if (isKmem) votes.tracefs++;
  else if (!prefix.whole || prefix.taskEnd > 0) votes.either++;
}
