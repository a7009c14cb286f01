// The partial lists of a cache's nodes (struct kmem_cache_node), and which slab of them an allocation
// takes first: get_partial(), get_any_partial(), add_partial(), remove_partial() in mm/slub.c.

import { present } from '../../base/assert.ts';
import type { Cpu, Node, Slab } from '../../kernel/indices.ts';
import type { ListedSlabs } from './slab-cache.ts';
import { SlabList } from './slab-list.ts';
import { NO_SLAB, ON, type SlabTable } from './slab-table.ts';

/** NUMA_NO_NODE: no node is asked for (include/linux/numa.h). */
export const NO_NODE: Node = -1 as number;

/** The node of a CPU. */
export type NodeOfCpu = (cpu: Cpu) => Node;

export class NodeLists {
  private readonly table: SlabTable;
  private readonly lists: readonly SlabList[];
  private readonly nodeOfCpu: NodeOfCpu;
  private readonly minPartial: number;

  /** @param minPartial s->min_partial: slabs that a list keeps although they are empty */
  constructor(table: SlabTable, nodes: number, nodeOfCpu: NodeOfCpu, minPartial: number) {
    this.table = table;
    this.lists = Array.from({ length: nodes }, () => new SlabList(table));
    this.nodeOfCpu = nodeOfCpu;
    this.minPartial = minPartial;
  }

  get length(): number {
    return this.lists.length;
  }

  /**
   * The slab that an allocation takes, or NO_SLAB: get_partial(), get_any_partial().
   * @param node the requested node, negative for none: then the CPU's own, and another one
   *   only where it has more slabs than it must keep
   */
  getPartial(cpu: Cpu, node: Node): Slab {
    if (node >= 0) return this.lists[node]?.head ?? NO_SLAB;
    const own = this.lists[this.nodeOfCpu(cpu)];
    if (own !== undefined && own.length > 0) return own.head;
    return this.lists.find((list) => list.length > this.minPartial)?.head ?? NO_SLAB;
  }

  /** add_partial() */
  addPartial(slab: Slab, end: 'head' | 'tail'): void {
    this.table.on[slab] = ON.nodePartial;
    if (end === 'head') this.listOf(slab).pushHead(slab);
    else this.listOf(slab).pushTail(slab);
  }

  /** remove_partial() */
  removePartial(slab: Slab): void {
    this.listOf(slab).remove(slab);
    this.table.on[slab] = ON.none;
  }

  /** n->nr_partial >= s->min_partial: an empty slab of this node goes back to the page allocator. */
  isFull(slab: Slab): boolean {
    return this.listOf(slab).length >= this.minPartial;
  }

  /** Slabs on all lists, and free objects on them. */
  count(): { partial: number; freeObjects: number } {
    const { table } = this;
    let partial = 0;
    let freeObjects = 0;
    for (const list of this.lists) {
      partial += list.length;
      for (let slab: Slab = list.head; slab !== NO_SLAB; slab = table.next[slab]) {
        freeObjects += table.objects[slab] - table.inuse[slab];
      }
    }
    return { partial, freeObjects };
  }

  /** The lists of the nodes that have slabs. */
  listed(): ListedSlabs[] {
    return this.lists.flatMap((list, owner) =>
      list.length === 0 ? [] : { kind: 'nodePartial', owner, slabs: list.toArray() },
    );
  }

  /** get_node(): the list of a slab's node. */
  private listOf(slab: Slab): SlabList {
    return this.lists[this.table.node[slab]] ?? present(this.lists[0]);
  }
}
