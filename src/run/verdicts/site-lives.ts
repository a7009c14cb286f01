// How long the objects of a call site live, by powers of two of nanoseconds: from the frees that were
// seen, and from the objects that are alive (the estimator of Kaplan and Meier).

import type { Dictionary } from '../../kernel/events/dictionary.ts';
import type { Call, LiveRow, Site } from '../../kernel/indices.ts';
import { LIFETIME_BUCKETS, lifetimeBucket } from '../../pairing/call-tally.ts';
import type { LiveObjects } from '../../pairing/live-objects.ts';
import type { Tallies } from '../../pairing/tallies.ts';

export interface LivesInput {
  readonly dictionary: Dictionary;
  readonly live: LiveObjects;
  readonly rows: Uint32Array;
  readonly tallies: Tallies;
  /** When frees of what a kind of allocation gives were switched on; -Infinity from the start. */
  freesSince(kind: number): number;
}

/** Fewer of a site's objects tell nothing of how long they live. */
const LEAST_LIVES = 50;
/** An object is taken for gone where it is alive in fewer than one of a hundred cases. */
const ACCEPTED_ALIVE = 0.01;

interface Lives {
  /** Frees seen at such an age. */
  readonly freed: Float64Array;
  /** Objects that grew as old or older. */
  readonly reached: Float64Array;
}

export class SiteLives {
  private readonly input: LivesInput;
  private readonly ofSite = new Map<Site, Lives>();

  constructor(input: LivesInput) {
    this.input = input;
    const { dictionary, live, rows, tallies } = input;
    const { calls } = dictionary;
    for (let call: Call = 1; call < calls.length; call++) {
      const { freed } = this.of(calls.site(call));
      for (let bucket = 0; bucket < LIFETIME_BUCKETS; bucket++) {
        freed[bucket]! += tallies.calls.lifetimes[call * LIFETIME_BUCKETS + bucket] ?? 0;
      }
    }
    for (const { freed, reached } of this.ofSite.values()) reached.set(freed);
    for (const row of rows) {
      const call = live.call(row);
      if (live.ts(row) < input.freesSince(calls.kind(call))) continue; // it may be gone for long
      const { reached } = this.of(calls.site(call));
      reached[lifetimeBucket(tallies.lastTs - live.ts(row))]!++;
    }
    for (const { reached } of this.ofSite.values()) {
      for (let bucket = LIFETIME_BUCKETS - 2; bucket >= 0; bucket--) {
        reached[bucket]! += reached[bucket + 1]!;
      }
    }
  }

  /**
   * True where an object was allocated before its kind of free was switched on, and its site's objects
   * hardly ever live on for as long as it would have: it was freed in between.
   */
  isGoneEarly(row: LiveRow): boolean {
    const { live, dictionary, freesSince, tallies } = this.input;
    const { calls } = dictionary;
    const call = live.call(row);
    const ts = live.ts(row);
    const since = freesSince(calls.kind(call));
    if (ts >= since) return false;
    const lives = this.of(calls.site(call));
    if (lives.reached[0]! < LEAST_LIVES) return false;
    const freed = 1 - survival(lives, lifetimeBucket(since - ts));
    const alive = survival(lives, lifetimeBucket(tallies.lastTs - since));
    return alive < ACCEPTED_ALIVE * freed;
  }

  private of(site: Site): Lives {
    let lives = this.ofSite.get(site);
    if (lives === undefined) {
      lives = {
        freed: new Float64Array(LIFETIME_BUCKETS),
        reached: new Float64Array(LIFETIME_BUCKETS),
      };
      this.ofSite.set(site, lives);
    }
    return lives;
  }
}

/** Share of the objects that live on beyond a bucket of ages. */
function survival({ freed, reached }: Lives, bucket: number): number {
  let share = 1;
  for (let b = 0; b < bucket; b++) if (freed[b]! > 0) share *= 1 - freed[b]! / reached[b]!;
  return share;
}
