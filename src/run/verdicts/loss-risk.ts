// How likely it is that a live object was freed by an event that was lost. Frees whose address nobody
// allocated again tell: to so many of them that were seen come as many that were lost as the share of
// lost events says, and the objects of those look live. So among a site's objects of about one age as
// many are gone as such frees were seen, times lost over seen. How long objects live is in that, and
// how soon their memory is used again, which would show a lost free.

import type { Dictionary } from '../../kernel/events/dictionary.ts';
import type { LiveRow, Row } from '../../kernel/indices.ts';
import type { LastFreed } from '../../pairing/last-freed.ts';
import type { LiveObjects } from '../../pairing/live-objects.ts';
import type { LossSpans } from '../../pairing/loss-spans.ts';
import type { PageEvidence } from '../../pairing/page-evidence.ts';

/**
 * An object is certain while fewer than this share of those like it are gone. Measured on recordings
 * with a fifth of their events taken out (test/kernel/lost-events.test.ts): 99.9 % of them are right.
 */
const ACCEPTED = 0.005;
/** Objects that are taken for gone beyond those that the frees tell. */
const UNSEEN = 0.1;
/** Objects that are compared with one: so many before and behind it in order of their allocation. */
const NEIGHBOURS = 32;

export interface LossInput {
  readonly dictionary: Dictionary;
  readonly live: LiveObjects;
  readonly rows: Uint32Array;
  readonly lastFreed: LastFreed;
  readonly pages: PageEvidence | undefined;
  readonly losses: LossSpans;
  /** Time of the last event. */
  readonly endTs: number;
  /** Part of the events that was lost, 0 to 1. */
  readonly lossShare: number;
}

/** Objects of one site and size. */
interface Group {
  /** Rows of live objects. */
  readonly held: LiveRow[];
  /** When those were allocated whose address has a free as its last event. */
  readonly freed: number[];
}

export class LossRisk {
  private readonly ofRow = new Map<LiveRow, number>();

  constructor(input: LossInput) {
    const { losses, live, rows, lastFreed, pages, dictionary } = input;
    if (losses.length === 0) return;
    const groups = groupsOfCalls(dictionary);
    for (const row of rows) groups[live.call(row)]?.held.push(row);
    for (let row: Row = 0; row < lastFreed.length; row++) {
      const call = lastFreed.call[row];
      const ts = lastFreed.ts[row];
      const bytes = dictionary.calls.bytesAlloc(call);
      // A lost free would have shown.
      if (pages?.wasReused(lastFreed.ptrLo[row], lastFreed.ptrHi[row], ts, bytes)) continue;
      if (call !== 0) groups[call]?.freed.push(ts);
    }
    for (const group of new Set(groups)) this.judge(group, input);
  }

  /** True where an object has most likely outlived the losses in its life. */
  isSafe(row: LiveRow): boolean {
    return this.of(row) < ACCEPTED;
  }

  /** Objects like this one that are gone, to each that is held; 0 where nothing was lost in its life. */
  of(row: LiveRow): number {
    return this.ofRow.get(row) ?? 0;
  }

  private judge(group: Group, { live, losses, lossShare, endTs }: LossInput): void {
    const odds = lossShare / (1 - lossShare);
    const rows = group.held.sort((a, b) => live.ts(a) - live.ts(b));
    const held = Float64Array.from(rows, (row) => live.ts(row));
    const freed = Float64Array.from(group.freed).sort();
    const risk = (gone: number, alive: number): number => (gone * odds + UNSEEN) / alive;
    rows.forEach((row, i) => {
      const ts = held[i]!;
      if (losses.firstAfter(ts) === Infinity) return;
      const near = neighbours(held, freed, i, NEIGHBOURS);
      const age = endTs - ts;
      const from = endTs - 2 * age;
      const to = endTs - age / 2;
      const ofAge = {
        freed: firstFrom(freed, to) - firstFrom(freed, from),
        held: Math.max(1, firstFrom(held, to) - firstFrom(held, from)),
      };
      this.ofRow.set(row, Math.max(risk(near.freed, near.held), risk(ofAge.freed, ofAge.held)));
    });
  }
}

/** How many of each are among those next to `held[i]` in order of time, `width` to each side. */
function neighbours(
  held: Float64Array,
  freed: Float64Array,
  i: number,
  width: number,
): { readonly held: number; readonly freed: number } {
  const at = firstFrom(freed, held[i]!);
  const counts = { held: 1, freed: 0 };
  for (const step of [-1, 1]) {
    let h = i + step;
    let f = step < 0 ? at - 1 : at;
    for (let n = 0; n < width; n++) {
      const nextHeld = held[h];
      const nextFreed = freed[f];
      if (nextHeld === undefined && nextFreed === undefined) break;
      if (
        nextFreed === undefined ||
        (nextHeld !== undefined && (nextHeld - nextFreed) * step <= 0)
      ) {
        counts.held++;
        h += step;
      } else {
        counts.freed++;
        f += step;
      }
    }
  }
  return counts;
}

/** The index of the first of ascending times that is not before `ts`. */
function firstFrom(times: Float64Array, ts: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! < ts) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The group of each call. */
function groupsOfCalls({ calls }: Dictionary): Group[] {
  const groups = new Map<string, Group>();
  return Array.from({ length: calls.length }, (_, call) => {
    const key = `${calls.site(call)} ${calls.bytesAlloc(call)}`;
    const group = groups.get(key) ?? { held: [], freed: [] };
    groups.set(key, group);
    return group;
  });
}
