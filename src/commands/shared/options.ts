// Options that several commands share, and what their texts mean.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { InputError, UsageError } from '../../base/errors.ts';
import { fileStat } from '../../base/file-stat.ts';
import { fileTarget, outputTarget } from '../../base/output-target.ts';
import type { CsvTimeUnit } from '../../ingest/format.ts';
import type { AgeRange, Selection, SizeRange, TimeBound } from '../../pairing/event-filter.ts';
import {
  parseAge,
  parseCpus,
  parseSizes,
  parseTimeBound,
  parseTimeWindow,
} from '../../pairing/selection-texts.ts';
import type { SourceOptions } from '../../run/source.ts';
import { progressLine } from './progress.ts';

/** What commander gives for the shared options. */
export interface SharedOptions {
  readonly label?: string;
  readonly inputFormat?: string;
  readonly sidecars: string[] | false;
  readonly buffer?: string;
  readonly columns?: string[];
  readonly ignoreColumns?: boolean;
  readonly tsUnit?: CsvTimeUnit;
  readonly map?: string[];
  readonly tmp?: string;
  readonly cache: string[];
  readonly pid: number[];
  readonly comm: string[];
  readonly excludeComm: string[];
  readonly cpu: number[];
  readonly time?: Pick<Selection, 'from' | 'to'>;
  readonly size?: SizeRange;
  readonly age?: AgeRange;
  readonly json?: boolean;
  readonly csv?: boolean;
  readonly top: number;
  readonly out?: string;
  readonly force?: boolean;
  readonly keep?: string;
  readonly lookThrough?: boolean;
  readonly quiet?: boolean;
  readonly progress: boolean;
}

const CSV_TIME_UNITS: readonly CsvTimeUnit[] = ['s', 'ms', 'us', 'ns', 'tick', 'count'];

const collect = (value: string, previous: string[] | false): string[] => [
  ...(previous === false ? [] : previous),
  value,
];

/** Where a run is read from. */
export function addSourceOptions(command: Command): Command {
  return command
    .option('--label <TEXT>', 'what to call this run in the output')
    .option('--input-format <NAME>', 'read the source as this format (`slabreplay formats`)')
    .addOption(
      new Option('--sidecars <DIR>', 'look for sidecar files here first (repeatable)')
        .argParser(collect)
        .default([]),
    )
    .option('--no-sidecars', 'use no files beside the events')
    .option('--buffer <NAME>', 'the instance to read, where a trace.dat has several')
    .addOption(
      new Option('--columns <NAMES>', 'columns of a CSV without a header line').argParser(
        (value: string) => value.split(','),
      ),
    )
    .option('--ignore-columns', 'pass over columns of a CSV that are not known')
    .addOption(
      new Option('--ts-unit <UNIT>', 'what the times of a CSV count').choices(CSV_TIME_UNITS),
    )
    .addOption(
      new Option(
        '--map <EVENT=ROLE,...>',
        'what a probe event tells: alloc, free, write ... (docs/probes.md; repeatable)',
      )
        .argParser(collect)
        .default([]),
    )
    .option('--tmp <DIR>', 'folder for what must be unpacked')
    .option('-q, --quiet', 'no warnings and no progress')
    .option('--no-progress', 'no progress');
}

/** Which allocations a command speaks of. A free follows its allocation. */
export function addFilterOptions(command: Command): Command {
  return command
    .addOption(list('--cache <GLOB>', 'only these caches (repeatable)'))
    .addOption(numbers('--pid <N>', 'only allocations of these tasks (repeatable)'))
    .addOption(list('--comm <GLOB>', 'only allocations of tasks with this name (repeatable)'))
    .addOption(list('--exclude-comm <GLOB>', 'without the allocations of these tasks (repeatable)'))
    .addOption(
      new Option('--cpu <LIST>', 'only allocations on these CPUs (0,2-5)')
        .argParser(argument(parseCpus))
        .default([]),
    )
    .addOption(
      new Option(
        '--time <FROM..TO>',
        'only allocations in this window: seconds as in the trace, or +1.5 from its start',
      ).argParser(argument(parseTimeWindow)),
    )
    .addOption(
      new Option(
        '--size <FROM..TO>',
        'only allocations that ask for so many bytes: 128..256, 4K.., ..64, 192',
      ).argParser(argument(parseSizes)),
    )
    .addOption(
      new Option(
        '--age <+AGE|-AGE>',
        'only objects that live at least (+5s) or less than (-100ms) so long (both: a range)',
      ).argParser(argument(parseAge)),
    );
}

/** What a command prints, and where. */
export function addOutputOptions(command: Command, top = 20): Command {
  return command
    .option('--json', 'print one JSON object')
    .addOption(new Option('--csv', 'print the table as CSV').conflicts('json'))
    .addOption(
      new Option('--top <N>', 'rows of each table, 0 for all').argParser(parseCount).default(top),
    )
    .option('-o, --out <FILE>', 'write to a file instead of standard output')
    .option('--force', 'overwrite files')
    .option('--no-color', 'no colour (also: NO_COLOR)');
}

/** For commands that show call sites of live objects. */
export function addSiteOptions(command: Command): Command {
  return command.option(
    '--no-look-through',
    'call sites stay in functions that allocate for others (kvmalloc_node, kmemdup, devm_*)',
  );
}

/** For commands that read one run. */
export function addKeepOption(command: Command): Command {
  return command.option('--keep <RUN.db>', 'keep the run as a database too, as `ingest` makes it');
}

/** The largest first by this column, in place of the table's own order. */
export function addSortOption(command: Command, keys: readonly string[]): Command {
  return command.addOption(
    new Option('--sort <KEY>', 'the column that rows are sorted by, largest first').choices(keys),
  );
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

/** The shared options as `run/` takes them. */
export async function sourceOptions(
  source: string,
  options: SharedOptions,
): Promise<SourceOptions> {
  for (const folder of options.sidecars || []) assertFolder(folder);
  // Said before a long run, not after it.
  if (options.out !== undefined) outputTarget(options.out, options.force === true);
  const found: SourceOptions = {
    source,
    label: options.label,
    inputFormat: options.inputFormat,
    sidecars: options.sidecars === false ? 'none' : options.sidecars,
    buffer: options.buffer,
    csv: {
      columns: options.columns,
      ignoreColumns: options.ignoreColumns === true,
      tsUnit: options.tsUnit,
    },
    maps: options.map,
    tmp: options.tmp,
    selection: selectionOf(options),
    looksThrough: options.lookThrough,
    progress: progressLine(options.progress && !options.quiet),
  };
  return options.keep === undefined ? found : keepRun(found, options.keep, options.force === true);
}

/** Stores the run first, and goes on with what was stored. */
async function keepRun(
  options: SourceOptions,
  path: string,
  force: boolean,
): Promise<SourceOptions> {
  fileTarget(path, force, '--keep');
  const { keepDatabase } = await import('../../analysis/store-run/ingest-run.ts');
  return keepDatabase(options, path, force);
}

/** A folder that is not there would be passed over without a word. */
function assertFolder(path: string): void {
  if (fileStat(path)?.isDirectory() !== true) throw new InputError(`${path}: no such folder`);
}

function selectionOf(options: SharedOptions): Selection {
  return {
    caches: options.cache ?? [],
    pids: options.pid ?? [],
    comms: options.comm ?? [],
    excludedComms: options.excludeComm ?? [],
    cpus: options.cpu ?? [],
    from: options.time?.from,
    to: options.time?.to,
    sizes: options.size,
    ages: options.age,
  };
}

function list(flags: string, description: string): Option {
  return new Option(flags, description).argParser(collect).default([]);
}

function numbers(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((value: string, previous: number[]) => [...previous, parseCount(value)])
    .default([]);
}

/** A whole number from 0 on. */
export function parseCount(value: string): number {
  if (!/^\d{1,15}$/.test(value))
    throw new InvalidArgumentError('expected a whole number from 0 on');
  return Number(value);
}

/** A number above 0. */
export function parsePositive(value: string): number {
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number))
    throw new InvalidArgumentError('expected a number above 0');
  return number;
}

/** An address as kernel logs print it: 4 to 16 hexadecimal digits, with or without 0x. */
export function parseAddress(text: string): bigint {
  const digits = /^(?:0x)?([0-9a-f]{4,16})$/i.exec(text)?.[1];
  if (digits === undefined)
    throw new InvalidArgumentError('expected an address, such as 0xffff888003a40040');
  return BigInt(`0x${digits}`);
}

/** `12.345` as in the trace, `+1.5` from its first event. */
export const parseTime: (text: string) => TimeBound = argument(parseTimeBound);

/** A parser whose complaints commander prints with the option's name. */
function argument<T, P = T | undefined>(
  parse: (text: string, previous?: P) => T,
): (text: string, previous?: P) => T {
  return (text, previous) => {
    try {
      return parse(text, previous);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      const complaint = new InvalidArgumentError(error.message);
      complaint.cause = error;
      throw complaint;
    }
  };
}
