// All rules over one run.

import { compareText } from '../../base/format-address.ts';
import { groupCallSites } from '../../run/call-sites.ts';
import { hasCalls } from '../../run/group-calls.ts';
import type { Finding, FindingSeverity, LintEvidence, LintRule } from './finding.ts';
import { allocationFailed } from './rules/allocation-failed.ts';
import { crossCpu } from './rules/cross-cpu.ts';
import { devresCrossesClass, devresFreedByHand, devresOutsideProbe } from './rules/devres.ts';
import { freesOfUnknown } from './rules/frees-of-unknown.ts';
import { justOverClass } from './rules/just-over-class.ts';
import { kfreeNull } from './rules/kfree-null.ts';
import { misusedMemory } from './rules/misused-memory.ts';
import { pinnedSlabs } from './rules/pinned-slabs.ts';
import { sleepingInAtomic } from './rules/sleeping-in-atomic.ts';
import { temporaryInHotPath, zeroedTemporary } from './rules/temporary.ts';
import { unaccountedSibling } from './rules/unaccounted.ts';

/** In the order of docs/lint.md. */
export const LINT_RULES: readonly LintRule[] = [
  sleepingInAtomic,
  ...misusedMemory,
  allocationFailed,
  justOverClass,
  devresFreedByHand,
  devresCrossesClass,
  devresOutsideProbe,
  freesOfUnknown,
  kfreeNull,
  temporaryInHotPath,
  zeroedTemporary,
  crossCpu,
  pinnedSlabs,
  unaccountedSibling,
];

/** From the mildest on. */
export const SEVERITIES: readonly FindingSeverity[] = ['note', 'warning', 'error'];

/** Errors first, in each severity by rule, the most frequent first. */
export function lintRun(given: Omit<LintEvidence, 'sites'>): Finding[] {
  const { run } = given;
  const evidence: LintEvidence = { ...given, sites: groupCallSites(run).filter(hasCalls) };
  const order = new Map(LINT_RULES.map(({ id }, i) => [id, i]));
  const place = ({ rule }: Finding): number => order.get(rule) ?? 0;
  const weight = ({ severity }: Finding): number => SEVERITIES.indexOf(severity);
  const label = (f: Finding): string => `${f.symbol ?? f.site} ${f.cache}`;
  return LINT_RULES.flatMap((rule) =>
    rule.find(evidence).map((found) => ({ rule: rule.id, severity: rule.severity, ...found })),
  )
    .filter(({ cache }) => cache === null || run.selectsCache(cache))
    .sort(
      (a, b) =>
        weight(b) - weight(a) ||
        place(a) - place(b) ||
        b.count - a.count ||
        compareText(label(a), label(b)),
    );
}
