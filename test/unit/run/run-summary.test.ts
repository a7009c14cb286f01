import { describe, expect, test } from 'vitest';
import { TraceStats } from '../../../src/kernel/events/trace-stats.ts';
import {
  absoluteTime,
  type Completeness,
  durationSec,
  judgeCompleteness,
  perSecond,
  summarizeRun,
} from '../../../src/run/run-summary.ts';
import { kernelFacts, ORIGIN, type ResolveOptions, resolve } from '../../helpers/tracked.ts';

describe('the run', () => {
  test('is told with the span of its events in absolute time', () => {
    const { run } = resolve('@1000000000 cpu0 free A\n@3500000000 cpu5 free B', {
      info: { originNs: 1_700_000_000_000_000_000n, clock: 'mono' },
      facts: kernelFacts({ cpus: 8 }),
    });
    expect(summarizeRun(run, ORIGIN)).toEqual({
      label: 'test',
      sources: ['test.txt'],
      format: 'test',
      kernelRelease: '6.1.0-56-amd64',
      cpus: 8,
      pageSize: 4096,
      clock: 'mono',
      clockUnit: 'ns',
      firstNs: '1700000001000000000',
      lastNs: '1700000003500000000',
      durationSec: 2.5,
    });
  });

  test('has as many CPUs as were seen where nothing tells', () => {
    const facts = kernelFacts({ cpus: null });
    const { run } = resolve('cpu0 free A\ncpu5 free B', { facts });
    expect(summarizeRun(run, ORIGIN).cpus).toBe(6);
  });

  test('without events has no span and no CPUs', () => {
    const { run } = resolve('', { facts: kernelFacts({ cpus: null }) });
    expect(summarizeRun(run, ORIGIN)).toMatchObject({
      cpus: null,
      firstNs: null,
      lastNs: null,
      durationSec: null,
    });
  });

  test('of one event took no time, so there are no rates', () => {
    const { run } = resolve('@5000 alloc kmalloc-64 A');
    expect(durationSec(run)).toBe(0);
    expect(perSecond(1, durationSec(run))).toBeNull();
    expect(perSecond(6, 2)).toBe(3);
    expect(perSecond(6, null)).toBeNull();
  });

  test('has no duration where its clock does not count nanoseconds', () => {
    const { run } = resolve('@5 free A\n@900 free B', { info: { clockUnit: 'count' } });
    expect(summarizeRun(run, ORIGIN)).toMatchObject({
      clockUnit: 'count',
      firstNs: '5',
      lastNs: '900',
      durationSec: null,
    });
  });

  test('has exact times of 64 bits', () => {
    const { run } = resolve('', { info: { originNs: 2n ** 63n - 10n } });
    expect(absoluteTime(run, 9)).toBe('9223372036854775807');
  });
});

describe('completeness', () => {
  const judge = (lines: string, options: ResolveOptions = {}): Completeness =>
    judgeCompleteness(resolve(lines, options).run);

  test('of a trace that has everything says so', () => {
    expect(judge('alloc kmalloc-64 A\nfree A')).toEqual({
      lostEvents: 0,
      badRecords: 0,
      hashedPointers: false,
      sampled: false,
      someTasksOnly: false,
      startsAtBoot: false,
      lateEvents: [],
      freesOfUnknown: 0,
      unrecordedFrees: [],
      allocsOfLive: 0,
      duplicateEvents: 0,
      unresolvedCacheEvents: 0,
      otherStats: {},
      empty: null,
      notes: [],
    });
  });

  test('counts what pairing had to infer', () => {
    const lines = `
      free X
      free NULL
      alloc kmalloc-64 A
      alloc kmalloc-64 A
      @9000 alloc dentry B 192 name=dentry
      @9000 alloc dentry B 192 name=dentry
      alloc kmalloc C 9000/16384 by=__kmalloc_noprof+0x3e
      alloc kmalloc C 9000/16384 by=load_module+0x10`;
    expect(judge(lines)).toMatchObject({
      freesOfUnknown: 1,
      allocsOfLive: 1,
      duplicateEvents: 2,
      unresolvedCacheEvents: 0,
    });
  });

  test('counts objects whose memory was used otherwise with those freed unseen', () => {
    expect(judge('alloc kmalloc-64 A\nalloc dentry A+192 192 name=dentry').allocsOfLive).toBe(1);
  });

  test('counts allocations whose cache is unknown, and notes guessed ones', () => {
    expect(judge('alloc x A 192\nalloc x B 192')).toMatchObject({
      unresolvedCacheEvents: 2,
      notes: [],
    });
  });

  test('adds up what could not be read, and passes on the rest by name', () => {
    const stats = new TraceStats();
    stats.add('lost_events', 7, 'line 3');
    stats.add('lost_events', 5, 'line 9');
    stats.add('bad_line', 2);
    stats.add('bad_record', 3);
    stats.add('bad_page', 4);
    stats.add('bad_row', 5);
    stats.add('other_events', 99);
    stats.add('truncated', 1);
    expect(judge('', { stats })).toMatchObject({
      lostEvents: 12,
      badRecords: 14,
      otherStats: { other_events: 99, truncated: 1 },
    });
  });

  test('says whether the trace began with the machine', () => {
    expect(judge('', { facts: kernelFacts({ tracedFromBoot: true }) }).startsAtBoot).toBe(true);
  });

  test('says where only some tasks were recorded', () => {
    expect(judge('', { facts: kernelFacts({ someTasksOnly: true }) }).notes).toEqual([
      'Only some tasks were recorded: frees by others are missing, ' +
        'and frees of what others allocated are of unknown objects.',
    ]);
  });

  test('warns of hashed pointers, with the chance that two are one', () => {
    const one = judge('alloc kmalloc-64 A', { info: { hashedPointers: true } });
    expect(one.hashedPointers).toBe(true);
    expect(one.notes.join()).toContain('below 1 %');
    const many = Array.from({ length: 20_000 }, (_, i) => `alloc kmalloc-64 O${i}`).join('\n');
    const notes = judge(many, { info: { hashedPointers: true } }).notes.join();
    // 1 - exp(-20000² / 2³³) = 0.0455
    expect(notes).toContain('Among 20,000 live objects');
    expect(notes).toContain('about 5 %');
  });

  test('warns of clocks without time, losses without number and inputs cut short', () => {
    const stats = new TraceStats();
    stats.add('lost_events_unknown');
    stats.add('truncated');
    const { notes } = judge('', { stats, info: { clock: 'x86-tsc', clockUnit: 'tick' } });
    expect(notes.some((note) => note.includes("'x86-tsc'"))).toBe(true);
    expect(notes.some((note) => note.includes('did not count'))).toBe(true);
    expect(notes.some((note) => note.includes('ends too early'))).toBe(true);
  });
});
