// `leaks`: the trace's live objects and a memory snapshot → those that nothing refers to; without a
// snapshot the live objects by site.

import { basename } from 'node:path';
import { hiOf, loOf } from '../../base/address.ts';
import { UsageError } from '../../base/errors.ts';
import { NO_PROGRESS } from '../../base/progress.ts';
import { readWhole } from '../../base/read-whole.ts';
import type { KmemleakObject } from '../../kernel/checks/kmemleak-list.ts';
import { configNumber, parseKernelConfig } from '../../kernel/machine/kernel-config.ts';
import { Suppressions } from '../../kernel/symbols/lsan-suppressions.ts';
import { findSource } from '../../recording/find-source.ts';
import { type OpenedRun, openRun } from '../../run/open-run.ts';
import { findVmcore, type OpenedVmcore, openVmcore } from '../../run/open-vmcore.ts';
import {
  absoluteTime,
  durationSec,
  judgeCompleteness,
  summarizeRun,
} from '../../run/run-summary.ts';
import type { SourceOptions } from '../../run/source.ts';
import {
  type Annotation,
  builtInAnnotations,
  parseAnnotations,
} from '../../snapshot/scan/annotations.ts';
import type { BuiltScan } from '../../snapshot/scan/build-scan.ts';
import { isWhite } from '../../snapshot/scan/colours.ts';
import { WhiteGraph } from '../../snapshot/scan/white-graph.ts';
import { readKernelOwners } from '../kernel-owners.ts';
import { LastOwners } from '../last-owners.ts';
import { findOutstanding } from '../outstanding.ts';
import {
  compareWithKmemleak,
  type KmemleakComparison,
  type OwnObjects,
} from './kmemleak-comparison.ts';
import { readKmemleakObjects } from './kmemleak-groups.ts';
import { groupLeaks } from './leaks-groups.ts';
import { findLeakReferrers } from './leaks-referrers.ts';
import type { LeakReferrers, Leaks, NotReported } from './leaks-result.ts';
import { type ScannedSnapshot, scanSnapshot } from './leaks-scan.ts';
import { ListClock } from './list-clock.ts';
import {
  type NotReportedObjects,
  OutstandingObjects,
  ScannedObjects,
  TracedAddresses,
} from './own-objects.ts';
import { countReasons, ReportedLeaks } from './reported-leaks.ts';

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

/**
 * What is reported beside the objects of kmemleak's own list.
 * @param path of the list
 * @throws TraceFormatError where it is none
 */
export async function kmemleakComparisonRun(
  source: SourceOptions,
  options: LeaksOptions,
  path: string,
): Promise<KmemleakComparison> {
  const list = readKmemleakObjects(path);
  return new LeaksSession(source, options, list).comparison(path);
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
  private readonly reported: ReportedLeaks;
  private readonly list: readonly KmemleakObject[];
  private readonly owners = new LastOwners();

  /** @param list of the kernel, where it is to be compared */
  constructor(source: SourceOptions, options: LeaksOptions, list: readonly KmemleakObject[] = []) {
    this.source = source;
    this.options = options;
    this.list = list;
    for (const { address } of list) this.owners.watch(loOf(BigInt(address)), hiOf(BigInt(address)));
    // What is wrong with these files is reported before anything large is read.
    this.annotations = [
      ...options.annotations.flatMap((path) => parseAnnotations(readLines(path), path)),
      ...builtInAnnotations(),
    ];
    if (options.baseline !== undefined) findSource(options.baseline);
    const suppressions = options.suppress.map((path) => new Suppressions(readLines(path), path));
    this.reported = new ReportedLeaks(source, options, suppressions);
  }

  async leaks(): Promise<LeaksRun> {
    const { paths, notes } = await this.findVmcores();
    if (paths.length === 0) return this.outstanding(notes);
    const { loaded, leaks } = await this.scanned(paths);
    return { leaks, hz: hzOf(loaded) ?? DEFAULT_HZ };
  }

  async comparison(path: string): Promise<KmemleakComparison> {
    const { paths, notes } = await this.findVmcores();
    if (paths.length === 0) {
      const loaded = await this.load();
      const traced = new TracedAddresses(loaded.run, this.owners);
      const own = new OutstandingObjects(traced, this.options.minAgeSec);
      return this.compare(path, loaded, traced, own, notes);
    }
    const { loaded, last, leaks, reasons } = await this.scanned(paths);
    const traced = new TracedAddresses(loaded.run, this.owners);
    const { built } = last;
    const own = new ScannedObjects(traced, built, leaks.candidates, reasons, this.list);
    return this.compare(path, loaded, traced, own, last.notes);
  }

  private compare(
    path: string,
    loaded: OpenedRun,
    traced: TracedAddresses,
    own: OwnObjects,
    notes: readonly string[],
  ): KmemleakComparison {
    const { list } = this;
    const { run, origin } = loaded;
    const { firstTs, lastTs } = run.tallies;
    const isTimed = run.info.clockUnit === 'ns' && !Number.isNaN(firstTs);
    const secOf = (ts: number): number | null =>
      isTimed ? Number(absoluteTime(run, ts)) / 1e9 : null;
    const clock = new ListClock({
      hz: hzOf(loaded),
      clock: isTimed ? run.info.clock : null,
      firstSec: secOf(firstTs),
      lastSec: secOf(lastTs),
      list,
      allocatedSec: (object) => traced.allocatedSec(object),
    });
    return {
      type: 'kmemleak-comparison',
      method: own.isListed ? 'reference-scan' : 'outstanding',
      run: summarizeRun(run, origin),
      completeness: judgeCompleteness(run),
      list: path,
      minAgeSec: this.options.minAgeSec,
      ...compareWithKmemleak({ list, own, isHashed: run.info.hashedPointers, clock }),
      notes,
    };
  }

  /** The reference scan. @param paths of snapshots, at least one */
  private async scanned(paths: readonly string[]): Promise<Scanned> {
    const [path = '', ...others] = paths;
    const [loaded, first] = await this.loadWith(path);
    try {
      const { run, origin } = loaded;
      const last = await this.scan(loaded, first);
      const reasons = new Map<number, keyof NotReported>();
      const confirmed: ScannedSnapshot[] = [];
      let white = unreferencedObjects(last);
      for (const each of others) {
        const other = await this.scanOther(loaded, each);
        const addresses = new Set(
          unreferencedObjects(other).map((i) => addressKey(other.built, i)),
        );
        white = white.filter((i) => {
          const isWhiteThere = addresses.has(addressKey(last.built, i));
          if (!isWhiteThere) reasons.set(i, 'notConfirmed');
          return isWhiteThere;
        });
        confirmed.push(other);
      }
      const kept = await this.reported.select(loaded.run, last, white, reasons);
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
        groups: groupLeaks(kept, graph),
        candidates: kept.map(({ details }) => details.candidate),
        notReported: countReasons(reasons),
        outstanding: [],
        allocinfo: null,
        allocTraces: null,
        notes: last.notes,
      };
      return { loaded, last, leaks, reasons };
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
    const opened = await this.load();
    const { run, series, origin, sidecars } = opened;
    const outstanding = findOutstanding(run, series);
    const { allocinfo, allocTraces, ...owners } = readKernelOwners({
      sidecars,
      outstanding,
      hz: hzOf(opened),
      durationSec: durationSec(run),
    });
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
      outstanding,
      allocinfo,
      allocTraces,
      notes: [...notes, ...owners.notes],
    };
    return { leaks, hz: hzOf(opened) ?? DEFAULT_HZ };
  }

  private load(): Promise<OpenedRun> {
    const { owners, list } = this;
    return openRun(this.source, {
      trackers: { owners: list.length === 0 ? undefined : () => owners },
    });
  }

  /** The trace is read while the snapshot is unpacked. */
  private async loadWith(path: string): Promise<[OpenedRun, OpenedVmcore]> {
    const opening = this.open(path);
    const [loaded, opened] = await Promise.allSettled([this.load(), opening]);
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
}

interface Scanned {
  readonly loaded: OpenedRun;
  readonly last: ScannedSnapshot;
  readonly leaks: Leaks;
  /** Of the white objects that are not reported. */
  readonly reasons: NotReportedObjects;
}

/** CONFIG_HZ; undefined where the recording has no configuration. */
function hzOf({ sidecars }: OpenedRun): number | undefined {
  return configNumber(parseKernelConfig(sidecars.text('config') ?? ''), 'HZ');
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
