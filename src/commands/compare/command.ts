// `slabreplay compare BASE… --to NEW…`: what got worse, by how much, and whether it is real.

import { gzipSync } from 'node:zlib';
import { UsageError } from '../../base/errors.ts';
import { outputTarget } from '../../base/output-target.ts';
import type { PrintingCommand } from '../shared/command.ts';
import {
  FILTER_OPTIONS,
  type FilterValues,
  READ_OPTIONS,
  type ReadValues,
  type TableValues,
  tableOptions,
} from '../shared/options.ts';
import { writeResult } from '../shared/output.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { choice, list, negatedFlag, text, withPreset } from '../shared/specs.ts';
import type { Compared } from './compare-runs.ts';
import type { SiteMatch } from './figures/subject.ts';
import type { Comparison } from './judge/comparison.ts';

const FORMATS = ['text', 'lkp', 'markdown', 'junit', 'sarif'] as const;

interface CompareOptions extends ReadValues, FilterValues, TableValues {
  readonly base: readonly string[];
  readonly to?: readonly string[];
  readonly per?: string;
  readonly threshold?: string;
  readonly match?: SiteMatch;
  readonly failOn: readonly string[];
  readonly config?: string;
  readonly saveBaseline?: string;
  readonly html?: string;
  readonly replay: boolean;
  readonly format: (typeof FORMATS)[number];
}

interface Judged extends Pick<Compared, 'deadGates'> {
  readonly comparison: Comparison;
}

export const compare: PrintingCommand<CompareOptions, Judged> = {
  name: 'compare',
  summary: 'new runs against base runs: what got worse, by how much, is it real',
  reads: 'events',
  options: {
    base: { flags: '<base...>', help: '', isFilled: true },
    to: {
      flags: '--to <new...>',
      help: 'the new runs (or baseline files), up to the next option',
    },
    threshold: text(
      '--threshold <SIZES>',
      'what a change must exceed, both of them (default: 1%,16KiB)',
    ),
    per: text(
      '--per <UNIT>',
      'allocated bytes per second, or per event: kmalloc, kmem_cache_alloc, ...',
    ),
    match: choice(
      '--match <HOW>',
      'match call sites by function, or by offset in it (default: by offset if all builds are one)',
      ['function', 'offset'],
    ),
    failOn: list(
      '--fail-on <GATE>',
      "exit 1 where this holds: 'cache:kmalloc-*:waste>+5%'; or where this does not: 'site:foo:live<=64KiB' (repeatable)",
    ),
    config: text('--config <FILE>', 'thresholds, gates and budgets as JSON'),
    saveBaseline: text(
      '--save-baseline <FILE>',
      'write the figures of the base runs, to be compared with later (packed, if it ends in .gz)',
    ),
    html: text('--html <FILE>', 'write the comparison as an HTML page too, with its call chains'),
    replay: negatedFlag(
      '--no-replay',
      'do not replay through the SLUB model: slabs as recorded only',
    ),
    format: withPreset(choice('--format <NAME>', 'layout of the output', FORMATS), 'text'),
    ...READ_OPTIONS,
    ...FILTER_OPTIONS,
    ...tableOptions(),
  },
  async run(options, desk) {
    const { base, to = [], saveBaseline, html, force = false } = options;
    if (to.length === 0 && saveBaseline === undefined) {
      throw new UsageError('compare: the new runs are missing', {
        hint: 'slabreplay compare BASE... --to NEW...',
      });
    }
    if (saveBaseline !== undefined) outputTarget(saveBaseline, force, '--save-baseline');
    if (html !== undefined) outputTarget(html, force, '--html');
    const { compareRuns } = await import('./compare-runs.ts');
    const compared = await compareRuns(
      {
        base,
        new: to,
        threshold: options.threshold,
        per: options.per,
        match: options.match,
        failOn: options.failOn,
        config: options.config,
        replays: options.replay,
        wantsChains: html !== undefined,
      },
      async (source) => ({
        ...(await sourceOptions({ ...options, source }, desk)),
        label: undefined,
      }),
    );
    if (saveBaseline !== undefined) {
      const { baseline } = compared;
      const content = saveBaseline.endsWith('.gz') ? gzipSync(baseline) : baseline;
      writeResult(content, { out: saveBaseline, force });
    }
    const { comparison, deadGates, chains } = compared;
    if (comparison === undefined) return undefined;
    if (html !== undefined) {
      const { renderComparisonPage } = await import('./comparison-page.ts');
      const { readPageAssets } = await import('../../render/html/assets.ts');
      const page = renderComparisonPage(comparison, chains, readPageAssets(), options.label);
      writeResult(page, { out: html, force });
    }
    return { comparison, deadGates };
  },
  render: {
    async text({ comparison }, { format, top, label: title, to }) {
      switch (format) {
        case 'text':
          return (await import('./compare-text.ts')).renderComparison(comparison, {
            top,
            title,
            source: recordingOf(comparison, to?.[0]),
          });
        case 'lkp':
          return (await import('./compare-lkp.ts')).renderLkp(comparison, top);
        case 'markdown':
          return (await import('./compare-markdown.ts')).renderMarkdown(comparison, { top, title });
        case 'junit':
          return (await import('./compare-junit.ts')).renderJunit(comparison, title);
        case 'sarif':
          return (await import('./compare-sarif.ts')).renderSarif(comparison);
      }
    },
    async csv({ comparison }) {
      return (await import('./compare-csv.ts')).renderComparisonCsv(comparison);
    },
    json: ({ comparison }) => comparison,
  },
  gate({ comparison, deadGates }) {
    if (deadGates.length > 0) throw matchesNothing(deadGates);
    return comparison.gates.some((gate) => gate.crossed > 0);
  },
};

/** A gate that speaks of nothing could never fail. */
function matchesNothing(gates: Judged['deadGates']): UsageError {
  const which = gates.map(({ from, spec }) => `${from} '${spec}'`).join(', ');
  const what = gates.length === 1 ? 'so this gate cannot fail' : 'so these gates cannot fail';
  return new UsageError(`${which}: no row matches, ${what}`, {
    hint: 'Is the name spelled as in the tables? Globs: * and ?. Slabs need the replay, slab_sysfs.txt or slabinfo.txt.',
  });
}

/** What to look at next: the first new run as it was named, or the recording behind a baseline. */
function recordingOf({ run }: Comparison, named: string | undefined): string | undefined {
  const [path] = run.sources;
  return named !== undefined && path?.startsWith(named) ? named : path;
}
