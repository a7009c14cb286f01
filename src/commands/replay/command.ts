// `slabreplay replay SOURCE`: the events through the SLUB model; with a changed parameter, a what-if.

import { parseTimeBound } from '../../pairing/selection-texts.ts';
import { asItIs, type PrintingCommand } from '../shared/command.ts';
import {
  CACHE_OPTION,
  type FilterValues,
  RUN_OPTIONS,
  type RunValues,
  type TableValues,
  tableOptions,
} from '../shared/options.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { flag, list, parsed, text } from '../shared/specs.ts';
import type { ReplayTexts } from './replay-options.ts';
import type { Replay } from './replay-run.ts';

interface ReplayCommandOptions
  extends RunValues,
    TableValues,
    ReplayTexts,
    Pick<FilterValues, 'cache'> {
  readonly dedicated: readonly string[];
  readonly at?: string;
}

export const replay: PrintingCommand<ReplayCommandOptions, Replay> = {
  name: 'replay',
  summary: 'replay through the SLUB model: slabs per cache, fidelity, reports, what-if',
  reads: 'events',
  options: {
    slubDebug: text(
      '--slub-debug <SPEC>',
      'as slub_debug= of the kernel: FZPU, or FZ,kmalloc-*;P,dentry',
    ),
    kernel: text('--kernel <V>', 'rules of another kernel: 5.10, 6.1, 6.12, 6.18 or 7.2'),
    cpus: text('--cpus <N>', 'another number of CPUs'),
    slubMinOrder: text('--slub-min-order <N>', 'as slub_min_order= of the kernel'),
    slubMaxOrder: text('--slub-max-order <N>', 'as slub_max_order= of the kernel'),
    slubMinObjects: text('--slub-min-objects <N>', 'as slub_min_objects= of the kernel'),
    slabNomerge: flag(
      '--slab-nomerge',
      'refused: no event tells the objects of merged caches apart',
    ),
    classes: text('--classes <LIST>', 'other kmalloc sizes: 8,16,32,64,96,128,192,256,…'),
    dedicated: list('--dedicated <SITE>', 'a cache of its own for a call site (repeatable)'),
    at: parsed(
      '--at <SECONDS>',
      'the state at that time; with --cache its slabs, one by one',
      checkWhen,
    ),
    ...CACHE_OPTION,
    ...RUN_OPTIONS,
    ...tableOptions(),
  },
  async run(options, desk) {
    const { parseReplayOptions } = await import('./replay-options.ts');
    const replayOptions = parseReplayOptions(options);
    const { replayRun } = await import('./replay-run.ts');
    const { at } = options;
    const until = at === undefined || at === 'end' ? undefined : parseTimeBound(at);
    const shared = await sourceOptions(options, desk);
    return replayRun({ ...shared, until }, { ...replayOptions, at });
  },
  render: {
    async text(result, { top }) {
      return (await import('./replay-text.ts')).renderReplay(result, top);
    },
    async csv(result) {
      return (await import('./replay-text.ts')).renderReplayCsv(result);
    },
    json: asItIs,
  },
};

/** Checks what `--at` takes; the text itself is kept, for the heading. */
function checkWhen(at: string): string {
  if (at !== 'end') parseTimeBound(at);
  return at;
}
