// SLUB's debug checks beside a replay: what the events and the recorded writes do to the memory of
// caches with debug flags, checked when the kernel checks it, with the kernel's recovery.
// Truth: mm/slub.c alloc_debug_processing(), free_debug_processing(), free_to_partial_list(),
// slab_free_freelist_hook(), validate_slab_cache(), list_slab_objects(); mm/slab.h cache_from_obj()
// (6.1.192; 6.12.117: mm/slub.c). Frees and allocations that left no event must not look like bugs:
// a free is called wrong only where the events since the object's allocation are complete.
//
// Longer than other files: each event changes tracks, memory and reports of its slab together, in the
// kernel's order. What needs no other part is in files of its own: evidence (free-evidence.ts), reports of frees
// (free-reports.ts), tracks (object-tracks.ts), memory (touched-slabs.ts).

import { present } from '../../base/assert.ts';
import { isBulkCache } from '../../kernel/caches/bulk-caches.ts';
import { isKmallocCacheName } from '../../kernel/caches/kmalloc-caches.ts';
import {
  type CheckedCache,
  type CheckedSlab,
  hasFlag,
  objectOffset,
} from '../../kernel/checks/checked-slab.ts';
import { SlubChecks } from '../../kernel/checks/slub-checks.ts';
import {
  type ReportCause,
  type SlubReport,
  SlubReports,
} from '../../kernel/checks/slub-reports.ts';
import { type List, list } from '../../kernel/column.ts';
import type { CallTable, StringList } from '../../kernel/events/dictionary.ts';
import { createBatch, type EventBatch } from '../../kernel/events/event-batch.ts';
import { EVENT_KIND, isKmalloc } from '../../kernel/events/event-kind.ts';
import type { Cache, Call, EventRow, ObjectNumber, Slab } from '../../kernel/indices.ts';
import type { NonSlabAddresses } from '../../kernel/machine/non-slab-addresses.ts';
import type { SlubRules } from '../../kernel/slub/releases.ts';
import { SLAB } from '../../kernel/slub/slab-flags.ts';
import type { PlannedCache } from '../machine/cache-plan.ts';
import { NIL, NO_SLAB, type SlabTable } from '../model/slab-table.ts';
import type { SlubModel } from '../slub-model.ts';
import { type DoubtedSlab, FreeEvidence } from './free-evidence.ts';
import { FreeReports } from './free-reports.ts';
import { ObjectTracks, TRACK } from './object-tracks.ts';
import type { TouchedSlab } from './touched-slab.ts';
import { TouchedSlabs } from './touched-slabs.ts';
import { TrackTexts, type TrackTextsInput } from './track-texts.ts';
import type { BelievedSlabs } from './unseen-allocations.ts';
import { isUnchecked, mayBeBulk, watchedCache } from './watched-cache.ts';

export interface DebugWatchInput extends Omit<TrackTextsInput, 'tracks' | 'calls'> {
  readonly calls: CallTable;
  readonly strings: StringList;
  readonly slub: SlubModel;
  readonly rules: SlubRules;
  /** CONFIG_SLAB_FREELIST_HARDENED */
  readonly isHardened: boolean;
  readonly nonSlab: NonSlabAddresses;
  /** True for calls whose objects are freed without an event, some or all. */
  readonly freesUnseen: (call: Call) => boolean;
  /** The debug flags that are asked after, of a cache that was recorded without any. */
  readonly askedFlags: (cache: PlannedCache) => number;
  /** See FreeEvidence. */
  readonly skew: number;
  readonly longGap: number;
  readonly bootedTs: number;
}

/** Reports that are kept; further ones are only counted. */
const MOST_REPORTS = 4096;

export class DebugWatch {
  /** Writes into slabs whose memory is not known, or for which there was no room any more. */
  writesLeftOut = 0;
  private readonly calls: CallTable;
  private batch: EventBatch = createBatch(1);
  private i = 0;
  private readonly strings: StringList;
  private readonly slub: SlubModel;
  private readonly table: SlabTable;
  private readonly rules: SlubRules;
  private readonly nonSlab: NonSlabAddresses;
  private readonly freesUnseen: (call: Call) => boolean;
  private readonly tracks = new ObjectTracks();
  private readonly texts: TrackTexts;
  private readonly found: SlubReports;
  private readonly freed: FreeReports;
  /** By number of the cache; undefined where it has no debug flags, and none are asked after. */
  private readonly caches: readonly (CheckedCache | undefined)[];
  /** By number of the cache; undefined without debug flags. */
  private readonly checks: List<Cache, SlubChecks | undefined>;
  private readonly touched: TouchedSlabs;
  /** High half of the address of some slab. */
  private slabHi = 0;
  private readonly evidence: FreeEvidence;

  constructor(input: DebugWatchInput) {
    const { slub, rules, calls } = input;
    this.calls = calls;
    this.strings = input.strings;
    this.slub = slub;
    this.table = slub.table;
    this.rules = rules;
    this.nonSlab = input.nonSlab;
    this.freesUnseen = input.freesUnseen;
    this.touched = new TouchedSlabs({
      ...input,
      tracks: this.tracks,
      cacheOf: (row) => present(this.cacheOf(row)),
      reports: () => this.found.count,
    });
    this.evidence = new FreeEvidence({
      calls,
      tracks: this.tracks,
      skew: input.skew,
      longGap: input.longGap,
      bootedTs: input.bootedTs,
      withdraw: (slabs) => this.withdraw(slabs),
    });
    this.texts = new TrackTexts({ ...input, calls, tracks: this.tracks });
    this.found = new SlubReports(
      {
        source: 'trace',
        track: (slab, offset, which) => this.texts.get(this.slot(slab, offset), TRACK[which]),
        slabLine: () => undefined,
      },
      MOST_REPORTS,
    );
    this.found.causeOf = () => this.cause();
    this.freed = new FreeReports(this.table, this.found, rules);
    this.caches = slub.caches.map(({ plan }) => watchedCache(plan, rules, input.askedFlags(plan)));
    this.checks = list(
      this.caches.map((cache) =>
        cache === undefined || cache.layoutKnown === false
          ? undefined
          : new SlubChecks(cache, this.found),
      ),
    );
    slub.table.watch(this);
  }

  /** Reports that are not among `reports` for their number. */
  get dropped(): number {
    return this.found.dropped;
  }

  /** All reports, in the order of the events. */
  reports(): SlubReport[] {
    return this.found.reports();
  }

  /** A slab has come. */
  slabAdded(row: Slab): void {
    this.slabHi = this.table.baseHi[row];
    if (this.cacheOf(row) === undefined) return;
    this.tracks.clear(this.table.slot(row, 0), this.table.objects[row]);
  }

  /** A slab's pages go back to the page allocator. */
  slabRemoved(row: Slab): void {
    const slab = this.touched.get(row);
    if (slab === undefined) return;
    this.checks[this.table.cache[row]]?.discard(slab);
    this.slabLost(row);
  }

  /** A slab turns out to be gone: nothing is known of how. */
  slabLost(row: Slab): void {
    if (this.touched.forget(row)) this.evidence.forget(row);
  }

  /** An object is allocated; before the model takes it. */
  alloc(batch: EventBatch, i: EventRow, row: Slab, object: ObjectNumber): void {
    this.evidence.seen(batch, i);
    if (this.cacheOf(row) === undefined) return;
    const { tracks } = this;
    const slot = this.table.slot(row, object);
    const checks = this.checks[this.table.cache[row]];
    const slab = checks === undefined ? undefined : this.touched.get(row);
    if (checks !== undefined && slab !== undefined) {
      this.turnTo(batch, i);
      this.allocTouched(checks, slab, object, batch.call[i]);
    }
    if (!this.table.isFree(row, object) && tracks.call(slot, TRACK.alloc) !== 0) tracks.owe(slot);
    tracks.set(slot, TRACK.alloc, batch, i);
  }

  /** Memory that the model does not have (page-backed kmalloc) is allocated where it had a slab. */
  allocElsewhere(lo: number, hi: number): void {
    const { table, tracks } = this;
    const row = table.find(lo, hi);
    if (row === NO_SLAB || this.cacheOf(row) === undefined) return;
    tracks.clear(table.slot(row, 0), table.objects[row]);
  }

  /**
   * An object is freed; before the model frees it.
   * @returns false where the kernel refuses to
   */
  free(batch: EventBatch, i: EventRow, row: Slab, object: ObjectNumber): boolean {
    const { table, tracks } = this;
    this.evidence.seen(batch, i);
    const cache = this.cacheOf(row);
    if (cache === undefined) return true;
    const checks = this.checks[table.cache[row]];
    const slot = table.slot(row, object);
    const isFree = table.isFree(row, object);
    if (this.evidence.isRepeated(batch, i, slot)) return true;
    if (!isFree) this.evidence.freed(batch, i, slot);
    const isAgain = isFree && this.evidence.isFreedTwice(batch, i, this.doubted(row), slot);
    if (checks === undefined && !isAgain) {
      tracks.set(slot, TRACK.free, batch, i);
      return true;
    }
    this.turnTo(batch, i);
    if (checks === undefined) {
      this.freed.again(cache, row, object);
      return false;
    }
    const slab = isAgain ? this.touched.touch(row) : this.touched.get(row);
    if (slab !== undefined) {
      if (isFree && !isAgain) {
        // It was allocated unseen.
        slab.take(object);
        slab.fill(object, undefined);
      }
      const offset = slab.offset(object);
      if (this.rules.freeClearsPointer) slab.setFreePointer(offset, 0n);
      if (!checks.free(slab, slab.base + BigInt(offset))) return false;
      slab.push(object);
    }
    tracks.set(slot, TRACK.free, batch, i);
    return true;
  }

  /** A free at which no object starts, in a slab. */
  freeWithin(batch: EventBatch, i: EventRow, row: Slab): void {
    const { table } = this;
    const cache = this.cacheOf(row);
    if (cache === undefined) return;
    const offset = table.offsetIn(row, batch.ptrLo[i], batch.ptrHi[i]);
    const { redLeftPad, size } = cache.geometry.layout;
    const object = Math.floor((offset - redLeftPad) / size);
    if (object < 0 || object >= table.objects[row]) return;
    // Another use of the page would not have this object any more.
    const slot = table.slot(row, object);
    if (!this.tracks.isSurelyAllocated(slot)) return;
    if (isUnchecked(cache) && !this.isMisfreed(batch.call[i], row, slot)) return;
    this.turnTo(batch, i);
    const checks = this.checks[table.cache[row]];
    if (checks === undefined) {
      this.freed.within(cache, row, offset);
      return;
    }
    const slab = this.touched.touch(row);
    if (slab !== undefined) checks.free(slab, slab.base + BigInt(offset));
  }

  /**
   * A kmem_cache_free() that names a cache.
   * @param named its number; negative where it is not in the model
   * @returns true where the object is of another cache all the same, and not gone
   */
  isWrongCache(
    batch: EventBatch,
    i: EventRow,
    row: Slab,
    object: ObjectNumber,
    named: number,
  ): boolean {
    const { table, calls } = this;
    const own = table.cache[row];
    const cache = this.cacheOf(row);
    const call = batch.call[i];
    if (cache === undefined || object < 0 || table.isFree(row, object)) return false;
    if (!hasFlag(cache, SLAB.CONSISTENCY_CHECKS)) return false;
    const slot = table.slot(row, object);
    if (!this.tracks.isSurelyAllocated(slot)) return false;
    const name = this.strings.get(calls.cache(call));
    const made = this.tracks.call(slot, TRACK.alloc);
    const isKmallocObject = isKmalloc(calls.kind(made));
    // Which cache an allocation without a name was from is learned from its frees.
    if (!isKmallocObject && calls.cache(made) === 0) return false;
    const isOther = named < 0 ? name !== cache.name : named !== own;
    // The event names the object's own cache where the kernel looked it up (hardened, or F).
    if (!(isOther || (isKmallocObject && isKmallocCacheName(name)))) return false;
    if (isUnchecked(cache) && !this.isIntoWrongCache(call, row, slot, named)) return false;
    this.turnTo(batch, i);
    this.freed.intoWrongCache(cache, row, object, isOther ? name : undefined);
    return true;
  }

  /**
   * True where a free within an object of a cache that the kernel does not check is no other use of its
   * page, whose allocation was not seen: it is of the object's own kind, and its call makes few such.
   */
  private isMisfreed(call: Call, row: Slab, slot: number): boolean {
    const { evidence } = this;
    const made = this.tracks.call(slot, TRACK.alloc);
    if (this.freesUnseen(made) || !evidence.fits(made, call)) return false;
    return evidence.isTrusted(call, this.doubted(row));
  }

  /** The same of a free that names another cache. */
  private isIntoWrongCache(call: Call, row: Slab, slot: number, named: number): boolean {
    const name = this.strings.get(this.calls.cache(call));
    const aliases = this.slub.caches[named]?.plan.known?.aliases ?? [];
    if ([name, ...aliases].some(isBulkCache)) return false;
    if (this.freesUnseen(this.tracks.call(slot, TRACK.alloc))) return false;
    return this.evidence.isTrusted(call, this.doubted(row));
  }

  private doubted(row: Slab): DoubtedSlab {
    const { table, slub } = this;
    const cache = this.cacheOf(row);
    return {
      row,
      base: table.base(row),
      isChecked: cache !== undefined && !isUnchecked(cache),
      isBulk: mayBeBulk(slub.caches[table.cache[row]].plan),
    };
  }

  /** A kfree() of an address in no known slab. */
  freeUnknown(batch: EventBatch, i: EventRow): void {
    if (this.calls.kind(batch.call[i]) !== EVENT_KIND.kfree) return;
    this.turnTo(batch, i);
    const place = this.nonSlab.placeOf(batch.ptrHi[i], batch.ptrLo[i], this.slabHi);
    if (place !== undefined) this.freed.nowhere(batch.ptrHi[i], batch.ptrLo[i]);
  }

  /** The event that is looked at from now on. */
  private turnTo(batch: EventBatch, i: EventRow): void {
    this.texts.now = batch.ts[i];
    this.batch = batch;
    this.i = i;
  }

  private cause(): ReportCause {
    const { batch, i } = this;
    return { ts: batch.ts[i]!, cpu: batch.cpu[i]!, task: batch.task[i]!, call: batch.call[i]! };
  }

  /** Any other event. */
  other(batch: EventBatch, i: EventRow, kind: number): void {
    this.turnTo(batch, i);
    if (kind === EVENT_KIND.write) this.write(batch, i);
    else if (kind === EVENT_KIND.validate) this.validate(batch.call[i]);
    else if (kind === EVENT_KIND.cache_destroy) this.destroy(batch.call[i]);
    else if (kind === EVENT_KIND.lost) this.evidence.lost(batch.ts[i]);
  }

  private allocTouched(
    checks: SlubChecks,
    slab: TouchedSlab,
    object: ObjectNumber,
    call: Call,
  ): void {
    // What was freed unseen is in no state that could be checked.
    const isListed = slab.isListed(object);
    slab.take(object);
    if (isListed && !checks.alloc(slab, slab.offset(object))) {
      this.slub.caches[this.table.cache[slab.row]!]!.model.passedOver(slab.row);
      return;
    }
    slab.fill(object, this.touched.request(call));
  }

  private write(batch: EventBatch, i: EventRow): void {
    const { table } = this;
    const data = Buffer.from(this.strings.get(this.calls.data(batch.call[i])), 'hex');
    const { pageSize } = this.slub;
    let lo = batch.ptrLo[i];
    let hi = batch.ptrHi[i];
    for (let at = 0; at < data.length; ) {
      const row = table.find(lo, hi);
      const inPage = lo & (pageSize - 1);
      let step = pageSize - inPage;
      if (row !== NO_SLAB) {
        const offset = table.offsetIn(row, lo, hi);
        step = pageSize * 2 ** table.order[row] - offset;
        if (this.checks[table.cache[row]] !== undefined) {
          this.writeInto(row, offset, data.subarray(at, at + step));
        } else if (this.cacheOf(row) !== undefined) this.writesLeftOut++;
      }
      at += step;
      const sum = lo + step;
      lo = sum >>> 0;
      if (sum > 0xffffffff) hi = (hi + 1) >>> 0;
    }
  }

  private writeInto(row: Slab, offset: number, data: Uint8Array): void {
    const slab = this.touched.touch(row);
    if (slab === undefined) {
      this.writesLeftOut++;
      return;
    }
    slab.write(offset, data);
    const end = offset + data.length;
    const checks = present(this.checks[this.table.cache[row]]);
    const { allocTrack, freeTrack } = checks.cache.geometry.layout;
    if (allocTrack === null || freeTrack === null) return;
    const { trackSize } = this.rules;
    for (const object of slab.objectsIn(offset, end)) {
      const start = slab.offset(object);
      const slot = this.table.slot(row, object);
      const covers = (from: number): boolean => offset < from + trackSize && end > from;
      if (covers(start + allocTrack)) this.tracks.forget(slot, TRACK.alloc);
      if (covers(start + freeTrack)) this.tracks.forget(slot, TRACK.free);
    }
  }

  /** validate_slab_cache(): slabs on the node's lists, those in part free first. */
  private validate(call: Call): void {
    const named = this.calls.cache(call) !== 0;
    const only = this.slub.cacheOfCall[call];
    for (const [number, checks] of this.checks.entries()) {
      if (checks === undefined || (named && number !== only)) continue;
      for (const slab of this.touched.ofCache(number)) if (!slab.frozen) checks.validate(slab);
    }
  }

  /** __kmem_cache_shutdown(): objects on slabs that are free in part; then kmem_cache_destroy(). */
  private destroy(call: Call): void {
    const number = this.slub.cacheOfCall[call];
    const checks = this.checks[number];
    if (checks === undefined) return;
    const { table, found } = this;
    const { name } = checks.cache;
    const before = found.count;
    /** An object of a full slab, which is on no list that is looked at. */
    let first: bigint | undefined;
    for (const row of table.rowsByCache(number + 1)[number] ?? []) {
      const left = this.remainingIn(row).map((object) => objectOffset(checks.cache, object));
      if (left.length === 0) continue;
      first ??= table.base(row) + BigInt(present(left[0]));
      const slab = table.freelist[row] === NIL ? undefined : this.touched.touch(row);
      if (slab !== undefined) found.remaining(checks.cache, slab, left);
    }
    if (first === undefined) return;
    const site = this.texts.siteOf(call);
    const from = site === null ? '' : ` when called from ${site}`;
    const warning = `kmem_cache_destroy ${name}: Slab cache still has objects${from}`;
    if (found.count > before) found.append(warning);
    else {
      const about = { kind: 'remaining-objects', title: warning, cache: name } as const;
      found.line({ ...about, address: first, slab: 0n }, warning, ['the WARNING']);
    }
  }

  private remainingIn(row: Slab): number[] {
    const { table, tracks } = this;
    const left: number[] = [];
    for (let object: ObjectNumber = 0; object < table.objects[row]; object++) {
      if (table.isFree(row, object)) continue;
      if (tracks.isSurelyAllocated(table.slot(row, object))) left.push(object);
    }
    return left;
  }

  /** Slabs whose only damage were frees that are not believed any more. */
  private withdraw(slabs: BelievedSlabs): void {
    for (const [row, base] of slabs) {
      const slab = this.touched.get(row);
      if (slab === undefined || slab.base !== base) {
        this.found.withdraw(0, base);
      } else if (!slab.isWritten) {
        this.touched.forget(row);
        this.found.withdraw(slab.firstReport, base);
      }
    }
  }

  private cacheOf(row: Slab): CheckedCache | undefined {
    return this.caches[this.table.cache[row]];
  }

  /** The slot of the object at an offset of a slab. */
  private slot({ base }: CheckedSlab, offset: number): number {
    const { table } = this;
    const row = table.find(Number(base & 0xffffffffn), Number(base >> 32n));
    const { redLeftPad, size } = present(this.cacheOf(row)).geometry.layout;
    return table.slot(row, (offset - redLeftPad) / size);
  }
}
