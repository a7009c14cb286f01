// Findings of lint in a line: how many of which severity, and what each says of which place.

import type { Finding, FindingSeverity } from '../analysis/lint/finding.ts';
import { counted } from '../base/bytes-format.ts';
import { escapeText } from './escape.ts';

/** `1 error, 2 warnings, 5 notes` */
export function severityLine(findings: readonly Finding[]): string {
  const count = (severity: FindingSeverity): number =>
    findings.filter((finding) => finding.severity === severity).length;
  return (['error', 'warning', 'note'] as const)
    .map((severity) => counted(count(severity), severity))
    .join(', ');
}

/** `symbol+0x10 [module], kmalloc-64: what` */
export function findingText(finding: Finding): string {
  const { symbol, module, site, cache, message } = finding;
  const place = symbol ?? site;
  const named = place !== null && module !== null ? `${place} [${module}]` : place;
  const where = [named, cache].filter((part) => part !== null).join(', ');
  return escapeText(where === '' ? message : `${where}: ${message}`);
}
