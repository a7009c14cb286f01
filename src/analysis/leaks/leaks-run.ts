// `leaks`: the trace's live objects and a memory snapshot → those that nothing refers to; without a
// snapshot the live objects by site.

import { basename } from 'node:path';
import { UsageError } from '../../base/errors.ts';
import { NO_PROGRESS } from '../../base/progress.ts';
import { readWhole } from '../../base/read-whole.ts';
import { configNumber, parseKernelConfig } from '../../kernel/machine/kernel-config.ts';
import { Suppressions } from '../../kernel/symbols/lsan-suppressions.ts';
import { findSource } from '../../recording/find-source.ts';
import { VERDICT } from '../../run/live-verdicts.ts';
import { type OpenedRun, openRun } from '../../run/open-run.ts';
import { findVmcore, type OpenedVmcore, openVmcore } from '../../run/open-vmcore.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import { judgeCompleteness, summarizeRun } from '../../run/run-summary.ts';
import type { SourceOptions } from '../../run/source.ts';
import {
  type Annotation,
  builtInAnnotations,
  parseAnnotations,
} from '../../snapshot/scan/annotations.ts';
import type { BuiltScan } from '../../snapshot/scan/build-scan.ts';
import { isWhite } from '../../snapshot/scan/colours.ts';
import { WhiteGraph } from '../../snapshot/scan/white-graph.ts';
import { findOutstanding } from '../outstanding.ts';
import { LeaksBaseline } from './leaks-baseline.ts';
import { type FoundLeak, groupLeaks } from './leaks-groups.ts';
import { findLeakReferrers } from './leaks-referrers.ts';
import type { LeakReferrers, Leaks, NotReported } from './leaks-result.ts';
import { type ScannedSnapshot, scanSnapshot } from './leaks-scan.ts';

/** Annotations and suppressions are written by hand. */
const MOST_TEXT_BYTES = 64 * 1024 * 1024;

export interface LeaksOptions {
  /** Snapshots; empty: the source's own. A candidate must be one in each of them. */
  readonly vmcores: readonly string[];
  /** Do not look for a snapshot. */
  readonly outstanding: boolean;
  readonly minAgeSec: number;
  /** Paths of files. */
  readonly suppress: readonly string[];
  readonly annotations: readonly string[];
  /** Path of a run database. */
  readonly baseline: string | undefined;
  readonly conservative: boolean;
  readonly pretrace: boolean;
  readonly retained: boolean;
  /** For kmemleak's own form, which prints it. */
  readonly wantsChecksum: boolean;
}

/** As the command has them; the age is kmemleak's (MSECS_MIN_AGE). */
export const DEFAULT_LEAKS: LeaksOptions = {
  vmcores: [],
  outstanding: false,
  minAgeSec: 5,
  suppress: [],
  annotations: [],
  baseline: undefined,
  conservative: false,
  pretrace: false,
  retained: false,
  wantsChecksum: false,
};

export interface LeaksRun {
  readonly leaks: Leaks;
  /** CONFIG_HZ: what kmemleak's own form counts times in. */
  readonly hz: number;
}

/** Debian's, and the kernel's own default. */
const DEFAULT_HZ = 250;

export async function leaksRun(source: SourceOptions, options: LeaksOptions): Promise<LeaksRun> {
  return new LeaksSession(source, options).leaks();
}

/** Who refers to the object at an address (anywhere in it). */
export async function leaksReferrersRun(
  source: SourceOptions,
  options: LeaksOptions,
  address: bigint,
): Promise<LeakReferrers> {
  const session = new LeaksSession(source, options);
  return session.referrers(address);
}

class LeaksSession {
  private readonly source: SourceOptions;
  private readonly options: LeaksOptions;
  private readonly annotations: readonly Annotation[];
  private readonly suppressions: readonly Suppressions[];

  constructor(source: SourceOptions, options: LeaksOptions) {
    this.source = source;
    this.options = options;
    // What is wrong with these files is told before anything large is read.
    this.annotations = [
      ...options.annotations.flatMap((path) => parseAnnotations(readLines(path), path)),
      ...builtInAnnotations(),
    ];
    if (options.baseline !== undefined) findSource(options.baseline);
    this.suppressions = options.suppress.map((path) => new Suppressions(readLines(path), path));
  }

  async leaks(): Promise<LeaksRun> {
    const { paths, notes } = await this.findVmcores();
    const [path, ...others] = paths;
    if (path === undefined) return this.outstanding(notes);
    const [loaded, first] = await this.loadWith(path);
    try {
      const { run, origin } = loaded;
      const last = await this.scan(loaded, first);
      const confirmed: ScannedSnapshot[] = [];
      let white = unreferencedObjects(last);
      const before = white.length;
      for (const each of others) {
        const other = await this.scanOther(loaded, each);
        const addresses = new Set(
          unreferencedObjects(other).map((i) => addressKey(other.built, i)),
        );
        white = white.filter((i) => addresses.has(addressKey(last.built, i)));
        confirmed.push(other);
      }
      const kept = await this.select(loaded.run, last, white, before - white.length);
      const graph = this.options.retained
        ? new WhiteGraph(last.built.objects, last.graph, last.colours)
        : undefined;
      const leaks: Leaks = {
        type: 'leaks',
        method: 'reference-scan',
        run: summarizeRun(run, origin),
        completeness: judgeCompleteness(run),
        minAgeSec: this.options.minAgeSec,
        snapshots: [last, ...confirmed].map(({ snapshot }) => snapshot),
        scan: last.summary,
        groups: groupLeaks(kept.leaks, graph),
        candidates: kept.leaks.map(({ details }) => details.candidate),
        notReported: kept.notReported,
        outstanding: [],
        notes: last.notes,
      };
      return { leaks, hz: hzOf(loaded) };
    } finally {
      first.kernel.snapshot.close();
    }
  }

  async referrers(address: bigint): Promise<LeakReferrers> {
    const { paths, notes } = await this.findVmcores();
    const [path] = paths;
    if (path === undefined) {
      throw new UsageError(`${this.source.source}: no memory snapshot, so no references`, {
        hint: notes[0] ?? 'Name one with --vmcore FILE.',
      });
    }
    const [loaded, vmcore] = await this.loadWith(path);
    try {
      const scanned = await this.scan(loaded, vmcore);
      return findLeakReferrers(loaded, scanned, address);
    } finally {
      vmcore.kernel.snapshot.close();
    }
  }

  /** The snapshots, and why there is none where there was one. */
  private async findVmcores(): Promise<{ paths: readonly string[]; notes: readonly string[] }> {
    const { vmcores, outstanding } = this.options;
    if (outstanding || vmcores.length > 0) return { paths: outstanding ? [] : vmcores, notes: [] };
    const { source, sidecars } = this.source;
    const own = await findVmcore({ source, sidecars });
    if (own === undefined) return { paths: [], notes: [] };
    return 'path' in own ? { paths: [own.path], notes: [] } : { paths: [], notes: [own.gone] };
  }

  private async outstanding(notes: readonly string[]): Promise<LeaksRun> {
    const opened = await openRun(this.source);
    const { run, series, origin } = opened;
    const leaks: Leaks = {
      type: 'leaks',
      method: 'outstanding',
      run: summarizeRun(run, origin),
      completeness: judgeCompleteness(run),
      minAgeSec: this.options.minAgeSec,
      snapshots: [],
      scan: null,
      groups: [],
      candidates: [],
      notReported: null,
      outstanding: findOutstanding(run, series),
      notes,
    };
    return { leaks, hz: hzOf(opened) };
  }

  /** The trace is read while the snapshot is unpacked. */
  private async loadWith(path: string): Promise<[OpenedRun, OpenedVmcore]> {
    const opening = this.open(path);
    const [loaded, opened] = await Promise.allSettled([openRun(this.source), opening]);
    if (loaded.status === 'rejected') {
      if (opened.status === 'fulfilled') opened.value.kernel.snapshot.close();
      throw loaded.reason;
    }
    if (opened.status === 'rejected') throw opened.reason;
    return [loaded.value, opened.value];
  }

  private open(path: string): Promise<OpenedVmcore> {
    const { source, sidecars, tmp, progress = NO_PROGRESS } = this.source;
    return progress.during(`opening ${basename(path)}`, () =>
      openVmcore(path, { source, vmcore: path, sidecars, tmp }),
    );
  }

  private async scanOther(loaded: OpenedRun, path: string): Promise<ScannedSnapshot> {
    const vmcore = await this.open(path);
    try {
      return await this.scan(loaded, vmcore);
    } finally {
      vmcore.kernel.snapshot.close();
    }
  }

  private scan(loaded: OpenedRun, vmcore: OpenedVmcore): Promise<ScannedSnapshot> {
    const { conservative, pretrace, wantsChecksum } = this.options;
    const { annotations } = this;
    const { progress = NO_PROGRESS } = this.source;
    const how = { conservative, pretrace, wantsChecksum, annotations, progress };
    return scanSnapshot(loaded, vmcore, how);
  }

  /** Which of the white objects are told, and why the others are not. */
  private async select(
    run: ResolvedRun,
    scanned: ScannedSnapshot,
    white: readonly number[],
    notConfirmed: number,
  ): Promise<{ leaks: FoundLeak[]; notReported: NotReported }> {
    const { minAgeSec } = this.options;
    const counts = {
      tooYoung: 0,
      annotated: 0,
      suppressed: 0,
      inBaseline: 0,
      uncertain: 0,
      filtered: 0,
    };
    const { live, verdicts } = run;
    // Of an object without an allocation event, neither is known.
    const judgesAllocations = (run.selection.sizes ?? run.selection.ages) !== undefined;
    let leaks: FoundLeak[] = [];
    for (const object of white) {
      const details = scanned.objects.describe(object);
      const { candidate, row } = details;
      const isSelected = row < 0 ? !judgesAllocations : live.isSelected(row);
      const cache = candidate.cache ?? undefined;
      if (!isSelected || !run.selectsCache(cache)) counts.filtered++;
      else if (candidate.ageSec !== null && candidate.ageSec < minAgeSec) counts.tooYoung++;
      else if (row >= 0 && isDoubted(verdicts.ofRow[row] ?? 0, scanned.conservative)) {
        counts.uncertain++;
      } else if (!isWhite(scanned.built.objects, scanned.colours, object)) counts.annotated++;
      else if (this.isSuppressed(details)) counts.suppressed++;
      else leaks.push({ object, details });
    }
    leaks.sort((a, b) => orderOf(a) - orderOf(b) || a.object - b.object);
    const { baseline } = this.options;
    if (baseline !== undefined) {
      const { looksThrough, tmp, sidecars, progress } = this.source;
      const earlier = await openRun({
        source: baseline,
        // Folders that are named are this recording's.
        sidecars: sidecars === 'none' ? 'none' : undefined,
        looksThrough,
        tmp,
        progress,
      });
      const left = new LeaksBaseline(earlier).newOnes(run, leaks);
      counts.inBaseline = leaks.length - left.length;
      leaks = left;
    }
    return { leaks, notReported: { ...counts, notConfirmed } };
  }

  private isSuppressed({ candidate, site }: FoundLeak['details']): boolean {
    if (this.suppressions.length === 0) return false;
    const frames = [...candidate.stack];
    const { symbol, module } = site;
    if (symbol !== null) frames.unshift(module === null ? symbol : `${symbol} [${module}]`);
    return this.suppressions.some((s) => s.matches(frames));
  }
}

function hzOf({ sidecars }: OpenedRun): number {
  return configNumber(parseKernelConfig(sidecars.text('config') ?? ''), 'HZ') ?? DEFAULT_HZ;
}

/** True for an object that nobody may refer to because it was freed unseen. */
function isDoubted(verdict: number, conservative: boolean): boolean {
  return verdict === VERDICT.unrecordedFrees || (conservative && verdict !== VERDICT.certain);
}

/** In the order of allocation, as kmemleak lists them; what has no time comes last. */
function orderOf({ details }: FoundLeak): number {
  const { allocatedNs } = details.candidate;
  return allocatedNs === null ? Infinity : Number(allocatedNs);
}

/** White objects, and those that only the user's annotations keep from being white. */
function unreferencedObjects({ unpainted }: ScannedSnapshot): number[] {
  const { objects, colours } = unpainted;
  const found: number[] = [];
  for (let i = 0; i < objects.count; i++) if (isWhite(objects, colours, i)) found.push(i);
  return found;
}

function addressKey({ objects }: BuiltScan, i: number): string {
  return `${objects.hi[i]} ${objects.lo[i]}`;
}

/** @throws InputError, TraceFormatError */
function readLines(path: string): string {
  return readWhole(path, MOST_TEXT_BYTES).toString('utf8');
}
