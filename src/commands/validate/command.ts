// `slabreplay validate SOURCE`: SLUB's own checks over every slab of a memory snapshot.

import { UsageError } from '../../base/errors.ts';
import { asItIs, type PrintingCommand } from '../shared/command.ts';
import {
  CACHE_OPTION,
  type FilterValues,
  SOURCE_OPTIONS,
  type SourceValues,
  type TableValues,
  tableOptions,
} from '../shared/options.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { listOf, negatedFlag, text } from '../shared/specs.ts';
import type { Validation } from './validate-run.ts';

interface ValidateOptions extends SourceValues, TableValues, Pick<FilterValues, 'cache'> {
  readonly vmcore?: string;
  readonly history: boolean;
  readonly failOn: readonly string[];
}

export const validate: PrintingCommand<ValidateOptions, Validation> = {
  name: 'validate',
  summary: 'red zones, poison, freelists and counts of every slab in a memory snapshot',
  reads: 'snapshot',
  options: {
    vmcore: text('--vmcore <FILE>', "the snapshot; else the source folder's own"),
    ...CACHE_OPTION,
    history: negatedFlag('--no-history', 'do not read the events of damaged objects'),
    failOn: listOf(
      '--fail-on <KIND>',
      'exit 1 where there is such damage, or `any` (repeatable)',
      (kinds) => kinds.split(','),
    ),
    ...SOURCE_OPTIONS,
    ...tableOptions(),
  },
  async run(options, desk) {
    const { DAMAGE_KINDS, validateRun } = await import('./validate-run.ts');
    const { vmcore, history, failOn } = options;
    const unknown = failOn.find((kind) => kind !== 'any' && !DAMAGE_KINDS.includes(kind));
    if (unknown !== undefined) {
      throw new UsageError(`--fail-on ${unknown}: no such kind of damage`, {
        hint: `Kinds: any, ${DAMAGE_KINDS.join(', ')}.`,
      });
    }
    return validateRun({ ...(await sourceOptions(options, desk)), vmcore, history });
  },
  render: {
    async text(validation, { top }) {
      return (await import('./validate-text.ts')).renderValidation(validation, top);
    },
    async csv(validation) {
      return (await import('./validate-text.ts')).renderValidationCsv(validation);
    },
    json: asItIs,
  },
  gate: ({ reports }, { failOn }) =>
    reports.some(({ kind }) => failOn.includes('any') || failOn.includes(kind)),
};
