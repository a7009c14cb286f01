// The lines that every report begins with: which run, and how far its numbers can be trusted.

import { counted, formatRate, formatSeconds } from '../base/bytes-format.ts';
import type { Completeness, RunSummary } from '../run/run-summary.ts';
import { escapeText } from './escape.ts';

/** `debian-plain   Linux 6.1.0-56-amd64, 2 CPUs, 8.4 s from 0.429 s (trace-dat)` */
export function runLine(run: RunSummary): string {
  const parts = [
    run.kernelRelease === null ? 'unknown kernel' : `Linux ${escapeText(run.kernelRelease)}`,
  ];
  if (run.cpus !== null) parts.push(counted(run.cpus, 'CPU'));
  if (run.durationSec !== null && run.firstNs !== null) {
    parts.push(`${formatSeconds(run.durationSec)} from ${moment(run.firstNs)}`);
  } else if (run.firstNs !== null && run.lastNs !== null) {
    parts.push(`${run.clock ?? 'unnamed'} clock from ${run.firstNs} to ${run.lastNs}`);
  }
  return `${escapeText(run.label)}   ${parts.join(', ')} (${run.format})\n`;
}

/** A time of the trace as the trace prints it: `204.013 s`, of decimal nanoseconds. */
export function moment(ns: string, decimals = 3): string {
  return `${(Number(ns) / 1e9).toFixed(decimals)} s`;
}

/** A rate in a column whose heading says `/s` already. */
export function bareRate(perSec: number | bigint | null): string {
  return formatRate(perSec).replace('/s', '');
}

/** What makes the numbers less than exact; nothing where all is well. */
export function doubts(completeness: Completeness): string[] {
  const lines: string[] = [];
  const { lostEvents, badRecords, sampled, notes } = completeness;
  if (sampled) lines.push(...notes.slice(0, 1));
  if (lostEvents > 0) {
    lines.push(
      counted(
        lostEvents,
        'event was lost: a free that is lost looks like a leak',
        'events were lost: frees among them look like leaks',
      ),
    );
  }
  if (badRecords > 0) {
    lines.push(
      counted(badRecords, 'damaged record was passed over', 'damaged records were passed over'),
    );
  }
  return [...lines, ...(sampled ? notes.slice(1) : notes)];
}

/** Columns that nothing may wrap at. */
const TEXT_WIDTH = 100;

/** `name   text`, broken as `wrapped` does. */
export function labelled(name: string, text: string): string {
  return wrapped(`  ${name.padEnd(13)}`, text);
}

/** The text behind a prefix, broken at blanks so that no line is too wide; further lines indented. */
export function wrapped(prefix: string, text: string): string {
  const margin = ' '.repeat(prefix.length);
  let result = '';
  let line = prefix;
  for (const word of text.split(' ')) {
    const isFirst = line === prefix || line === margin;
    if (!isFirst && line.length + 1 + word.length > TEXT_WIDTH) {
      result += `${line}\n`;
      line = margin + word;
    } else line += isFirst ? word : ` ${word}`;
  }
  return `${result}${line}\n`;
}

/** Instead of a report's tables: why there is nothing to speak of; undefined where there is. */
export function nothingText(run: RunSummary, completeness: Completeness): string | undefined {
  if (completeness.empty === null) return undefined;
  const why = wrapped('', escapeText(completeness.empty));
  return `${runLine(run)}
${why}${trustFooter(completeness)}`;
}

/** The doubts, as a report of its own ends with. */
export function trustFooter(completeness: Completeness): string {
  const lines = doubts(completeness);
  return lines.length === 0 ? '' : `\n${lines.map((line) => labelled('note', line)).join('')}`;
}
