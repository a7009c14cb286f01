// The descriptions of events from the files beside a recording: tracing/events/SYSTEM/EVENT/format.

import type { SidecarFiles } from '../recording/sidecars.ts';
import { type EventFormat, parseEventFormat } from './events/event-format.ts';
import { isKnownEvent } from './events/event-plan.ts';

// p:kp/kmalloc_p __kmalloc size=%di:u64       r64:kmalloc_r __kmalloc      (kprobe_events of tracefs)
const PROBE = /^[pr]\d*:(?:([\w-]+)\/)?([\w-]+)\s/gm;
/** The group of a probe that names none (KPROBE_EVENT_SYSTEM in kernel/trace/trace_probe.h, 6.1). */
const PROBE_SYSTEM = 'kprobes';

/** The formats of the events that we know, and of probes; a tracefs has thousands of others. */
export function readSidecarFormats(sidecars: SidecarFiles): EventFormat[] {
  const known = sidecars.list('tracing/events').flatMap((system) =>
    sidecars
      .list(`tracing/events/${system}`)
      .filter(isKnownEvent)
      .map((event) => `${system}/${event}`),
  );
  const probes = sidecars.text('tracing/kprobe_events') ?? '';
  for (const [, system = PROBE_SYSTEM, event] of probes.matchAll(PROBE)) {
    known.push(`${system}/${event}`);
  }
  return known.flatMap((event) => {
    const text = sidecars.text(`tracing/events/${event}/format`);
    return (text === undefined ? undefined : parseEventFormat(text)) ?? [];
  });
}
