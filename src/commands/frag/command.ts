// `slabreplay frag SOURCE`: internal fragmentation.

import { parseTimeBound } from '../../pairing/selection-texts.ts';
import { asItIs, type PrintingCommand } from '../shared/command.ts';
import {
  FILTER_OPTIONS,
  type FilterValues,
  RUN_OPTIONS,
  type RunValues,
  SITE_OPTIONS,
  type SiteValues,
  sortedBy,
  sortOption,
  type TableValues,
  tableOptions,
} from '../shared/options.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { choice, negatedFlag, parsed, text, withPreset } from '../shared/specs.ts';
import type { FragBy, Fragmentation } from './fragmentation.ts';

const SORT_KEYS = [
  'objects',
  'requested',
  'allocated',
  'rounding',
  'padding',
  'metadata',
  'slabTail',
] as const;

interface FragOptions extends RunValues, FilterValues, TableValues, SiteValues {
  readonly by: FragBy;
  /** end, peak, or a time. */
  readonly at: string;
  readonly replay: boolean;
  readonly vmlinux?: string;
  readonly sort?: (typeof SORT_KEYS)[number];
}

export const frag: PrintingCommand<FragOptions, Fragmentation> = {
  name: 'frag',
  summary: 'internal fragmentation: requested, allocated, wasted; and what would help',
  reads: 'events',
  options: {
    replay: negatedFlag('--no-replay', 'advice in objects only, not in slabs of the SLUB model'),
    by: withPreset(
      choice('--by <KEY>', 'what a row is', [
        'cache',
        'site',
        'size',
        'task',
        'stack',
        'directory',
      ]),
      'cache',
    ),
    vmlinux: text(
      '--vmlinux <FILE>',
      'a vmlinux with debug information: file and line of call sites',
    ),
    at: withPreset(
      parsed(
        '--at <WHEN>',
        'end, peak, or a time in seconds (the trace is then read up to it)',
        checkWhen,
      ),
      'end',
    ),
    ...SITE_OPTIONS,
    sort: sortOption(SORT_KEYS),
    ...RUN_OPTIONS,
    ...FILTER_OPTIONS,
    ...tableOptions(),
  },
  async run(options, desk) {
    const { fragmentRun } = await import('./fragment-run.ts');
    const shared = await sourceOptions(options, desk);
    const isCut = !options.json && !options.csv && options.sort === undefined;
    const result = await fragmentRun(
      { ...shared, until: isMoment(options.at) ? parseTimeBound(options.at) : undefined },
      {
        by: options.by,
        at: options.at === 'peak' ? 'peak' : 'end',
        replays: options.replay,
        vmlinux: options.vmlinux,
        located: isCut ? options.top : 0,
      },
    );
    return sortedBy(result, options.sort);
  },
  render: {
    async text(result, { top, at }) {
      const { renderFragmentation } = await import('./fragmentation-text.ts');
      return renderFragmentation(result, top, isMoment(at) ? at : undefined);
    },
    async csv(result) {
      return (await import('./fragmentation-text.ts')).renderFragmentationCsv(result);
    },
    json: asItIs,
  },
};

function isMoment(at: string): boolean {
  return at !== 'end' && at !== 'peak';
}

/** Checks what `--at` takes; the text itself is kept, for the heading of the table. */
function checkWhen(at: string): string {
  if (isMoment(at)) parseTimeBound(at);
  return at;
}
