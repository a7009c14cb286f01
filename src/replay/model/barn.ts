// The sheaves of a node that no CPU has (struct node_barn in mm/slub.c since 6.18): full ones, the
// latest to come the first to go, and empty ones.

import type { ObjectNumber, Slab } from '../../kernel/indices.ts';
import { Sheaf } from './sheaf.ts';

/** MAX_FULL_SHEAVES: a CPU does not add to so many. Empty ones have no limit that shows. */
const MAX_FULL_SHEAVES = 10;

export class Barn {
  /** The next one to go is the last. */
  readonly full: Sheaf[] = [];
  private readonly empty: Sheaf[] = [];
  private readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get hasRoom(): boolean {
    return this.full.length < MAX_FULL_SHEAVES;
  }

  /** A full sheaf for an empty one; undefined where there is none. */
  exchange(empty: Sheaf): Sheaf | undefined {
    const full = this.full.pop();
    if (full !== undefined) this.empty.push(empty);
    return full;
  }

  putEmpty(sheaf: Sheaf): void {
    this.empty.push(sheaf);
  }

  takeEmpty(): Sheaf {
    return this.empty.pop() ?? new Sheaf(this.capacity);
  }

  /** Which of the full sheaves has an object; -1: none. */
  find(slab: Slab, object: ObjectNumber): number {
    return this.full.findLastIndex((sheaf) => sheaf.indexOf(slab, object) >= 0);
  }
}
