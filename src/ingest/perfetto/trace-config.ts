// TraceConfig (config/trace_config.proto): which kmem events the recording was told to take.

import { ignore, type WireReader } from './wire.ts';

/** Fields down to the names of events: data_sources, config, ftrace_config, ftrace_events. */
const PATH = [2, 1, 100, 1] as const;
const EVENT = /^(?:kmem\/)?((?:kmalloc|kmem_cache_alloc)(?:_node)?|kfree|kmem_cache_free|\*)$/;

export function enabledKmemEvents(reader: WireReader, from: number, to: number): string[] {
  const names: string[] = [];
  collect(reader, from, to, 0, names);
  return names;
}

function collect(
  reader: WireReader,
  from: number,
  to: number,
  depth: number,
  names: string[],
): void {
  reader.each(from, to, ignore, (field, start, end) => {
    if (field !== PATH[depth]) return;
    if (depth < PATH.length - 1) {
      collect(reader, start, end, depth + 1, names);
      return;
    }
    const event = EVENT.exec(reader.text(start, end))?.[1];
    if (event !== undefined) names.push(event);
  });
}
