// What a report means, in one sentence: what is certain, and what is a guess.

import { describe, expect, test } from 'vitest';
import { BlockEvents } from '../../../../src/analysis/block-events.ts';
import { CandidateSearch } from '../../../../src/commands/history/candidates.ts';
import { buildReportHistory } from '../../../../src/commands/history/history.ts';
import { reportMoment } from '../../../../src/commands/history/report-moment.ts';
import { verdictOf } from '../../../../src/commands/history/verdict.ts';
import { parseMemoryReports } from '../../../../src/kernel/memory-reports/parse-memory-reports.ts';
import { TestTrace } from '../../../helpers/builders.ts';
import { kernelFacts, knownCache, resolve } from '../../../helpers/tracked.ts';

const SEC = 1_000_000_000;

/** A+64 is in the middle of three objects, and freed at 3 s; in the logs it is 0xA. */
const TRACE = `@${SEC} a-1 alloc kmalloc-64 A 60 by=left+0x1
  @${SEC + 1} b-2 alloc kmalloc-64 A+64 60 by=mid+0x1
  @${SEC + 2} c-3 alloc kmalloc-64 A+128 60 by=right+0x1
  @${3 * SEC} d-4 free A+64 by=drop+0x1`;

function verdict(log: string): string {
  const trace = new TestTrace(TRACE);
  const address = trace.address('A+64');
  const events = new BlockEvents([address]);
  const facts = kernelFacts({ caches: [knownCache('kmalloc-64', 64)] });
  const { run } = resolve(trace, { extra: () => [events], facts, info: { clock: 'global' } });
  const text = log.replaceAll(
    /0xA(?:\+(-?\d+))?/g,
    (_, bytes = '0') => `0x${(address + BigInt(bytes)).toString(16)}`,
  );
  const [report] = parseMemoryReports(text).reports;
  if (report === undefined) throw new Error('no report');
  const history = buildReportHistory(
    run,
    events,
    report,
    reportMoment(run, report.atSec, undefined),
  );
  return verdictOf(report, { ...history, candidates: null });
}

const slub = (title: string, atSec: number, from: number, to = from): string =>
  `[ ${atSec}.0] BUG kmalloc-64 (Not tainted): ${title}
[ ${atSec}.0] 0xA+${from}-0xA+${to} @offset=${1024 + from}. First byte 0x0 instead of 0xcc
[ ${atSec}.0] Object 0xA @offset=1024 fp=0x0000000000000000
`;

test.each([
  [
    'a right red zone: itself, or the one behind',
    slub('Right Redzone overwritten', 2, 66, 69),
    'Certain: 4 bytes 6 bytes behind the end of the object (the 60 that were asked for) were overwritten; a guess: its own owner, mid+0x1 (b-2), wrote past its end, or that of the object behind it, right+0x1 (c-3), before its start.',
  ],
  [
    'a left red zone: the one before, or itself',
    slub('Left Redzone overwritten', 2, -1),
    'Certain: 1 byte 1 byte before the start of the object was overwritten; a guess: the owner of the object before it, left+0x1 (a-1), wrote past its end, or its own owner, mid+0x1 (b-2), before its start.',
  ],
  [
    'poison: the last owner',
    slub('Poison overwritten', 4, 8),
    'Certain: 1 byte at byte 8 of the object was overwritten while it was free; a guess: its last owner, mid+0x1 (b-2), wrote after the free by drop+0x1 (d-4).',
  ],
  [
    'a pointer into an object',
    '[ 2.0] BUG kmalloc-64 (Not tainted): Invalid object pointer 0xA+8\n',
    'is byte 8 of the object of mid+0x1 (b-2), not its start.',
  ],
  [
    'a slab as a whole',
    '[ 2.0] BUG kmalloc-64 (Not tainted): Wrong object count. Counter is 3 but counted were 5\n',
    'Certain: it is about the counters or the list of a whole slab, and nothing tells which object caused it.',
  ],
  [
    'KASAN sees who wrote',
    `[ 2.0] BUG: KASAN: slab-out-of-bounds in bad+0x3/0x4
[ 2.0] Write of size 8 at addr 0xA+64 by task x/9
[ 2.0] The buggy address belongs to the object at 0xA
[ 2.0]  which belongs to the cache kmalloc-64 of size 64
`,
    'Certain: bad+0x3 (x-9) wrote 8 bytes 4 bytes behind the end of the object of mid+0x1 (b-2) (the 60 that were asked for).',
  ],
  [
    'and after which free',
    `[ 4.0] BUG: KASAN: slab-use-after-free in bad+0x3/0x4
[ 4.0] Read of size 1 at addr 0xA+1 by task x/9
[ 4.0] The buggy address belongs to the object at 0xA
`,
    'Certain: bad+0x3 (x-9) read 1 byte at byte 1 of the object of mid+0x1 (b-2), which drop+0x1 (d-4) had freed.',
  ],
  [
    'no object at all',
    '[ 2.0] BUG: KASAN: stack-out-of-bounds in bad+0x3/0x4\n',
    'Certain: bad+0x3 touched memory on a stack, not in a slab.',
  ],
])('%s', (_, log, want) => {
  expect(verdict(log)).toContain(want);
});

describe('a report without an address', () => {
  const lines = `@${SEC} b-2 alloc kmalloc-64 A 60 by=mid+0x1
    @${2 * SEC} c-3 alloc kmalloc-64 A+64 60 by=mid+0x1
    @${3 * SEC} b-2 alloc kmalloc-64 A+128 60 by=mid+0x1
    @${4 * SEC} free A+128
    @${5 * SEC} b-2 alloc kmalloc-64 A+192 60 by=other+0x1
    @${9 * SEC} b-2 alloc kmalloc-64 A+256 60 by=mid+0x1`;

  const search = (log: string): unknown => {
    const trace = new TestTrace(lines);
    const { run } = resolve(trace, { info: { clock: 'global' } });
    const [report] = parseMemoryReports(log).reports;
    if (report === undefined) throw new Error('no report');
    const moment = reportMoment(run, report.atSec, undefined);
    const found = new CandidateSearch(run, report, moment);
    for (const batch of trace.batches()) found.add(batch);
    const { count, by, owners } = found.finish();
    return [count, by.join(' '), owners.map(({ alloc }) => Number(alloc?.atNs) / SEC)];
  };

  test.each([
    ['pid=2', 'Right Redzone overwritten', 'age=1750', [1, 'cache call site pid CPU state', [1]]],
    ['pid=3', 'Right Redzone overwritten', 'age=1500', [1, 'cache call site pid CPU state', [2]]],
    ['pid=2', 'Poison overwritten', 'age=1000', [1, 'cache call site pid CPU state', [3]]],
    ['pid=77', 'Right Redzone overwritten', 'age=1500', [1, 'cache call site CPU state age', [2]]],
  ])('%s, %s, %s', (pid, title, age, want) => {
    const log = `[ 8.0] BUG kmalloc-64 (Not tainted): ${title}
[ 8.0] Allocated in mid+0x1/0x9 ${age} cpu=0 ${pid}
`;
    expect(search(log)).toEqual(want);
  });
});
