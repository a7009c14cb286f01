// Doubly linked lists of slabs: a node's partial list, a CPU's partial list. The links are columns of
// the SlabTable; a slab is on one list at most.

import type { Slab } from '../../kernel/indices.ts';
import { NO_SLAB, type SlabTable } from './slab-table.ts';

export class SlabList {
  head: Slab = NO_SLAB;
  tail: Slab = NO_SLAB;
  length: number = 0;
  private readonly table: SlabTable;

  constructor(table: SlabTable) {
    this.table = table;
  }

  pushHead(row: Slab): void {
    const { table } = this;
    table.prev[row] = NO_SLAB;
    table.next[row] = this.head;
    if (this.head === NO_SLAB) this.tail = row;
    else table.prev[this.head] = row;
    this.head = row;
    this.length++;
  }

  pushTail(row: Slab): void {
    const { table } = this;
    table.next[row] = NO_SLAB;
    table.prev[row] = this.tail;
    if (this.tail === NO_SLAB) this.head = row;
    else table.next[this.tail] = row;
    this.tail = row;
    this.length++;
  }

  remove(row: Slab): void {
    const { table } = this;
    const next = table.next[row];
    const prev = table.prev[row];
    if (prev === NO_SLAB) this.head = next;
    else table.next[prev] = next;
    if (next === NO_SLAB) this.tail = prev;
    else table.prev[next] = prev;
    table.next[row] = NO_SLAB;
    table.prev[row] = NO_SLAB;
    this.length--;
  }

  /** Its slabs, the head first. */
  toArray(): Slab[] {
    const rows: Slab[] = [];
    for (let row: Slab = this.head; row !== NO_SLAB; row = this.table.next[row]) rows.push(row);
    return rows;
  }
}
