// A comparison as JUnit XML, which every CI system shows: a test case for each gate, failed where it
// was crossed. Without gates every cache and call site that got worse is a failed case.

import { escapeText } from '../../render/escape.ts';
import {
  answerOf,
  changeText,
  crossingText,
  METRIC_TITLES,
  percentText,
  valueText,
} from './compare-names.ts';
import { subjectText } from './figures/subject.ts';
import type { Comparison } from './judge/comparison.ts';

interface Case {
  readonly name: string;
  /** What failed, line by line, the first being the message; undefined where it passed. */
  readonly failure?: { readonly type: string; readonly lines: readonly string[] } | undefined;
  /** A gate that could not be judged. */
  readonly error?: string | undefined;
}

export function renderJunit(comparison: Comparison, title: string = 'slabreplay compare'): string {
  const cases = comparison.gates.length > 0 ? gateCases(comparison) : rowCases(comparison);
  const failures = cases.filter((c) => c.failure !== undefined).length;
  const errors = cases.filter((c) => c.error !== undefined).length;
  // Some readers want a time; a comparison has none that would be the same each time.
  const counts = `tests="${cases.length}" failures="${failures}" errors="${errors}" time="0"`;
  const name = `name="${escapeXml(title)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${name} ${counts}>`,
    `  <testsuite ${name} ${counts} skipped="0">`,
    ...cases.flatMap((c) => caseLines(c, title)),
    `    <system-out>${textOf([answerOf(comparison), ...comparison.warnings])}</system-out>`,
    '  </testsuite>',
    '</testsuites>',
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function caseLines({ name, failure, error }: Case, suite: string): string[] {
  const head = `    <testcase name="${escapeXml(name)}" classname="${escapeXml(suite)}" time="0"`;
  const what =
    error === undefined ? failure : { type: 'gate that matches nothing', lines: [error] };
  if (what === undefined) return [`${head}/>`];
  const tag = error === undefined ? 'failure' : 'error';
  const message = `message="${escapeXml(what.lines[0] ?? '')}" type="${what.type}"`;
  const body = `      <${tag} ${message}>${textOf(what.lines)}</${tag}>`;
  return [`${head}>`, body, '    </testcase>'];
}

function gateCases({ gates }: Comparison): Case[] {
  return gates.map(({ spec, matched, rows }) => {
    if (matched === 0) return { name: spec, error: 'the gate matches no row' };
    const lines = rows.map((row) => `${subjectText(row)} ${crossingText(row)}`);
    return { name: spec, failure: rows.length === 0 ? undefined : { type: 'gate', lines } };
  });
}

function rowCases(comparison: Comparison): Case[] {
  const worse = comparison.rows.filter((row) => row.verdict === 'regression');
  if (worse.length === 0) return [{ name: 'no regression' }];
  return worse.map((row) => {
    const change = `${changeText(row.delta, row.unit)} (${percentText(row)})`;
    const was = `${valueText(row.baseMedian, row.unit)} -> ${valueText(row.newMedian, row.unit)}`;
    return {
      name: `${KINDS[row.subject]}${subjectText(row)}: ${METRIC_TITLES[row.metric]}`,
      failure: { type: 'regression', lines: [change, was, row.reason] },
    };
  });
}

const KINDS = { total: '', cache: 'cache ', site: 'call site ' } as const;

/** Lines as the content of an element; a name cannot break one. */
function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${escapeXml(line)}\n`).join('');
}

/**
 * One line as XML 1.0, which has no control characters, surrogates, U+FFFE and U+FFFF: they are
 * shown as their code.
 */
export function escapeXml(text: string): string {
  return escapeText(text)
    .replace(/[\ufffe\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&apos;');
}
