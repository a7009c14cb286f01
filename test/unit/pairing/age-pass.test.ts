// Which allocations are of an age: by the free, by the next allocation at the address, or at the end.

import { describe, expect, test } from 'vitest';
import { emptyTraceInfo } from '../../../src/kernel/events/trace-info.ts';
import { AgePass } from '../../../src/pairing/age-pass.ts';
import type { TimeBound } from '../../../src/pairing/event-filter.ts';
import { parseAge } from '../../../src/pairing/selection-texts.ts';
import { TestTrace } from '../../helpers/builders.ts';

interface Options {
  readonly until?: TimeBound;
  readonly clockUnit?: 'ns' | 'tick' | 'count';
  readonly batchSize?: number;
}

/** The numbers of the events that allocate objects of these ages. */
function ofAge(
  lines: string,
  ages: string[],
  { until, clockUnit = 'ns', batchSize }: Options = {},
): number[] {
  const trace = new TestTrace(lines);
  const range = ages.reduce<ReturnType<typeof parseAge> | undefined>(
    (previous, text) => parseAge(text, previous),
    undefined,
  );
  if (range === undefined) throw new Error('no age');
  const info = { ...emptyTraceInfo('test'), clockUnit };
  const start = { dictionary: trace.dictionary, info, firstTs: trace.events[0]?.ts ?? Number.NaN };
  const pass = new AgePass(start, range, until);
  for (const batch of trace.batches(batchSize)) pass.batch(batch);
  const isOfAge = pass.finish();
  return trace.events.flatMap((_, event) => (isOfAge(event) ? [event] : []));
}

const LINES = `
  @1000 alloc kmalloc-64 A 64
  @2000 alloc kmalloc-64 B 64
  @3000 free A
  @4000 alloc kmalloc-64 A 64
  @5000 free B
  @9000 alloc kmalloc-64 C 64`;

describe('ages', () => {
  test('of freed objects from allocation to free, of live ones to the last event', () => {
    // A lives 2000 ns, B 3000 ns, the second A 5000 ns and C 0 ns at the end.
    expect(ofAge(LINES, ['+3us'])).toEqual([1, 3]);
    expect(ofAge(LINES, ['-3us'])).toEqual([0, 5]);
    expect(ofAge(LINES, ['+2us', '-5us'])).toEqual([0, 1]);
  });

  test('+ and - of one age part the objects', () => {
    for (const age of ['1ns', '2us', '2001ns', '5us', '1s']) {
      const both = [...ofAge(LINES, [`+${age}`]), ...ofAge(LINES, [`-${age}`])];
      expect(both.sort()).toEqual([0, 1, 3, 5]);
    }
  });

  test('across batches, with hundreds of events', () => {
    const lines = Array.from(
      { length: 300 },
      (_, i) => `@${i * 10_000} alloc kmalloc-64 O${i} 64\n@${i * 10_000 + 10 + i} free O${i}`,
    ).join('\n');
    expect(ofAge(lines, ['+300ns'], { batchSize: 7 })).toEqual(
      Array.from({ length: 10 }, (_, i) => 2 * (290 + i)),
    );
  });

  test('an object without a free ends when its address is allocated again', () => {
    const lines = '@1000 alloc kmalloc-64 A 64\n@6000 alloc kmalloc-64 A 64\n@7000 free A';
    expect(ofAge(lines, ['+5us'])).toEqual([0]);
    expect(ofAge(lines, ['-5us'])).toEqual([1]);
  });

  test('at an earlier moment what is freed later is live', () => {
    const until = { relative: false, nano: 4500n };
    // A is freed at 3000; B is 2500 ns old, the second A 500 ns; C does not exist yet.
    expect(ofAge(LINES, ['+2us'], { until })).toEqual([0, 1]);
    expect(ofAge(LINES, ['-2us'], { until })).toEqual([3]);
  });

  test('in the unit of a clock that counts no time, without a unit', () => {
    expect(ofAge(LINES, ['+3000'], { clockUnit: 'tick' })).toEqual([1, 3]);
    expect(() => ofAge(LINES, ['+3us'], { clockUnit: 'tick' })).toThrow(
      'the clock of this trace counts ticks, not time',
    );
  });

  test('a failed allocation and a free of the unknown have none', () => {
    expect(ofAge('@1000 alloc kmalloc-64 NULL\n@2000 free Z', ['-1s'])).toEqual([]);
  });
});
