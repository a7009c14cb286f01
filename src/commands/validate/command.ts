// `slabreplay validate SOURCE`: SLUB's own checks over every slab of a memory snapshot.

import { type Command, Option } from 'commander';
import { EXIT, UsageError } from '../../base/errors.ts';
import {
  addOutputOptions,
  addSourceOptions,
  type SharedOptions,
  sourceOptions,
} from '../shared/options.ts';
import { renderJson, writeResult } from '../shared/output.ts';

interface ValidateOptions extends SharedOptions {
  readonly vmcore?: string;
  readonly history: boolean;
  readonly failOn: string[];
}

export function registerValidate(program: Command): void {
  const command = program
    .command('validate <source>')
    .description('red zones, poison, freelists and counts of every slab in a memory snapshot')
    .option('--vmcore <FILE>', "the snapshot; else the source folder's own")
    .addOption(
      new Option('--cache <GLOB>', 'only these caches (repeatable)')
        .argParser((glob: string, globs: string[]) => [...globs, glob])
        .default([]),
    )
    .option('--no-history', 'do not read the events of damaged objects')
    .addOption(
      new Option('--fail-on <KIND>', 'exit 1 where there is such damage, or `any` (repeatable)')
        .argParser((kind: string, kinds: string[]) => [...kinds, ...kind.split(',')])
        .default([]),
    );
  addOutputOptions(addSourceOptions(command)).action(run);
}

async function run(source: string, options: ValidateOptions): Promise<void> {
  const { DAMAGE_KINDS, validateRun } = await import('./validate-run.ts');
  const unknown = options.failOn.find((kind) => kind !== 'any' && !DAMAGE_KINDS.includes(kind));
  if (unknown !== undefined) {
    throw new UsageError(`--fail-on ${unknown}: no such kind of damage`, {
      hint: `Kinds: any, ${DAMAGE_KINDS.join(', ')}.`,
    });
  }
  const { vmcore, history, failOn } = options;
  const shared = await sourceOptions(source, options);
  const validation = await validateRun({ ...shared, vmcore, history });
  if (options.json) writeResult(renderJson(validation), options);
  else {
    const text = await import('./validate-text.ts');
    writeResult(
      options.csv
        ? text.renderValidationCsv(validation)
        : text.renderValidation(validation, options.top),
      options,
    );
  }
  if (validation.reports.some(({ kind }) => failOn.includes('any') || failOn.includes(kind))) {
    process.exitCode = EXIT.gateCrossed;
  }
}
