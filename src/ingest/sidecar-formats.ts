// The descriptions of events from the files beside a recording: tracing/events/SYSTEM/EVENT/format.

import type { SidecarFiles } from '../kernel/sidecars.ts';
import { isKnownEvent } from './event-fields.ts';
import { type EventFormat, parseEventFormat } from './ring-buffer/event-format.ts';

/** The formats of the events that we know; a tracefs has thousands of others. */
export function readSidecarFormats(sidecars: SidecarFiles): EventFormat[] {
  return sidecars.list('tracing/events').flatMap((system) =>
    sidecars.list(`tracing/events/${system}`).flatMap((event) => {
      if (!isKnownEvent(event)) return [];
      const text = sidecars.text(`tracing/events/${system}/${event}/format`);
      return (text === undefined ? undefined : parseEventFormat(text)) ?? [];
    }),
  );
}
