// What a kernel would have recorded whose allocator is the plain SLUB of naive-slub.ts: some caches over
// one source of pages, every allocation and free with its event, in order.

import { SeededRandom } from '../../src/base/seeded-random.ts';
import { FreshOrder } from '../../src/replay/model/fresh-order.ts';
import type { CacheCounts } from '../../src/replay/model/slab-cache.ts';
import type { ModelCache, SlubModel } from '../../src/replay/slub-model.ts';
import { TestTrace } from './builders.ts';
import { testModel } from './model-machine.ts';
import { type NaiveObject, type NaiveShape, type NaiveSlab, NaiveSlub } from './naive-slub.ts';

/** One allocation or, of an object that is there, one free. */
export interface Step {
  /** Which of the caches. */
  readonly cache: number;
  readonly isAlloc: boolean;
  readonly cpu: number;
  /** The node that is asked for; -1: none. */
  readonly node: number;
  /** Which of the allocated objects, from 0 to 1. */
  readonly which: number;
}

const NODE_BYTES = 0x10000000;
const PAGE_BYTES = 4096;
const OBJECT_BYTES = 64;
const DIRECT_MAP = 0xffff888000000000n;

const NAMES = ['anon_vma', 'dentry', 'filp', 'inode'];

export class PlainRecording {
  readonly shapes: readonly NaiveShape[];
  readonly caches: readonly NaiveSlub[];
  readonly trace: TestTrace;
  readonly allocations: number;
  /** Of new slabs, by cache. */
  private readonly orders: readonly FreshOrder[];
  private readonly live: NaiveObject[][];
  private readonly pages = new Map<NaiveSlab, number>();
  private readonly unusedPages: number[][] = [[], []];
  private pageCount = 0;

  /** @param isRandom new slabs have random orders, as under CONFIG_SLAB_FREELIST_RANDOM */
  constructor(shapes: readonly NaiveShape[], steps: readonly Step[], isRandom: boolean) {
    this.shapes = shapes;
    this.orders = shapes.map(({ objsPerSlab }, i) =>
      isRandom
        ? FreshOrder.shuffled(objsPerSlab, new SeededRandom(i))
        : FreshOrder.sequential(objsPerSlab),
    );
    this.live = shapes.map(() => []);
    this.caches = shapes.map((shape, i) => {
      const order = this.orders[i] as FreshOrder;
      return new NaiveSlub(shape, (slab) => [
        ...order.from(isRandom ? (slab * 7) % shape.objsPerSlab : 0),
      ]);
    });
    const lines = steps.flatMap((step) => this.step(step) ?? []);
    this.allocations = lines.filter((line) => line.includes(' alloc ')).length;
    this.trace = new TestTrace(lines.join('\n'));
  }

  /** The model of this machine, empty. */
  model(): SlubModel {
    const { calls, strings } = this.trace.dictionary;
    for (const _ of this.trace.batches()); // interns all calls
    const cacheOfCall = Int32Array.from({ length: calls.length }, (_, call) =>
      NAMES.indexOf(strings.get(calls.cache(call))),
    );
    const [first] = this.shapes;
    return testModel(
      this.shapes.map((shape, i) => ({ ...shape, name: NAMES[i] as string })),
      {
        release: first?.isOldest ? '5.10' : '6.1',
        cpus: first?.cpus ?? 1,
        nodes: first?.nodes === 2 ? 2 : 1,
        orders: this.orders,
        cacheOfCall,
      },
    );
  }

  /** The lists of a cache as it has them at the end: see `modelLists`. */
  lists(cache: number): Record<string, string[]> {
    const { cpus, partial } = this.caches[cache] as NaiveSlub;
    const lists: Record<string, string[]> = {};
    const put = (key: string, slabs: readonly NaiveSlab[]): void => {
      if (slabs.length > 0) lists[key] = slabs.map((slab) => this.describe(slab));
    };
    cpus.forEach(({ slab, freelist, partial: own }, cpu) => {
      put(`cpuSlab ${cpu}`, slab === undefined ? [] : [slab]);
      if (slab !== undefined) {
        lists[`cpuFreelist ${cpu}`] = freelist.map((object) => this.address({ slab, object }));
      }
      put(`cpuPartial ${cpu}`, own);
    });
    for (const [node, list] of partial.entries()) put(`nodePartial ${node}`, list);
    return lists;
  }

  /** What a cache has at the end, as the model counts it. */
  counts(cache: number): CacheCounts {
    const { objsPerSlab } = this.shapes[cache] as NaiveShape;
    const { slabs } = this.caches[cache] as NaiveSlub;
    const there = slabs.filter(({ where }) => where !== 'gone');
    const count = (place: NaiveSlab['where']): number =>
      there.filter(({ where }) => where === place).length;
    const onNode = there.filter(({ where }) => where === 'node partial');
    const totalObjects = there.length * objsPerSlab;
    return {
      slabs: there.length,
      totalObjects,
      activeObjects: totalObjects - onNode.reduce((n, { freelist }) => n + freelist.length, 0),
      allocated: (this.live[cache] as NaiveObject[]).length,
      partial: onNode.length,
      cpuSlabs: count('cpu'),
      cpuPartialSlabs: count('cpu partial'),
    };
  }

  private step({ cache, isAlloc, cpu, node, which }: Step): string | undefined {
    const slub = this.caches[cache] as NaiveSlub;
    const live = this.live[cache] as NaiveObject[];
    if (isAlloc) {
      const object = slub.alloc(cpu, node);
      if (slub.gotNewSlab) this.pages.set(object.slab, this.takePage(object.slab.node));
      live.push(object);
      const name = NAMES[cache];
      return `cpu${cpu} alloc ${name} ${this.address(object)} 64 node=${node} name=${name}`;
    }
    const [object] = live.splice(Math.floor(which * live.length), 1);
    if (object === undefined) return undefined;
    const line = `cpu${cpu} free ${NAMES[cache]} ${this.address(object)}`;
    slub.free(cpu, object);
    this.takeBackPages();
    return line;
  }

  private takePage(node: number): number {
    return this.unusedPages[node]?.pop() ?? this.pageCount++;
  }

  private takeBackPages(): void {
    for (const [slab, page] of this.pages) {
      if (slab.where !== 'gone') continue;
      this.pages.delete(slab);
      this.unusedPages[slab.node]?.push(page);
    }
  }

  private describe(slab: NaiveSlab): string {
    return listedSlab(this.address({ slab, object: 0 }), slab.inuse, slab.freelist);
  }

  private address({ slab, object }: NaiveObject): string {
    const page = this.pages.get(slab) as number;
    const offset = slab.node * NODE_BYTES + page * PAGE_BYTES + object * OBJECT_BYTES;
    return `0x${(DIRECT_MAP + BigInt(offset)).toString(16)}`;
  }
}

/** The lists of a cache of the model: slabs with what is in use and free, CPU freelists by address. */
export function modelLists({ table }: SlubModel, { model }: ModelCache): Record<string, string[]> {
  const lists: Record<string, string[]> = {};
  const { slabs, objects } = model.lists();
  const address = (row: number, object = 0): string =>
    `0x${(table.base(row) + BigInt(object * OBJECT_BYTES)).toString(16)}`;
  for (const { kind, owner, slabs: rows } of slabs) {
    lists[`${kind} ${owner}`] = rows.map((row) => {
      const free = table.listed(row, table.freelist[row] as number);
      return listedSlab(address(row), table.inuse[row] as number, free);
    });
  }
  for (const { kind, owner, objects: free } of objects) {
    lists[`${kind} ${owner}`] = free.map(([row, object]) => address(row, object));
  }
  return lists;
}

function listedSlab(address: string, inuse: number, freelist: readonly number[]): string {
  return `${address}: ${inuse} in use, free ${freelist.join(' ')}`;
}
