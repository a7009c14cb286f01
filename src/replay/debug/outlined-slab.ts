// A slab of which a report says no more than where it is: nothing of its memory is known, or matters.

import { type CheckedSlab, UNTOLD_POINTER } from '../../kernel/checks/checked-slab.ts';
import type { Slab } from '../../kernel/indices.ts';
import type { SlabTable } from '../model/slab-table.ts';

export class OutlinedSlab implements CheckedSlab {
  readonly base: bigint;
  readonly bytes: Uint8Array = new Uint8Array(0);
  objects: number;
  inuse: number;
  freelist: bigint | undefined = 0n;
  frozen = false;

  constructor(table: SlabTable, row: Slab) {
    this.base = table.base(row);
    this.objects = table.objects[row];
    this.inuse = table.inuse[row];
  }

  freePointer(): bigint {
    return UNTOLD_POINTER;
  }

  setFreePointer(): void {}
}
