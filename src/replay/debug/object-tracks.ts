// Who allocated and who freed each object of the debug caches last (struct track in mm/slub.c), as
// columns by the object's slot in the slab table.

import { ensureLength } from '../../base/growable.ts';
import type { EventBatch } from '../../kernel/events/event-batch.ts';
import type { EventRow } from '../../kernel/indices.ts';

/** Which of an object's two tracks (enum track_item). */
export const TRACK = { alloc: 0, free: 1 } as const;
type TrackItem = (typeof TRACK)[keyof typeof TRACK];

const MOST_OWED = 255;

export class ObjectTracks {
  private ts: Float64Array = new Float64Array(0);
  private calls: Uint32Array = new Uint32Array(0);
  private tasks: Uint32Array = new Uint32Array(0);
  private stacks: Uint32Array = new Uint32Array(0);
  private cpus: Uint16Array = new Uint16Array(0);
  /** By slot: allocations that took an object while it was allocated, so that a free is owed. */
  private owed: Uint8Array = new Uint8Array(0);

  /** Objects of a new slab have no tracks. */
  clear(slot: number, objects: number): void {
    const end = slot + objects;
    this.ts = ensureLength(this.ts, end * 2);
    this.calls = ensureLength(this.calls, end * 2);
    this.tasks = ensureLength(this.tasks, end * 2);
    this.stacks = ensureLength(this.stacks, end * 2);
    this.cpus = ensureLength(this.cpus, end * 2);
    this.owed = ensureLength(this.owed, end);
    this.calls.fill(0, slot * 2, end * 2);
    this.owed.fill(0, slot, end);
  }

  /** set_track() with what an event says. */
  set(slot: number, item: TrackItem, batch: EventBatch, i: EventRow): void {
    const at = slot * 2 + item;
    this.ts[at] = batch.ts[i];
    this.calls[at] = batch.call[i];
    this.tasks[at] = batch.task[i];
    this.stacks[at] = batch.stack[i];
    this.cpus[at] = batch.cpu[i];
  }

  /**
   * The object is allocated although it is: its free left no event, or the events of two CPUs are out
   * of order and it follows.
   */
  owe(slot: number): void {
    if (this.owed[slot]! < MOST_OWED) this.owed[slot]!++;
  }

  /** Nothing is owed: the free that follows an allocation comes too late to be an earlier one's. */
  settle(slot: number): void {
    this.owed[slot] = 0;
  }

  /** A free of a free object that may be one that was owed. */
  isOwed(slot: number): boolean {
    if (this.owed[slot] === 0) return false;
    this.owed[slot]!--;
    return true;
  }

  /** Forgets a track that was overwritten. */
  forget(slot: number, item: TrackItem): void {
    this.calls[slot * 2 + item] = 0;
  }

  /** The call of a track; 0: none. */
  call(slot: number, item: TrackItem): number {
    return this.calls[slot * 2 + item]!;
  }

  /** As `EventBatch.ts`. */
  time(slot: number, item: TrackItem): number {
    return this.ts[slot * 2 + item]!;
  }

  task(slot: number, item: TrackItem): number {
    return this.tasks[slot * 2 + item]!;
  }

  stack(slot: number, item: TrackItem): number {
    return this.stacks[slot * 2 + item]!;
  }

  cpu(slot: number, item: TrackItem): number {
    return this.cpus[slot * 2 + item]!;
  }

  /** True where the object was allocated, then freed, both by events and after `since`. */
  isSurelyFree(slot: number, since: number): boolean {
    const { ts, calls } = this;
    const alloc = slot * 2 + TRACK.alloc;
    const free = slot * 2 + TRACK.free;
    return calls[alloc] !== 0 && calls[free] !== 0 && ts[alloc]! > since && ts[free]! >= ts[alloc]!;
  }

  /** True where the object was allocated by an event and not freed by one since. */
  isSurelyAllocated(slot: number): boolean {
    const { ts, calls } = this;
    const alloc = slot * 2 + TRACK.alloc;
    const free = slot * 2 + TRACK.free;
    return calls[alloc] !== 0 && (calls[free] === 0 || ts[free]! < ts[alloc]!);
  }
}
