// Simulated mode: the model chooses each object itself, in slabs of its own; recorded pointers only
// say which allocation a free belongs to. So the same events show what another configuration costs.

import { AddressMap } from '../../base/address-map.ts';
import { ensureLength } from '../../base/growable.ts';
import { SeededRandom } from '../../base/seeded-random.ts';
import type { CallTable } from '../../kernel/events/dictionary.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import { isAlloc, isFree } from '../../kernel/events/event-kind.ts';
import type { Call, Cpu, EventRow, Node, Slab } from '../../kernel/indices.ts';
import { getOrder } from '../../kernel/slub/calculate-order.ts';
import { NOT_PLANNED } from '../machine/cache-plan.ts';
import { NO_SLAB, type SlabTable, type SlabWatcher } from '../model/slab-table.ts';
import { SlabUsage } from '../model/slab-usage.ts';
import type { ModelCache, SlubModel } from '../slub-model.ts';
import { PageSource } from './page-source.ts';

/** Any number does: it only decides where the random orders of new slabs begin. */
const SEED = 0x51ab;

export class SimulatedReplay implements SlabWatcher {
  /** By number of the cache; page-backed kmalloc is the one behind the last. */
  readonly usage: SlabUsage;
  private readonly calls: CallTable;
  private readonly slub: SlubModel;
  private readonly table: SlabTable;
  private readonly cpus: number;
  private readonly pages: PageSource;
  private readonly random = new SeededRandom(SEED);
  /** Recorded pointer → slab and object, see `handle`. */
  private readonly live = new AddressMap(1 << 16);
  /** Recorded pointer → call, of page-backed kmalloc. */
  private readonly liveLarge = new AddressMap(64);
  private readonly objectBits: number;
  /** The call of each allocated object, by its slot in the table. */
  private callOf: Uint32Array = new Uint32Array(1 << 16);
  private takenSlab: Slab = NO_SLAB;
  private takenObject = 0;

  constructor(calls: CallTable, slub: SlubModel) {
    this.calls = calls;
    this.slub = slub;
    this.table = slub.table;
    this.cpus = slub.cpus;
    this.pages = new PageSource(slub.pageSize);
    this.usage = new SlabUsage(slub.caches.length + 1);
    const most = Math.max(1, ...slub.caches.map(({ plan }) => plan.geometry.objsPerSlab));
    this.objectBits = Math.ceil(Math.log2(most));
    slub.table.watch(this);
  }

  add(batch: EventBatch): void {
    const { calls } = this;
    for (let i: EventRow = 0; i < batch.length; i++) {
      const call = batch.call[i];
      const kind = calls.kind(call);
      if (isAlloc(kind)) this.alloc(batch, i, call);
      else if (isFree(kind)) this.free(batch.cpu[i], batch.ptrLo[i], batch.ptrHi[i]);
    }
  }

  /** Frees the object of a recorded pointer; objects from before the recording are not there. */
  free(recordedCpu: number, lo: number, hi: number): void {
    const handle = this.live.delete(lo, hi);
    if (handle < 0) {
      this.freeLarge(lo, hi);
      return;
    }
    const { table } = this;
    const slab = handle >>> this.objectBits;
    const object = handle & (2 ** this.objectBits - 1);
    const cache = table.cache[slab]!;
    this.usage.freed(cache, this.calls.bytesReq(this.callOf[table.slot(slab, object)]!));
    this.slub.caches[cache]!.model.free(recordedCpu % this.cpus, slab, object);
  }

  private alloc(batch: EventBatch, i: EventRow, call: Call): void {
    const lo = batch.ptrLo[i];
    const hi = batch.ptrHi[i];
    if (lo === 0 && hi === 0) return; // it failed
    const recordedCpu = batch.cpu[i];
    const ts = batch.ts[i];
    const number = this.slub.cacheOf(batch, i);
    if (number === NOT_PLANNED.unknown) return;
    if (this.live.get(lo, hi) >= 0 || this.liveLarge.size > 0) this.free(recordedCpu, lo, hi);
    if (number === NOT_PLANNED.large) {
      this.allocLarge(lo, hi, call, ts);
      return;
    }
    this.take(this.slub.caches[number]!, recordedCpu % this.cpus, this.calls.node(call));
    const { takenSlab, takenObject } = this;
    this.live.set(lo, hi, ((takenSlab << this.objectBits) | takenObject) >>> 0);
    const slot = this.table.slot(takenSlab, takenObject);
    this.callOf = ensureLength(this.callOf, slot + 1);
    this.callOf[slot] = call;
    this.usage.allocated(number, this.calls.bytesReq(call), ts);
  }

  /** Allocates what the model chooses: `takenSlab`, `takenObject`. */
  private take({ model, order, plan }: ModelCache, cpu: Cpu, node: Node): void {
    if (model.alloc(cpu, node)) {
      this.takenSlab = model.decision.slab;
      this.takenObject = model.decision.object;
      return;
    }
    const { table } = this;
    const { geometry } = plan;
    const { lo, hi } = this.pages.take(geometry.order);
    const ofNode = node >= 0 ? node : this.slub.nodes.nodeOfCpu(cpu);
    const slab = table.add(model.id, lo, hi, geometry.order, geometry.objsPerSlab, ofNode);
    const first = order.isSequential
      ? model.decision.firstOfNew
      : this.random.below(geometry.objsPerSlab);
    table.fill(slab, order.from(first));
    this.usage.changePages(model.id, this.bytesOf(geometry.order));
    model.newSlab(cpu, node, slab, first);
    this.takenSlab = slab;
    this.takenObject = first;
  }

  private allocLarge(lo: number, hi: number, call: Call, ts: number): void {
    const large = this.slub.caches.length;
    this.liveLarge.set(lo, hi, call);
    this.usage.changePages(large, this.largeBytes(call));
    this.usage.allocated(large, this.calls.bytesReq(call), ts);
  }

  private freeLarge(lo: number, hi: number): void {
    const call = this.liveLarge.delete(lo, hi);
    if (call < 0) return;
    const large = this.slub.caches.length;
    this.usage.freed(large, this.calls.bytesReq(call));
    this.usage.changePages(large, -this.largeBytes(call));
  }

  private largeBytes(call: Call): number {
    return this.bytesOf(getOrder(this.calls.bytesReq(call), this.slub.pageSize));
  }

  slabRemoved(slab: Slab): void {
    const { table } = this;
    const order = table.order[slab];
    this.usage.changePages(table.cache[slab], -this.bytesOf(order));
    this.pages.giveBack(order, table.baseLo[slab], table.baseHi[slab]);
  }

  private bytesOf(order: number): number {
    return this.slub.pageSize * 2 ** order;
  }
}
