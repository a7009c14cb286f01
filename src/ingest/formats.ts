// The formats that can be read, in the order in which they are tried (those first that the bytes
// look like, binary or text). Binary ones have a mark at their start; text is what is left and looks
// for lines that it knows. A format's reader is loaded only when it is tried: most commands need one.

import { TraceFormatError, UsageError } from '../base/errors.ts';
import { STDIN } from '../base/input-bytes.ts';
import type { ForeignFile } from '../recording/foreign/foreign-file.ts';
import { foreignFile } from '../recording/foreign/name-foreign.ts';
import type { TraceFormat } from './format.ts';
import { isCpuFileName } from './raw-pages/cpu-files.ts';

const LOAD = new Map<string, () => Promise<TraceFormat>>([
  ['trace-dat', async () => (await import('./trace-dat/trace-dat.ts')).traceDatFormat],
  ['perf-data', async () => (await import('./perf-data/perf-data.ts')).perfDataFormat],
  ['perfetto', async () => (await import('./perfetto/perfetto.ts')).perfettoFormat],
  ['raw-pages', async () => (await import('./raw-pages/raw-pages.ts')).rawPagesFormat],
  ['ctf', async () => (await import('./babeltrace/ctf.ts')).ctfFormat],
  ['csv', async () => (await import('./csv/csv.ts')).csvFormat],
  ['json', async () => (await import('./json/json.ts')).jsonFormat],
  ['ftrace-text', async () => (await import('./text/ftrace-text.ts')).ftraceTextFormat],
  [
    'trace-cmd-report',
    async () => (await import('./text/trace-cmd-report.ts')).traceCmdReportFormat,
  ],
  ['perf-script', async () => (await import('./text/perf-script.ts')).perfScriptFormat],
  ['slub-trace', async () => (await import('./slub-trace/slub-trace.ts')).slubTraceFormat],
  ['babeltrace', async () => (await import('./babeltrace/babeltrace.ts')).babeltraceFormat],
]);

const BINARY: ReadonlySet<string> = new Set([
  'trace-dat',
  'perf-data',
  'perfetto',
  'raw-pages',
  'ctf',
]);

export function loadFormats(): Promise<TraceFormat[]> {
  return Promise.all([...LOAD.values()].map((load) => load()));
}

/**
 * The format of an input by its first bytes.
 * @throws TraceFormatError that lists what was tried and why each refused
 */
export async function detectFormat(head: Uint8Array, path: string): Promise<TraceFormat> {
  const answers = new Map<string, string>();
  // What has no byte 0 is text: the readers of the others need not be loaded.
  const names = [...LOAD.keys()].map((name) => ({
    name,
    isLikely: BINARY.has(name) === head.includes(0),
  }));
  for (const { name } of names.toSorted((a, b) => Number(b.isLikely) - Number(a.isLikely))) {
    const format = await formatByName(name);
    const answer = format.detect(head);
    if (answer === true) return format;
    answers.set(name, answer);
  }
  const foreign = foreignFile(head);
  if (foreign !== undefined) throw foreignError(path, foreign);
  /** Names of formats by why they refuse; the last are the texts', which tell most. */
  const refusals = new Map<string, string[]>();
  let why = '';
  for (const name of LOAD.keys()) {
    why = answers.get(name) ?? '';
    refusals.set(why, [...(refusals.get(why) ?? []), name]);
  }
  // A CPU that has no events has an empty file; those of the others lie beside it.
  if (head.length === 0 && isCpuFileName(path)) return formatByName('raw-pages');
  if (head.length === 0) throw new TraceFormatError(`${path}: the file is empty`);
  const tried = Array.from(refusals, ([reason, names]) => `${names.join(', ')}: ${reason}`);
  throw new TraceFormatError(`${path}: not a trace that can be read: ${why}`, {
    hint: `Tried ${tried.join('; ')}. \`slabreplay formats\` lists what can be read.`,
  });
}

/** The error for a file of a kind that is known and is no trace. */
export function foreignError(path: string, { title, advice }: ForeignFile): TraceFormatError {
  return new TraceFormatError(`${path}: not a trace: it is ${title}`, {
    hint: advice.replaceAll('FILE', path === STDIN ? 'FILE' : path),
  });
}

/** @throws UsageError where there is no such format */
export async function formatByName(name: string): Promise<TraceFormat> {
  const load = LOAD.get(name);
  if (load !== undefined) return load();
  throw new UsageError(`there is no input format "${name}"`, {
    hint: `Known: ${[...LOAD.keys()].join(', ')}.`,
  });
}
