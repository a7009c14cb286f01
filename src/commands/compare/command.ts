// `slabreplay compare BASE… --to NEW…`: what got worse, by how much, and whether it is real.

import { gzipSync } from 'node:zlib';
import { type Command, Option } from 'commander';
import { EXIT, UsageError } from '../../base/errors.ts';
import { outputTarget } from '../../base/output-target.ts';
import {
  addFilterOptions,
  addOutputOptions,
  addSourceOptions,
  type SharedOptions,
  sourceOptions,
} from '../shared/options.ts';
import { renderJson, warn, writeResult } from '../shared/output.ts';
import type { SiteMatch } from './figures/subject.ts';
import type { Comparison } from './judge/comparison.ts';

const FORMATS = ['text', 'lkp', 'markdown', 'junit', 'sarif'] as const;

/** Options that name a file to write. */
const OPTION_NAMES = { out: '-o', saveBaseline: '--save-baseline', html: '--html' } as const;

interface CompareOptions extends SharedOptions {
  readonly to?: string[];
  readonly per?: string;
  readonly threshold?: string;
  readonly match?: SiteMatch;
  readonly failOn: string[];
  readonly config?: string;
  readonly saveBaseline?: string;
  readonly html?: string;
  readonly replay: boolean;
  readonly format: (typeof FORMATS)[number];
}

export function registerCompare(program: Command): void {
  const command = program
    .command('compare <base...>')
    .description('new runs against base runs: what got worse, by how much, is it real')
    .option('--to <new...>', 'the new runs (or baseline files), up to the next option')
    .option('--threshold <SIZES>', 'what a change must exceed, both of them (default: 1%,16KiB)')
    .option(
      '--per <UNIT>',
      'allocated bytes per second, or per event: kmalloc, kmem_cache_alloc, ...',
    )
    .addOption(
      new Option(
        '--match <HOW>',
        'match call sites by function, or by offset in it (default: by offset if all builds are one)',
      ).choices(['function', 'offset']),
    )
    .addOption(
      new Option(
        '--fail-on <GATE>',
        "exit 1 where this holds: 'cache:kmalloc-*:waste>+5%'; or where this does not: 'site:foo:live<=64KiB' (repeatable)",
      )
        .argParser((value: string, previous: string[]) => [...previous, value])
        .default([]),
    )
    .option('--config <FILE>', 'thresholds, gates and budgets as JSON')
    .option(
      '--save-baseline <FILE>',
      'write the figures of the base runs, to be compared with later (packed, if it ends in .gz)',
    )
    .option('--html <FILE>', 'write the comparison as an HTML page too, with its call chains')
    .option('--no-replay', 'do not replay through the SLUB model: slabs as recorded only')
    .addOption(
      new Option('--format <NAME>', 'layout of the output').choices(FORMATS).default('text'),
    );
  addOutputOptions(addFilterOptions(addSourceOptions(command))).action(run);
}

async function run(base: string[], options: CompareOptions): Promise<void> {
  const news = options.to ?? [];
  if (news.length === 0 && options.saveBaseline === undefined) {
    throw new UsageError('compare: the new runs are missing', {
      hint: 'slabreplay compare BASE... --to NEW...',
    });
  }
  for (const option of ['out', 'saveBaseline', 'html'] as const) {
    const path = options[option];
    if (path !== undefined) outputTarget(path, options.force === true, OPTION_NAMES[option]);
  }
  const { compareRuns } = await import('./compare-runs.ts');
  const { comparison, baseline, deadGates, chains } = await compareRuns(
    {
      base,
      new: news,
      threshold: options.threshold,
      per: options.per,
      match: options.match,
      failOn: options.failOn,
      config: options.config,
      replays: options.replay,
      wantsChains: options.html !== undefined,
    },
    async (source) => ({ ...(await sourceOptions(source, options)), label: undefined }),
  );
  if (options.saveBaseline !== undefined) {
    const isPacked = options.saveBaseline.endsWith('.gz');
    writeResult(isPacked ? gzipSync(baseline) : baseline, {
      out: options.saveBaseline,
      force: options.force,
    });
  }
  if (comparison === undefined) return;
  if (options.html !== undefined) {
    const { renderComparisonPage } = await import('./comparison-page.ts');
    const { readPageAssets } = await import('../../render/html/assets.ts');
    const page = renderComparisonPage(comparison, chains, readPageAssets(), options.label);
    writeResult(page, { out: options.html, force: options.force });
  }
  writeResult(await render(comparison, options, news[0]), options);
  if (deadGates.length > 0) throw matchesNothing(deadGates);
  if (comparison.gates.some((gate) => gate.crossed > 0)) {
    process.exitCode = EXIT.gateCrossed;
    if (options.out !== undefined && !options.quiet) warn('a gate was crossed');
  }
}

/** A gate that speaks of nothing could never fail. */
function matchesNothing(gates: readonly { from: string; spec: string }[]): UsageError {
  const which = gates.map(({ from, spec }) => `${from} '${spec}'`).join(', ');
  const what = gates.length === 1 ? 'so this gate cannot fail' : 'so these gates cannot fail';
  return new UsageError(`${which}: no row matches, ${what}`, {
    hint: 'Is the name spelled as in the tables? Globs: * and ?. Slabs need the replay, slab_sysfs.txt or slabinfo.txt.',
  });
}

async function render(
  comparison: Comparison,
  options: CompareOptions,
  source: string | undefined,
): Promise<string> {
  if (options.json) return renderJson(comparison);
  const { label, top } = options;
  if (options.csv) {
    return (await import('./compare-csv.ts')).renderComparisonCsv(comparison);
  }
  switch (options.format) {
    case 'text':
      return (await import('./compare-text.ts')).renderComparison(comparison, {
        top,
        title: label,
        source: recordingOf(comparison, source),
      });
    case 'lkp':
      return (await import('./compare-lkp.ts')).renderLkp(comparison, top);
    case 'markdown':
      return (await import('./compare-markdown.ts')).renderMarkdown(comparison, {
        top,
        title: label,
      });
    case 'junit':
      return (await import('./compare-junit.ts')).renderJunit(comparison, label);
    case 'sarif':
      return (await import('./compare-sarif.ts')).renderSarif(comparison);
  }
}

/** What to look at next: the first new run as it was named, or the recording behind a baseline. */
function recordingOf({ run }: Comparison, named: string | undefined): string | undefined {
  const [path] = run.sources;
  return named !== undefined && path?.startsWith(named) ? named : path;
}
