// The last owners of some addresses, however many: of each address a few are kept, so memory does not
// grow with the trace (findOwners() keeps all of them, with what happened around).

import { AddressMap } from '../base/address-map.ts';
import type { EventBatch } from '../kernel/events/event-batch.ts';
import type { EventRow } from '../kernel/indices.ts';
import { OUTCOME, type PairedBatch } from '../pairing/paired-batch.ts';
import type { Tracker } from '../pairing/run-tracker.ts';
import type { KeptEvent } from './owners.ts';

/** Owners of one address that are kept. */
const KEPT = 3;

/** One life of an address. */
export interface LastOwner {
  /** Undefined: allocated before the trace, or without an event. */
  readonly alloc: KeptEvent | undefined;
  /** Undefined: not freed, as far as the trace tells, or freed without an event. */
  free: KeptEvent | undefined;
  /** The address was given out again without a free. */
  freedUnseen: boolean;
}

export class LastOwners implements Tracker {
  private readonly watched = new AddressMap(64);
  private readonly owners: LastOwner[][] = [];

  /** Watches the object that starts at an address. */
  watch(lo: number, hi: number): void {
    if (this.watched.get(lo, hi) >= 0) return;
    this.watched.set(lo, hi, this.owners.length);
    this.owners.push([]);
  }

  /** The last owners of a watched address, the latest first. */
  of(lo: number, hi: number): readonly LastOwner[] {
    return this.owners[this.watched.get(lo, hi)] ?? [];
  }

  add(batch: EventBatch, paired: PairedBatch): void {
    for (let i: EventRow = 0; i < batch.length; i++) {
      const index = this.watched.get(batch.ptrLo[i], batch.ptrHi[i]);
      const owners = this.owners[index];
      if (owners !== undefined) record(owners, eventOf(batch, i), paired.outcome[i]);
    }
  }
}

function record(owners: LastOwner[], event: KeptEvent, outcome: number): void {
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

function add(owners: LastOwner[], owner: LastOwner): void {
  owners.unshift(owner);
  if (owners.length > KEPT) owners.pop();
}

function eventOf({ ts, call, task, cpu, stack }: EventBatch, i: EventRow): KeptEvent {
  return {
    ts: ts[i],
    call: call[i],
    task: task[i],
    cpu: cpu[i],
    stack: stack[i],
  };
}
