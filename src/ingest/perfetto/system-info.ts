// SystemInfo (protos/perfetto/common/system_info.proto): the kernel, the size of its pages, its CPUs.

import type { TraceInfo } from '../../kernel/events/trace-info.ts';
import { ignore, type WireReader } from './wire.ts';

const SYSTEM = { utsname: 1, pageSize: 6, cpus: 8 } as const;
const UTSNAME = { release: 3, machine: 4 } as const;
const MIN_PAGE = 4096;
/** Machines whose pointers have 8 bytes, as uname -m calls them. */
const WIDE = /64|s390x|alpha|armv8/;

export function readSystemInfo(
  reader: WireReader,
  from: number,
  to: number,
  info: TraceInfo,
): void {
  const takeName = (field: number, start: number, end: number): void => {
    const text = reader.text(start, end);
    if (text === '') return;
    if (field === UTSNAME.release) info.kernelRelease = text;
    else if (field === UTSNAME.machine) info.pointerBytes = WIDE.test(text) ? 8 : 4;
  };
  reader.each(
    from,
    to,
    (field, value) => {
      const isPage = value >= MIN_PAGE && Number.isInteger(Math.log2(value));
      if (field === SYSTEM.pageSize && isPage) info.pageSize = value;
      else if (field === SYSTEM.cpus && value > 0) info.cpus = value;
    },
    (field, start, end) => {
      if (field === SYSTEM.utsname) reader.each(start, end, ignore, takeName);
    },
  );
}
