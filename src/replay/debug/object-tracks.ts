// Who allocated and who freed each object of the debug caches last (struct track in mm/slub.c), as
// columns by the object's slot in the slab table.

import { ensureLength } from '../../base/growable.ts';
import type { EventBatch } from '../../kernel/event-batch.ts';

/** Which of an object's two tracks (enum track_item). */
export const TRACK = { alloc: 0, free: 1 } as const;
type TrackItem = (typeof TRACK)[keyof typeof TRACK];

export class ObjectTracks {
  private ts: Float64Array = new Float64Array(0);
  private calls: Uint32Array = new Uint32Array(0);
  private tasks: Uint32Array = new Uint32Array(0);
  private stacks: Uint32Array = new Uint32Array(0);
  private cpus: Uint16Array = new Uint16Array(0);
  /** By slot: 1 where the last allocation took an object that was not held as allocated. */
  private clean: Uint8Array = new Uint8Array(0);

  /** Objects of a new slab have no tracks. */
  clear(slot: number, objects: number): void {
    const end = slot + objects;
    this.ts = ensureLength(this.ts, end * 2);
    this.calls = ensureLength(this.calls, end * 2);
    this.tasks = ensureLength(this.tasks, end * 2);
    this.stacks = ensureLength(this.stacks, end * 2);
    this.cpus = ensureLength(this.cpus, end * 2);
    this.clean = ensureLength(this.clean, end);
    this.calls.fill(0, slot * 2, end * 2);
    this.clean.fill(0, slot, end);
  }

  /** set_track() with what an event says. */
  set(slot: number, item: TrackItem, batch: EventBatch, i: number): void {
    const at = slot * 2 + item;
    this.ts[at] = batch.ts[i]!;
    this.calls[at] = batch.call[i]!;
    this.tasks[at] = batch.task[i]!;
    this.stacks[at] = batch.stack[i]!;
    this.cpus[at] = batch.cpu[i]!;
  }

  /** Marks whether the object that an allocation took was free, as far as the events tell. */
  setClean(slot: number, isClean: boolean): void {
    this.clean[slot] = isClean ? 1 : 0;
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

  /**
   * True where the object was allocated while it was free, then freed, both by events, both after
   * `since`, and nothing was seen of it from then on.
   */
  isSurelyFree(slot: number, since: number): boolean {
    const { ts, calls } = this;
    const alloc = slot * 2 + TRACK.alloc;
    const free = slot * 2 + TRACK.free;
    if (this.clean[slot] === 0 || calls[alloc] === 0 || calls[free] === 0) return false;
    return ts[alloc]! > since && ts[free]! >= ts[alloc]!;
  }

  /** True where the object was allocated by an event and not freed by one since. */
  isSurelyAllocated(slot: number): boolean {
    const { ts, calls } = this;
    const alloc = slot * 2 + TRACK.alloc;
    const free = slot * 2 + TRACK.free;
    return calls[alloc] !== 0 && (calls[free] === 0 || ts[free]! < ts[alloc]!);
  }
}
