// struct perf_event_attr (include/uapi/linux/perf_event.h): what one event was recorded with.
//
//   0 u32 type   4 u32 size   8 u64 config   16 u64 sample_period or sample_freq
//   24 u64 sample_type   32 u64 read_format
//   40 flag bits   92 s32 clockid (from size 96 on)
//
// Bit fields start at the low bit on little-endian machines and at the high one on big-endian ones.

import type { ByteCursor } from '../../base/byte-cursor.ts';

const FLAG = { freq: 10, enableOnExec: 12, sampleIdAll: 18, useClockid: 25 } as const;
/** PERF_TYPE_TRACEPOINT. */
const TRACEPOINT = 2;
const FLAGS_AT = 40;
const CLOCKID_AT = 92;
/** PERF_ATTR_SIZE_VER0: the first published size, and what a size of 0 stands for. */
const SIZE_VER0 = 64;

export interface EventAttr {
  readonly isTracepoint: boolean;
  /** Of a tracepoint its number. */
  readonly config: number;
  /** Events from one sample to the next; with `isFrequency` samples a second; 0: counted only. */
  readonly samplePeriod: number;
  readonly isFrequency: boolean;
  /** True where perf recorded a command and its children, and nothing else. */
  readonly enableOnExec: boolean;
  /** PERF_SAMPLE_* bits; those above 2^32 are not in use. */
  readonly sampleType: number;
  readonly readFormat: number;
  /** True where records other than samples end with a sample_id. */
  readonly sampleIdAll: boolean;
  /** The clock that was asked for with -k; undefined: perf's own. */
  readonly clockid: number | undefined;
  /** The ids that samples of this event carry. */
  readonly ids: readonly bigint[];
}

/** The size that the attr at the cursor gives itself. */
export function attrSize(bytes: Buffer, littleEndian: boolean): number {
  const size = littleEndian ? bytes.readUInt32LE(4) : bytes.readUInt32BE(4);
  return size === 0 ? SIZE_VER0 : size;
}

/** @param bytes at least 64, as many as the attr has */
export function parseEventAttr(
  bytes: Buffer,
  littleEndian: boolean,
  ids: readonly bigint[],
): EventAttr {
  const u32 = (at: number): number =>
    littleEndian ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
  const low = (at: number): number => u32(littleEndian ? at : at + 4);
  const flag = (bit: number): boolean => {
    const inByte = littleEndian ? bit & 7 : 7 - (bit & 7);
    return (bytes.readUInt8(FLAGS_AT + (bit >> 3)) & (1 << inByte)) !== 0;
  };
  const hasClockid = flag(FLAG.useClockid) && bytes.length >= CLOCKID_AT + 4;
  return {
    isTracepoint: u32(0) === TRACEPOINT,
    config: low(8),
    samplePeriod: low(16) + u32(littleEndian ? 20 : 16) * 2 ** 32,
    isFrequency: flag(FLAG.freq),
    enableOnExec: flag(FLAG.enableOnExec),
    sampleType: low(24),
    readFormat: low(32),
    sampleIdAll: flag(FLAG.sampleIdAll),
    clockid: hasClockid ? u32(CLOCKID_AT) | 0 : undefined,
    ids,
  };
}

/** The u64 ids up to `end`. */
export function readIds(at: ByteCursor, end: number): bigint[] {
  const ids: bigint[] = [];
  while (at.position + 8 <= end) ids.push(at.u64());
  return ids;
}

// Clocks by number (include/uapi/linux/time.h), under the names that ftrace has for them.
const CLOCKS: ReadonlyMap<number, string> = new Map([
  [0, 'realtime'],
  [1, 'mono'],
  [4, 'mono_raw'],
  [7, 'boot'],
  [11, 'tai'],
]);

/** The clock of a recording; `perf` is what both perf and ftrace call the default one. */
export function clockName(clockid: number | undefined): string {
  if (clockid === undefined) return 'perf';
  return CLOCKS.get(clockid) ?? `clockid ${clockid}`;
}
