// Probe events that are not read: a `--map` that names none of them, or none where one is needed.

import { UsageError } from '../base/errors.ts';
import { nearestNames } from '../base/nearest-names.ts';
import type { Dictionary } from '../kernel/events/dictionary.ts';
import { isAlloc, isFree } from '../kernel/events/event-kind.ts';
import type { TraceInfo } from '../kernel/events/trace-info.ts';
import type { Call } from '../kernel/indices.ts';

const MOST_LISTED = 8;
const NONE = 'It has no probe events.';
const PERF_DATA = 'Of a perf.data they are read from the text that `perf script` makes of it.';

interface Probed {
  readonly source: string;
  readonly maps?: readonly string[] | undefined;
}

/** @throws UsageError where events of the trace are to be read by name and cannot */
export function checkProbes(
  { source, maps = [] }: Probed,
  { probes, format }: TraceInfo,
  { calls }: Dictionary,
): void {
  const names = probes.map(({ event }) => event);
  for (const map of maps) {
    const event = map.slice(0, map.indexOf('='));
    if (names.includes(event)) continue;
    const near = nearestNames(event, names);
    let hint = names.length === 0 ? NONE : `It has ${names.slice(0, MOST_LISTED).join(', ')}.`;
    if (near.length > 0) hint = `Nearest: ${near.join(', ')}.`;
    if (format === 'perf-data') hint = PERF_DATA;
    throw new UsageError(`--map ${map}: ${source} has no probe event of that name`, { hint });
  }
  const unread = probes.filter(({ isRead }) => !isRead);
  if (unread.length === 0 || hasKmemEvents(calls)) return;
  const proposals = unread.flatMap(({ mapping }) => (mapping === null ? [] : [`--map ${mapping}`]));
  const shown = unread.slice(0, MOST_LISTED).map(({ event }) => event);
  throw new UsageError(
    `${source}: it has probe events (${shown.join(', ')}), and nothing tells what they mean`,
    {
      hint:
        proposals.length === 0
          ? 'Tell it with --map EVENT=ROLE,FIELD=MEANING,... (docs/probes.md).'
          : `Perhaps: ${proposals.slice(0, MOST_LISTED).join(' ')} (docs/probes.md)`,
    },
  );
}

function hasKmemEvents(calls: Dictionary['calls']): boolean {
  for (let call: Call = 1; call < calls.length; call++) {
    if (isAlloc(calls.kind(call)) || isFree(calls.kind(call))) return true;
  }
  return false;
}
