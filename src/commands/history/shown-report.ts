// A report of a kernel log as results show it.

import { formatAddress } from '../../base/format-address.ts';
import type { MemoryReport, ReportedTrack } from '../../kernel/memory-reports/memory-report.ts';

export interface ShownReport extends Omit<MemoryReport, 'address' | 'objects'> {
  readonly address: string | null;
  readonly allocatedIn: string | null;
  readonly allocatedPid: number | null;
  readonly freedIn: string | null;
  readonly freedPid: number | null;
}

export function showReport({ objects: _, ...report }: MemoryReport): ShownReport {
  const { allocated, freed } = report;
  return {
    ...report,
    address: formatAddress(report.address),
    allocatedIn: siteOf(allocated),
    allocatedPid: allocated?.pid ?? null,
    freedIn: siteOf(freed),
    freedPid: freed?.pid ?? null,
  };
}

function siteOf(track: ReportedTrack | null): string | null {
  return track?.in ?? null;
}
