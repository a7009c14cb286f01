// Ring-buffer pages of several CPUs → events in time order, for every format that holds such pages.

import { joinHalves } from '../../base/address.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import { EventFields } from '../events/event-fields.ts';
import { type EventFormat, isProbeFormat } from '../events/event-format.ts';
import { TimeOrder } from '../events/time-order.ts';
import type { TraceInput, TraceReader } from '../format.ts';
import type { CpuStream, TimeScale } from './cpu-stream.ts';
import type { ByteLayout, TimeOrigin } from './page.ts';

/** ns = units * mult >> shift. */
export interface ClockToNs {
  readonly mult: number;
  readonly shift: number;
}

export interface RingBufferTrace {
  readonly streams: readonly CpuStream[];
  readonly formats: readonly EventFormat[];
  readonly layout: ByteLayout;
  readonly commOf: ReadonlyMap<number, string>;
  /** Added to every time, ns. */
  readonly timeOffset: bigint;
  readonly tscToNs?: ClockToNs;
  close(): void;
}

/** Events after which the caller gets its turn. */
const EVENTS_PER_STEP = 16384;

export async function openRingBufferReader(
  trace: RingBufferTrace,
  input: TraceInput,
  writer: BatchWriter,
  info: TraceInfo,
): Promise<TraceReader> {
  const { formats, layout, commOf } = trace;
  const probes = formats.some(isProbeFormat)
    ? (await import('../probes/open-probes.ts')).openProbes(
        formats,
        layout,
        input,
        writer,
        info.probes,
      )
    : undefined;
  const fields = new EventFields(formats, layout, writer, commOf, info, probes);
  const origin = earliest(trace.streams);
  info.originNs = originNs(origin, trace);
  const time = timeScale(origin, trace.tscToNs);
  const order = new TimeOrder(trace.streams.filter((s) => s.start(time, fields)));
  return {
    step() {
      const end = writer.count + EVENTS_PER_STEP;
      while (writer.count < end) if (!order.step()) return false;
      return true;
    },
    progress: () => meanProgress(trace.streams),
    seen: () => ({ ...fields.seen(), record: 'trace-cmd record -e kmem' }),
    close: () => trace.close(),
  };
}

function meanProgress(streams: readonly CpuStream[]): number {
  if (streams.length === 0) return 1;
  return streams.reduce((sum, s) => sum + s.progress, 0) / streams.length;
}

function earliest(streams: readonly CpuStream[]): TimeOrigin {
  let first: TimeOrigin | undefined;
  for (const { firstStamp } of streams) {
    if (firstStamp === undefined) continue;
    if (
      first === undefined ||
      firstStamp.hi < first.hi ||
      (firstStamp.hi === first.hi && firstStamp.lo < first.lo)
    ) {
      first = firstStamp;
    }
  }
  return first ?? { lo: 0, hi: 0 };
}

const rawTime = ({ hi, lo }: TimeOrigin): bigint => joinHalves(hi, lo);

function timeScale(origin: TimeOrigin, clock: ClockToNs | undefined): TimeScale {
  if (clock === undefined) return { origin, scale: 1, offset: 0 };
  // What the origin's own conversion cuts off belongs to the times that count from it.
  const unit = 2 ** clock.shift;
  const cutOff = BigInt.asUintN(clock.shift, rawTime(origin) * BigInt(clock.mult));
  return { origin, scale: clock.mult / unit, offset: Number(cutOff) / unit };
}

function originNs(origin: TimeOrigin, trace: RingBufferTrace): bigint {
  const raw = rawTime(origin);
  const clock = trace.tscToNs;
  const ns = clock === undefined ? raw : (raw * BigInt(clock.mult)) >> BigInt(clock.shift);
  return ns + trace.timeOffset;
}
