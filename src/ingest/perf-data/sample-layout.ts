// Where the parts of a sample lie, as the event's attr says, and the same for the sample_id at the end
// of the other records: perf_output_sample() and perf_event__output_id_sample() in
// kernel/events/core.c, read back by tools/perf/util/evsel.c, evsel__parse_sample().
//
//   SAMPLE: header, IDENTIFIER, IP, {u32 pid, tid}, TIME, ADDR, ID, STREAM_ID, {u32 cpu, res}, PERIOD,
//           READ, CALLCHAIN, RAW, …   (each only where its bit is set; 8 bytes up to PERIOD)
//   others: …, {u32 pid, tid}, TIME, ID, STREAM_ID, {u32 cpu, res}, IDENTIFIER

import { AddressMap } from '../../base/address-map.ts';
import type { EventAttr } from './event-attr.ts';
import { READ_FORMAT, SAMPLE } from './record-types.ts';
import { u64At } from './u64.ts';

const HEADER_SIZE = 8;

/** Offsets from the start of a sample, or (negative) from the end of another record; 0: not there. */
interface Places {
  readonly tid: number;
  readonly time: number;
  readonly cpu: number;
}

export interface SampleLayout {
  readonly sample: Places;
  /** Where the parts of a varying size begin: READ, CALLCHAIN, RAW. */
  readonly varying: number;
  /** read_format where READ is there, else undefined. */
  readonly readFormat: number | undefined;
  readonly callchain: boolean;
  readonly raw: boolean;
  readonly sampleId: Places;
  /** Bytes of the sample_id, 0 where there is none. */
  readonly sampleIdSize: number;
}

/** Attr → where its parts lie. */
function sampleLayoutOf(attr: EventAttr): SampleLayout {
  const { sampleType, sampleIdAll } = attr;
  const sample = { tid: 0, time: 0, cpu: 0 };
  let at = HEADER_SIZE;
  const take = (bit: number): number => {
    if ((sampleType & bit) === 0) return 0;
    at += 8;
    return at - 8;
  };
  take(SAMPLE.identifier);
  take(SAMPLE.ip);
  sample.tid = after(take(SAMPLE.tid));
  sample.time = take(SAMPLE.time);
  take(SAMPLE.addr);
  take(SAMPLE.id);
  take(SAMPLE.streamId);
  sample.cpu = take(SAMPLE.cpu);
  take(SAMPLE.period);
  const varying = at;
  const sampleId = { tid: 0, time: 0, cpu: 0 };
  at = 0;
  const takeBack = (bit: number): number => {
    if (!sampleIdAll || (sampleType & bit) === 0) return 0;
    at -= 8;
    return at;
  };
  takeBack(SAMPLE.identifier);
  sampleId.cpu = takeBack(SAMPLE.cpu);
  takeBack(SAMPLE.streamId);
  takeBack(SAMPLE.id);
  sampleId.time = takeBack(SAMPLE.time);
  sampleId.tid = after(takeBack(SAMPLE.tid));
  return {
    sample,
    varying,
    readFormat: (sampleType & SAMPLE.read) === 0 ? undefined : attr.readFormat,
    callchain: (sampleType & SAMPLE.callchain) !== 0,
    raw: (sampleType & SAMPLE.raw) !== 0,
    sampleId,
    sampleIdSize: -at,
  };
}

/** The tid stands behind the pid, four bytes each. */
function after(pid: number): number {
  return pid === 0 ? 0 : pid + 4;
}

/** Where the id lies: in samples from the start, in other records from the end; 0: nowhere. */
function idPlaces(attr: EventAttr): { sample: number; other: number } {
  const { sampleType } = attr;
  const has = (bit: number): number => ((sampleType & bit) === 0 ? 0 : 8);
  if (has(SAMPLE.identifier)) return { sample: HEADER_SIZE, other: -8 };
  if (!has(SAMPLE.id)) return { sample: 0, other: 0 };
  const before = has(SAMPLE.ip) + has(SAMPLE.tid) + has(SAMPLE.time) + has(SAMPLE.addr);
  return {
    sample: HEADER_SIZE + before,
    other: attr.sampleIdAll ? -8 - has(SAMPLE.cpu) - has(SAMPLE.streamId) : 0,
  };
}

/**
 * Bytes of READ at `at` (up to `end`), or -1 where it does not fit.
 *   without GROUP: value, [enabled], [running], [id], [lost]
 *   with GROUP: nr, [enabled], [running], nr times: value, [id], [lost]
 */
export function readSize(
  view: DataView,
  at: number,
  end: number,
  format: number,
  littleEndian: boolean,
): number {
  const has = (bit: number): number => ((format & bit) === 0 ? 0 : 8);
  const times = has(READ_FORMAT.enabled) + has(READ_FORMAT.running);
  const value = 8 + has(READ_FORMAT.id) + has(READ_FORMAT.lost);
  let size = times + value;
  if ((format & READ_FORMAT.group) !== 0) {
    if (at + 8 > end) return -1;
    size = 8 + times + u64At(view, at, littleEndian) * value;
  }
  return at + size <= end ? size : -1;
}

/** The layouts of all events of a file: the one that a record has, by the id in it. */
export class SampleLayouts {
  private readonly layouts: SampleLayout[] = [];
  private readonly keys: string[] = [];
  private readonly layoutOf = new AddressMap(256);
  private readonly littleEndian: boolean;
  private idInSample = 0;
  private idInOthers = 0;

  constructor(littleEndian: boolean) {
    this.littleEndian = littleEndian;
  }

  add(attr: EventAttr): void {
    // perf refuses to mix events whose ids stand at different places.
    if (this.layouts.length === 0) {
      const places = idPlaces(attr);
      this.idInSample = places.sample;
      this.idInOthers = places.other;
    }
    const layout = sampleLayoutOf(attr);
    const key = JSON.stringify(layout);
    let index = this.keys.indexOf(key);
    if (index < 0) {
      index = this.layouts.push(layout) - 1;
      this.keys.push(key);
    }
    for (const id of attr.ids) {
      this.layoutOf.set(Number(id & 0xffffffffn), Number(id >> 32n), index);
    }
  }

  /** The layout of the sample of `size` bytes at `at`; undefined where its id is nobody's. */
  ofSample(view: DataView, at: number, size: number): SampleLayout | undefined {
    if (this.layouts.length === 1) return this.layouts[0];
    if (this.idInSample === 0 || this.idInSample + 8 > size) return undefined;
    return this.byId(view, at + this.idInSample);
  }

  /** The same for the sample_id of another record; the first one's where its id is nobody's. */
  ofRecord(view: DataView, at: number, size: number): SampleLayout | undefined {
    const fits = this.idInOthers !== 0 && size >= HEADER_SIZE - this.idInOthers;
    if (this.layouts.length <= 1 || !fits) return this.layouts[0];
    return this.byId(view, at + size + this.idInOthers) ?? this.layouts[0];
  }

  /** The CPU of the id in the sample_id that ends at `past`, where both are known. */
  cpuById(view: DataView, past: number, cpuOfId: AddressMap): number | undefined {
    if (this.idInOthers === 0) return undefined;
    const cpu = lookUp(cpuOfId, view, past + this.idInOthers, this.littleEndian);
    return cpu < 0 ? undefined : cpu;
  }

  private byId(view: DataView, at: number): SampleLayout | undefined {
    return this.layouts[lookUp(this.layoutOf, view, at, this.littleEndian)];
  }
}

/** What a map has for the u64 at `at`; -1 for nothing. */
function lookUp(map: AddressMap, view: DataView, at: number, littleEndian: boolean): number {
  const first = view.getUint32(at, littleEndian);
  const second = view.getUint32(at + 4, littleEndian);
  return littleEndian ? map.get(first, second) : map.get(second, first);
}
