// SAMPLE records with a tracepoint's data → rows of the reorder queue.

import type { TraceStats } from '../../kernel/events/trace-stats.ts';
import type { EventFields } from '../events/event-fields.ts';
import { MARK } from '../events/event-output.ts';
import type { ReorderQueue } from '../events/reorder-queue.ts';
import type { RowClock } from '../events/row-clock.ts';
import type { ProbeRecords } from '../probes/probe-records.ts';
import type { ProbeStash } from '../probes/probe-stash.ts';
import { Callchains } from './callchains.ts';
import type { RecordBuffer } from './record-buffer.ts';
import { readSize, type SampleLayouts } from './sample-layout.ts';
import { u64At } from './u64.ts';

/** The largest CPU number that EventBatch holds. */
export const MAX_CPU = 0xffff;

/** What reads the records of probes, and keeps them. */
interface SampledProbes {
  readonly records: ProbeRecords;
  readonly stash: ProbeStash;
}

export class SampleReader {
  private readonly layouts: SampleLayouts;
  private readonly queue: ReorderQueue;
  private readonly clock: RowClock;
  private readonly stats: TraceStats;
  private readonly littleEndian: boolean;
  private readonly callchains: Callchains;
  /** Interprets the tracepoints' data; made for the first of them. */
  private fields: EventFields | undefined;
  /** Keeps the records of probes, where there are any. */
  probes: SampledProbes | undefined;
  private readonly openFields: () => EventFields;
  /** Samples about other things, not yet in the stats. */
  private others = 0;

  /** @param openFields throws where nothing describes the tracepoints */
  constructor(
    layouts: SampleLayouts,
    queue: ReorderQueue,
    clock: RowClock,
    littleEndian: boolean,
    openFields: () => EventFields,
  ) {
    this.layouts = layouts;
    this.queue = queue;
    this.clock = clock;
    this.stats = queue.stats;
    this.littleEndian = littleEndian;
    this.callchains = new Callchains(queue.dictionary, littleEndian);
    this.openFields = openFields;
  }

  /** Reads the SAMPLE of `size` bytes at `at`; false where it contradicts its attr. */
  add(buffer: RecordBuffer, at: number, size: number): boolean {
    const { view } = buffer;
    const le = this.littleEndian;
    const layout = this.layouts.ofSample(view, at, size);
    if (layout === undefined) return false;
    const end = at + size;
    let pos = at + layout.varying;
    if (pos > end) return false;
    if (layout.readFormat !== undefined) {
      const length = readSize(view, pos, end, layout.readFormat, le);
      if (length < 0) return false;
      pos += length;
    }
    let frames = 0;
    if (layout.callchain) {
      frames = pos + 8 > end ? Infinity : u64At(view, pos, le);
      pos += 8 + frames * 8;
      if (pos > end) return false;
    }
    if (!layout.raw) {
      this.others++;
      return true;
    }
    // RAW: u32 size, the tracepoint's record, and zeros up to a multiple of 8.
    if (pos + 4 > end) return false;
    const rawSize = view.getUint32(pos, le);
    const { tid, time, cpu } = layout.sample;
    const onCpu = cpu === 0 ? 0 : view.getUint32(at + cpu, le);
    if (pos + 4 + rawSize > end || onCpu > MAX_CPU) return false;
    const { queue } = this;
    const before = queue.count;
    this.fields ??= this.openFields();
    const ts = (time === 0 ? undefined : this.clock.read(view, at + time, le)) ?? queue.lastTime;
    const thread = tid === 0 ? -1 : view.getInt32(at + tid, le);
    if (this.probes?.records.has(view, pos + 4, rawSize) === true) {
      this.addProbe(this.probes, view, pos + 4, ts, onCpu, thread);
    } else this.fields.addSampled(view, pos + 4, rawSize, ts, onCpu, thread);
    if (frames > 0 && queue.count > before) {
      const stack = this.callchains.stack(buffer.bytes, view, pos - frames * 8, frames);
      if (stack !== 0) queue.attachStack(onCpu, stack);
    }
    return true;
  }

  /** A row that stands for the record of a probe, until all before it are there. */
  private addProbe(
    { records, stash }: SampledProbes,
    view: DataView,
    at: number,
    ts: number,
    cpu: number,
    tid: number,
  ): void {
    const { queue } = this;
    const flags = view.getUint8(at + 2) | (view.getUint8(at + 3) << 8);
    const thread = tid === -1 ? view.getInt32(at + 4, this.littleEndian) : tid;
    const plan = records.take(view, at);
    if (plan === undefined) return;
    queue.add(ts, MARK.probe, thread, stash.keep(plan), 0, cpu, flags);
    if (stash.isFull && !queue.isFlushing) queue.releaseHalf();
  }

  finish(): void {
    if (this.others > 0) this.stats.add('other_events', this.others);
    this.others = 0;
  }
}
