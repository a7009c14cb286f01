// A kernel log → the reports of memory bugs in it: SLUB's, KASAN's, KFENCE's. A report is held together
// across lines that others print in between: by the caller where the log has it (`[  T123]`), else by
// what the lines say.

import { isRestOf } from './broken-lines.ts';
import { readJournal } from './journal.ts';
import { type LogLine, LogLines } from './log-lines.ts';
import type { MemoryReport } from './memory-report.ts';
import { OpenReport } from './open-report.ts';
import {
  CAUSE,
  PRINTED_FOR_KASAN,
  parseHead,
  parseOtherHead,
  type ReportHead,
} from './report-heads.ts';
import { readLine } from './report-lines.ts';

export interface MemoryReports {
  readonly reports: readonly MemoryReport[];
  /** Reports about other things than objects of a slab, by who made them: KCSAN, UBSAN, KMSAN. */
  readonly others: ReadonlyMap<string, number>;
}

/** Lines without one of the report, after which nothing more is looked for. */
const MOST_FOREIGN = 400;
/** Lines between the cause and the header that says "Object corrupt". */
const CAUSE_LINES = 8;
/** Whether a line may begin anything: all others are passed over while no report is open. */
const INTERESTING = /BUG|SLUB|overwritten\]|SAN: |slab cache\. |different cache/;
const CUT_HERE = /^-+\[ cut here \]-+/;
/** The line that KASAN and KFENCE end with; the longer one begins a report of SLUB. */
const RULE = /^={60,70}$/;
const SLUB_RULE = /^={71,}$/;

export function parseMemoryReports(text: string): MemoryReports {
  const journal = readJournal(text);
  if (journal === undefined) return parseLog(text);
  const { reports, others } = parseLog(journal.text);
  const lineOf = (line: number): number => journal.lines[line - 1] ?? line;
  return { reports: reports.map((each) => ({ ...each, line: lineOf(each.line) })), others };
}

function parseLog(text: string): MemoryReports {
  const reader = new ReportReader();
  const lines = new LogLines(text);
  let last: LogLine | undefined;
  for (let raw = lines.next(); raw !== undefined; raw = lines.next()) {
    if (last === undefined && !reader.isOpen && !INTERESTING.test(raw.raw)) continue;
    const line = lines.messages.read(raw);
    if (line === undefined) continue;
    if (last !== undefined && isRestOf(line, last) && last.text.length < MOST_TEXT) {
      last = { ...last, text: `${last.text.trimEnd()} ${line.text.trim()}` };
      continue;
    }
    if (last !== undefined) reader.add(last);
    last = reader.isOpen || INTERESTING.test(line.text) ? line : undefined;
  }
  if (last !== undefined) reader.add(last);
  return reader.finish();
}

/** Broken lines are put together up to this length. */
const MOST_TEXT = 2048;

class ReportReader {
  private readonly reports: MemoryReport[] = [];
  private readonly others = new Map<string, number>();
  /** Reports that are being printed, by caller; one where the log names none. */
  private readonly open = new Map<string, OpenReport>();
  private readonly causes = new Map<string, LogLine>();

  get isOpen(): boolean {
    return this.open.size > 0;
  }

  add(line: LogLine): void {
    const text = line.text.trim();
    const key = line.caller ?? '';
    for (const [caller, report] of this.open) {
      if (line.line - report.lastLine > MOST_FOREIGN) this.close(caller);
    }
    if (CAUSE.test(text)) {
      // Of the header that follows; further damage of an object has none.
      this.causes.set(key, line);
      return;
    }
    const head = parseHead(text);
    if (head !== undefined) this.begin(head, line, key);
    else this.readOn(line, text, key);
  }

  finish(): MemoryReports {
    for (const caller of [...this.open.keys()]) this.close(caller);
    return { reports: this.reports.sort((a, b) => a.line - b.line), others: this.others };
  }

  private begin(head: ReportHead, line: LogLine, key: string): void {
    const open = this.open.get(key);
    if (open?.tool === 'KASAN' && PRINTED_FOR_KASAN.test(head.title)) {
      open.cache ??= head.cache;
      open.lastLine = line.line;
      return;
    }
    // syzkaller has the line once for each inlined function; some logs have every line twice.
    const isAgain =
      open !== undefined &&
      open.understood === 0 &&
      open.tool === head.tool &&
      open.title === head.title &&
      line.line - open.lastLine <= 1 &&
      (head.tool !== 'SLUB' || open.cache === head.cache);
    if (isAgain) {
      open.foundIn = head.foundIn ?? open.foundIn;
      open.lastLine = line.line;
      return;
    }
    this.close(key);
    const report = new OpenReport(head, line);
    const cause = this.causes.get(key);
    if (head.title === 'Object corrupt' && cause !== undefined) {
      if (line.line - cause.line <= CAUSE_LINES) {
        report.title = CAUSE.exec(cause.text.trim())?.[1] ?? report.title;
        readLine(report, cause.text);
      }
    }
    this.causes.delete(key);
    this.open.set(key, report);
  }

  private readOn(line: LogLine, text: string, key: string): void {
    const other = parseOtherHead(text);
    if (other !== undefined) {
      this.others.set(other, (this.others.get(other) ?? 0) + 1);
      this.close(key);
      return;
    }
    const report = this.open.get(key) ?? (line.caller === null ? this.latest() : this.open.get(''));
    if (report === undefined) return;
    const caller = report.caller ?? '';
    // cache_from_obj() prints the tracks behind its own warning.
    const isWarned = CUT_HERE.test(text) && !/cache/.test(report.title);
    const isOver =
      isWarned || (report.understood > 0 && (report.tool === 'SLUB' ? SLUB_RULE : RULE).test(text));
    if (isOver) {
      this.close(caller);
      return;
    }
    // A repair ends the report but in 6.11 to 6.14, which print it before the object.
    if (text.startsWith('FIX ') || text.startsWith('@@@ SLUB ')) {
      if (report.hasObject && !report.listsObjects) this.close(caller);
      return;
    }
    if (!readLine(report, line.text)) return;
    report.understood++;
    report.lastLine = line.line;
  }

  private latest(): OpenReport | undefined {
    let latest: OpenReport | undefined;
    for (const report of this.open.values()) {
      if (latest === undefined || report.lastLine > latest.lastLine) latest = report;
    }
    return latest;
  }

  private close(caller: string): void {
    const report = this.open.get(caller);
    if (report === undefined) return;
    this.reports.push(report.finish());
    this.open.delete(caller);
  }
}
