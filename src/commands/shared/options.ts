// Options that several commands share.

import type { CsvTimeUnit } from '../../ingest/format.ts';
import type { AgeRange, Selection, SizeRange } from '../../pairing/event-filter.ts';
import { parseAge, parseCpus, parseSizes, parseTimeWindow } from '../../pairing/selection-texts.ts';
import { parseCount } from './parse.ts';
import {
  argument,
  choice,
  flag,
  list,
  listOf,
  negatedFlag,
  parsed,
  type Spec,
  type Specs,
  text,
  withPreset,
} from './specs.ts';

/** How a source is read. */
export interface ReadValues {
  readonly label?: string;
  readonly inputFormat?: string;
  readonly sidecars: readonly string[] | false;
  readonly buffer?: string;
  readonly columns?: readonly string[];
  readonly ignoreColumns?: boolean;
  readonly tsUnit?: CsvTimeUnit;
  readonly map: readonly string[];
  readonly tmp?: string;
  readonly quiet?: boolean;
  readonly progress: boolean;
}

const CSV_TIME_UNITS: readonly CsvTimeUnit[] = ['s', 'ms', 'us', 'ns', 'tick', 'count'];

export const READ_OPTIONS: Specs<ReadValues> = {
  label: text('--label <TEXT>', 'what to call this run in the output'),
  inputFormat: text(
    '--input-format <NAME>',
    'read the source as this format (`slabreplay formats`)',
  ),
  sidecars: {
    flags: '--sidecars <DIR>',
    help: 'look for sidecar files here first (repeatable)',
    parse: (folder, before) => [...(before || []), folder],
    preset: [],
    isFilled: true,
    negation: ['--no-sidecars', 'use no files beside the events'],
  },
  buffer: text('--buffer <NAME>', 'the instance to read, where a trace.dat has several'),
  columns: parsed('--columns <NAMES>', 'columns of a CSV without a header line', (names) =>
    names.split(','),
  ),
  ignoreColumns: flag(
    '--ignore-columns',
    'pass over columns of a CSV, keys of JSON that are not known',
  ),
  tsUnit: choice('--ts-unit <UNIT>', 'what the times of a CSV or of JSON count', CSV_TIME_UNITS),
  map: list(
    '--map <EVENT=ROLE,...>',
    'what a probe event tells: alloc, free, write ... (docs/probes.md; repeatable)',
  ),
  tmp: text('--tmp <DIR>', 'folder for what must be unpacked'),
  quiet: flag('-q, --quiet', 'no warnings and no progress'),
  progress: negatedFlag('--no-progress', 'no progress'),
};

/** For commands of one source. */
export interface SourceValues extends ReadValues {
  readonly source: string;
}

export const SOURCE_OPTIONS: Specs<SourceValues> = {
  source: argument('<source>'),
  ...READ_OPTIONS,
};

/** For commands of one run, which they can keep as a database. */
export interface RunValues extends SourceValues {
  readonly keep?: string;
}

export const RUN_OPTIONS: Specs<RunValues> = {
  ...SOURCE_OPTIONS,
  keep: text('--keep <RUN.db>', 'keep the run as a database too, as `ingest` makes it'),
};

/** Which allocations a command speaks of. A free follows its allocation. */
export interface FilterValues {
  readonly cache: readonly string[];
  readonly pid: readonly number[];
  readonly comm: readonly string[];
  readonly excludeComm: readonly string[];
  readonly cpu: readonly number[];
  readonly time?: Pick<Selection, 'from' | 'to'>;
  readonly size?: SizeRange;
  readonly age?: AgeRange;
}

export const CACHE_OPTION: Specs<Pick<FilterValues, 'cache'>> = {
  cache: list('--cache <GLOB>', 'only these caches (repeatable)'),
};

/** Filters that an event answers by itself, before any cache has its name. */
export const EVENT_FILTER_OPTIONS: Specs<Omit<FilterValues, 'cache'>> = {
  pid: listOf('--pid <N>', 'only allocations of these tasks (repeatable)', (pid) => [
    parseCount(pid),
  ]),
  comm: list('--comm <GLOB>', 'only allocations of tasks with this name (repeatable)'),
  excludeComm: list('--exclude-comm <GLOB>', 'without the allocations of these tasks (repeatable)'),
  cpu: withPreset(parsed('--cpu <LIST>', 'only allocations on these CPUs (0,2-5)', parseCpus), []),
  time: parsed(
    '--time <FROM..TO>',
    'only allocations in this window: seconds as in the trace, or +1.5 from its start',
    parseTimeWindow,
  ),
  size: parsed(
    '--size <FROM..TO>',
    'only allocations that ask for so many bytes: 128..256, 4K.., ..64, 192',
    parseSizes,
  ),
  age: {
    flags: '--age <+AGE|-AGE>',
    help: 'only objects that live at least (+5s) or less than (-100ms) so long (both: a range)',
    parse: parseAge,
  },
};

export const FILTER_OPTIONS: Specs<FilterValues> = { ...CACHE_OPTION, ...EVENT_FILTER_OPTIONS };

/** What a command prints, and where. */
export interface OutputValues {
  readonly json?: boolean;
  readonly top: number;
  readonly out?: string;
  readonly force?: boolean;
  readonly color: boolean;
}

export interface TableValues extends OutputValues {
  readonly csv?: boolean;
}

export const JSON_OPTION: Spec<boolean> = flag('--json', 'print one JSON object');

/** For commands whose result is no table that CSV could hold. */
export function outputOptions(top = 20): Specs<OutputValues> {
  return {
    json: JSON_OPTION,
    top: withPreset(parsed('--top <N>', 'rows of each table, 0 for all', parseCount), top),
    out: text('-o, --out <FILE>', 'write to a file instead of standard output'),
    force: flag('--force', 'overwrite files'),
    color: negatedFlag('--no-color', 'no colour (also: NO_COLOR)'),
  };
}

export function tableOptions(top?: number): Specs<TableValues> {
  const { json, ...others } = outputOptions(top);
  const csv = { ...flag('--csv', 'print the table as CSV'), conflicts: ['json'] };
  return { json, csv, ...others };
}

/** For commands that show call sites of live objects. */
export interface SiteValues {
  readonly lookThrough: boolean;
}

export const SITE_OPTIONS: Specs<SiteValues> = {
  lookThrough: negatedFlag(
    '--no-look-through',
    'call sites stay in functions that allocate for others (kvmalloc_node, kmemdup, devm_*)',
  ),
};

/** The largest first by this column, in place of the table's own order. */
export function sortOption<K extends string>(keys: readonly K[]): Spec<K> {
  return choice('--sort <KEY>', 'the column that rows are sorted by, largest first', keys);
}

/** A result with its rows in the order of `--sort`. */
export function sortedBy<
  K extends string,
  R extends { readonly [key in K]: number | null },
  T extends { readonly rows: readonly R[] },
>(result: T, key: K | undefined): T {
  if (key === undefined) return result;
  return { ...result, rows: [...result.rows].sort((a, b) => (b[key] ?? 0) - (a[key] ?? 0)) };
}
