// `slabreplay lint SOURCE`: defects, named with the line of code that makes them.

import { type Command, Option } from 'commander';
import type { FindingSeverity } from '../../analysis/lint/finding.ts';
import { EXIT } from '../../base/errors.ts';
import {
  addFilterOptions,
  addKeepOption,
  addOutputOptions,
  addSourceOptions,
  type SharedOptions,
  sourceOptions,
} from '../shared/options.ts';
import { renderJson, writeResult } from '../shared/output.ts';

interface LintOptions extends SharedOptions {
  readonly replay: boolean;
  readonly sarif?: boolean;
  readonly failOn?: FindingSeverity;
}

/** Findings of each rule that are printed. */
const RULE_ROWS = 5;

export function registerLint(program: Command): void {
  const command = program
    .command('lint <source>')
    .description('defects and bad habits, named with the line of code that makes them')
    .option('--no-replay', 'only what the events alone show')
    .addOption(new Option('--sarif', 'print SARIF 2.1.0, for code scanning').conflicts('json'))
    .addOption(
      new Option(
        '--fail-on <SEVERITY>',
        'exit with 1 where there is such a finding, or a worse one',
      ).choices(['note', 'warning', 'error']),
    );
  addOutputOptions(addFilterOptions(addKeepOption(addSourceOptions(command))), RULE_ROWS).action(
    run,
  );
}

async function run(source: string, options: LintOptions): Promise<void> {
  const { findDefects, isCrossed } = await import('../../analysis/lint/lint-run.ts');
  const lint = await findDefects(await sourceOptions(source, options), options.replay);
  writeResult(await render(lint, options), options);
  if (options.failOn !== undefined && isCrossed(lint, options.failOn))
    process.exitCode = EXIT.gateCrossed;
}

async function render(
  lint: Awaited<ReturnType<typeof import('../../analysis/lint/lint-run.ts')['findDefects']>>,
  options: LintOptions,
): Promise<string> {
  if (options.json) return renderJson(lint);
  if (options.sarif) return (await import('./lint-sarif.ts')).renderLintSarif(lint);
  const { renderLint, renderLintCsv } = await import('./lint-text.ts');
  return options.csv ? renderLintCsv(lint) : renderLint(lint, options.top);
}
