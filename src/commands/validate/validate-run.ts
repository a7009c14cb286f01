// A source with a memory snapshot → what SLUB's own checks find in it, and for each damage the trace's
// biography of the object. The events are read only where something was found.

import { basename } from 'node:path';
import { PAGE_SIZE } from '../../base/address.ts';
import { EXIT, InputError, ToolError, UsageError } from '../../base/errors.ts';
import { formatAddress } from '../../base/format-address.ts';
import { NO_PROGRESS } from '../../base/progress.ts';
import { canReadTwice, findSource } from '../../recording/find-source.ts';
import { assertMatch, findVmcore, type OpenedVmcore, openVmcore } from '../../run/open-vmcore.ts';
import {
  type Completeness,
  judgeCompleteness,
  type RunSummary,
  summarizeRun,
} from '../../run/run-summary.ts';
import type { SourceOptions } from '../../run/source.ts';
import { matchTrace } from '../../snapshot/kernel/match-trace.ts';
import { readCpus } from '../../snapshot/kernel/per-cpu.ts';
import { isMemoryImage } from '../../snapshot/memory/open-snapshot.ts';
import type { CacheOccupancy } from '../../snapshot/slub-walk/occupancy.ts';
import type { SlabReport } from '../../snapshot/validate/slab-report.ts';
import { checkAllSlabs, checkTracedSlabs } from './validate-checks.ts';
import { type HistoryOwner, readHistory, type TraceHistory } from './validate-history.ts';

/** The kinds of damage that a snapshot can show. */
export const DAMAGE_KINDS: readonly string[] = [
  'redzone-right',
  'redzone-left',
  'poison',
  'object-padding',
  'slab-padding',
  'freepointer',
  'freelist',
  'counters',
  'track',
] satisfies SlabReport['kind'][];

export interface ValidateOptions extends SourceOptions {
  readonly vmcore?: string | undefined;
  /** False: no events are read. */
  readonly history: boolean;
}

export interface ValidationReport {
  readonly kind: SlabReport['kind'];
  readonly title: string;
  readonly cache: string;
  /** The object; of slab padding the first damaged byte, of a whole slab the slab. */
  readonly address: string | null;
  readonly slab: string | null;
  /** The damaged bytes, first and last; null where the damage is not one of bytes. */
  readonly firstByte: string | null;
  readonly lastByte: string | null;
  /** SLUB's own text. */
  readonly text: string;
  /** It only follows from the damage that is reported before it. */
  readonly consequence: boolean;
  /** What the kernel's text does not say. */
  readonly note: string | null;
  /** Null where no events were read; empty where they do not know the place. */
  readonly history: readonly HistoryOwner[] | null;
}

interface ValidatedCache {
  readonly name: string;
  readonly slabs: number;
  /** Slots in all. */
  readonly objects: number;
  readonly allocated: number;
  readonly freeOnCpuFreelist: number;
  readonly freeOnPartial: number;
  readonly inSheaves: number;
}

export interface Validation {
  readonly type: 'validation';
  /** What of it needs events is null where none were read. */
  readonly run: { readonly [K in keyof RunSummary]: RunSummary[K] | null };
  readonly completeness: Completeness | null;
  readonly snapshot: {
    readonly path: string;
    readonly format: string;
    readonly layouts: string | null;
  };
  /** Why the snapshot is taken to be of the recording's boot, one sentence each. */
  readonly evidence: readonly string[];
  readonly slabsChecked: number;
  readonly objectsChecked: number;
  /** Their memory is not in the image. */
  readonly objectsUnchecked: number;
  /** The damages, each before what follows from it. */
  readonly reports: readonly ValidationReport[];
  /** Found beyond the most that are kept. */
  readonly reportsLeftOut: number;
  readonly caches: readonly ValidatedCache[];
  /** Those of them with slub_debug's red zones, poison or tracks; null where that is not known. */
  readonly debugCaches: number | null;
  /** What the image lacks or gets wrong, one sentence each. */
  readonly notes: readonly string[];
}

/** @throws ToolError where there is no snapshot, or none of this recording that can be checked */
export async function validateRun(options: ValidateOptions): Promise<Validation> {
  const path = await snapshotOf(options);
  const { progress = NO_PROGRESS } = options;
  const name = basename(path);
  const opened = await progress.during(`opening ${name}`, () => openVmcore(path, options));
  try {
    const slub = 'reason' in opened.slub ? undefined : opened.slub;
    const hasEvents = findSource(options.source).kind !== 'folder' && options.source !== path;
    const checked =
      slub === undefined && hasEvents
        ? await checkTracedSlabs(opened, options)
        : await progress.during(
            `scanning ${name}`,
            async (tell) => checkAllSlabs(opened, options, tell),
            { blocks: true },
          );
    const readsHistory = options.history && hasEvents && canReadTwice(options.source);
    const { history, failure } = readsHistory
      ? await historyOf(options, checked.reports)
      : { history: undefined, failure: [] };
    const match = matchTrace(opened.kernel, slub, { ...opened.evidence, live: history?.live });
    assertMatch(path, match);
    const run = history === undefined ? bareRun(options, opened) : runOf(history, path);
    return {
      type: 'validation',
      ...run,
      snapshot: {
        path,
        format: opened.kernel.snapshot.format,
        layouts: opened.kernel.layout?.source ?? null,
      },
      evidence: match.evidence
        .filter(({ kind }) => kind !== 'addresses' || opened.hasKallsyms)
        .map(({ text }) => text),
      slabsChecked: checked.slabs,
      objectsChecked: checked.objects,
      objectsUnchecked: checked.objectsUnchecked,
      reports: checked.reports.flatMap((report) => describeReport(report, history)),
      reportsLeftOut: checked.reportsLeftOut,
      caches: checked.caches.map(describeCache),
      debugCaches: checked.debugCaches,
      notes: [...checked.notes, ...failure],
    };
  } finally {
    opened.kernel.snapshot.close();
  }
}

/** The snapshot that is named, the source's own, or the source itself. */
async function snapshotOf(options: ValidateOptions): Promise<string> {
  // The snapshot is what is looked into, no file beside that.
  const vmcore = await findVmcore({ ...options, sidecars: undefined });
  const { source } = options;
  if (vmcore !== undefined) {
    if ('path' in vmcore) return vmcore.path;
    throw new InputError(`${source}: ${vmcore.gone}`);
  }
  const found = findSource(source);
  // The path of a folder's events is another one.
  const isFile = found.kind === 'trace' && found.path === source && canReadTwice(source);
  if (isFile && (await isMemoryImage(source))) return source;
  throw new UsageError(`${source}: no memory snapshot beside it`, {
    hint: 'Name one with --vmcore FILE; in a recording folder it is called vmcore.',
  });
}

/** What the trace knows of the objects in some reports; why not, where it cannot be read. */
async function historyOf(
  options: ValidateOptions,
  reports: readonly SlabReport[],
): Promise<{ readonly history: TraceHistory | undefined; readonly failure: readonly string[] }> {
  if (reports.length === 0) return { history: undefined, failure: [] };
  try {
    return { history: await readHistory(options, reports), failure: [] };
  } catch (error) {
    if (!(error instanceof ToolError) || error.exitCode !== EXIT.badData) throw error;
    return { history: undefined, failure: [`the events cannot be read: ${error.message}`] };
  }
}

function describeCache(cache: CacheOccupancy): ValidatedCache {
  const { name, slabs, objects, allocated, freeOnCpuFreelist, freeOnPartial, inSheaves } = cache;
  return { name, slabs, objects, allocated, freeOnCpuFreelist, freeOnPartial, inSheaves };
}

/**
 * A left red zone is between two objects. The kernel names the second, which is right where someone
 * wrote before its start; where the first was written beyond its end, only the byte can be named: so
 * there is an entry at the byte, too.
 */
function describeReport(
  report: SlabReport,
  history: TraceHistory | undefined,
): readonly ValidationReport[] {
  const { kind, title, cache, address, slab, damaged, text, isConsequence, note } = report;
  const entry: ValidationReport = {
    kind,
    title,
    cache,
    address: formatAddress(address),
    slab: formatAddress(slab),
    firstByte: formatAddress(damaged?.first ?? null),
    lastByte: formatAddress(damaged?.last ?? null),
    text,
    consequence: isConsequence,
    note: note ?? null,
    history: history?.of(report) ?? null,
  };
  const before = formatAddress(report.objects.before ?? null);
  if (kind !== 'redzone-left' || isConsequence || before === null) return [entry];
  const seenFromBefore = {
    ...entry,
    address: entry.firstByte,
    consequence: true,
    note: `this lies between two objects: a write beyond the end of ${before} reaches it, too`,
    history: null,
  };
  return [entry, seenFromBefore];
}

function runOf(
  { opened: { run, origin } }: TraceHistory,
  path: string,
): Pick<Validation, 'run' | 'completeness'> {
  const sources = [...origin.sources, path];
  return {
    run: summarizeRun(run, { ...origin, sources }),
    completeness: judgeCompleteness(run),
  };
}

/** Where no events were read. */
function bareRun(
  { source, label }: ValidateOptions,
  { path, kernel }: OpenedVmcore,
): Pick<Validation, 'run' | 'completeness'> {
  const cpus = readCpus(kernel).length;
  return {
    run: {
      label: label ?? findSource(source).label,
      sources: [path],
      format: kernel.snapshot.format,
      kernelRelease: kernel.release ?? null,
      cpus: cpus === 0 ? null : cpus,
      pageSize: PAGE_SIZE,
      clock: null,
      clockUnit: null,
      firstNs: null,
      lastNs: null,
      durationSec: null,
    },
    completeness: null,
  };
}
