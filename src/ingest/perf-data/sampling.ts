// Whether perf recorded every event, from the attrs of the events about slab memory: perf_swevent_event()
// in kernel/events/core.c (6.12).
//
//   freq                        a sample now and then, so many a second
//   sample_period 0             counted, read with the samples of the group's leader (:S)
//   sample_period N, no PERIOD  one event in N
//   sample_period N, PERIOD     every event: each is a sample of its own, whatever N is

import type { Sampling } from '../../kernel/events/trace-info.ts';
import type { EventAttr } from './event-attr.ts';
import { SAMPLE } from './record-types.ts';

/**
 * How the events were sampled; null where all were recorded.
 * @param nameOf names of the tracepoints that count, by their numbers
 */
export function samplingOf(
  attrs: readonly EventAttr[],
  nameOf: ReadonlyMap<number, string>,
): Sampling | null {
  const named = attrs.flatMap((attr) => {
    const name = attr.isTracepoint ? nameOf.get(attr.config) : undefined;
    return name === undefined ? [] : [{ attr, name }];
  });
  const of = (kind: Sampling['kind'], test: (attr: EventAttr) => boolean): Sampling | undefined => {
    const events = named.filter(({ attr }) => test(attr));
    const [first] = events;
    if (first === undefined) return undefined;
    const names = [...new Set(events.map(({ name }) => name))];
    return { kind, every: first.attr.samplePeriod, events: names };
  };
  return (
    of('frequency', (attr) => attr.isFrequency) ??
    of('period', (attr) => attr.samplePeriod > 1 && (attr.sampleType & SAMPLE.period) === 0) ??
    of('leader', (attr) => attr.samplePeriod === 0) ??
    null
  );
}
