// How likely it is that a live object was freed by an event that was lost. An object that was old when
// events were lost, of a call site whose objects otherwise die young or never, has most likely
// outlived that too: of its site's objects that grew as old, the share whose free was seen afterwards
// tells how many frees there are to lose.

import type { Dictionary } from '../kernel/events/dictionary.ts';
import type { Call, LiveRow, Site } from '../kernel/indices.ts';
import { LIFETIME_BUCKETS, lifetimeBucket } from '../pairing/call-tally.ts';
import type { LiveObjects } from '../pairing/live-objects.ts';
import type { LossSpans } from '../pairing/loss-spans.ts';
import type { Tallies } from '../pairing/tallies.ts';

/** An object is certain while the chance that it is gone is below this: 99.9 % are to be right. */
const ACCEPTED = 0.001;
/** Frees that may be missing where none was seen: half a one. */
const UNSEEN = 0.5;

export interface LossInput {
  readonly dictionary: Dictionary;
  readonly live: LiveObjects;
  readonly rows: Uint32Array;
  readonly tallies: Tallies;
  readonly losses: LossSpans;
  /** Part of the events that was lost, 0 to 1. */
  readonly lossShare: number;
  /** When frees of what a kind of allocation gives were switched on; -Infinity from the start. */
  freesSince(kind: number): number;
}

/** What a site's objects lived, by powers of two of nanoseconds. */
/** Fewer of a site's objects tell nothing of how long they live. */
const LEAST_LIVES = 50;
/** An object is taken for gone where it is alive in fewer than one of a hundred cases. */
const ACCEPTED_ALIVE = 0.01;

/** Share of the objects that live on beyond a bucket of ages (the estimator of Kaplan and Meier). */
function survival({ freed, reached }: SiteLives, bucket: number): number {
  let share = 1;
  for (let b = 0; b < bucket; b++) if (freed[b]! > 0) share *= 1 - freed[b]! / reached[b]!;
  return share;
}

interface SiteLives {
  /** Frees seen at such an age. */
  readonly freed: Float64Array;
  /** Objects that grew as old or older. */
  readonly reached: Float64Array;
}

export class LossRisk {
  private readonly input: LossInput;
  /** By site. */
  private readonly lives = new Map<number, SiteLives>();
  private readonly endTs: number;

  constructor(input: LossInput) {
    this.input = input;
    const { dictionary, live, rows, tallies } = input;
    const { calls } = dictionary;
    this.endTs = tallies.lastTs;
    const isLate = (kind: number): boolean => input.freesSince(kind) > -Infinity;
    const kinds = Array.from({ length: calls.length }, (_, call) => calls.kind(call));
    if (input.losses.length === 0 && !kinds.some(isLate)) return;
    for (let call: Call = 1; call < calls.length; call++) {
      const { freed } = this.livesOf(calls.site(call));
      for (let bucket = 0; bucket < LIFETIME_BUCKETS; bucket++) {
        freed[bucket]! += tallies.calls.lifetimes[call * LIFETIME_BUCKETS + bucket] ?? 0;
      }
    }
    for (const { freed, reached } of this.lives.values()) reached.set(freed);
    for (const row of rows) {
      const call = live.call(row);
      if (live.ts(row) < input.freesSince(calls.kind(call))) continue; // it may be gone for long
      const { reached } = this.livesOf(calls.site(call));
      reached[lifetimeBucket(this.endTs - live.ts(row))]!++;
    }
    for (const { reached } of this.lives.values()) {
      for (let bucket = LIFETIME_BUCKETS - 2; bucket >= 0; bucket--) {
        reached[bucket]! += reached[bucket + 1]!;
      }
    }
  }

  /** True where an object has most likely outlived the losses in its life. */
  isSafe(row: LiveRow): boolean {
    return this.of(row) < ACCEPTED;
  }

  /** Frees that the losses in an object's life may have had for it; 0 where it lived through none. */
  of(row: LiveRow): number {
    const { live, dictionary, losses, lossShare } = this.input;
    const ts = live.ts(row);
    const since = losses.firstAfter(ts);
    if (since === Infinity) return 0;
    const { freed, reached } = this.livesOf(dictionary.calls.site(live.call(row)));
    const first = lifetimeBucket(since - ts);
    const last = lifetimeBucket(this.endTs - ts);
    let share = UNSEEN / Math.max(1, reached[first]!);
    for (let bucket = first; bucket <= last; bucket++) {
      if (freed[bucket]! > 0) share += freed[bucket]! / reached[bucket]!;
    }
    return (share * lossShare) / (1 - lossShare);
  }

  /**
   * True where an object was allocated before its kind of free was switched on, and its site's objects
   * hardly ever live on for as long as it would have: it was freed in between.
   */
  isGoneEarly(row: LiveRow): boolean {
    const { live, dictionary, freesSince } = this.input;
    const { calls } = dictionary;
    const call = live.call(row);
    const ts = live.ts(row);
    const since = freesSince(calls.kind(call));
    if (ts >= since) return false;
    const lives = this.livesOf(calls.site(call));
    if (lives.reached[0]! < LEAST_LIVES) return false;
    const freed = 1 - survival(lives, lifetimeBucket(since - ts));
    const alive = survival(lives, lifetimeBucket(this.endTs - since));
    return alive < ACCEPTED_ALIVE * freed;
  }

  private livesOf(site: Site): SiteLives {
    let lives = this.lives.get(site);
    if (lives === undefined) {
      lives = {
        freed: new Float64Array(LIFETIME_BUCKETS),
        reached: new Float64Array(LIFETIME_BUCKETS),
      };
      this.lives.set(site, lives);
    }
    return lives;
  }
}
