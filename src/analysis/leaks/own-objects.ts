// What is reported here, for the comparison with kmemleak's list: the candidates of a scan, or all that is
// outstanding; and of an address of the list what the trace knows of it.

import { hiOf, joinHalves, loOf } from '../../base/address.ts';
import { formatAddress } from '../../base/format-address.ts';
import type { KmemleakObject } from '../../kernel/checks/kmemleak-list.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import { absoluteTime } from '../../run/run-summary.ts';
import { VERDICT } from '../../run/verdicts/live-verdicts.ts';
import type { BuiltScan } from '../../snapshot/scan/build-scan.ts';
import type { LastOwners } from '../last-owners.ts';
import type { KeptEvent } from '../owners.ts';
import type { Absence, KmemleakReason, OwnObject, OwnObjects } from './kmemleak-comparison.ts';
import type { LeakCandidate, NotReported } from './leaks-result.ts';
import { kmemleakSize } from './leaks-traced.ts';

/** Why a white object is not reported, by its index in the scan. */
export type NotReportedObjects = ReadonlyMap<number, keyof NotReported>;

const REASON_OF: Readonly<Record<keyof NotReported, KmemleakReason>> = {
  tooYoung: 'too-young',
  annotated: 'annotated',
  suppressed: 'suppressed',
  inBaseline: 'in-baseline',
  notConfirmed: 'not-confirmed',
  uncertain: 'uncertain',
  filtered: 'filtered',
};

/** The trace's part in what is known of an address. */
export class TracedAddresses {
  readonly run: ResolvedRun;
  private readonly owners: LastOwners;

  constructor(run: ResolvedRun, owners: LastOwners) {
    this.run = run;
    this.owners = owners;
  }

  /** The row of `run.live` of the object at an address, -1 for none. */
  row(address: bigint): number {
    return this.run.live.find(loOf(address), hiOf(address));
  }

  /** When the latest allocation of an address was, in seconds. */
  allocatedSec({ address }: KmemleakObject): number | undefined {
    const at = BigInt(address);
    const [owner] = this.owners.of(loOf(at), hiOf(at));
    if (owner?.alloc === undefined) return undefined;
    return Number(absoluteTime(this.run, owner.alloc.ts)) / 1e9;
  }

  /** An object of `run.live`. */
  ofRow(row: number): OwnObject {
    const { live } = this.run;
    const address = joinHalves(live.ptrHi(row), live.ptrLo(row));
    const event = {
      ts: live.ts(row),
      call: live.call(row),
      task: live.task(row),
      stack: live.stack(row),
    };
    return this.describe(address, event, this.run.cacheOfRow(row) ?? null);
  }

  /** Of an address that is not live, or whose place the snapshot shows as free. */
  fate(address: bigint): Absence | undefined {
    const [owner] = this.owners.of(loOf(address), hiOf(address));
    if (owner === undefined) return undefined;
    const { alloc, free } = owner;
    const cache = alloc === undefined ? undefined : this.run.names.ofCall[alloc.call];
    const here = alloc === undefined ? null : this.describe(address, alloc, cache ?? null);
    if (free === undefined) return { reason: 'freed-unseen', here };
    const by = this.describe(address, free, null);
    const site = by.symbol ?? by.callSite ?? '?';
    const at = `${(Number(absoluteTime(this.run, free.ts)) / 1e9).toFixed(3)} s`;
    return { reason: 'freed', why: `It was freed after that: at ${at} by ${site}.`, here };
  }

  private describe(
    address: bigint,
    { ts, call, task, stack }: Omit<KeptEvent, 'cpu'>,
    cache: string | null,
  ): OwnObject {
    const { run } = this;
    const { calls, tasks, strings } = run.dictionary;
    const site = run.sites.get(run.callers.callerOf(calls.site(call), stack));
    const isTimed = run.info.clockUnit === 'ns';
    return {
      address: formatAddress(address),
      size: kmemleakSize(run, call),
      cache,
      callSite: formatAddress(site.address),
      symbol: site.symbol,
      module: site.module,
      comm: strings.get(tasks.comm(task)),
      pid: tasks.pid(task),
      allocatedNs: absoluteTime(run, ts),
      ageSec: isTimed ? (run.tallies.lastTs - ts) / 1e9 : null,
    };
  }
}

/** The candidates of a reference scan. */
export class ScannedObjects implements OwnObjects {
  readonly isListed = true;
  private readonly candidates: ReadonlyMap<bigint, LeakCandidate>;
  private readonly others: ReadonlyMap<bigint, { readonly reason: KmemleakReason }>;
  private readonly traced: TracedAddresses;

  constructor(
    traced: TracedAddresses,
    { objects }: BuiltScan,
    candidates: readonly LeakCandidate[],
    notReported: NotReportedObjects,
    list: readonly KmemleakObject[],
  ) {
    this.traced = traced;
    this.candidates = new Map(candidates.map((each) => [BigInt(each.address), each]));
    const others = new Map<bigint, { reason: KmemleakReason }>();
    const wanted = new Set(list.map(({ address }) => BigInt(address)));
    const low = new Set([...wanted].map(loOf));
    for (let i = 0; i < objects.count; i++) {
      if (!low.has(objects.lo[i]!)) continue;
      const address = joinHalves(objects.hi[i]!, objects.lo[i]!);
      const why = notReported.get(i);
      if (wanted.has(address)) {
        others.set(address, { reason: why === undefined ? 'referenced' : REASON_OF[why] });
      }
    }
    this.others = others;
  }

  get count(): number {
    return this.candidates.size;
  }

  reported(address: bigint): OwnObject | undefined {
    return this.candidates.get(address);
  }

  absence(address: bigint): Absence | undefined {
    const scanned = this.others.get(address);
    if (scanned === undefined) return this.traced.fate(address);
    const row = this.traced.row(address);
    return { ...scanned, here: row < 0 ? null : this.traced.ofRow(row) };
  }

  all(): Iterable<OwnObject> {
    return this.candidates.values();
  }
}

/** Everything that is live at the end of the trace and old enough. */
export class OutstandingObjects implements OwnObjects {
  readonly isListed = false;
  readonly count: number;
  private readonly traced: TracedAddresses;
  private readonly rows: ReadonlySet<number>;
  private readonly minAgeSec: number;

  constructor(traced: TracedAddresses, minAgeSec: number) {
    this.traced = traced;
    this.minAgeSec = minAgeSec;
    this.rows = new Set([...traced.run.rows].filter((row) => this.isOld(row)));
    this.count = this.rows.size;
  }

  reported(address: bigint): OwnObject | undefined {
    const row = this.traced.row(address);
    return this.rows.has(row) ? this.traced.ofRow(row) : undefined;
  }

  absence(address: bigint): Absence | undefined {
    const { run } = this.traced;
    const row = this.traced.row(address);
    if (row < 0) return this.traced.fate(address);
    const here = this.traced.ofRow(row);
    if (run.verdicts.ofRow[row] === VERDICT.gone) return { reason: 'freed-unseen', here };
    return { reason: this.isOld(row) ? 'filtered' : 'too-young', here };
  }

  *all(): Iterable<OwnObject> {
    for (const row of this.rows) yield this.traced.ofRow(row);
  }

  private isOld(row: number): boolean {
    const { live, tallies, info } = this.traced.run;
    return info.clockUnit !== 'ns' || (tallies.lastTs - live.ts(row)) / 1e9 >= this.minAgeSec;
  }
}
