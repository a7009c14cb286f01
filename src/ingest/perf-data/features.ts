// Features of perf.data that say something about the machine: tools/perf/util/header.c, write_osrelease(),
// write_nrcpus(), write_build_id(). Sections of a file, or the bodies of HEADER_FEATURE records.

import { ByteCursor, type ByteSource, OutOfBytes } from '../../base/byte-cursor.ts';
import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import type { ModuleMap } from '../../kernel/symbols/module-map.ts';
import { FEATURE, MISC } from './record-types.ts';

/** Strings have their padded length before them, a multiple of 64. */
const MAX_STRING = 4096;

/** Takes what a feature says; one that is cut off says nothing. */
export function readFeature(
  bit: number,
  source: ByteSource,
  littleEndian: boolean,
  info: TraceInfo,
  modules: ModuleMap,
): void {
  const at = new ByteCursor(source, 0, littleEndian);
  try {
    switch (bit) {
      case FEATURE.osRelease:
        info.kernelRelease = readString(at) || info.kernelRelease;
        break;
      case FEATURE.nrCpus:
        at.u32(); // those that there could be; then those that are online
        info.cpus = at.u32();
        break;
      case FEATURE.buildId:
        while (at.remaining > 8) readBuildId(at, modules);
        break;
    }
  } catch (error) {
    if (!(error instanceof OutOfBytes)) throw error;
  }
}

/** u32 length, then as many bytes; the string ends at its NUL. */
function readString(at: ByteCursor): string {
  const length = at.u32();
  if (length > MAX_STRING) throw new OutOfBytes(at.position, length, MAX_STRING);
  return untilNul(at.bytes(length));
}

/** A build_id record: header, s32 pid, u8 build_id[24] (20, then its length), filename. */
function readBuildId(at: ByteCursor, modules: ModuleMap): void {
  const start = at.position;
  at.u32();
  const misc = at.u16();
  const size = at.u16();
  if (size < 36) throw new OutOfBytes(start, 36, size);
  at.u32();
  const id = at.bytes(24);
  const name = untilNul(at.bytes(size - 36));
  const length = (misc & MISC.buildIdSize) === 0 ? 20 : Math.min(id.readUInt8(20), 20);
  if ((misc & MISC.cpumodeMask) === MISC.kernel) {
    modules.setBuildId(name, id.toString('hex', 0, length));
  }
}

export function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}
