// The partial lists of a cache's nodes, and which slab of them an allocation takes first:
// get_partial(), get_any_partial() in mm/slub.c.

import type { ListedSlabs } from './slab-cache.ts';
import { SlabList } from './slab-list.ts';
import { NO_SLAB, type SlabTable } from './slab-table.ts';

/** The node of a CPU. */
export type NodeOfCpu = (cpu: number) => number;

export class NodeLists {
  private readonly table: SlabTable;
  private readonly lists: readonly SlabList[];
  private readonly nodeOfCpu: NodeOfCpu;

  constructor(table: SlabTable, nodes: number, nodeOfCpu: NodeOfCpu) {
    this.table = table;
    this.lists = Array.from({ length: nodes }, () => new SlabList(table));
    this.nodeOfCpu = nodeOfCpu;
  }

  get length(): number {
    return this.lists.length;
  }

  /** The list of a slab's node. */
  listOf(slab: number): SlabList {
    return this.lists[this.table.node[slab]!] ?? this.lists[0]!;
  }

  /**
   * The slab that an allocation takes, or NO_SLAB.
   * @param node the node that was asked for, negative for none: then the CPU's own, and another one
   *   only where it has more slabs than it must keep
   */
  first(cpu: number, node: number, minPartial: number): number {
    if (node >= 0) return this.lists[node]?.head ?? NO_SLAB;
    const own = this.lists[this.nodeOfCpu(cpu)];
    if (own !== undefined && own.length > 0) return own.head;
    return this.lists.find((list) => list.length > minPartial)?.head ?? NO_SLAB;
  }

  /** Slabs on all lists, and free objects on them. */
  count(): { partial: number; freeObjects: number } {
    const { table } = this;
    let partial = 0;
    let freeObjects = 0;
    for (const list of this.lists) {
      partial += list.length;
      for (let row = list.head; row !== NO_SLAB; row = table.next[row]!) {
        freeObjects += table.objects[row]! - table.inuse[row]!;
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
}
