// Where stretches of physical memory are in a file: disjoint, in the order of their addresses,
// found by halving. What ELF cores, LiME and raw images come down to.

import type { Findings } from '../findings.ts';
import { type ImageBytes, PHYSICAL_END, type PhysicalImage } from './physical-image.ts';

/** Segments as a file lists them: in any order, overlapping or not. */
export class RangeList {
  private readonly paddrs: number[] = [];
  private readonly lengths: number[] = [];
  private readonly positions: number[] = [];

  get size(): number {
    return this.paddrs.length;
  }

  add(paddr: number, length: number, position: number): void {
    this.paddrs.push(paddr);
    this.lengths.push(length);
    this.positions.push(position);
  }

  /** Cuts off what the file does not have, what is no memory and what an earlier one holds. */
  build(bytes: ImageBytes, findings: Findings): RangeTable {
    const { paddrs, lengths, positions } = this;
    const order = Uint32Array.from(paddrs, (_, i) => i).sort(
      (a, b) => paddrs[a]! - paddrs[b]! || lengths[b]! - lengths[a]! || a - b,
    );
    const starts: number[] = [];
    const ends: number[] = [];
    const at: number[] = [];
    let covered = 0;
    for (const i of order) {
      const where = (): string => `segment ${i + 1} of ${bytes.path}`;
      let start = paddrs[i]!;
      let position = positions[i]!;
      const inFile = Math.max(0, Math.min(lengths[i]!, bytes.size - position));
      if (inFile < lengths[i]!) findings.add('truncated', where, lengths[i]! - inFile);
      const end = start + inFile;
      if (end > PHYSICAL_END) {
        findings.add('bad_segment', where);
        continue;
      }
      if (start < covered && inFile > 0) {
        findings.add('overlapping_segment', where);
        position += covered - start;
        start = covered;
      }
      if (end <= start) continue;
      const last = starts.length - 1;
      if (last >= 0 && ends[last] === start && at[last]! + start - starts[last]! === position) {
        ends[last] = end;
      } else {
        starts.push(start);
        ends.push(end);
        at.push(position);
      }
      covered = end;
    }
    return new RangeTable(
      bytes,
      Float64Array.from(starts),
      Float64Array.from(ends),
      Float64Array.from(at),
    );
  }
}

export class RangeTable implements PhysicalImage {
  private readonly bytes: ImageBytes;
  private readonly starts: Float64Array;
  private readonly ends: Float64Array;
  private readonly positions: Float64Array;
  private last = 0;

  constructor(
    bytes: ImageBytes,
    starts: Float64Array,
    ends: Float64Array,
    positions: Float64Array,
  ) {
    this.bytes = bytes;
    this.starts = starts;
    this.ends = ends;
    this.positions = positions;
  }

  get size(): number {
    return this.starts.length;
  }

  presentFrom(paddr: number): number {
    const i = this.find(paddr);
    return i < 0 || paddr >= this.ends[i]! ? 0 : this.ends[i]! - paddr;
  }

  nextPresent(paddr: number): number {
    const i = this.find(paddr);
    if (i >= 0 && paddr < this.ends[i]!) return paddr;
    return this.starts[i + 1] ?? -1;
  }

  read(paddr: number, target: Uint8Array): number {
    let done = 0;
    while (done < target.length) {
      const there = Math.min(this.presentFrom(paddr + done), target.length - done);
      if (there === 0) break;
      const position = this.positions[this.last]! + paddr + done - this.starts[this.last]!;
      const n = this.bytes.read(position, target.subarray(done, done + there));
      done += n;
      if (n < there) break;
    }
    return done;
  }

  /** The last range that starts at or before `paddr`, or -1; remembered, for neighbours follow. */
  private find(paddr: number): number {
    const { starts, last } = this;
    if (starts[last]! <= paddr && (last + 1 === starts.length || paddr < starts[last + 1]!)) {
      return last;
    }
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if (starts[mid]! <= paddr) low = mid + 1;
      else high = mid;
    }
    if (low > 0) this.last = low - 1;
    return low - 1;
  }
}
