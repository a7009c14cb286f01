// A report whose object has no address that the trace knows → the objects of the trace that it can be
// about: by its cache, "Allocated in", pid, CPU and age. Which call sites these are is known only when
// the trace was read, so its events are read once more.

import { describeEvent, type KeptEvent, type ObjectOwner } from '../../analysis/owners.ts';
import { joinHalves } from '../../base/address.ts';
import { AddressMap } from '../../base/address-map.ts';
import { formatAddress } from '../../base/format-address.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import { EVENT_KIND, isAlloc, isFree } from '../../kernel/events/event-kind.ts';
import type { Call, EventRow } from '../../kernel/indices.ts';
import type { MemoryReport, ReportedTrack } from '../../kernel/memory-reports/memory-report.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import type { ReportMoment } from './report-moment.ts';
import { isOfTrack, OF_FREE_OBJECT } from './report-owner.ts';

export interface Candidates {
  /** Objects of the trace that fit, as far as they were kept. */
  readonly count: number;
  /** What they were narrowed by: `cache`, `call site`, `pid`, `CPU`, `age`, `state`. */
  readonly by: readonly string[];
  /** The last ones before the report, in the order of their allocations. */
  readonly owners: readonly ObjectOwner[];
}

interface Candidate {
  readonly address: bigint;
  readonly alloc: KeptEvent;
  free: KeptEvent | undefined;
}

/** Candidates of one report that are kept, the last ones, and those that are described. */
const MOST_KEPT = 1024;
const MOST_SHOWN = 4;
/** CONFIG_HZ: what kernels have been built with. */
const TICKS: readonly number[] = [100, 250, 300, 1000];
/** A jiffy more or less, and the time between the check and the report. */
const AGE_SLACK = 3;

/** Collects them for one report while the events go by. */
export class CandidateSearch {
  private readonly run: ResolvedRun;
  private readonly report: MemoryReport;
  private readonly moment: ReportMoment;
  private readonly calls: ReadonlySet<number>;
  private readonly by: string[] = [];
  /** The last ones; those before `dropped` are gone. */
  private kept: Candidate[] = [];
  private dropped = 0;
  /** Number of the candidate that has an address. */
  private readonly open = new AddressMap(64);

  constructor(run: ResolvedRun, report: MemoryReport, moment: ReportMoment) {
    this.run = run;
    this.report = report;
    this.moment = moment;
    this.calls = this.findCalls();
  }

  /** False where the report says nothing that the events could be held against. */
  get isPossible(): boolean {
    return this.calls.size > 0;
  }

  add(batch: EventBatch): void {
    const { calls } = this.run.dictionary;
    const end = this.moment.at + this.moment.slack;
    for (let i: EventRow = 0; i < batch.length && batch.ts[i] <= end; i++) {
      const call = batch.call[i];
      const lo = batch.ptrLo[i];
      const hi = batch.ptrHi[i];
      if (this.calls.has(call)) {
        this.open.set(lo, hi, this.dropped + this.kept.length);
        this.keep(batch, i);
        continue;
      }
      const number = this.open.get(lo, hi);
      if (number < 0) continue;
      const kind = calls.kind(call);
      if (!isAlloc(kind) && !isFree(kind) && kind !== EVENT_KIND.bulk_free) continue;
      const candidate = this.kept[number - this.dropped];
      if (candidate !== undefined && !isAlloc(kind)) candidate.free = eventOf(batch, i);
      this.open.delete(lo, hi);
    }
  }

  finish(): Candidates {
    const { allocated, freed, title } = this.report;
    let left = this.kept;
    left = this.narrow(left, 'pid', allocated?.pid, ({ alloc }, pid) => this.pidOf(alloc) === pid);
    left = this.narrow(left, 'CPU', allocated?.cpu, ({ alloc }, cpu) => alloc.cpu === cpu);
    left = this.narrow(left, 'state', OF_FREE_OBJECT.test(title), ({ free }, wasFree) =>
      wasFree ? free !== undefined : free === undefined,
    );
    left = this.narrow(left, 'free', freed?.in, ({ free }) => this.isOf(free, freed));
    left = this.narrow(left, 'age', allocated, ({ alloc }, track) => this.isAged(alloc, track));
    return {
      count: left.length,
      by: this.by,
      owners: left.slice(-MOST_SHOWN).map((candidate) => this.describe(candidate)),
    };
  }

  /** Allocations from where the report says; of its cache, where any of them is known to be. */
  private findCalls(): ReadonlySet<number> {
    const { dictionary, sites, names } = this.run;
    const { allocated, cache } = this.report;
    const found: number[] = [];
    if (allocated === null || (allocated.in === null && allocated.pid === null)) return new Set();
    for (let call: Call = 1; call < dictionary.calls.length; call++) {
      if (!isAlloc(dictionary.calls.kind(call))) continue;
      const site = sites.get(dictionary.calls.site(call)).symbol;
      if (allocated.in === null || isOfTrack(site, allocated)) found.push(call);
    }
    const isOfCache = (call: Call): boolean => {
      const name = names.ofCall[call];
      return cache !== null && name !== undefined && plainName(name) === plainName(cache);
    };
    const ofCache = found.filter(isOfCache);
    if (ofCache.length > 0) this.by.push('cache');
    if (allocated.in !== null) this.by.push('call site');
    // Without a call site the cache has to fit; with one, names in traces may be those of an alias.
    return new Set(ofCache.length > 0 || allocated.in === null ? ofCache : found);
  }

  private keep(batch: EventBatch, i: EventRow): void {
    if (this.kept.length >= 2 * MOST_KEPT) {
      this.dropped += this.kept.length - MOST_KEPT;
      this.kept = this.kept.slice(-MOST_KEPT);
    }
    this.kept.push({ address: addressOf(batch, i), alloc: eventOf(batch, i), free: undefined });
  }

  /** Leaves those that fit; where none does, what is compared may be off, and all stay. */
  private narrow<T>(
    all: Candidate[],
    by: string,
    value: T | null | undefined,
    fits: (candidate: Candidate, value: T) => boolean,
  ): Candidate[] {
    if (value === null || value === undefined) return all;
    const left = all.filter((candidate) => fits(candidate, value));
    if (left.length === 0 || (by === 'age' && left.length === all.length)) return all;
    this.by.push(by);
    return left;
  }

  private isAged({ ts }: KeptEvent, { atSec, age }: ReportedTrack): boolean {
    const { at, slack } = this.moment;
    if (!Number.isFinite(at) || this.report.atSec === null) return true;
    if (atSec !== null) {
      const allocatedAt = at - (this.report.atSec - atSec) * 1e9;
      return Math.abs(ts - allocatedAt) <= slack + 1e6;
    }
    if (age === null) return true;
    return TICKS.some(
      (hz) => Math.abs(at - (age * 1e9) / hz - ts) <= slack + (AGE_SLACK * 1e9) / hz,
    );
  }

  private isOf(event: KeptEvent | undefined, track: ReportedTrack | null): boolean {
    if (event === undefined) return false;
    const { dictionary, sites } = this.run;
    return isOfTrack(sites.get(dictionary.calls.site(event.call)).symbol, track);
  }

  private pidOf({ task }: KeptEvent): number {
    return this.run.dictionary.tasks.pid(task);
  }

  private describe({ address, alloc, free }: Candidate): ObjectOwner {
    const { dictionary, names } = this.run;
    return {
      address: formatAddress(address),
      cache: names.ofCall[alloc.call] ?? null,
      bytesReq: dictionary.calls.bytesReq(alloc.call),
      bytesAlloc: dictionary.calls.bytesAlloc(alloc.call),
      alloc: describeEvent(this.run, alloc),
      free: free === undefined ? null : describeEvent(this.run, free),
      freedUnseen: false,
    };
  }
}

/**
 * A name without what logs and traces have differently: `kmalloc-2k` was `kmalloc-2048` until 5.4, the
 * kind of a kmalloc cache does not show in events before 6.1, a cgroup's cache has its name in brackets.
 */
function plainName(cache: string): string {
  return cache
    .replace(/\([^)]*\)$/, '')
    .replace(/^(?:dma-)?kmalloc-(?:cg-|rcl-|rnd-\d+-|part-\d+-)?/, 'kmalloc-')
    .replace(/^kmalloc-(\d+)k$/, (_, digits: string) => `kmalloc-${Number(digits) * 1024}`);
}

function addressOf(batch: EventBatch, i: EventRow): bigint {
  return joinHalves(batch.ptrHi[i], batch.ptrLo[i]);
}

function eventOf(batch: EventBatch, i: EventRow): KeptEvent {
  return {
    ts: batch.ts[i],
    call: batch.call[i],
    task: batch.task[i],
    cpu: batch.cpu[i],
    stack: batch.stack[i],
  };
}
