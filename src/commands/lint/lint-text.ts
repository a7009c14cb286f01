// `lint` as text: the findings by rule, each with its count, its line of code and an example.

import type { Finding } from '../../analysis/lint/finding.ts';
import type { Lint } from '../../analysis/lint/lint-run.ts';
import { escapeText } from '../../render/escape.ts';
import { findingText, severityLine } from '../../render/finding-text.ts';
import { moment, nothingText, runLine, trustFooter, wrapped } from '../../render/run-text.ts';
import { cutRows, moreRows, renderCsv } from '../../render/table.ts';

/** @param top findings of each rule, 0 for all */
export function renderLint(lint: Lint, top: number): string {
  const { run, completeness, findings } = lint;
  const nothing = nothingText(run, completeness);
  if (nothing !== undefined && findings.length === 0) return nothing;
  const rules = lint.rules
    .map((rule) => ({
      rule,
      found: findings.filter((finding) => finding.rule === rule.id),
    }))
    .filter(({ found }) => found.length > 0);
  let text = `${runLine(run)}\n${severityLine(findings)}\n`;
  for (const { rule, found } of rules) {
    text += `\n${wrapped(`${rule.severity}: `, `${rule.title} (${rule.id})`)}`;
    const shown = cutRows(found, top);
    for (const finding of shown) text += findingLines(finding, run.clockUnit === 'ns');
    text += moreRows(found.length, top, 2);
    text += wrapped('  why:  ', rule.help);
  }
  return text + trustFooter(completeness);
}

function findingLines(finding: Finding, hasTime: boolean): string {
  const text = wrapped('  - ', findingText(finding));
  const { example } = finding;
  const ts = example?.['timeNs'];
  if (example === null || ts === undefined || ts === null) return text;
  const when = hasTime ? `at ${moment(String(ts), 6)}` : `at ${ts}`;
  const who = `${example['comm']}-${example['pid']}`;
  const what = example['address'] === null ? '' : `, ${example['address']}`;
  return (
    text + wrapped('    first ', escapeText(`${when} on CPU ${example['cpu']} by ${who}${what}`))
  );
}

export function renderLintCsv({ findings }: Lint): string {
  const names = [
    'rule',
    'severity',
    'count',
    'site',
    'symbol',
    'module',
    'cache',
    'message',
  ] as const;
  return renderCsv(
    names.map((title) => ({ title })),
    findings.map((finding) => names.map((name) => finding[name])),
  );
}
