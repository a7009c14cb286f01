// The error for an input that was read to its end and holds no event about slab memory: what it holds
// instead, and how to record what is missing.

import { TraceFormatError } from '../base/errors.ts';
import type { Dictionary } from '../kernel/events/dictionary.ts';
import { EVENT_KIND } from '../kernel/events/event-kind.ts';
import type { EventsSeen } from './format.ts';

const MOST_LISTED = 12;

/** True where nothing but lost events was read. */
export function isNothing({ calls }: Dictionary): boolean {
  for (let call = 1; call < calls.length; call++) {
    if (calls.kind(call) !== EVENT_KIND.lost) return false;
  }
  return true;
}

export function nothingRecorded(path: string, seen: EventsSeen): TraceFormatError {
  const { described, others, record } = seen;
  const held = [...others].sort((a, b) => b[1] - a[1]);
  const more = held.length - MOST_LISTED;
  const list = held.slice(0, MOST_LISTED).map(([name, count]) => `${count} ${name}`);
  if (more > 0) list.push(`events of ${more} more names`);
  const without =
    described.length > 0
      ? `no kmem event was recorded, although ${described.join(', ')} ${described.length === 1 ? 'is' : 'are'} described`
      : 'no kmem event was recorded';
  const holds = list.length > 0 ? `it holds ${list.join(', ')}` : 'it holds no event at all';
  return new TraceFormatError(`${path}: ${without}; ${holds}`, {
    hint:
      `Record with: ${record}` +
      (described.length > 0
        ? '\nIf they were switched on, a filter let nothing through, or the buffer was cleared.'
        : ''),
  });
}
