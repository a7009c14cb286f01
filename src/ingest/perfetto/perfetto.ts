// Format `perfetto`: the trace of Perfetto's tracing service, as protocol buffers
// (protos/perfetto/trace/trace.proto), with the ftrace data source and kmem events.

import type { ReadState } from '../../base/input-bytes.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import { EventOutput } from '../events/event-output.ts';
import { ReorderQueue } from '../events/reorder-queue.ts';
import { RowClock } from '../events/row-clock.ts';
import { FTRACE_NAMELESS, TaskNames } from '../events/task-names.ts';
import type { EventsSeen, TraceFormat, TraceInput, TraceReader } from '../format.ts';
import { readSidecarFacts } from '../text/trace-facts.ts';
import { looksLikeTrace } from './detect.ts';
import { FtraceBundles } from './ftrace-bundles.ts';
import { PacketCutter } from './packet-cutter.ts';
import { ProbeRows } from './probe-rows.ts';
import { TracePackets } from './trace-packets.ts';

export const perfettoFormat: TraceFormat = {
  name: 'perfetto',
  title: 'trace of Perfetto (protobuf) with kmem events of ftrace',
  carries: 'exact times and addresses, task names where the scheduler was recorded, lost events',

  detect: (head) => looksLikeTrace(head) || 'it is no sequence of TracePackets',

  open: (input, writer, info) => Promise.resolve(new PerfettoReader(input, writer, info)),
};

class PerfettoReader implements TraceReader {
  private readonly input: TraceInput;
  private readonly state: ReadState = { truncated: false };
  private readonly chunks: AsyncIterator<Uint8Array>;
  private readonly cutter: PacketCutter;
  private readonly queue: ReorderQueue;
  private readonly bundles: FtraceBundles;
  private readonly packets: TracePackets;
  private isFinished = false;

  constructor(input: TraceInput, writer: BatchWriter, info: TraceInfo) {
    this.input = input;
    this.chunks = input.chunks(this.state)[Symbol.asyncIterator]();
    readSidecarFacts(input.sidecars, info);
    const clock = new RowClock();
    const names = new TaskNames(writer.dictionary, FTRACE_NAMELESS);
    const output = new EventOutput(writer, info, names, clock);
    this.cutter = new PacketCutter(writer.stats);
    this.queue = new ReorderQueue(writer, (rows, from, to) => output.receive(rows, from, to));
    const recorded = new Set<number>();
    const probes = new ProbeRows(input, writer, info, recorded);
    output.probes = probes.stash;
    this.bundles = new FtraceBundles(this.queue, info, clock, probes, recorded);
    this.packets = new TracePackets(this.bundles, info, writer.stats);
    names.setSavedNames(this.bundles.comms.saved);
  }

  async step(): Promise<boolean> {
    const { cutter, queue } = this;
    if (queue.isFlushing) {
      queue.step();
      return true;
    }
    if (this.isFinished) return false;
    const next = await this.chunks.next();
    if (next.done === true) {
      cutter.finish();
      if (this.state.truncated) queue.stats.add('truncated', 1, `byte ${cutter.position}`);
      this.packets.finish();
      queue.finish();
      this.isFinished = true;
      return true;
    }
    cutter.push(next.value);
    while (cutter.next()) {
      this.packets.read(cutter.bytes.subarray(cutter.from, cutter.to), cutter.position);
    }
    return true;
  }

  progress(): number {
    return this.input.share();
  }

  seen(): EventsSeen {
    return {
      described: [...this.packets.enabled],
      others: this.bundles.seen,
      record: "perfetto -o trace.pftrace -t 10s -b 64mb 'kmem/*' sched/sched_switch",
    };
  }

  close(): void {
    this.chunks.return?.().catch(() => undefined);
  }
}
