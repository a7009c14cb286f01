// Each report in the log of a kernel with planted bugs is about an object of the trace, and the
// kernel's own "Allocated in" names the call site that the trace has.

import { expect, test } from 'vitest';
import { reportHistories } from '../../src/pipeline/history-run.ts';
import { describeWithData, recording } from '../helpers/data.ts';

for (const [name, least] of [
  ['debug-slub', 25],
  ['debug-slub-612', 25],
] as const) {
  describeWithData(name, 'reports of a kernel log', () => {
    test('name the call sites that the trace has', async () => {
      const source = { source: recording(name), sidecars: [] };
      const { reports } = await reportHistories(source, recording(name, 'dmesg.txt.gz'));
      const told = reports.filter(({ report }) => report.allocatedIn !== null);
      const wrong = told.filter(({ report, owners }) => {
        const at = BigInt(Math.round((report.atSec ?? 0) * 1e9));
        const last = owners.findLast(({ alloc }) => alloc !== null && BigInt(alloc.atNs) <= at);
        return last?.alloc?.symbol !== report.allocatedIn;
      });
      expect(told.length).toBeGreaterThanOrEqual(least);
      expect(wrong.map(({ report }) => `${report.title} ${report.allocatedIn}`)).toEqual([]);
    });
  });
}
