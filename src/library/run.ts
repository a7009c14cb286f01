// A run as a program sees it: opened once, asked for results. The common results share one pass over
// the events; what needs another pass reads them again.

import type { LeakReferrers, Leaks } from '../analysis/leaks/leaks-result.ts';
import {
  DEFAULT_LEAKS,
  type LeaksOptions,
  leaksReferrersRun,
  leaksRun,
} from '../analysis/leaks/leaks-run.ts';
import { addFindings, LINT_TRACKERS, type Lint, lintResult } from '../analysis/lint/lint-run.ts';
import { type Analysis, buildAnalysis } from '../analysis/overview.ts';
import type { ProfileValue } from '../analysis/profile-stacks.ts';
import { type Ingested, ingestRun } from '../analysis/store-run/ingest-run.ts';
import { type OpenedDatabase, openOrIngest } from '../analysis/store-run/open-database.ts';
import { UsageError } from '../base/errors.ts';
import { once } from '../base/once.ts';
import type { ExportFormat } from '../commands/export/export-formats.ts';
import { type ExportedFile, exportTo } from '../commands/export/export-to.ts';
import { type FragOptions, fragmentOpened, fragmentRun } from '../commands/frag/fragment-run.ts';
import type { FragBy, Fragmentation } from '../commands/frag/fragmentation.ts';
import {
  type History,
  historyRun,
  type ReportHistories,
  reportHistories,
} from '../commands/history/history-run.ts';
import { rateRun } from '../commands/rates/rate-run.ts';
import type { Rates, RatesBy } from '../commands/rates/rates.ts';
import { parseReplayOptions, type ReplayTexts } from '../commands/replay/replay-options.ts';
import { type Replay, replayRun } from '../commands/replay/replay-run.ts';
import { type Validation, validateRun } from '../commands/validate/validate-run.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import { parseTimeBound } from '../pairing/selection-texts.ts';
import { StackTally } from '../pairing/stack-tally.ts';
import { TaskTally } from '../pairing/task-tally.ts';
import { canReadTwice, findSource } from '../recording/find-source.ts';
import { openRun as readRun } from '../run/open-run.ts';
import type { SourceOptions } from '../run/source.ts';
import type { EventTableInput } from '../store/event-table.ts';
import { EventObjects, type RecordedEvent } from './recorded-events.ts';
import { type RunOptions, toSourceOptions } from './run-options.ts';

const NS_PER_SECOND = 1e9;

export interface OverviewOptions {
  /** Whether the events also go through the model of SLUB, where the source allows it. */
  readonly replay?: boolean;
}

export interface FragmentationOptions {
  readonly by?: FragBy;
  /** 'end', 'peak', or a moment: `12.5` as in the trace, `+1.5` from its first event. */
  readonly at?: string;
  /** Whether advice is also weighed in slabs, where the source allows it. */
  readonly replay?: boolean;
  /** A vmlinux with debug information, for files and lines; else the one beside the recording. */
  readonly vmlinux?: string;
}

export interface RatesOptions {
  readonly by?: RatesBy;
  /** Seconds, or a billion units of a clock that counts something else. */
  readonly interval?: number;
  /** Every interval too. */
  readonly series?: boolean;
}

/** The machine as `replay` changes it; the texts are those of its options. */
export interface ReplayChange extends ReplayTexts {
  /** The moment whose state is the result: `12.5`, `+1.5`; else the end. */
  readonly at?: string;
}

export interface ValidateOptions {
  /** The snapshot; else the source's own. */
  readonly vmcore?: string;
  /** Whether the events are read for the owners of damaged objects. */
  readonly history?: boolean;
}

export interface ExportOptions {
  readonly to: ExportFormat;
  /** The file to write. */
  readonly out: string;
  /** Takes the place of a file that exists. */
  readonly force?: boolean;
  /** collapsed: what is counted. */
  readonly value?: ProfileValue;
  /** collapsed: a run to compare with. */
  readonly base?: string | RunOptions;
}

/** The common pass: what overview, fragmentation and lint are built from. */
function readCommon(options: SourceOptions): ReturnType<typeof readRun<typeof COMMON>> {
  return readRun(options, { trackers: COMMON, replay: {} });
}

const COMMON = {
  ...LINT_TRACKERS,
  stacks: (): StackTally => new StackTally(),
  tasks: (...[dictionary]: ConstructorParameters<typeof TaskTally>): TaskTally =>
    new TaskTally(dictionary),
};

/**
 * Opens a run. Events are read when a result is asked for.
 * @throws InputError where there is no such source
 * @throws UsageError where an option is none
 */
export async function openRun(options: string | RunOptions): Promise<Run> {
  const found = toSourceOptions(options);
  findSource(found.source);
  return new Run(found);
}

/** A run; `close()` it when done. Errors are those of base/errors.ts, each with what to do. */
export class Run {
  private readonly options: SourceOptions;
  private isClosed = false;
  private opened: OpenedDatabase | undefined;
  /** The run as a database: its own, or one that is made for the time that this is open. */
  private readonly database = once(async (): Promise<OpenedDatabase> => {
    this.opened = await openOrIngest(this.options);
    return this.opened;
  });
  private readonly common = once(async () => readCommon(await this.source()));
  private readonly linted = once(async () => addFindings(await this.common(), true));

  constructor(options: SourceOptions) {
    this.options = options;
  }

  /** Where slab memory goes, what is wasted and held, and how far to trust it. */
  async overview({ replay = true }: OverviewOptions = {}): Promise<Analysis> {
    const linted = replay ? await this.linted() : await addFindings(await this.common(), false);
    const { run, series, origin, replayed, findings } = linted;
    return buildAnalysis(run, series, origin, replayed, findings);
  }

  /** Suspicious and wasteful uses of the allocators, errors first. */
  async lint({ replay = true }: OverviewOptions = {}): Promise<Lint> {
    return lintResult(replay ? await this.linted() : await addFindings(await this.common(), false));
  }

  /** Memory that nobody asked for. */
  async fragmentation(options: FragmentationOptions = {}): Promise<Fragmentation> {
    const { by = 'cache', at = 'end', replay = true, vmlinux } = options;
    const how: Omit<FragOptions, 'at'> = { by, replays: replay, vmlinux, located: 0 };
    if (at === 'end' || at === 'peak') return fragmentOpened(await this.common(), { ...how, at });
    const until = parseTimeBound(at);
    return fragmentRun({ ...(await this.source()), until }, { ...how, at: 'end' });
  }

  /** Allocations, frees and bytes per second. Reads the events again. */
  async rates(options: RatesOptions = {}): Promise<Rates> {
    const { by = 'cache', interval = 1, series = false } = options;
    if (!(interval > 0)) throw new UsageError(`interval ${interval}: expected a number above 0`);
    return rateRun(await this.source(), by, interval * NS_PER_SECOND, series);
  }

  /** With a memory snapshot the objects that nothing refers to, else the live ones by site. */
  async leaks(options: Partial<LeaksOptions> = {}): Promise<Leaks> {
    return (await leaksRun(await this.source(), { ...DEFAULT_LEAKS, ...options })).leaks;
  }

  /** The words of a memory snapshot that point to an object. */
  async whoPointsTo(
    address: bigint | string,
    options: Partial<LeaksOptions> = {},
  ): Promise<LeakReferrers> {
    const how = { ...DEFAULT_LEAKS, ...options };
    return leaksReferrersRun(await this.source(), how, toAddress(address));
  }

  /** The events through the model of SLUB; with a changed machine, a what-if. */
  async replay({ at, ...texts }: ReplayChange = {}): Promise<Replay> {
    const until = at === undefined || at === 'end' ? undefined : parseTimeBound(at);
    return replayRun({ ...(await this.source()), until }, { ...parseReplayOptions(texts), at });
  }

  /** SLUB's own checks over every slab of a memory snapshot. */
  async validate({ vmcore, history = true }: ValidateOptions = {}): Promise<Validation> {
    return validateRun({ ...(await this.source()), vmcore, history });
  }

  /**
   * The life of an address. Reads the events again.
   * @param options `at`: a moment, `12.5` or `+1.5`: who had it then
   */
  async history(address: bigint | string, { at }: { readonly at?: string } = {}): Promise<History> {
    const until = at === undefined ? undefined : parseTimeBound(at);
    return historyRun({ ...(await this.source()), until }, toAddress(address));
  }

  /** The lives of the objects that a kernel log (a file) reports on. */
  async reports(log: string): Promise<ReportHistories> {
    return reportHistories(await this.source(), log);
  }

  /**
   * The events as columns, in the order of time, all of them: no selection leaves one out. A batch is
   * valid until the next one is asked for. What its numbers index: `tables()`.
   */
  async *batches(): AsyncGenerator<EventBatch> {
    this.assertOpen();
    const { database } = await this.database();
    for (const batch of database.batches()) {
      yield batch;
      this.assertOpen();
    }
  }

  /** The dictionary of `batches()`, and what is known of the trace. */
  async tables(): Promise<EventTableInput> {
    this.assertOpen();
    return (await this.database()).tables;
  }

  /** The events as objects, in the order of time, all of them. */
  async *events(): AsyncGenerator<RecordedEvent> {
    const objects = new EventObjects(await this.tables());
    for await (const batch of this.batches()) yield* objects.of(batch);
  }

  /** Writes a file for another tool. */
  async export({ to, out, force = false, value, base }: ExportOptions): Promise<ExportedFile> {
    const collapsed = { value, base: base === undefined ? undefined : toSourceOptions(base) };
    return exportTo(await this.source(), to, { path: out, force }, collapsed);
  }

  /**
   * Stores the run as a database, which every program of this kind reads as a source.
   * @param options `force`: takes the place of a file that exists
   */
  async store(
    path: string,
    { force = false }: { readonly force?: boolean } = {},
  ): Promise<Ingested> {
    const source = await this.source();
    return ingestRun({ ...source, selection: undefined, until: undefined }, path, force);
  }

  /** Gives back what it holds: files that were made for a time are removed. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.opened?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What is read once only is stored first. */
  private async source(): Promise<SourceOptions> {
    this.assertOpen();
    const { options } = this;
    if (canReadTwice(options.source)) return options;
    const label = options.label ?? findSource(options.source).label;
    return { ...options, label, source: (await this.database()).path };
  }

  private assertOpen(): void {
    if (this.isClosed) throw new UsageError(`${this.options.source}: this run is closed`);
  }
}

function toAddress(address: bigint | string): bigint {
  if (typeof address === 'bigint') return address;
  const digits = /^(?:0x)?([0-9a-f]{4,16})$/i.exec(address)?.[1];
  if (digits === undefined)
    throw new UsageError(`${address}: expected an address, such as 0xffff888003a40040`);
  return BigInt(`0x${digits}`);
}
