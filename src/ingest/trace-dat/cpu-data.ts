// Where the ring-buffer pages of each CPU lie in a trace.dat.

import { BadPiece } from './compression.ts';

/** The data of one CPU in one buffer. */
export interface CpuData {
  readonly cpu: number;
  readonly offset: number;
  /** Bytes in the file; where the buffer is packed those of the pieces, without their number. */
  readonly size: number;
}

/** The largest number of a CPU, and the most CPUs: what a batch's CPU column holds. */
export const MAX_CPU = 0xffff;

/**
 * Checks that no byte of the file belongs to two CPUs: then reading all of them costs no more than
 * the file is long.
 * @throws BadPiece where some do
 */
export function checkApart(all: readonly CpuData[], fileSize: number): void {
  const filled = all.filter(({ offset, size }) => size > 0 && offset < fileSize);
  filled.sort((a, b) => a.offset - b.offset);
  let end = 0;
  for (const { cpu, offset, size } of filled) {
    if (offset < end) {
      throw new BadPiece(`the data of CPU ${cpu} at 0x${offset.toString(16)} lie in another's`);
    }
    end = offset + size;
  }
}
