// `slabreplay frag SOURCE`: internal fragmentation.

import { type Command, Option } from 'commander';
import {
  addFilterOptions,
  addKeepOption,
  addOutputOptions,
  addSiteOptions,
  addSortOption,
  addSourceOptions,
  parseTime,
  type SharedOptions,
  sortedBy,
  sourceOptions,
} from '../shared/options.ts';
import { renderJson, writeResult } from '../shared/output.ts';
import type { FragBy } from './fragmentation.ts';

interface FragOptions extends SharedOptions {
  readonly by: FragBy;
  readonly at: string;
  readonly replay: boolean;
  readonly vmlinux?: string;
  readonly sort?: (typeof SORT_KEYS)[number];
}

const SORT_KEYS = [
  'objects',
  'requested',
  'allocated',
  'rounding',
  'padding',
  'metadata',
  'slabTail',
] as const;

export function registerFrag(program: Command): void {
  const command = program
    .command('frag <source>')
    .description('internal fragmentation: requested, allocated, wasted; and what would help')
    .option('--no-replay', 'advice in objects only, not in slabs of the SLUB model')
    .addOption(
      new Option('--by <KEY>', 'what a row is')
        .choices(['cache', 'site', 'size', 'task', 'stack', 'directory'])
        .default('cache'),
    )
    .option('--vmlinux <FILE>', 'a vmlinux with debug information: file and line of call sites')
    .addOption(
      new Option('--at <WHEN>', 'end, peak, or a time in seconds (the trace is then read up to it)')
        .argParser(parseWhen)
        .default('end'),
    );
  addSortOption(addSiteOptions(command), SORT_KEYS);
  addOutputOptions(addFilterOptions(addKeepOption(addSourceOptions(command)))).action(run);
}

/** Checks what `--at` takes; the text itself is kept, for the heading of the table. */
function parseWhen(value: string): string {
  if (value !== 'end' && value !== 'peak') parseTime(value);
  return value;
}

async function run(source: string, options: FragOptions): Promise<void> {
  const { fragmentRun } = await import('./fragment-run.ts');
  const isMoment = options.at !== 'end' && options.at !== 'peak';
  const until = isMoment ? parseTime(options.at) : undefined;
  const at = options.at === 'peak' ? 'peak' : 'end';
  const isCut = !options.json && !options.csv && options.sort === undefined;
  const frag = await fragmentRun(
    { ...(await sourceOptions(source, options)), until },
    {
      by: options.by,
      at,
      replays: options.replay,
      vmlinux: options.vmlinux,
      located: isCut ? options.top : 0,
    },
  );
  const result = sortedBy(frag, options.sort);
  if (options.json) {
    writeResult(renderJson(result), options);
    return;
  }
  const { renderFragmentation, renderFragmentationCsv } = await import('./fragmentation-text.ts');
  writeResult(
    options.csv
      ? renderFragmentationCsv(result)
      : renderFragmentation(result, options.top, isMoment ? options.at : undefined),
    options,
  );
}
