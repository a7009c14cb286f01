// `slabreplay lint SOURCE`: defects, named with the line of code that makes them.

import type { FindingSeverity } from '../../analysis/lint/finding.ts';
import type { Lint } from '../../analysis/lint/lint-run.ts';
import { asItIs, type PrintingCommand } from '../shared/command.ts';
import {
  FILTER_OPTIONS,
  type FilterValues,
  RUN_OPTIONS,
  type RunValues,
  type TableValues,
  tableOptions,
} from '../shared/options.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { choice, flag, negatedFlag } from '../shared/specs.ts';

interface LintOptions extends RunValues, FilterValues, TableValues {
  readonly replay: boolean;
  readonly sarif?: boolean;
  readonly failOn?: FindingSeverity;
}

/** Findings of each rule that are printed. */
const RULE_ROWS = 5;

export const lint: PrintingCommand<LintOptions, Lint> = {
  name: 'lint',
  summary: 'defects and bad habits, named with the line of code that makes them',
  reads: 'events',
  options: {
    replay: negatedFlag('--no-replay', 'only what the events alone show'),
    sarif: {
      ...flag('--sarif', 'print SARIF 2.1.0, for code scanning'),
      conflicts: ['json', 'csv'],
    },
    failOn: choice(
      '--fail-on <SEVERITY>',
      'exit with 1 where there is such a finding, or a worse one',
      ['note', 'warning', 'error'],
    ),
    ...RUN_OPTIONS,
    ...FILTER_OPTIONS,
    ...tableOptions(RULE_ROWS),
  },
  async run(options, desk) {
    const { findDefects } = await import('../../analysis/lint/lint-run.ts');
    return findDefects(await sourceOptions(options, desk), options.replay);
  },
  render: {
    async text(found, { sarif, top }) {
      if (sarif) return (await import('./lint-sarif.ts')).renderLintSarif(found);
      return (await import('./lint-text.ts')).renderLint(found, top);
    },
    async csv(found) {
      return (await import('./lint-text.ts')).renderLintCsv(found);
    },
    json: asItIs,
  },
  async gate(found, { failOn }) {
    if (failOn === undefined) return false;
    const { isCrossed } = await import('../../analysis/lint/lint-run.ts');
    return isCrossed(found, failOn);
  },
};
