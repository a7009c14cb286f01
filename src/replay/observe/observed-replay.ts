// Observed mode: the recorded address says which object the kernel took; what the model would have
// taken is compared with it, then the model is brought to the kernel's state. Where the two differ,
// something happened that left no event (bulk and kfree_rcu frees, bulk allocations, flushes), or two
// events of a CPU are swapped by an interrupt; the model learns from it what it can.
//
// It is long because it is one order of decisions: the steps of `alloc` are tried one after the other,
// and each leaves the model and the figures as the next one needs them. What has a state of its own is
// apart (coming-frees.ts, preempted-frees.ts, fidelity.ts), what is of one kind of cache too
// (reconciled-cpu-slabs.ts, reconciled-node-slabs.ts, sheaf-cache.ts).

import { isBulkCache } from '../../kernel/caches/bulk-caches.ts';
import { type List, list } from '../../kernel/column.ts';
import type { CallTable } from '../../kernel/events/dictionary.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import { isAlloc, isFree } from '../../kernel/events/event-kind.ts';
import type { Cache } from '../../kernel/indices.ts';
import type { DebugWatch } from '../debug/debug-watch.ts';
import { NOT_PLANNED } from '../machine/cache-plan.ts';
import { FROM } from '../model/decision.ts';
import type { FreshOrder } from '../model/fresh-order.ts';
import { NO_SLAB, ON, type SlabTable, type SlabWatcher } from '../model/slab-table.ts';
import type { SlubModel } from '../slub-model.ts';
import { ComingFrees } from './coming-frees.ts';
import type { CpuOutage } from './cpu-outages.ts';
import { Fidelity, type MismatchCause } from './fidelity.ts';
import { type Freed, PreemptedFrees } from './preempted-frees.ts';
import type { ReconciledCache } from './reconciled-cache.ts';

/** kmalloc(0) returns this; frees up to it are of no object. */
const ZERO_SIZE_PTR = 0x10;
/** Objects on a freelist in front of the one that was taken, beyond which the list is not believed. */
const MAX_EARLIER = 64;
/** Events of a CPU ahead among which the other of two swapped ones is looked for. */
const LOOK_AHEAD = 16;
/**
 * A slab that the model would have used so many times while the kernel passed it over is not there
 * any more: its free objects were allocated unseen. Fewer give up slabs that a burst of frees only
 * reordered, more keep ghosts (measured on the recordings; 12 to 50 make little difference).
 */
const MAX_REFUSALS = 25;
/**
 * A cache of which more objects than these, and more than this share of what is allocated with an
 * event, are freed twice in a row is served without events as well.
 */
const MAX_MISTAKES = 3;
const BULK_SHARE = 0.001;

/** Tasks that were preempted, one by the other, before they could free an object. */
const MAX_PREEMPTED = 4;

/** A cache of the model with what the replay needs to know of it. */
interface ReplayCache {
  readonly model: ReconciledCache;
  readonly order: FreshOrder;
  readonly fidelity: Fidelity;
}

/** What follows the replay of each event, and what goes on beside them. */
export interface ReplayListeners {
  /** When CPUs were switched off, in the order of time. */
  readonly outages?: readonly CpuOutage[];
  /** Debug checks. */
  readonly watch?: DebugWatch;
  /** An object is gone with its slab although no event freed it. */
  readonly onGone?: (cpu: number, lo: number, hi: number) => void;
}

/** An allocation that the model did not expect: which object the kernel gave to whom. */
interface Taken {
  readonly cache: ReplayCache;
  readonly cpu: number;
  readonly node: number;
  readonly slab: number;
  readonly object: number;
}

export class ObservedReplay implements SlabWatcher {
  /** Allocations of known caches at addresses where none of their objects can start. */
  misplaced: number = 0;
  /** Allocations of page-backed kmalloc, which the model does not have. */
  large: number = 0;
  /** Allocations whose cache is not known. */
  unknownCache: number = 0;
  private readonly calls: CallTable;
  private readonly slub: SlubModel;
  private readonly table: SlabTable;
  private readonly caches: List<Cache, ReplayCache>;
  /** Rows of the batch whose objects were taken before, see `takeEarlier`. */
  private readonly early = new Set<number>();
  /** By slab: the object of it that was allocated for the first time last. */
  private readonly lastFresh = new Map<number, number>();
  /** By slab: how often it was chosen and passed over. */
  private readonly refusals = new Map<number, number>();
  private readonly preempted: PreemptedFrees;
  private readonly comingFrees: ComingFrees;
  /** By cache: 1 where objects are also allocated without an event. */
  private readonly isBulk: Uint8Array;
  private readonly watch: DebugWatch | undefined;
  private readonly onGone: ReplayListeners['onGone'];
  private readonly outages: readonly CpuOutage[];
  private outagesDone = 0;
  /** Time of the next outage's last event. */
  private nextOutage: number;
  /** Of the event at hand. */
  private cpu = 0;

  constructor(
    calls: CallTable,
    slub: SlubModel,
    { watch, onGone, outages = [] }: ReplayListeners = {},
  ) {
    this.calls = calls;
    this.watch = watch;
    this.onGone = onGone;
    this.outages = outages;
    this.nextOutage = outages[0]?.since ?? Infinity;
    this.slub = slub;
    this.table = slub.table;
    this.comingFrees = new ComingFrees(calls);
    this.preempted = new PreemptedFrees(slub.cpus);
    this.caches = list(
      slub.caches.map(({ model, order }) => ({
        model,
        order,
        fidelity: new Fidelity(),
      })),
    );
    this.isBulk = new Uint8Array(slub.caches.length);
    for (const { plan, model } of slub.caches) {
      if ([plan.name, ...(plan.known?.aliases ?? [])].some(isBulkCache)) this.markBulk(model);
    }
    slub.table.watch(this);
  }

  /** How well the model agrees, by number of the cache. */
  fidelityOf(cache: number): Fidelity {
    return this.caches[cache]!.fidelity;
  }

  /** How well it agrees over all caches. */
  total(): Fidelity {
    const sum = new Fidelity();
    for (const { fidelity } of this.caches) sum.add(fidelity);
    return sum;
  }

  /**
   * By number of the cache: objects that are allocated in the model although their latest event is a
   * free. Each is a mistake of the model; null for caches whose objects are also allocated unseen.
   */
  impossible(): (number | null)[] {
    const { table } = this;
    const counts = this.caches.map(({ model }): number | null => (model.isBulk ? null : 0));
    for (let row = 0; row < table.length; row++) {
      const cache = table.cache[row]!;
      const count = counts[cache];
      if (count != null) counts[cache] = count + table.countImpossible(row);
    }
    return counts;
  }

  add(batch: EventBatch): void {
    const { calls } = this;
    const { cpus } = this.slub;
    this.early.clear();
    this.comingFrees.begin(batch, this.slub.cacheOfCall, this.isBulk);
    for (let i = 0; i < batch.length; i++) {
      const call = batch.call[i]!;
      const kind = calls.kind(call);
      this.cpu = batch.cpu[i]! % cpus;
      if (batch.ts[i]! > this.nextOutage) this.flushCpus(batch.ts[i]!);
      const done = this.preempted.event(batch, i);
      if (done !== undefined) this.finishFree(done);
      if (isAlloc(kind)) this.alloc(batch, i, call);
      else if (isFree(kind)) this.free(batch, i, call);
      else this.watch?.other(batch, i, kind);
    }
  }

  /** CPUs whose last event before they were switched off is older than this lose what they have. */
  private flushCpus(ts: number): void {
    while (this.nextOutage < ts) {
      const cpu = this.outages[this.outagesDone]!.cpu % this.slub.cpus;
      for (const { model } of this.caches) model.flushCpu(cpu);
      this.nextOutage = this.outages[++this.outagesDone]?.since ?? Infinity;
    }
  }

  private alloc(batch: EventBatch, i: number, call: number): void {
    const lo = batch.ptrLo[i]!;
    const hi = batch.ptrHi[i]!;
    if (lo === 0 && hi === 0) return; // it failed
    const number = this.slub.cacheOf(batch, i);
    if (number < 0) {
      this.watch?.allocElsewhere(lo, hi);
      if (number === NOT_PLANNED.large) this.large++;
      else this.unknownCache++;
      return;
    }
    const cache = this.caches[number]!;
    const object = this.objectIndex(cache, lo);
    if (object < 0) {
      this.misplaced++;
      this.watch?.allocElsewhere(lo, hi);
      return;
    }
    const slab = this.slabOf(number, lo, hi);
    const { cpu } = this;
    const node = this.calls.node(call);
    const { model, fidelity } = cache;
    fidelity.allocations++;
    if (slab !== NO_SLAB) {
      this.watch?.alloc(batch, i, slab, object);
      this.table.noteEvent(slab, object, false);
    }
    if (this.early.delete(i)) {
      fidelity.slotMatches++;
      fidelity.slabMatches++;
      return;
    }
    model.decide(cpu, node);
    if (model.isBulk) this.takeInBulk(cache, i, cpu, node);
    if (slab !== NO_SLAB && model.decision.is(slab, object)) {
      this.takeDecided(cache, cpu, node);
      return;
    }
    const taken = { cache, cpu, node, slab, object };
    if (slab === NO_SLAB) this.allocFromNewSlab(batch, i, taken);
    else this.allocOther(batch, i, taken);
  }

  /** What is decided but is freed next, without an allocation before, was allocated in bulk. */
  private takeInBulk(cache: ReplayCache, i: number, cpu: number, node: number): void {
    const { model } = cache;
    for (;;) {
      const { slab, object } = model.decision;
      if (slab < 0 || !this.table.isFree(slab, object)) return;
      const { lo, hi } = this.address(cache, slab, object);
      if (!this.comingFrees.isNext(i, lo, hi)) return;
      model.takenUnseen(slab, object);
      model.decide(cpu, node);
    }
  }

  /** The model and the kernel agree. */
  private takeDecided(cache: ReplayCache, cpu: number, node: number): void {
    const { model, fidelity } = cache;
    fidelity.slotMatches++;
    fidelity.slabMatches++;
    if (model.decision.from === FROM.cpuFreelist) fidelity.cpuSlabHits++;
    if (this.refusals.size > 0) this.refusals.delete(model.decision.slab);
    model.alloc(cpu, node);
  }

  /** The kernel took another object of a known slab. */
  private allocOther(batch: EventBatch, i: number, taken: Taken): void {
    const { table } = this;
    const { cache, cpu, node, slab, object } = taken;
    const { model, fidelity } = cache;
    if (this.isFreePostponed(batch, i, taken)) {
      this.takeDecided(cache, cpu, node);
      return;
    }
    const isFirstUse = table.isFree(slab, object) && !table.wasUsed(slab, object);
    const isAscending = isFirstUse && object > 0 && this.lastFresh.get(slab) === object - 1;
    if (!isAscending && this.takeEarlier(batch, i, taken)) {
      model.decide(cpu, node);
      if (model.decision.is(slab, object)) {
        this.takeDecided(cache, cpu, node);
        return;
      }
    }
    if (this.allocOnOwner(taken)) return;
    if (model.decision.slab === slab) fidelity.slabMatches++;
    const cause = this.causeOf(model, slab, object);
    fidelity.mismatches[cause]++;
    if (cause === 'freshOrder' && isAscending) model.unshuffle(cpu, slab, object);
    if (isFirstUse) this.lastFresh.set(slab, object);
    const refused = model.decision.slab;
    model.took(cpu, node, slab, object);
    if (refused !== slab) this.refuse(model, refused);
  }

  /** A task that was preempted before it could free an object does so now. */
  private finishFree({ lo, hi }: Freed): void {
    const { table } = this;
    const slab = table.find(lo, hi);
    if (slab === NO_SLAB) return;
    const cache = this.caches[table.cache[slab]];
    const object = this.objectIndex(cache, lo);
    const isPending = object >= 0 && table.wasFreed(slab, object) && !table.isFree(slab, object);
    if (isPending) cache.model.free(this.cpu, slab, object);
  }

  /**
   * True where the model is right once the objects in front of the one that was taken are given back
   * to tasks that were preempted before they could free them.
   */
  private isFreePostponed(
    batch: EventBatch,
    i: number,
    { cache, cpu, node, slab, object }: Taken,
  ): boolean {
    const { table, preempted } = this;
    const { model } = cache;
    if (!table.isFree(slab, object)) {
      const freed = { lo: batch.ptrLo[i]!, hi: batch.ptrHi[i]! };
      if (!preempted.finish(freed)) return false;
      model.free(cpu, slab, object);
      model.decide(cpu, node);
      return model.decision.is(slab, object);
    }
    const undone: { task: number; slab: number; object: number }[] = [];
    while (undone.length < MAX_PREEMPTED && model.decision.slab >= 0) {
      const first = { slab: model.decision.slab, object: model.decision.object };
      const task = preempted.ownerOf(cpu, this.address(cache, first.slab, first.object));
      if (task < 0 || !table.wasFreed(first.slab, first.object)) break;
      if (undone.some((other) => other.task === task)) break;
      model.takenUnseen(first.slab, first.object);
      undone.push({ task, ...first });
      model.decide(cpu, node);
      if (!model.decision.is(slab, object)) continue;
      for (const each of undone) {
        preempted.postpone(each.task, this.address(cache, each.slab, each.object));
      }
      return true;
    }
    for (const each of undone.reverse()) model.free(cpu, each.slab, each.object);
    if (undone.length > 0) model.decide(cpu, node);
    return false;
  }

  private address({ model }: ReplayCache, slab: number, object: number): Freed {
    const { redLeftPad, slabSize } = model.shape;
    const lo = this.table.baseLo[slab]! + redLeftPad + object * slabSize; // a slab is within 4 GiB
    return { lo: lo >>> 0, hi: this.table.baseHi[slab]! };
  }

  /**
   * True where another CPU would have given exactly this object: the task was moved between the
   * allocation and its event, and the allocation is that CPU's.
   */
  private allocOnOwner({ cache, cpu, node, slab, object }: Taken): boolean {
    const { table } = this;
    const { model, fidelity } = cache;
    const on = table.on[slab]!;
    const owner = table.cpu[slab]!;
    if ((on !== ON.cpuSlab && on !== ON.cpuPartial) || owner === cpu) return false;
    model.decide(owner, node);
    if (!model.decision.is(slab, object)) {
      model.decide(cpu, node);
      return false;
    }
    fidelity.mismatches.migration++;
    model.alloc(owner, node);
    return true;
  }

  /**
   * The event of an allocation is written after the act, that of a free before it, so an interrupt in
   * between swaps two events of a CPU. Objects in front of the one that was taken whose own
   * allocation follows shortly on this CPU were taken before it (on any, where all CPUs take from one
   * list); the others without an event.
   * @returns true where all in front of it were taken by events that follow
   */
  private takeEarlier(batch: EventBatch, i: number, { cache, cpu, slab, object }: Taken): boolean {
    const { model } = cache;
    const { table } = this;
    if (!table.isFree(slab, object)) return false;
    const before = model.objectsBefore(cpu, slab, object, MAX_EARLIER);
    let areSwapped = before.length > 0;
    for (const earlier of before) {
      const event = this.allocationAhead(batch, i, cache, slab, earlier);
      if (event < 0) areSwapped = false;
      else this.early.add(event);
      if (event >= 0) model.takenUnseen(slab, earlier);
      else if (table.wasFreed(slab, earlier)) model.freedElsewhere(slab, earlier);
      else model.takenUnseen(slab, earlier);
    }
    return areSwapped;
  }

  /** The row of a soon-following allocation of an object, or -1. */
  private allocationAhead(
    batch: EventBatch,
    i: number,
    cache: ReplayCache,
    slab: number,
    object: number,
  ): number {
    const { table } = this;
    const { shape, isShared } = cache.model;
    const offset = shape.redLeftPad + object * shape.slabSize;
    let seen = 0;
    for (let j = i + 1; j < batch.length && seen < LOOK_AHEAD; j++) {
      if (batch.cpu[j] !== batch.cpu[i] && !isShared) continue;
      seen++;
      if (!isAlloc(this.calls.kind(batch.call[j]!))) continue;
      if (table.find(batch.ptrLo[j]!, batch.ptrHi[j]!) !== slab) continue;
      if (table.offsetIn(slab, batch.ptrLo[j]!, batch.ptrHi[j]!) === offset) return j;
    }
    return -1;
  }

  private causeOf(model: ReconciledCache, slab: number, object: number): MismatchCause {
    const { table } = this;
    if (!table.isFree(slab, object)) return 'unseenFree';
    if (model.decision.from === FROM.newSlab) return 'noneFree';
    if (model.decision.slab !== slab) return 'otherSlab';
    return table.wasUsed(slab, object) ? 'unseenAlloc' : 'freshOrder';
  }

  private refuse(model: ReconciledCache, slab: number): void {
    if (slab === NO_SLAB || this.table.cache[slab] !== model.id) return;
    if (this.table.on[slab] === ON.none) return;
    const count = (this.refusals.get(slab) ?? 0) + 1;
    this.refusals.set(slab, count);
    if (count < MAX_REFUSALS) return;
    model.passedOver(slab);
    this.refusals.delete(slab);
  }

  private allocFromNewSlab(batch: EventBatch, i: number, taken: Taken): void {
    const { table } = this;
    const { cache, cpu, node, object } = taken;
    const { model, fidelity, order } = cache;
    const isExpected = model.decision.from === FROM.newSlab;
    if (isExpected) fidelity.slabMatches++;
    else fidelity.mismatches.newSlab++;
    if (!order.isSequential) fidelity.undetermined++;
    else if (isExpected && object === model.decision.firstOfNew) fidelity.slotMatches++;
    const slab = this.addSlab(cache, batch.ptrLo[i]!, batch.ptrHi[i]!);
    this.lastFresh.set(slab, object);
    table.fill(slab, order.from(order.isSequential ? 0 : object));
    this.watch?.alloc(batch, i, slab, object);
    const refused = model.decision.slab;
    model.newSlab(cpu, node, slab, object);
    // In ascending order what is below was allocated before, unseen; of a cache with debug checks
    // nothing is concluded that a report would then rest on.
    const isKnown = order.isSequential && model.isShared === undefined;
    for (let lower = 0; isKnown && lower < object; lower++) model.takenUnseen(slab, lower);
    this.refuse(model, refused);
  }

  private free(batch: EventBatch, i: number, call: number): void {
    const lo = batch.ptrLo[i]!;
    const hi = batch.ptrHi[i]!;
    if (hi === 0 && lo <= ZERO_SIZE_PTR) return;
    const { caches } = this;
    const named = this.slub.cacheOfCall[call]!;
    let slab = this.slabOfFree(batch, i, named);
    const cache = caches[slab === NO_SLAB ? named : this.table.cache[slab]!];
    if (cache === undefined) {
      this.watch?.freeUnknown(batch, i); // an object of a slab and a cache that are not known
      return;
    }
    const object = this.objectIndex(cache, lo);
    if (object < 0) {
      if (slab !== NO_SLAB) this.watch?.freeWithin(batch, i, slab);
      return;
    }
    if (slab === NO_SLAB) {
      slab = this.addSlab(cache, lo, hi);
      cache.model.addOldSlab(slab);
    }
    if (this.watch?.free(batch, i, slab, object) === false) return;
    this.noteFree(cache, slab, object);
    this.preempted.freed(this.cpu, lo, hi);
    cache.model.free(this.cpu, slab, object);
  }

  /** An object that is freed twice in a row was allocated unseen in between, unless it is a mistake. */
  private noteFree({ model, fidelity }: ReplayCache, slab: number, object: number): void {
    if (this.table.wasFreed(slab, object)) {
      fidelity.freesOfFreed++;
      if (fidelity.freesOfFreed > Math.max(MAX_MISTAKES, fidelity.allocations * BULK_SHARE)) {
        this.markBulk(model);
      }
    }
    this.table.noteEvent(slab, object, true);
  }

  private markBulk(model: ReconciledCache): void {
    model.isBulk = true;
    this.isBulk[model.id] = 1;
  }

  /** The slab that an object is freed in: of the cache that the event names, or by mistake another. */
  private slabOfFree(batch: EventBatch, i: number, named: number): number {
    const { table, watch } = this;
    const slab = table.find(batch.ptrLo[i]!, batch.ptrHi[i]!);
    if (slab === NO_SLAB) return NO_SLAB;
    if (watch !== undefined && this.calls.cache(batch.call[i]!) !== 0) {
      const cache = this.caches[table.cache[slab]];
      const object = this.objectIndex(cache, batch.ptrLo[i]!);
      if (watch.isWrongCache(batch, i, slab, object, named)) return slab;
    }
    if (named < 0 || table.cache[slab] === named) return slab;
    this.dropSlab(slab);
    return NO_SLAB;
  }

  /** The slab of an address; one of another cache there is gone since. */
  private slabOf(cache: number, lo: number, hi: number): number {
    const { table } = this;
    const slab = table.find(lo, hi);
    if (slab === NO_SLAB || table.cache[slab] === cache) return slab;
    this.dropSlab(slab);
    return NO_SLAB;
  }

  private dropSlab(slab: number): void {
    this.reportGone(slab);
    this.watch?.slabLost(slab);
    this.caches[this.table.cache[slab]!]!.model.drop(slab);
  }

  slabRemoved(slab: number): void {
    this.lastFresh.delete(slab);
    this.refusals.delete(slab);
  }

  private reportGone(slab: number): void {
    if (this.onGone === undefined) return;
    const { table } = this;
    const { redLeftPad, slabSize } = this.caches[table.cache[slab]!]!.model.shape;
    for (let object = 0; object < table.objects[slab]!; object++) {
      if (table.isFree(slab, object)) continue;
      const lo = table.baseLo[slab]! + redLeftPad + object * slabSize; // a slab is within 4 GiB
      this.onGone(this.cpu, lo, table.baseHi[slab]!);
    }
  }

  private addSlab(cache: ReplayCache, lo: number, hi: number): number {
    const { table } = this;
    const { pageSize, nodes } = this.slub;
    const { order, objsPerSlab } = cache.model.shape;
    const bytes = pageSize * 2 ** order;
    const baseLo = (lo - (lo & (bytes - 1))) >>> 0;
    for (let at = 0; at < bytes; at += pageSize) {
      const before = table.find((baseLo + at) >>> 0, hi);
      if (before !== NO_SLAB) this.dropSlab(before);
    }
    const node = nodes.nodeOf(baseLo, hi);
    const slab = table.add(cache.model.id, baseLo, hi, order, objsPerSlab, node);
    this.watch?.slabAdded(slab);
    return slab;
  }

  /** The index of an object in its slab, from its address; -1 where no object starts there. */
  private objectIndex(cache: ReplayCache, lo: number): number {
    const { order, redLeftPad, slabSize, objsPerSlab } = cache.model.shape;
    const offset = (lo & (this.slub.pageSize * 2 ** order - 1)) - redLeftPad;
    const object = offset / slabSize;
    return Number.isInteger(object) && object >= 0 && object < objsPerSlab ? object : -1;
  }
}
