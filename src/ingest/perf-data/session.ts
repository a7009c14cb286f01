// Everything that one perf.data says, as it is read: wires the parts together and decides where the
// descriptions of the events come from.

import { TraceFormatError } from '../../base/errors.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import { ModuleMap } from '../../kernel/symbols/module-map.ts';
import type { BatchWriter } from '../events/batch-writer.ts';
import { EventFields } from '../events/event-fields.ts';
import { isProbeFormat } from '../events/event-format.ts';
import { EventOutput } from '../events/event-output.ts';
import { ReorderQueue } from '../events/reorder-queue.ts';
import { RowClock } from '../events/row-clock.ts';
import { PERF_NAMELESS, TaskNames } from '../events/task-names.ts';
import type { EventsSeen, TraceInput } from '../format.ts';
import { openProbes } from '../probes/open-probes.ts';
import { ProbeStash } from '../probes/probe-stash.ts';
import { clockName, type EventAttr } from './event-attr.ts';
import type { FileKind } from './file-header.ts';
import { SampleLayouts } from './sample-layout.ts';
import { SampleReader } from './sample-reader.ts';
import { samplingOf } from './sampling.ts';
import { SideRecords } from './side-records.ts';
import { readSidecarTracingData, type TracingData } from './tracing-data.ts';

export class PerfSession {
  readonly littleEndian: boolean;
  readonly isPipe: boolean;
  readonly info: TraceInfo;
  readonly modules: ModuleMap = new ModuleMap();
  readonly queue: ReorderQueue;
  readonly samples: SampleReader;
  readonly sideRecords: SideRecords;
  /** False where perf was ended, or the file cut off, before the descriptions of the events. */
  isComplete = true;
  private readonly input: TraceInput;
  private readonly writer: BatchWriter;
  private readonly output: EventOutput;
  private readonly names: TaskNames;
  private readonly layouts: SampleLayouts;
  private fields: EventFields | undefined;
  private readonly attrs: EventAttr[] = [];

  constructor(input: TraceInput, writer: BatchWriter, info: TraceInfo, kind: FileKind) {
    const { littleEndian } = kind;
    this.input = input;
    this.info = info;
    this.littleEndian = littleEndian;
    this.isPipe = kind.isPipe;
    info.clock = clockName(undefined);
    const clock = new RowClock();
    const names = new TaskNames(writer.dictionary, PERF_NAMELESS);
    const output = new EventOutput(writer, info, names, clock);
    const queue = new ReorderQueue(writer, (rows, from, to) => output.receive(rows, from, to));
    const layouts = new SampleLayouts(littleEndian);
    const openFields = (): EventFields => this.fields ?? this.describeEvents(undefined);
    this.writer = writer;
    this.output = output;
    this.names = names;
    this.queue = queue;
    this.layouts = layouts;
    this.samples = new SampleReader(layouts, queue, clock, littleEndian, openFields);
    this.sideRecords = new SideRecords(
      layouts,
      queue,
      clock,
      names,
      info,
      this.modules,
      littleEndian,
      openFields,
    );
  }

  /** True while nothing has described the events. */
  get needsDescriptions(): boolean {
    return this.fields === undefined;
  }

  addAttr(attr: EventAttr): void {
    this.layouts.add(attr);
    this.attrs.push(attr);
    if (attr.enableOnExec) this.info.someTasksOnly = true;
    if (attr.clockid !== undefined) this.info.clock = clockName(attr.clockid);
  }

  /**
   * Takes the descriptions of the events from the trace; from the recording's folder where the trace
   * has none.
   * @throws TraceFormatError where neither describes a kmem event
   */
  describeEvents(data: TracingData | undefined): EventFields {
    const { input, info, queue } = this;
    const fieldsOf = (found: TracingData): EventFields =>
      new EventFields(found.formats, found.layout, queue, new Map(), info);
    let tracing = data;
    let fields = data === undefined ? undefined : fieldsOf(data);
    if (fields?.hasKmemEvents !== true) {
      const beside = readSidecarTracingData(input.sidecars, this.littleEndian);
      const found = beside && fieldsOf(beside);
      if (found?.hasKmemEvents === true) [tracing, fields] = [beside, found];
    }
    // What describes other events only is read for their counts.
    if (tracing === undefined || fields === undefined) throw this.nothingToRead();
    if (!fields.hasKmemEvents && tracing.damage !== undefined) {
      throw this.nothingToRead(tracing.damage);
    }
    if (tracing.damage !== undefined) queue.stats.add('truncated', 1, tracing.damage);
    if (tracing.kallsyms !== undefined) input.sidecars.offer('kallsyms.txt', tracing.kallsyms);
    fields = this.openProbes(tracing) ?? fields;
    this.names.setSavedNames(tracing.taskNames);
    info.pageSize = tracing.layout.pageSize;
    info.pointerBytes = tracing.layout.longSize;
    this.fields = fields;
    const probes = tracing.formats.filter(isProbeFormat);
    const nameOf = new Map(probes.map(({ id, name }) => [id, name]));
    info.sampling = samplingOf(this.attrs, new Map([...nameOf, ...fields.slabEvents()]));
    return fields;
  }

  /** Where probes are described: reads their records, and the others with what they say of these. */
  private openProbes({ formats, layout }: TracingData): EventFields | undefined {
    const { input, info, queue } = this;
    if (!formats.some(isProbeFormat)) return undefined;
    const { records, trampoline } = openProbes(formats, layout, input, this.writer, info.probes);
    const stash = new ProbeStash(records.events);
    this.output.probes = stash;
    this.samples.probes = { records, stash };
    return new EventFields(formats, layout, queue, new Map(), info, {
      records: undefined,
      trampoline,
    });
  }

  /** Everything was read: all rows are to go out. */
  finish(): void {
    if (this.fields === undefined) this.describeEvents(undefined);
    this.samples.finish();
    this.sideRecords.finish();
    if (this.modules.length > 0) {
      this.input.sidecars.offer('kernel_maps.txt', Buffer.from(this.modules.toText()));
    }
    this.queue.finish();
  }

  /** What was seen, for the message where nothing of ours was. */
  seen(): EventsSeen {
    const { described = [], others = new Map<string, number>() } = this.fields?.seen() ?? {};
    return { described, others, record: "perf record -a -e 'kmem:*'" };
  }

  /** @param damage of the descriptions; undefined: there are none */
  private nothingToRead(damage?: string): TraceFormatError {
    const { path } = this.input;
    const isCut = !this.isComplete || this.attrs.some(({ isTracepoint }) => isTracepoint);
    if (isCut && damage === undefined) {
      return new TraceFormatError(
        `${path}: it ends before the descriptions of its events, so what was recorded is not known`,
        {
          hint:
            'Put tracing/events/kmem/*/format of that machine beside the file, or record again ' +
            "and end perf with Ctrl-C: perf record -a -e 'kmem:*'",
        },
      );
    }
    const why = damage ?? 'it describes no tracepoint, so no kmem event was recorded';
    return new TraceFormatError(`${path}: ${why}`, {
      hint: "Record with: perf record -a -e 'kmem:*'",
    });
  }
}
