// The kernel's records beside the samples: names of threads and lost events become rows of the reorder
// queue, the places of modules are kept. Layouts: include/uapi/linux/perf_event.h; all end with a
// sample_id where the attr says so.
//
//   COMM  8 u32 pid, tid  16 name          LOST          8 u64 id, lost
//   FORK  8 u32 pid, ppid, tid, ptid, u64  LOST_SAMPLES  8 u64 lost
//   MMAP  8 u32 pid, tid  16 u64 address, size, offset  40 file
//   MMAP2 the same, then  40 u8 size of the build id, 44 build id (or device and inode)  72 file

import { AddressMap } from '../../base/address-map.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { ModuleMap } from '../../kernel/symbols/module-map.ts';
import type { EventFields } from '../events/event-fields.ts';
import { MARK } from '../events/event-output.ts';
import type { ReorderQueue } from '../events/reorder-queue.ts';
import type { RowClock } from '../events/row-clock.ts';
import { NO_THREAD, type TaskNames } from '../events/task-names.ts';
import { untilNul } from './features.ts';
import { LostCounts } from './lost-counts.ts';
import type { RecordBuffer } from './record-buffer.ts';
import { MISC, RECORD } from './record-types.ts';
import type { SampleLayouts } from './sample-layout.ts';
import { MAX_CPU } from './sample-reader.ts';
import { u64At } from './u64.ts';

/** Bytes of a record before its sample_id and without its string. */
const BODY_SIZE: Readonly<Record<number, number>> = {
  [RECORD.mmap]: 40,
  [RECORD.lost]: 24,
  [RECORD.comm]: 16,
  [RECORD.fork]: 32,
  [RECORD.mmap2]: 72,
  [RECORD.lostSamples]: 16,
};

/** When and where a record was made; `undefined` where it does not say. */
interface Origin {
  readonly time: number | undefined;
  readonly cpu: number | undefined;
  /** Where its sample_id begins. */
  readonly end: number;
}

export class SideRecords {
  private readonly layouts: SampleLayouts;
  private readonly queue: ReorderQueue;
  private readonly clock: RowClock;
  private readonly names: TaskNames;
  private readonly info: TraceInfo;
  private readonly modules: ModuleMap;
  private readonly littleEndian: boolean;
  private readonly openFields: () => EventFields;
  private readonly lost = new LostCounts();
  /** The CPU on which the events with an id were recorded. */
  private readonly cpuOfId = new AddressMap(64);

  constructor(
    layouts: SampleLayouts,
    queue: ReorderQueue,
    clock: RowClock,
    names: TaskNames,
    info: TraceInfo,
    modules: ModuleMap,
    littleEndian: boolean,
    openFields: () => EventFields,
  ) {
    this.layouts = layouts;
    this.queue = queue;
    this.clock = clock;
    this.names = names;
    this.info = info;
    this.modules = modules;
    this.littleEndian = littleEndian;
    this.openFields = openFields;
  }

  /** Reads a record; one that says nothing here is passed over. False where it is too short. */
  add(buffer: RecordBuffer, type: number, at: number, size: number): boolean {
    const bodySize = BODY_SIZE[type];
    if (bodySize === undefined) return true;
    const origin = this.originOf(buffer.view, at, size);
    if (origin.end < at + bodySize) return false;
    switch (type) {
      case RECORD.comm:
        this.addComm(buffer, at, origin);
        break;
      case RECORD.fork:
        this.addFork(buffer.view, at, origin);
        break;
      case RECORD.lost:
        this.addLost(u64At(buffer.view, at + 16, this.littleEndian), origin);
        break;
      case RECORD.lostSamples:
        this.addLostSamples(buffer.view, at, origin);
        break;
      default:
        this.addMapping(buffer, type, at, origin.end);
    }
    return true;
  }

  /** ID_INDEX: u64 nr, then {u64 id, idx, cpu, tid} each. False where it is too short. */
  addIdIndex(view: DataView, at: number, size: number): boolean {
    const le = this.littleEndian;
    if (size < 16) return false;
    const count = Math.min(u64At(view, at + 8, le), Math.floor((size - 16) / 32));
    for (let entry = at + 16; entry < at + 16 + count * 32; entry += 32) {
      const cpu = u64At(view, entry + 16, le);
      const lo = view.getUint32(entry + (le ? 0 : 4), le);
      const hi = view.getUint32(entry + (le ? 4 : 0), le);
      if (cpu <= MAX_CPU) this.cpuOfId.set(lo, hi, cpu);
      this.noteTask(view, entry + 24);
    }
    return true;
  }

  /** THREAD_MAP: u64 nr, then {u64 tid, char comm[16]} each; a tid of -1 stands for all. */
  addThreadMap(view: DataView, at: number, size: number): void {
    const count = size < 16 ? 0 : u64At(view, at + 8, this.littleEndian);
    for (let i = 0; i < Math.min(count, Math.floor((size - 16) / 24)); i++) {
      this.noteTask(view, at + 16 + i * 24);
    }
  }

  /** Takes note that a task was asked for, and not all (-1). */
  private noteTask(view: DataView, at: number): void {
    const isAll = view.getInt32(at, true) === -1 && view.getInt32(at + 4, true) === -1;
    if (!isAll) this.info.someTasksOnly = true;
  }

  /** Tells the losses that no LOST record told. */
  finish(): void {
    for (const [cpu, count] of this.lost.untold()) {
      if (cpu < 0) this.queue.stats.add('lost_events', count, 'at the end');
      else this.openFields().addLost(count, this.queue.latestTime, cpu, NO_THREAD);
    }
  }

  /** Reads the sample_id. perf's own records have one, too, of zeros but for the id. */
  private originOf(view: DataView, at: number, size: number): Origin {
    const layout = this.layouts.ofRecord(view, at, size);
    const past = at + size;
    if (layout === undefined || layout.sampleIdSize === 0) {
      return { time: this.queue.lastTime, cpu: undefined, end: past };
    }
    const end = past - layout.sampleIdSize;
    if (end < at + 8) return { time: undefined, cpu: undefined, end };
    const { sampleId } = layout;
    const hasTime = sampleId.time !== 0;
    const time = hasTime
      ? this.clock.read(view, past + sampleId.time, this.littleEndian)
      : this.queue.lastTime;
    let cpu = this.layouts.cpuById(view, past, this.cpuOfId);
    if (sampleId.cpu !== 0 && time !== undefined) {
      cpu = view.getUint32(past + sampleId.cpu, this.littleEndian);
    }
    return { time, cpu: cpu === undefined || cpu > MAX_CPU ? undefined : cpu, end };
  }

  private addComm(buffer: RecordBuffer, at: number, { time, cpu, end }: Origin): void {
    const thread = buffer.view.getUint32(at + 12, this.littleEndian);
    const name = untilNul(buffer.bytes.subarray(at + 16, end));
    const comm = this.queue.dictionary.strings.intern(name);
    // What was there before the recording has no time: it holds from the start.
    if (time === undefined) this.names.setName(thread, comm);
    else this.queue.add(time, MARK.comm, thread, comm, 0, cpu ?? 0, 0);
  }

  private addFork(view: DataView, at: number, { time, cpu }: Origin): void {
    const thread = view.getUint32(at + 16, this.littleEndian);
    const parent = view.getUint32(at + 20, this.littleEndian);
    if (time === undefined) this.names.fork(thread, parent);
    else this.queue.add(time, MARK.fork, thread, parent, 0, cpu ?? 0, 0);
  }

  private addLost(count: number, { time, cpu }: Origin): void {
    if (count > 0) this.lost.addLost(cpu ?? -1, count);
    this.openFields().addLost(
      count > 0 ? count : -1,
      time ?? this.queue.lastTime,
      cpu ?? 0,
      NO_THREAD,
    );
  }

  private addLostSamples(view: DataView, at: number, origin: Origin): void {
    const le = this.littleEndian;
    if ((view.getUint16(at + 4, le) & MISC.lostSamplesBpf) !== 0) return;
    const count = u64At(view, at + 8, le);
    // The kernel's own say when; those of perf are totals.
    if (origin.time === undefined) this.lost.addTotal(origin.cpu ?? -1, count);
    else this.addLost(count, origin);
  }

  private addMapping(buffer: RecordBuffer, type: number, at: number, end: number): void {
    const { view, bytes } = buffer;
    const le = this.littleEndian;
    const misc = view.getUint16(at + 4, le);
    if ((misc & MISC.cpumodeMask) !== MISC.kernel) return;
    const file = untilNul(bytes.subarray(at + (BODY_SIZE[type] ?? 0), end));
    const lo = view.getUint32(at + (le ? 16 : 20), le);
    const hi = view.getUint32(at + (le ? 20 : 16), le);
    this.modules.add(file, hi, lo, Math.min(u64At(view, at + 24, le), Number.MAX_SAFE_INTEGER));
    if (type === RECORD.mmap2 && (misc & MISC.mmapBuildId) !== 0) {
      const length = Math.min(view.getUint8(at + 40), 20);
      this.modules.setBuildId(file, bytes.toString('hex', at + 44, at + 44 + length));
    }
  }
}
