// The formats that can be read, in the order in which they are tried. Binary ones have a mark at
// their start; text is what is left and looks for lines that it knows.

import { TraceFormatError, UsageError } from '../base/errors.ts';
import { csvFormat } from './csv/csv.ts';
import type { TraceFormat } from './format.ts';
import { perfDataFormat } from './perf-data/perf-data.ts';
import { isCpuFileName } from './raw-pages/cpu-files.ts';
import { rawPagesFormat } from './raw-pages/raw-pages.ts';
import { babeltraceFormat } from './text/babeltrace.ts';
import { ftraceTextFormat } from './text/ftrace-text.ts';
import { perfScriptFormat } from './text/perf-script.ts';
import { traceCmdReportFormat } from './text/trace-cmd-report.ts';
import { traceDatFormat } from './trace-dat/trace-dat.ts';

export const TRACE_FORMATS: readonly TraceFormat[] = [
  traceDatFormat,
  perfDataFormat,
  rawPagesFormat,
  csvFormat,
  ftraceTextFormat,
  traceCmdReportFormat,
  perfScriptFormat,
  babeltraceFormat,
];

/**
 * The format of an input by its first bytes.
 * @throws TraceFormatError that lists what was tried and why each refused
 */
export function detectFormat(head: Uint8Array, path: string): TraceFormat {
  const refusals: string[] = [];
  for (const format of TRACE_FORMATS) {
    const answer = format.detect(head);
    if (answer === true) return format;
    refusals.push(`${format.name}: ${answer}`);
  }
  // A CPU that has no events has an empty file; those of the others lie beside it.
  if (head.length === 0 && isCpuFileName(path)) return rawPagesFormat;
  if (head.length === 0) throw new TraceFormatError(`${path}: the file is empty`);
  throw new TraceFormatError(`${path}: not a trace that can be read`, {
    hint: `Tried ${refusals.join('; ')}. \`slabreplay formats\` lists what can be read.`,
  });
}

/** @throws UsageError where there is no such format */
export function formatByName(name: string): TraceFormat {
  const format = TRACE_FORMATS.find((f) => f.name === name);
  if (format !== undefined) return format;
  throw new UsageError(`there is no input format "${name}"`, {
    hint: `Known: ${TRACE_FORMATS.map((f) => f.name).join(', ')}.`,
  });
}
