// Texts that are told by how they begin: pages, JSON, results of our own.

import type { ForeignText } from './foreign-file.ts';
import { KERNEL_LOG } from './kernel-files.ts';

const OWN =
  'Give what it was made from: the recording itself, or a database that `slabreplay ingest` made.';

/** The first that matches. */
export const DOCUMENTS: readonly ForeignText[] = [
  {
    title: 'a report that slabreplay made',
    advice: OWN,
    mark: /^<!doctype html[\s\S]*<meta name="generator" content="slabreplay/i,
  },
  {
    title: 'a page of HTML',
    advice:
      'Save the text that it shows instead: pages of pastes and trackers have a link to it, often called "raw".',
    mark: /^\s*(?:<!doctype html|<html|<head|<\?xml[^>]*>\s*<html)/i,
  },
  {
    title: 'the JSON of a result of slabreplay',
    advice: OWN,
    mark: /^\s*\{\s*"formatVersion": *\d+,\s*"type": *"/,
  },
  {
    title: "perf's JSON (perf data convert --to-json)",
    advice: 'Give perf.data itself, or the text of `perf script`.',
    mark: /^\s*\{[\s\S]*"linux-perf-json-version"/,
  },
  {
    title: 'the JSON of bpftrace',
    advice: 'Let the script print a line of CSV for each event, which can be read (docs/csv.md).',
    mark: /^\s*\{"type": "(?:attached_probes|map|printf|value|hist|stats|time|lost_events)", "data"/,
  },
  {
    title: 'a profile or trace in JSON for a browser (speedscope, Chrome, Perfetto)',
    advice: 'Give the recording that it was made from.',
    mark: /^\s*\{[\s\S]*(?:speedscope\.app\/file-format-schema|"traceEvents" *:)|^\s*\[\s*\{\s*"(?:name|ph|pid|cat)" *:/,
  },
  { title: 'SARIF', advice: OWN, mark: /^\s*\{[\s\S]*"\$schema" *: *"[^"]*sarif/ },
  {
    title: 'a kernel log as JSON (journalctl -o json, dmesg -J)',
    advice: KERNEL_LOG.advice,
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what json-seq puts before a record
    mark: /^(?:data: )?\x1e?\s*(?:\{\s*"dmesg"\s*:|[{[][\s\S]*"MESSAGE"\s*:)/,
  },
  {
    title: 'JSON',
    advice:
      'Of this JSON no events are read. Write an object for each event, or CSV (docs/csv.md).',
    mark: /^\s*(?:\{\s*(?:"[^"\n]*" *:|\}\s*$)|\[\s*[{["\]])/,
  },
  { title: 'XML', advice: 'Give the text of the trace.', mark: /^\s*<(?:\?xml|svg)\b/ },
  { title: 'a script', advice: 'Give the file that it writes.', mark: /^#!/ },
  {
    title: 'the message of a command that failed, not its output',
    advice: 'Make it again; most files of the kernel need root.',
    mark: /^(?:.{1,90}: (?:Permission denied|No such file or directory|command not found|Operation not permitted)\s*){1,3}$/,
  },
  {
    title: 'stacks for a flame graph',
    advice: 'They hold sums and no events. Give the recording that they were made from.',
    mark: /^(?:[^;\n]+(?:;[^;\n]+)+ \d+(?:\n|$)){1,3}/,
  },
  {
    title: 'a patch',
    advice: 'Give the text of the trace.',
    mark: /^diff --git |^--- \S.*\n\+\+\+ \S/,
  },
];
