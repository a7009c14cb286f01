// The biography of some addresses: who had each of them, from when to when, as the events tell it. Of
// each address the last owners are kept, so memory does not grow with the trace.

import { AddressMap } from '../base/address-map.ts';
import type { EventBatch } from '../kernel/event-batch.ts';
import { OUTCOME, type PairedBatch } from './paired-batch.ts';
import type { Tracker } from './run-tracker.ts';

/** Owners of one address that are kept. */
const KEPT = 3;

/** One allocation or free, as indexes into the run's dictionary. */
export interface OwnerEvent {
  /** As `EventBatch.ts`. */
  readonly ts: number;
  readonly call: number;
  readonly task: number;
  readonly cpu: number;
}

/** One life of an address. */
export interface Owner {
  /** Undefined: allocated before the trace, or without an event. */
  readonly alloc: OwnerEvent | undefined;
  /** Undefined: not freed, as far as the trace tells, or freed without an event. */
  free: OwnerEvent | undefined;
  /** The address was given out again without a free. */
  freedUnseen: boolean;
}

export class ObjectOwners implements Tracker {
  private readonly watched = new AddressMap(64);
  private readonly owners: Owner[][] = [];

  /** Watches the object that starts at an address. */
  watch(lo: number, hi: number): void {
    if (this.watched.get(lo, hi) >= 0) return;
    this.watched.set(lo, hi, this.owners.length);
    this.owners.push([]);
  }

  /** The last owners of a watched address, the latest first. */
  of(lo: number, hi: number): readonly Owner[] {
    return this.owners[this.watched.get(lo, hi)] ?? [];
  }

  add(batch: EventBatch, paired: PairedBatch): void {
    for (let i = 0; i < batch.length; i++) {
      const index = this.watched.get(batch.ptrLo[i] as number, batch.ptrHi[i] as number);
      const owners = this.owners[index];
      if (owners !== undefined) record(owners, eventOf(batch, i), paired.outcome[i] as number);
    }
  }
}

function record(owners: Owner[], event: OwnerEvent, outcome: number): void {
  const [last, beforeLast] = owners;
  const owner = { alloc: event, free: undefined, freedUnseen: false };
  switch (outcome) {
    case OUTCOME.allocOnLive:
      if (last !== undefined) last.freedUnseen = true;
      add(owners, owner);
      break;
    case OUTCOME.alloc:
      add(owners, owner);
      break;
    case OUTCOME.allocAgain:
      // The second event has the true caller.
      owners[0] = owner;
      break;
    case OUTCOME.free:
      if (last !== undefined) last.free = event;
      break;
    case OUTCOME.freeLate:
      if (beforeLast === undefined) break;
      beforeLast.free = event;
      beforeLast.freedUnseen = false;
      break;
    case OUTCOME.freeUnknown:
      add(owners, { ...owner, alloc: undefined, free: event });
      break;
  }
}

function add(owners: Owner[], owner: Owner): void {
  owners.unshift(owner);
  if (owners.length > KEPT) owners.pop();
}

function eventOf({ ts, call, task, cpu }: EventBatch, i: number): OwnerEvent {
  return {
    ts: ts[i] as number,
    call: call[i] as number,
    task: task[i] as number,
    cpu: cpu[i] as number,
  };
}
