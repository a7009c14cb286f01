// `slabreplay perfkmem SOURCE`: what `perf kmem stat` prints, from any input.

import { UsageError } from '../../base/errors.ts';
import type { PrintingCommand } from '../shared/command.ts';
import {
  EVENT_FILTER_OPTIONS,
  type FilterValues,
  SOURCE_OPTIONS,
  type SourceValues,
} from '../shared/options.ts';
import { sourceOptions } from '../shared/source-options.ts';
import { flag, list, text } from '../shared/specs.ts';
import type { PerfKmemRun } from './perf-kmem-run.ts';
import type { PerfKmemArgument, PerfKmemOptions } from './perf-kmem-text.ts';

interface PerfkmemCommandOptions extends SourceValues, FilterValues {
  readonly caller?: boolean;
  readonly alloc?: boolean;
  readonly sort?: string;
  readonly line?: string;
  readonly rawIp?: boolean;
}

interface PerfKmemTables extends PerfKmemRun {
  readonly tables: PerfKmemOptions;
}

/** As in perf, -s and -l go with the table that was named before them: their order counts. */
const ORDERED: readonly PerfKmemArgument['option'][] = ['caller', 'alloc', 'sort', 'line'];

export const perfkmem: PrintingCommand<PerfkmemCommandOptions, PerfKmemTables> = {
  name: 'perfkmem',
  summary: 'the tables and summary of `perf kmem stat`, with its arithmetic',
  reads: 'events',
  options: {
    caller: flag('--caller', 'a table of call sites'),
    alloc: flag('--alloc', 'a table of allocated addresses'),
    sort: text(
      '-s, --sort <KEYS>',
      'sort the last named table by ptr,callsite,bytes,hit,pingpong,frag',
    ),
    line: text('-l, --line <N>', 'rows of the last named table'),
    rawIp: flag('--raw-ip', 'addresses instead of symbols'),
    ...SOURCE_OPTIONS,
    cache: list('--cache <GLOB>', 'refused: the counters of perf know no caches'),
    ...EVENT_FILTER_OPTIONS,
  },
  async run(options, desk) {
    if (options.cache.length > 0) throw knowsNoCaches();
    const { resolvePerfKmemOptions } = await import('./perf-kmem-text.ts');
    const tables = resolvePerfKmemOptions(
      desk.given.flatMap(({ key, text: value }) => {
        const option = ORDERED.find((name) => name === key);
        if (option === undefined) return [];
        return [value === undefined ? { option } : { option, value }];
      }),
    );
    const { perfKmemRun } = await import('./perf-kmem-run.ts');
    return { ...(await perfKmemRun(await sourceOptions(options, desk), tables)), tables };
  },
  render: {
    async text({ result, symbolOf, tables }, { rawIp }) {
      const { perfKmemLines } = await import('./perf-kmem-text.ts');
      return perfKmemLines(result, tables, rawIp ? (): undefined => undefined : symbolOf);
    },
    csv: null,
    json: null,
  },
};

/** perf counts by address and by call site; which cache an object is of is not among what it keeps. */
function knowsNoCaches(): UsageError {
  return new UsageError('--cache: the counters of perf know no caches', {
    hint: 'slabreplay frag SOURCE --by site --cache GLOB has the call sites of a cache.',
  });
}
