// Bundles of the events of one CPU (ftrace_event_bundle.proto) → rows of the reorder queue. A bundle is
// whole in itself; what was lost between two of them shows in the second: it says so, or it names
// another end of the one before.

import type { Dictionary } from '../../kernel/events/dictionary.ts';
import { FLAGS_UNKNOWN } from '../../kernel/events/event-batch.ts';
import { EVENT_KIND } from '../../kernel/events/event-kind.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import { MARK } from '../events/event-output.ts';
import type { ReorderQueue } from '../events/reorder-queue.ts';
import type { RowClock } from '../events/row-clock.ts';
import { NO_THREAD } from '../events/task-names.ts';
import { readCompactSched } from './compact-sched.ts';
import { EventHead } from './event-head.ts';
import { eventName } from './event-names.ts';
import { GenericEvents } from './generic-events.ts';
import { FIELD, type KmemMessage, knownMessages } from './kmem-messages.ts';
import { type KernelSymbols, KmemRows } from './kmem-rows.ts';
import { NamedValues, type ProbeRows } from './probe-rows.ts';
import { TaskComms } from './task-comms.ts';
import { ignore, type WireReader } from './wire.ts';

/** The largest CPU number that EventBatch holds. */
const MAX_CPU = 0xffff;

const BUNDLE = {
  cpu: 1,
  event: 2,
  lostEvents: 3,
  compactSched: 4,
  ftraceClock: 5,
  lastReadEvent: 9,
  previousEnd: 10,
  descriptors: 11,
} as const;
/** The number of an event whose fields are spelled out. */
const GENERIC_EVENT = 327;

/** FtraceClock: the clock that every other trace has is not told. */
const CLOCKS: readonly (string | null)[] = ['boot', null, 'global', 'local', 'mono_raw'];

/** What a bundle says of itself, beside its events. */
interface BundleHead {
  cpu: number;
  isAfterLoss: boolean;
  clock: number;
  compact: { readonly from: number; readonly to: number } | undefined;
  /** Time of the last event of this CPU before the bundle; -Infinity where there was none. */
  previousEnd: number | undefined;
}

export class FtraceBundles {
  readonly comms: TaskComms;
  /** Places where an unknown number of events was lost. */
  lossPlaces = 0;
  private readonly queue: ReorderQueue;
  private readonly info: TraceInfo;
  private readonly clock: RowClock;
  private readonly dictionary: Dictionary;
  private readonly messages = knownMessages();
  private readonly generics: GenericEvents;
  private readonly event = new EventHead();
  private readonly named = new NamedValues();
  private readonly probes: ProbeRows;
  private readonly recorded: Set<number>;
  private readonly rows: KmemRows;
  private readonly others = new Map<string, number>();
  /** Time of the last event of each CPU. */
  private readonly lastTs: number[] = [];
  /** CPUs of which the next event stands behind a loss. */
  private readonly afterLoss = new Set<number>();

  /** @param recorded takes the kinds of the tracepoints that are met */
  constructor(
    queue: ReorderQueue,
    info: TraceInfo,
    clock: RowClock,
    probes: ProbeRows,
    recorded: Set<number>,
  ) {
    this.probes = probes;
    this.recorded = recorded;
    this.queue = queue;
    this.info = info;
    this.clock = clock;
    this.dictionary = queue.dictionary;
    this.generics = new GenericEvents(this.messages);
    this.rows = new KmemRows(queue, info, probes, (ts, call, thread, ptrLo, ptrHi, onCpu) =>
      this.put(ts, call, thread, ptrLo, ptrHi, onCpu),
    );
    this.comms = new TaskComms(queue.dictionary, (pid, comm, ts) =>
      this.put(ts, MARK.comm, pid, comm, 0, 0),
    );
  }

  get strings(): Dictionary['strings'] {
    return this.dictionary.strings;
  }

  /** How many events of others there were, by name. */
  get seen(): ReadonlyMap<string, number> {
    return this.others;
  }

  /**
   * Reads the bundle [from, to).
   * @param isAfterLoss packets before it are known to be lost
   * @throws RangeError and Error where it is damaged; what came before the damage is read
   */
  read(
    reader: WireReader,
    from: number,
    to: number,
    symbols: KernelSymbols,
    isAfterLoss: boolean,
  ): void {
    this.rows.symbols = symbols;
    const head = this.readHead(reader, from, to);
    const { cpu } = head;
    this.info.clock = CLOCKS[head.clock] ?? null;
    if (head.isAfterLoss || this.hasGap(head, isAfterLoss)) this.afterLoss.add(cpu);
    if (head.compact !== undefined) this.readCompact(reader, head.compact, cpu);
    reader.pos = from;
    while (reader.next(to)) {
      if (reader.field !== BUNDLE.event || !reader.isRange) {
        reader.pass(to);
        continue;
      }
      reader.range(to);
      const end = reader.to;
      this.readEvent(reader, reader.from, end, cpu);
      reader.pos = end;
    }
  }

  private readHead(reader: WireReader, from: number, to: number): BundleHead {
    const head: BundleHead = {
      cpu: 0,
      isAfterLoss: false,
      clock: 0,
      compact: undefined,
      previousEnd: undefined,
    };
    reader.each(
      from,
      to,
      (field, value) => {
        if (field === BUNDLE.cpu) head.cpu = value;
        else if (field === BUNDLE.lostEvents) head.isAfterLoss = value !== 0;
        else if (field === BUNDLE.ftraceClock) head.clock = value;
        else if (field === BUNDLE.previousEnd) {
          head.previousEnd = this.endBefore(reader.lo, reader.hi);
        } else if (field === BUNDLE.lastReadEvent && this.lastTs[head.cpu] === undefined) {
          // Of every event that was read, kept or not: it tells of a loss at the start alone.
          head.previousEnd = this.endBefore(reader.lo, reader.hi);
        }
      },
      (field, start, end) => {
        if (field === BUNDLE.compactSched) head.compact = { from: start, to: end };
        else if (field === BUNDLE.descriptors) this.generics.describe(reader, start, end);
      },
    );
    if (head.cpu > MAX_CPU) throw new RangeError(`there is no CPU ${head.cpu}`);
    return head;
  }

  /** True where bundles of this CPU are missing before this one. */
  private hasGap({ cpu, previousEnd }: BundleHead, isAfterLoss: boolean): boolean {
    if (previousEnd === undefined) return isAfterLoss;
    return previousEnd > (this.lastTs[cpu] ?? -Infinity);
  }

  /** 0 stands for a CPU's first bundle. */
  private endBefore(lo: number, hi: number): number {
    return lo === 0 && hi === 0 ? -Infinity : this.clock.since(lo, hi);
  }

  private readCompact(
    reader: WireReader,
    { from, to }: { readonly from: number; readonly to: number },
    cpu: number,
  ): void {
    const since = (lo: number, hi: number): number => this.clock.since(lo, hi);
    const { counts, lastTs } = readCompactSched(reader, from, to, this.comms, since);
    for (const [name, count] of counts) this.countOther(name, count);
    if (lastTs > (this.lastTs[cpu] ?? -Infinity)) this.lastTs[cpu] = lastTs;
  }

  private readEvent(reader: WireReader, from: number, to: number, cpu: number): void {
    const { event } = this;
    event.read(reader, from, to);
    if (!event.hasTime) throw new RangeError('an event without a time');
    const ts = this.clock.since(event.timeLo, event.timeHi);
    if (this.afterLoss.delete(cpu)) this.addLoss(ts, cpu);
    if (ts > (this.lastTs[cpu] ?? -Infinity)) this.lastTs[cpu] = ts;
    const message = this.readMessage(reader, ts, cpu);
    if (message === undefined) return;
    this.recorded.add(message.kind);
    this.rows.add(message, ts, event.pid, cpu);
  }

  /** Reads what the event's kind says; undefined, and counted, where it is none of ours. */
  private readMessage(reader: WireReader, ts: number, cpu: number): KmemMessage | undefined {
    const { number, from, to } = this.event;
    const { values } = this.rows;
    values.clear();
    if (number === GENERIC_EVENT) {
      this.named.clear();
      const { name, message } = this.generics.read(reader, from, to, values, this.named);
      if (this.named.isProbe) {
        this.addProbe(name, ts, cpu);
        return undefined;
      }
      if (message === undefined) this.countOther(name, 1);
      return message;
    }
    const probeFields = this.generics.probeFields(number);
    if (probeFields !== undefined) {
      this.readNamed(reader, from, to, probeFields);
      this.addProbe(this.generics.nameOf(number) ?? '', ts, cpu);
      return undefined;
    }
    const message = this.messages[number];
    if (message === undefined) {
      this.comms.readEvent(number, reader, from, to, ts);
      this.countOther(this.generics.nameOf(number) ?? eventName(number), 1);
    } else this.readValues(reader, message, from, to);
    return message;
  }

  private readNamed(
    reader: WireReader,
    from: number,
    to: number,
    names: ReadonlyMap<number, string>,
  ): void {
    this.named.clear();
    reader.each(
      from,
      to,
      (field) => {
        const name = names.get(field);
        if (name !== undefined) this.named.set(name, reader.lo, reader.hi);
      },
      ignore,
    );
  }

  /** A row that stands for the event of a probe, until all before it are there. */
  private addProbe(name: string, ts: number, cpu: number): void {
    const { probes, queue } = this;
    const slot = probes.keep(name, this.named);
    if (slot < 0) {
      this.countOther(name, 1);
      return;
    }
    this.put(ts, MARK.probe, this.event.pid, slot, 0, cpu);
    if (!probes.stash.isFull) return;
    queue.releaseHalf();
    while (queue.isFlushing) queue.step();
  }

  private readValues(reader: WireReader, message: KmemMessage, from: number, to: number): void {
    const { values } = this.rows;
    reader.pos = from;
    while (reader.next(to)) {
      const field = message.fields[reader.field] ?? FIELD.none;
      if (field === FIELD.none || !reader.isVarint) reader.pass(to);
      else {
        reader.word();
        values.set(field, reader.lo, reader.hi);
      }
    }
  }

  private addLoss(ts: number, cpu: number): void {
    this.lossPlaces++;
    const call = this.dictionary.calls.intern({ kind: EVENT_KIND.lost });
    this.put(ts, call, NO_THREAD, 0, 0, cpu);
  }

  private put(
    ts: number,
    call: number,
    thread: number,
    ptrLo: number,
    ptrHi: number,
    cpu: number,
  ): void {
    const { queue } = this;
    queue.add(ts, call, thread, ptrLo, ptrHi, cpu, FLAGS_UNKNOWN);
    while (queue.isFlushing) queue.step();
  }

  private countOther(name: string, count: number): void {
    this.queue.stats.add('other_events', count);
    this.others.set(name, (this.others.get(name) ?? 0) + count);
  }
}
