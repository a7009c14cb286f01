// Each report in the log of a kernel with planted bugs is about an object of the trace, and the
// kernel's own "Allocated in" names the call site that the trace has.

import { expect, test } from 'vitest';
import { type ReportHistories, reportHistories } from '../../src/commands/history/history-run.ts';
import { describeWithData, recording } from '../helpers/data.ts';

for (const [name, least] of [
  ['debug-slub', 25],
  ['debug-slub-612', 25],
] as const) {
  describeWithData(name, 'reports of a kernel log', () => {
    let read: Promise<ReportHistories> | undefined;
    const histories = (): Promise<ReportHistories> => {
      const source = { source: recording(name), sidecars: [] };
      read ??= reportHistories(source, recording(name, 'dmesg.txt.gz'));
      return read;
    };

    test('name the call sites that the trace has', async () => {
      const { reports } = await histories();
      const told = reports.filter(
        ({ report }) => report.allocatedIn !== null && report.address !== null,
      );
      const wrong = told.filter(
        ({ report, lastOwner }) => lastOwner?.alloc?.symbol !== report.allocatedIn,
      );
      expect(told.length).toBeGreaterThanOrEqual(least);
      expect(wrong.map(({ report }) => `${report.title} ${report.allocatedIn}`)).toEqual([]);
      const late = reports.filter(({ atNs, lastOwner }) => {
        const allocatedNs = lastOwner?.alloc?.atNs;
        return allocatedNs !== undefined && BigInt(allocatedNs) > BigInt(atNs ?? 0);
      });
      expect(late.map(({ report }) => report.title)).toEqual([]);
    });

    test('without an address (an object freed into another cache) are narrowed down to its owner', async () => {
      const { reports } = await histories();
      const wrong = reports.filter(({ report }) => /slab cache\./.test(report.title));
      const found = wrong.map(({ candidates }) => [
        candidates?.count,
        candidates?.owners.map(({ alloc }) => alloc?.symbol),
      ]);
      expect(found).toEqual(wrong.map(({ report }) => [1, [report.allocatedIn]]));
    });

    test('of a double free name both frees', async () => {
      const { reports } = await histories();
      const double = reports.filter(({ report }) => report.title === 'Object already free');
      expect(double.length).toBeGreaterThanOrEqual(1);
      for (const { report, lastOwner, secondFree } of double) {
        // The module's double free: kmalloc(), kfree(), kfree() in a row.
        const times = [lastOwner?.alloc?.atNs, lastOwner?.free?.atNs, secondFree?.atNs].map(Number);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(Number(secondFree?.atNs)).toBeLessThanOrEqual((report.atSec as number) * 1e9);
        expect((report.atSec as number) * 1e9 - (times[0] as number)).toBeLessThan(1e6);
        expect([lastOwner?.free?.module, secondFree?.module]).toEqual(['labbug', 'labbug']);
      }
    });
  });
}
