// A comparison as JUnit XML, which every CI system shows: a test case for each gate, failed where it
// was crossed. Without gates every cache and call site that got worse is a failed case.

import type { Comparison } from '../analysis/compare/comparison.ts';
import {
  answerOf,
  changeText,
  crossingText,
  METRIC_TITLES,
  percentText,
  subjectName,
  valueText,
} from './compare-names.ts';
import { escapeText } from './escape.ts';

interface Case {
  readonly name: string;
  /** What failed, in a line and in full; undefined where it passed. */
  readonly failure?: { readonly message: string; readonly text: string } | undefined;
  /** A gate that could not be judged. */
  readonly error?: string | undefined;
}

export function renderJunit(comparison: Comparison, title: string = 'slabreplay compare'): string {
  const cases = comparison.gates.length > 0 ? gateCases(comparison) : rowCases(comparison);
  const failures = cases.filter((c) => c.failure !== undefined).length;
  const errors = cases.filter((c) => c.error !== undefined).length;
  const counts = `tests="${cases.length}" failures="${failures}" errors="${errors}"`;
  const name = `name="${escapeXml(title)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${name} ${counts}>`,
    `  <testsuite ${name} ${counts} skipped="0">`,
    ...cases.flatMap((c) => caseLines(c, title)),
    `    <system-out>${escapeXml(`${[answerOf(comparison), ...comparison.warnings].join('\n')}\n`)}</system-out>`,
    '  </testsuite>',
    '</testsuites>',
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function caseLines({ name, failure, error }: Case, suite: string): string[] {
  const head = `    <testcase name="${escapeXml(name)}" classname="${escapeXml(suite)}"`;
  if (error !== undefined) {
    return [`${head}>`, `      <error message="${escapeXml(error)}"/>`, '    </testcase>'];
  }
  if (failure === undefined) return [`${head}/>`];
  const message = `      <failure message="${escapeXml(failure.message)}">`;
  return [`${head}>`, `${message}${escapeXml(failure.text)}</failure>`, '    </testcase>'];
}

function gateCases({ gates }: Comparison): Case[] {
  return gates.map((gate) => {
    const name = gate.spec;
    if (gate.matched === 0) return { name, error: 'the gate matches no row' };
    const lines = gate.rows.map((row) => `${subjectName(row)} ${crossingText(row)}`);
    const [message] = lines;
    return message === undefined
      ? { name }
      : { name, failure: { message, text: `${lines.join('\n')}\n` } };
  });
}

function rowCases(comparison: Comparison): Case[] {
  const worse = comparison.rows.filter((row) => row.verdict === 'regression');
  if (worse.length === 0) return [{ name: 'no regression' }];
  return worse.map((row) => {
    const change = `${changeText(row.delta, row.unit)} (${percentText(row)})`;
    const was = `${valueText(row.baseMedian, row.unit)} -> ${valueText(row.newMedian, row.unit)}`;
    return {
      name: `${subjectName(row)}: ${METRIC_TITLES[row.metric]}`,
      failure: { message: change, text: `${was}\n${row.reason}\n` },
    };
  });
}

/** XML 1.0 has no control characters, surrogates, U+FFFE and U+FFFF: they are shown as their code. */
export function escapeXml(text: string): string {
  return text
    .split('\n')
    .map(escapeText)
    .join('\n')
    .replace(/[\ufffe\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&apos;');
}
