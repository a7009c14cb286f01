// /proc/iomem → where RAM is and where the kernel was put: `00100000-2ffdffff : System RAM`,
// children two spaces deeper: `  05c00000-06a01d31 : Kernel code`. Ends are inclusive.

import { TraceFormatError } from '../../base/errors.ts';

export interface IomemRange {
  /** 0 for the outermost. */
  readonly depth: number;
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
  readonly name: string;
}

/** @throws TraceFormatError where the addresses are hidden (read without privileges) */
export function parseIomem(text: string): IomemRange[] {
  const ranges: IomemRange[] = [];
  for (const line of text.split('\n')) {
    const [, indent, from, to, name] =
      /^( *)([0-9a-f]{1,16})-([0-9a-f]{1,16}) : (.*)$/.exec(line) ?? [];
    if (indent === undefined || from === undefined || to === undefined) continue;
    const start = Number.parseInt(from, 16);
    const end = Number.parseInt(to, 16) + 1;
    ranges.push({ depth: indent.length / 2, start, end, name: name ?? '' });
  }
  if (ranges.length > 1 && ranges.every((r) => r.start === 0 && r.end === 1)) {
    throw new TraceFormatError('iomem.txt: all addresses are 0, it was read without privileges', {
      hint: 'Copy /proc/iomem as root.',
    });
  }
  return ranges;
}

/** RAM as the kernel got it, in the order of the addresses. */
export function systemRam(ranges: readonly IomemRange[]): IomemRange[] {
  return ranges
    .filter((r) => r.name === 'System RAM' && r.end > r.start)
    .sort((a, b) => a.start - b.start);
}

/** The physical address of the kernel's first byte (_text). */
export function kernelCodeStart(ranges: readonly IomemRange[]): number | undefined {
  return ranges.find((r) => r.name === 'Kernel code')?.start;
}
