// A model of a few hand-made caches, driven by hand: slabs are called A, B, C … in the order in which
// they came, objects A0, A1 …, and its lists read as text.

import { column } from '../../src/kernel/column.ts';
import type { CacheGeometry } from '../../src/kernel/slub/cache-geometry.ts';
import { calculateSizes } from '../../src/kernel/slub/calculate-sizes.ts';
import { SLAB } from '../../src/kernel/slub/slab-flags.ts';
import { buildSlubParameters, type SlubParameters } from '../../src/kernel/slub/slub-parameters.ts';
import type { PlannedCache } from '../../src/replay/machine/cache-plan.ts';
import type { MemoryNodes } from '../../src/replay/machine/memory-nodes.ts';
import { FreshOrder } from '../../src/replay/model/fresh-order.ts';
import { NO_NODE } from '../../src/replay/model/node-lists.ts';
import type { ListedObjects } from '../../src/replay/model/slab-cache.ts';
import { NO_SLAB, type SlabTable } from '../../src/replay/model/slab-table.ts';
import { type ModelCache, SlubModel } from '../../src/replay/slub-model.ts';

/** What of a cache a test cares for. */
export interface TestCacheShape {
  readonly name?: string;
  readonly objectSize?: number;
  readonly order?: number;
  readonly objsPerSlab: number;
  readonly minPartial?: number;
  /** 5.10's limit, in objects. */
  readonly cpuPartial?: number;
  /** The limit since 5.16. */
  readonly cpuPartialSlabs?: number;
  /** Objects in a sheaf; 0: no sheaves. */
  readonly sheafCapacity?: number;
  /** With debug flags: no CPU slabs. */
  readonly debug?: boolean;
}

/** A cache of a plan; its objects are of 64 bytes where the shape says nothing else. */
export function plannedCache(shape: TestCacheShape, release = '6.1'): PlannedCache {
  const { name = 'things', objectSize = 64, objsPerSlab, order = 0 } = shape;
  const flags = shape.debug ? SLAB.CONSISTENCY_CHECKS : 0;
  const request = { objectSize, align: 8, flags, hasCtor: false };
  const layout = calculateSizes(request, testParameters(release).rules);
  const geometry: CacheGeometry = {
    objectSize,
    align: 8,
    flags,
    inuse: layout.inuse,
    offset: layout.offset,
    redLeftPad: 0,
    slabSize: layout.size,
    order,
    objsPerSlab,
    minOrder: order,
    minObjsPerSlab: objsPerSlab,
    cpuPartial: shape.debug ? 0 : (shape.cpuPartial ?? 30),
    cpuPartialSlabs: shape.debug ? 0 : (shape.cpuPartialSlabs ?? 2),
    minPartial: shape.minPartial ?? 5,
    sheafCapacity: shape.sheafCapacity ?? 0,
    layout,
  };
  const spec = { name, objectSize, align: 8, flags, hasCtor: false, usersize: 0 };
  return { name, geometry, spec, origin: 'computed', known: undefined };
}

function testParameters(release: string): SlubParameters {
  return buildSlubParameters({ release, pageSize: 4096, cpus: 2 });
}

/** Bit 28 of an address is its node; odd CPUs are of node 1. */
const TWO_NODES: MemoryNodes = {
  count: 2,
  nodeOf: (lo) => (lo >>> 28) & 1,
  nodeOfCpu: (cpu) => cpu & 1,
};
const ONE_NODE: MemoryNodes = { count: 1, nodeOf: () => 0, nodeOfCpu: () => 0 };

export interface ModelOptions {
  readonly release?: string;
  readonly cpus?: number;
  readonly nodes?: 1 | 2;
  /** Of new slabs, by cache; ascending where none is given. */
  readonly orders?: readonly FreshOrder[];
  readonly cacheOfCall?: Int32Array;
}

export function testModel(
  shapes: readonly TestCacheShape[],
  options: ModelOptions = {},
): SlubModel {
  const { release = '6.1', cpus = 2, nodes = 1, cacheOfCall = new Int32Array(0) } = options;
  return new SlubModel({
    plan: {
      caches: shapes.map((shape) => plannedCache(shape, release)),
      cacheOfCall: column(cacheOfCall),
    },
    parameters: testParameters(release),
    cpus,
    nodes: nodes === 1 ? ONE_NODE : TWO_NODES,
    orders: options.orders ?? shapes.map(({ objsPerSlab }) => FreshOrder.sequential(objsPerSlab)),
  });
}

const BASE_HI = 0xffff8880;
/** From slab to slab: the largest that there are. */
const SLAB_DISTANCE = 0x10000;

/** One cache of a model. */
export class ModelMachine {
  readonly slub: SlubModel;
  readonly table: SlabTable;
  readonly cache: ModelCache;
  private count = 0;

  constructor(shape: TestCacheShape, options: ModelOptions = {}) {
    this.slub = testModel([shape], options);
    this.table = this.slub.table;
    this.cache = this.slub.caches[0] as ModelCache;
  }

  /** Allocates what the model chooses; a new slab comes where it has none. */
  alloc(cpu = 0, node = -1): string {
    const { model } = this.cache;
    model.decide(cpu, node);
    const { slab, object } = model.decision;
    if (slab === NO_SLAB) return this.newSlab(cpu, node);
    model.alloc(cpu, node);
    return this.nameOf(slab, object);
  }

  /** So many allocations. */
  allocs(count: number, cpu = 0): string[] {
    return Array.from({ length: count }, () => this.alloc(cpu));
  }

  free(cpu: number, ...objects: string[]): void {
    for (const object of objects) this.cache.model.free(cpu, ...this.find(object));
  }

  /** What a recording shows: the kernel took this object, whatever the model would have given. */
  took(cpu: number, object: string): void {
    this.tookAt(cpu, ...this.find(object));
  }

  tookAt(cpu: number, slab: number, object: number): void {
    this.cache.model.decide(cpu, NO_NODE);
    this.cache.model.took(cpu, NO_NODE, slab, object);
  }

  /** What a recording shows: a slab that is not known, with this object of it. */
  arrive(cpu: number, object: number): string {
    const { model, order } = this.cache;
    model.decide(cpu, NO_NODE);
    const slab = this.addSlab(this.slub.nodes.nodeOfCpu(cpu));
    this.table.fill(slab, order.from(object));
    model.newSlab(cpu, NO_NODE, slab, object);
    return this.nameOf(slab, object);
  }

  /** A slab that was there before the trace, full. */
  oldSlab(node = 0): void {
    this.cache.model.addOldSlab(this.addSlab(node));
  }

  find(object: string): [slab: number, object: number] {
    const lo = (object.charCodeAt(0) - 'A'.charCodeAt(0)) * SLAB_DISTANCE;
    const onNode0 = this.table.find(lo, BASE_HI);
    const slab = onNode0 === NO_SLAB ? this.table.find(lo + 0x10000000, BASE_HI) : onNode0;
    if (slab === NO_SLAB) throw new Error(`no slab of ${object}`);
    return [slab, Number(object.slice(1))];
  }

  /**
   * The lists as text, the head first. Of a CPU its slab, the CPU's freelist | the slab's own; of a
   * list each slab with its freelist: `{ cpu0: 'A: 1 2 | 0', 'cpu0 partial': 'C(3) B(0 1)' }`.
   */
  lists(): Record<string, string> {
    const { slabs, objects } = this.cache.model.lists();
    const lines: Record<string, string> = {};
    for (const { kind, owner, slabs: rows } of slabs) {
      if (kind === 'cpuPartial') lines[`cpu${owner} partial`] = this.listed(rows);
      if (kind === 'nodePartial') lines[`node${owner}`] = this.listed(rows);
      if (kind !== 'cpuSlab') continue;
      const fast =
        objects.find((l) => l.kind === 'cpuFreelist' && l.owner === owner)?.objects ?? [];
      const [slab = NO_SLAB] = rows;
      const text = `${this.letter(slab)}: ${fast.map(([, o]) => o).join(' ')} | ${this.freelist(slab)}`;
      lines[`cpu${owner}`] = text.replaceAll('  ', ' ').trim();
    }
    return lines;
  }

  /** The sheaves as text, the top first: `{ mainSheaf0: 'A1 A0', barnSheaf0: 'C1 C0, B1 B0' }`. */
  sheaves(): Record<string, string> {
    const texts: Record<string, string> = {};
    const name = ({ objects }: ListedObjects): string =>
      objects.map(([slab, object]) => this.nameOf(slab, object)).join(' ');
    for (const list of this.cache.model.lists().objects) {
      if (list.kind === 'cpuFreelist') continue;
      const key = `${list.kind}${list.owner ?? ''}`;
      texts[key] = texts[key] === undefined ? name(list) : `${texts[key]}, ${name(list)}`;
    }
    return texts;
  }

  private listed(rows: readonly number[]): string {
    return rows.map((row) => `${this.letter(row)}(${this.freelist(row)})`).join(' ');
  }

  private freelist(row: number): string {
    return this.table.listed(row, this.table.freelist[row] as number).join(' ');
  }

  private newSlab(cpu: number, node: number): string {
    const { model, order } = this.cache;
    const slab = this.addSlab(node >= 0 ? node : this.slub.nodes.nodeOfCpu(cpu));
    const first = order.from(0)[model.decision.firstOfNew] as number;
    this.table.fill(slab, order.from(0));
    model.newSlab(cpu, node, slab, first);
    return this.nameOf(slab, first);
  }

  private addSlab(node: number): number {
    const { order, objsPerSlab } = this.cache.model.shape;
    const lo = this.count++ * SLAB_DISTANCE + node * 0x10000000;
    return this.table.add(this.cache.model.id, lo, BASE_HI, order, objsPerSlab, node);
  }

  private nameOf(slab: number, object: number): string {
    return `${this.letter(slab)}${object}`;
  }

  private letter(slab: number): string {
    const number = ((this.table.baseLo[slab] as number) & 0xfffffff) / SLAB_DISTANCE;
    return String.fromCharCode('A'.charCodeAt(0) + number);
  }
}
