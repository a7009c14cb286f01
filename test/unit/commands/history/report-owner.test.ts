// Who counts for a report of the kernel log: the owner at its time, or the last one before, never one
// from after it.

import { describe, expect, test } from 'vitest';
import { BlockEvents } from '../../../../src/analysis/block-events.ts';
import {
  buildReportHistory,
  type ReportedHistory,
} from '../../../../src/commands/history/history.ts';
import { parseLogClock, reportMoment } from '../../../../src/commands/history/report-moment.ts';
import type { TraceInfo } from '../../../../src/kernel/events/trace-info.ts';
import type { MemoryReport } from '../../../../src/kernel/memory-reports/memory-report.ts';
import { TestTrace } from '../../../helpers/builders.ts';
import { kernelFacts, knownCache, resolve } from '../../../helpers/tracked.ts';

interface Report {
  readonly title?: string;
  readonly atSec?: number | null;
  readonly allocatedIn?: string;
  readonly log?: string;
  readonly info?: Partial<TraceInfo>;
}

/** The report is on object A. */
function joined(lines: string, report: Report): ReportedHistory {
  const trace = new TestTrace(lines);
  const address = trace.address('A');
  const events = new BlockEvents([address]);
  const facts = kernelFacts({ caches: [knownCache('kmalloc-64', 64)] });
  const info = { clock: 'global', ...report.info };
  const { run } = resolve(trace, { extra: () => [events], facts, info });
  const { title = 'use-after-free', atSec = 0, allocatedIn = null } = report;
  const moment = reportMoment(run, atSec, parseLogClock(report.log ?? ''));
  return buildReportHistory(run, events, memoryReport(address, title, allocatedIn), moment);
}

function memoryReport(address: bigint, title: string, allocatedIn: string | null): MemoryReport {
  const allocated =
    allocatedIn === null
      ? null
      : { in: allocatedIn, pid: null, cpu: null, atSec: null, age: null, stack: [] };
  return {
    tool: 'SLUB',
    title,
    cache: 'kmalloc-64',
    address,
    hashed: false,
    atSec: null,
    size: null,
    offset: null,
    faultyBytes: null,
    allocated,
    freed: null,
    foundIn: null,
    access: null,
    task: null,
    objects: [{ address, allocated, freed: null }],
    line: 1,
  };
}

const names = ({ lastOwner, secondFree }: ReportedHistory): unknown[] => [
  lastOwner === null ? null : (lastOwner.alloc?.symbol ?? 'unseen'),
  lastOwner?.free?.symbol ?? null,
  secondFree?.symbol ?? null,
];

const SEC = 1_000_000_000;

describe('the owner of a report', () => {
  const lines = `@${SEC} alloc kmalloc-64 A 40 by=one+0x1
    @${2 * SEC} free A by=drop+0x1
    @${4 * SEC} alloc kmalloc-64 A 40 by=two+0x1
    @${6 * SEC} free A by=drop+0x2
    @${7 * SEC} alloc kmalloc-64 A 40 by=three+0x1`;

  test.each([
    ['use-after-free', 3, ['one+0x1', 'drop+0x1', null]],
    ['Poison overwritten', 3, ['one+0x1', 'drop+0x1', null]],
    ['Right Redzone overwritten', 5, ['two+0x1', 'drop+0x2', null]],
    ['slab-use-after-free', 6.5, ['two+0x1', 'drop+0x2', null]],
    ['Object already free', 6.5, ['two+0x1', 'drop+0x2', null]],
    ['use-after-free', 9, ['three+0x1', null, null]],
    ['use-after-free', 0.5, [null, null, null]],
  ])('%s at %s s', (title, atSec, want) => {
    expect(names(joined(lines, { title, atSec }))).toEqual(want);
  });

  test('outside of the trace is said', () => {
    expect(joined(lines, { atSec: 0.5 }).note).toBe('Printed before the trace begins (1.0 s).');
    expect(joined(lines, { atSec: 9 }).note).toBe('Printed after the trace ends (7.0 s).');
    expect(joined(lines, { atSec: 3 }).note).toBeNull();
  });

  test('an allocation that was not seen is no owner before its free', () => {
    const unseen = `@${SEC} alloc kmalloc-64 A 40 by=one+0x1
      @${2 * SEC} free A by=drop+0x1
      @${6 * SEC} free A by=drop+0x2`;
    expect(names(joined(unseen, { atSec: 3 }))).toEqual(['one+0x1', 'drop+0x1', null]);
    expect(names(joined(unseen, { atSec: 7 }))).toEqual(['unseen', 'drop+0x2', null]);
  });
});

describe('a double free', () => {
  const lines = `@${SEC} alloc kmalloc-64 A 40 by=one+0x1
    @${2 * SEC} free A by=drop+0x1
    @${3 * SEC} free A by=drop+0x2`;

  test.each(['Object already free', 'double-free', 'invalid free'])('%s', (title) => {
    const history = joined(lines, { title, atSec: 3.000_02 });
    expect(names(history)).toEqual(['one+0x1', 'drop+0x1', 'drop+0x2']);
    expect(history.owners.length).toBe(1);
    expect(history.holder).toBeNull();
  });

  test('three frees: each report has its own', () => {
    const three = `${lines}\n@${4 * SEC} free A by=drop+0x3`;
    const title = 'double-free';
    expect(names(joined(three, { title, atSec: 3.1 }))).toEqual([
      'one+0x1',
      'drop+0x1',
      'drop+0x2',
    ]);
    expect(names(joined(three, { title, atSec: 4.1 }))).toEqual([
      'one+0x1',
      'drop+0x1',
      'drop+0x3',
    ]);
  });

  test('of an object from before the trace', () => {
    const older = `@${2 * SEC} free A by=drop+0x1\n@${3 * SEC} free A by=drop+0x2`;
    const history = joined(older, { title: 'double-free', atSec: 3.1 });
    expect(names(history)).toEqual(['unseen', 'drop+0x1', 'drop+0x2']);
  });

  test('the place was given out again after it', () => {
    const later = `${lines}\n@${4 * SEC} alloc kmalloc-64 A 40 by=late+0x1`;
    const history = joined(later, { title: 'double-free', atSec: 3.1 });
    expect(names(history)).toEqual(['one+0x1', 'drop+0x1', 'drop+0x2']);
  });

  test('an event that is written after the act (kmem_cache_free until 5.11) may come after the report', () => {
    const act = (free: string): string => `@${SEC} alloc inode A 600 by=one+0x1
      @${2 * SEC} ${free} A by=drop+0x1
      @${3 * SEC} ${free} A by=drop+0x2`;
    const report = { title: 'double-free', atSec: 2.9 };
    expect(names(joined(act('free ?'), report))).toEqual(['one+0x1', 'drop+0x1', 'drop+0x2']);
    expect(names(joined(act('free inode'), report))).toEqual(['one+0x1', 'drop+0x1', null]);
  });
});

describe('clocks', () => {
  const lines = `@${SEC} alloc kmalloc-64 A 40 by=one+0x1
    @${2 * SEC} free A by=drop+0x1
    @${2 * SEC + 10_000_000} alloc kmalloc-64 A 40 by=two+0x1
    @${5 * SEC} alloc kmalloc-64 B 40`;
  /** local_clock() is 24 ms ahead of ktime_get(), 30 ms behind sched_clock(). */
  const log =
    '[    2.6] sched_clock: Marking stable (1918062900, 24000000)->(1972520082, -30000000)';

  test.each([
    ['global', 2.02, 'two+0x1'],
    ['mono', 2.02, 'one+0x1'],
    ['mono', 2.04, 'two+0x1'],
    ['local', 1.975, 'one+0x1'],
    ['local', 1.985, 'two+0x1'],
  ])('%s: the log says how far they are apart (%s s)', (clock, atSec, want) => {
    expect(names(joined(lines, { atSec, log, info: { clock } }))[0]).toBe(want);
  });

  test('where it does not, an owner that changes in that time is not sure', () => {
    const near = joined(lines, { atSec: 2.02, info: { clock: 'local' } });
    expect(near.note).toMatch(/may be .* apart, and the place changed its owner/);
    expect(joined(lines, { atSec: 2.2, info: { clock: 'local' } }).note).toBeNull();
  });

  test('but for the one that the log names', () => {
    const near = joined(lines, { atSec: 2.02, allocatedIn: 'one+0x1', info: { clock: 'local' } });
    expect(names(near)[0]).toBe('one+0x1');
    expect(near.note).toBeNull();
  });

  test.each([
    ['no times', { atSec: null }, /has no times: the end of the trace counts/],
    ['cycles', { atSec: 2, info: { clockUnit: 'tick', clock: 'x86-tsc' } }, /\(x86-tsc\) does not/],
    ['dates', { atSec: 2, info: { originNs: 1_700_000_000_000_000_000n } }, /does not count from/],
  ] as const)('%s: the end counts, and it is said', (_, report, want) => {
    const history = joined(lines, report);
    expect(names(history)[0]).toBe('two+0x1');
    expect(history.note).toMatch(want);
    expect(names(joined(lines, { ...report, allocatedIn: 'one+0x1' }))[0]).toBe('one+0x1');
  });
});
