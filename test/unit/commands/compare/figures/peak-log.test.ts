import { describe, expect, test } from 'vitest';
import { type Peak, PeakLog } from '../../../../../src/commands/compare/figures/peak-log.ts';
import { column } from '../../../../../src/kernel/column.ts';
import { Pairing } from '../../../../../src/pairing/pairing.ts';
import { TestTrace } from '../../../../helpers/builders.ts';

/** Peaks in objects (every object counts 1) of the calls of each cache name in the call sites. */
function peaksOf(lines: string, sites: string[], maxEntries?: number): Peak[] {
  const trace = new TestTrace(lines);
  const { calls, sites: table, strings } = trace.dictionary;
  const log = new PeakLog(calls, maxEntries);
  const pairing = new Pairing(trace.dictionary);
  for (const batch of trace.batches(3)) log.add(batch, pairing.add(batch));
  const groupOf = Int32Array.from({ length: calls.length }, (_, call) =>
    call === 0
      ? -1
      : sites.findIndex((name) => strings.get(table.text(calls.site(call))).includes(name)),
  );
  return log.peaks(column(groupOf), sites.length, column(new Float64Array(calls.length).fill(1)));
}

/** Two sites of one cache that never hold their most at the same time. */
const TURNS = `
  alloc kmalloc-64 A by=one+0x1
  alloc kmalloc-64 B by=one+0x1
  alloc kmalloc-64 C by=one+0x1
  free A
  free B
  alloc kmalloc-64 D by=two+0x1
  alloc kmalloc-64 E by=two+0x1
  free D
  free E
  alloc kmalloc-64 F by=one+0x1
`;

describe('while the log is small, peaks are exact', () => {
  test('of one site', () => {
    expect(peaksOf(TURNS, ['one', 'two'])).toEqual([
      { low: 3, high: 3 },
      { low: 2, high: 2 },
    ]);
  });

  test('of sites together: not the sum of their peaks', () => {
    expect(peaksOf(TURNS, ['+0x1'])).toEqual([{ low: 3, high: 3 }]);
  });

  test('calls in no group count for none', () => {
    expect(peaksOf(TURNS, ['nothing'])).toEqual([{ low: 0, high: 0 }]);
  });
});

test('an object that was freed without an event leaves when its address is used again', () => {
  const lines = `
    alloc kmalloc-64 A by=one+0x1
    alloc kmalloc-64 A by=one+0x1
    alloc kmalloc-64 A by=one+0x1`;
  expect(peaksOf(lines, ['one'])).toEqual([{ low: 1, high: 1 }]);
});

test('frees of what was never seen change nothing', () => {
  expect(peaksOf('free X\nalloc kmalloc-64 A by=one+0x1\nfree NULL', ['one'])).toEqual([
    { low: 1, high: 1 },
  ]);
});

test('a log that is drawn together gives a range that holds the peak', () => {
  for (const maxEntries of [1, 2, 4, 6]) {
    const [both] = peaksOf(TURNS, ['+0x1'], maxEntries);
    expect(both?.low).toBeLessThanOrEqual(3);
    expect(both?.high).toBeGreaterThanOrEqual(3);
    expect(both?.high).toBeLessThanOrEqual(5); // never more than all peaks together
  }
});
