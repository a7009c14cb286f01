// `slabreplay replay SOURCE`: the events through the SLUB model; with a changed parameter, a what-if.

import { type Command, Option } from 'commander';
import {
  addKeepOption,
  addOutputOptions,
  addSourceOptions,
  parseTime,
  type SharedOptions,
  sourceOptions,
} from '../shared/options.ts';
import { renderJson, writeResult } from '../shared/output.ts';
import type { ReplayTexts } from './replay-options.ts';

interface ReplayCommandOptions extends SharedOptions, ReplayTexts {
  readonly at?: string;
}

export function registerReplay(program: Command): void {
  const command = program
    .command('replay <source>')
    .description('replay through the SLUB model: slabs per cache, fidelity, reports, what-if')
    .option('--slub-debug <SPEC>', 'as slub_debug= of the kernel: FZPU, or FZ,kmalloc-*;P,dentry')
    .option('--kernel <V>', 'rules of another kernel: 5.10, 6.1, 6.12, 6.18 or 7.2')
    .option('--cpus <N>', 'another number of CPUs')
    .option('--slub-min-order <N>', 'as slub_min_order= of the kernel')
    .option('--slub-max-order <N>', 'as slub_max_order= of the kernel')
    .option('--slub-min-objects <N>', 'as slub_min_objects= of the kernel')
    .option('--slab-nomerge', 'refused: no event tells the objects of merged caches apart')
    .option('--classes <LIST>', 'other kmalloc sizes: 8,16,32,64,96,128,192,256,…')
    .addOption(
      new Option('--dedicated <SITE>', 'a cache of its own for a call site (repeatable)')
        .argParser((site: string, sites: string[]) => [...sites, site])
        .default([]),
    )
    .addOption(
      new Option(
        '--at <SECONDS>',
        'the state at that time; with --cache its slabs, one by one',
      ).argParser(parseWhen),
    )
    .addOption(
      new Option('--cache <GLOB>', 'only these caches (repeatable)')
        .argParser((glob: string, globs: string[]) => [...globs, glob])
        .default([]),
    );
  addOutputOptions(addKeepOption(addSourceOptions(command))).action(run);
}

/** Checks what `--at` takes; the text itself is kept, for the heading. */
function parseWhen(value: string): string {
  if (value !== 'end') parseTime(value);
  return value;
}

async function run(source: string, options: ReplayCommandOptions): Promise<void> {
  const { parseReplayOptions } = await import('./replay-options.ts');
  const replayOptions = parseReplayOptions(options);
  const { replayRun } = await import('./replay-run.ts');
  const { at } = options;
  const until = at === undefined || at === 'end' ? undefined : parseTime(at);
  const shared = await sourceOptions(source, options);
  const replay = await replayRun({ ...shared, until }, { ...replayOptions, at });
  if (options.json) {
    writeResult(renderJson(replay), options);
    return;
  }
  const { renderReplay, renderReplayCsv } = await import('./replay-text.ts');
  writeResult(options.csv ? renderReplayCsv(replay) : renderReplay(replay, options.top), options);
}
