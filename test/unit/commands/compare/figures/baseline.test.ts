import { describe, expect, test } from 'vitest';
import { StoreError, TraceFormatError } from '../../../../../src/base/errors.ts';
import {
  isBaseline,
  parseBaseline,
  renderBaseline,
} from '../../../../../src/commands/compare/figures/baseline.ts';
import type { RunFigures } from '../../../../../src/commands/compare/figures/run-figures.ts';
import { cache, figures, pair } from '../../../../helpers/run-figures.ts';

const run: RunFigures = figures(
  [
    pair('foo+0x10 [mod]', 'kmalloc-64', { allocs: 7, live: 3, liveUncertain: 1, marked: true }),
    pair('0xffffffff81000010', null, { allocs: 2, inFlight: 0.25 }),
  ],
  {
    caches: [cache('kmalloc-64', { slabs: 3, slabBytes: 4096, slabSize: 64 }), cache(null)],
    completeness: { otherStats: { other_events: 5 }, notes: ['a note'] },
    findings: [
      {
        rule: 'double-free',
        severity: 'error',
        count: 1,
        symbol: 'foo+0x10',
        module: 'mod',
        site: null,
        cache: null,
      },
    ],
  },
);

test('what goes in comes out', () => {
  const text = renderBaseline([run, { ...run, build: null }]);
  expect(isBaseline(text.slice(0, 100))).toBe(true);
  expect(parseBaseline(text, 'base.json')).toEqual([run, { ...run, build: null }]);
});

test.each(['', '{}', '{"type":"comparison"', 'SQLite format 3\0', '<idle>-0 [000] 1.0: kfree:'])(
  '%j is no baseline',
  (head) => {
    expect(isBaseline(head)).toBe(false);
  },
);

describe('a damaged baseline is refused with the place', () => {
  type Json = { version: number; runs: Record<string, { rows: unknown[][] }>[] };

  /** The message about a baseline in which something was changed. */
  function messageOf(change: (json: Json) => void): string {
    const json = JSON.parse(renderBaseline([run])) as Json;
    change(json);
    try {
      parseBaseline(JSON.stringify(json), 'base.json');
    } catch (error) {
      expect(error).toBeInstanceOf(TraceFormatError);
      return (error as Error).message;
    }
    throw new Error('it was not refused');
  }

  test('a number that is none', () => {
    expect(messageOf((json) => ((json.runs[0]?.['pairs']?.rows[1] as unknown[])[4] = -5))).toBe(
      'base.json: a damaged baseline: the baseline.runs[0].pairs.rows[1].allocs: not a number from 0 on',
    );
  });

  test('a missing part', () => {
    expect(messageOf((json) => delete json.runs[0]?.['completeness'])).toBe(
      'base.json: a damaged baseline: the baseline.runs[0].completeness: not an object',
    );
  });

  test('no runs', () => {
    expect(messageOf((json) => json.runs.pop())).toBe(
      'base.json: a damaged baseline: runs: there is none',
    );
  });

  test('a file that was cut', () => {
    const text = renderBaseline([run]).slice(0, 200);
    expect(() => parseBaseline(text, 'base.json')).toThrow(/^base\.json: a damaged baseline: /);
  });
});

test('a baseline of another version is refused with what to do', () => {
  const text = renderBaseline([run]).replace('"version":1', '"version":2');
  expect(() => parseBaseline(text, 'base.json')).toThrow(StoreError);
  expect(() => parseBaseline(text, 'base.json')).toThrow(
    'base.json: baseline of version 2, this slabreplay reads 1',
  );
});
