// A raw copy of physical memory + iomem.txt → physical memory. Such a file says nothing about itself;
// its size tells which of three layouts it has:
// - padded: the file offset is the physical address (dd, QEMU's pmemsave, LiME's "padded");
// - backing file: as padded, but without the hole below 4 GiB (QEMU's memory-backend-file);
// - joined: the ranges of System RAM one after the other (LiME's "raw").

import { TWO_32 } from '../../base/address.ts';
import { TraceFormatError } from '../../base/errors.ts';
import { type IomemRange, systemRam } from '../memory/iomem.ts';
import type { ImageFormat } from './image-format.ts';
import { NO_NOTES } from './physical-image.ts';
import { RangeList } from './range-table.ts';

export const rawImageFormat: ImageFormat = {
  name: 'raw physical memory',
  detect: () => true,
  open(bytes, { iomem, findings }) {
    const ram = systemRam(iomem ?? []);
    if (ram.length === 0) {
      throw new TraceFormatError(`${bytes.path}: a raw image needs iomem.txt with System RAM`);
    }
    const place = placeRam(bytes.size, ram);
    if (place === undefined) {
      const sum = ram.reduce((n, r) => n + r.end - r.start, 0);
      const last = ram.at(-1)?.end ?? 0;
      throw new TraceFormatError(
        `${bytes.path}: ${bytes.size} bytes do not fit the memory that iomem.txt lists`,
        { hint: `Wanted ${sum} (ranges joined) or at least ${last} (offset = address).` },
      );
    }
    const ranges = new RangeList();
    for (const [i, r] of ram.entries()) ranges.add(r.start, r.end - r.start, place[i] ?? 0);
    return { image: ranges.build(bytes, findings), notes: NO_NOTES };
  },
};

/** The file offset of each range, or undefined where the size fits no layout. */
function placeRam(size: number, ram: readonly IomemRange[]): number[] | undefined {
  const end = ram.at(-1)?.end ?? 0;
  if (size >= end) return ram.map((r) => r.start);
  let joined = 0;
  const places = ram.map((r) => {
    const at = joined;
    joined += r.end - r.start;
    return at;
  });
  if (size === joined) return places;
  const lowEnd = Math.max(0, ...ram.filter((r) => r.end <= TWO_32).map((r) => r.end));
  const lowSize = size - (end - TWO_32);
  if (end <= TWO_32 || lowSize < lowEnd || lowSize > TWO_32) return undefined;
  if (ram.some((r) => r.start < TWO_32 && r.end > TWO_32)) return undefined;
  return ram.map((r) => (r.start < TWO_32 ? r.start : lowSize + r.start - TWO_32));
}
