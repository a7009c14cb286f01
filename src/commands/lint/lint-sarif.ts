// Findings as SARIF (render/sarif.ts).

import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import type { Finding } from '../../analysis/lint/finding.ts';
import type { Lint, LintRuleText } from '../../analysis/lint/lint-run.ts';
import { escapeText } from '../../render/escape.ts';
import { findingText } from '../../render/finding-text.ts';
import { sarifLocations, sarifLog } from '../../render/sarif.ts';

export function renderLintSarif({ run, findings, rules }: Lint): string {
  const uri = pathToFileURL(run.sources[0] ?? '').href;
  const results = findings.map((finding) => resultOf(finding, rules, uri));
  return sarifLog(rules.map(ruleOf), { results });
}

function ruleOf({ id, severity, title, help }: LintRuleText): object {
  return {
    id,
    name: id,
    shortDescription: { text: title },
    fullDescription: { text: help },
    help: { text: help },
    defaultConfiguration: { level: severity },
  };
}

function resultOf(finding: Finding, rules: readonly LintRuleText[], uri: string): object {
  const { rule, severity, count, symbol, site, module, cache, example } = finding;
  const name = escapeText(symbol ?? site ?? cache ?? rule);
  const key = [rule, symbol ?? site, module, cache].join('\n');
  return {
    ruleId: rule,
    ruleIndex: rules.findIndex(({ id }) => id === rule),
    level: severity,
    message: { text: findingText(finding) },
    locations: sarifLocations(uri, name, symbol === null ? 'resource' : 'function'),
    partialFingerprints: { 'slabreplay/v1': createHash('sha256').update(key).digest('hex') },
    properties: { count, module, cache, example },
  };
}
