// What a program says of a run → what run/ takes.

import { UsageError } from '../base/errors.ts';
import type { Progress } from '../base/progress.ts';
import { type CsvOptions, DEFAULT_CSV } from '../ingest/format.ts';
import { type AgeRange, EVERYTHING, type Selection } from '../pairing/event-filter.ts';
import { parseAge, parseSizes, parseTimeWindow } from '../pairing/selection-texts.ts';
import type { SidecarChoice } from '../recording/find-source.ts';
import type { SourceOptions } from '../run/source.ts';

/** Which allocations the results speak of (docs/filters.md); all that is given must hold. */
export interface Select {
  /** Globs of names of caches. */
  readonly caches?: readonly string[];
  readonly pids?: readonly number[];
  /** Globs of names of tasks. */
  readonly comms?: readonly string[];
  readonly excludedComms?: readonly string[];
  readonly cpus?: readonly number[];
  /** `FROM..TO` in seconds as in the trace, or `+1.5` from its first event. */
  readonly time?: string;
  /** Requested bytes: `128..256`, `4K..`, `192`. */
  readonly size?: string;
  /** `+5s`, `-100ms`, or one of each. */
  readonly age?: string | readonly string[];
}

export interface RunOptions {
  /** A trace file, a recording folder or a run database; `-` is standard input. */
  readonly source: string;
  /** What to call this run in results; else the name of its file. */
  readonly label?: string;
  /** The name of its format (`listFormats()`), where it is not to be found by content. */
  readonly inputFormat?: string;
  /** Folders in which the files beside the events are looked for first; 'none': there are none. */
  readonly sidecars?: SidecarChoice;
  /** The instance to read, where a trace.dat has several. */
  readonly buffer?: string;
  readonly csv?: Partial<CsvOptions>;
  /** What probe events tell (docs/probes.md). */
  readonly maps?: readonly string[];
  /** Folder for what must be unpacked or stored for a time; else the system's. */
  readonly tmp?: string;
  /** False: call sites stay in functions that allocate for others (kvmalloc_node, kmemdup). */
  readonly looksThrough?: boolean;
  readonly select?: Select;
  /** Shows what takes long. */
  readonly progress?: Progress;
}

/** @throws UsageError that names the option whose text is none */
export function toSourceOptions(options: string | RunOptions): SourceOptions {
  if (typeof options === 'string') return { source: options };
  const { select, csv, ...rest } = options;
  return {
    ...rest,
    csv: csv === undefined ? undefined : { ...DEFAULT_CSV, ...csv },
    selection: select === undefined ? undefined : toSelection(select),
  };
}

function toSelection({ time, size, age, ...lists }: Select): Selection {
  const window = time === undefined ? {} : named('time', () => parseTimeWindow(time));
  const ages = age === undefined ? [] : [age].flat();
  return {
    ...EVERYTHING,
    ...lists,
    ...window,
    sizes: size === undefined ? undefined : named('size', () => parseSizes(size)),
    ages: named('age', () =>
      ages.reduce<AgeRange | undefined>((all, each) => parseAge(each, all), undefined),
    ),
  };
}

function named<T>(option: keyof Select, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`select.${option}: ${error.message}`, { cause: error });
  }
}
