// Whether the times of a text are differences to the line before (perf script --deltatime). perf
// prints events in the order of their times, whatever their CPU: times that step back again and again
// are none. Read as times they would give durations and rates that are wrong.

import { type LineGrammar, LinePrefix } from './line-prefix.ts';

/** One step back may be the seam of two texts; and a seam is rare. */
const MIN_STEPS = 2;
const MIN_SHARE = 1 / 20;

/** @param head the first bytes of the text */
export function hasDeltaTimes(head: Uint8Array, grammar: LineGrammar): boolean {
  const prefix = new LinePrefix();
  let events = 0;
  let steps = 0;
  let last = -Infinity;
  for (const line of Buffer.from(head).toString('latin1').split('\n')) {
    if (!grammar.read(line.slice(0, 512), prefix)) continue;
    const time = prefix.hi * 1e9 + prefix.lo;
    events++;
    if (time < last) steps++;
    last = time;
  }
  return steps >= MIN_STEPS && steps >= events * MIN_SHARE;
}
