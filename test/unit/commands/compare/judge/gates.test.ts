import { describe, expect, test } from 'vitest';
import type { RunFigures } from '../../../../../src/commands/compare/figures/run-figures.ts';
import { subjectText } from '../../../../../src/commands/compare/figures/subject.ts';
import { buildComparison } from '../../../../../src/commands/compare/judge/build-comparison.ts';
import { parseGate } from '../../../../../src/commands/compare/judge/gate-expression.ts';
import type { GateResult } from '../../../../../src/commands/compare/judge/gates.ts';
import { figures, pair } from '../../../../helpers/run-figures.ts';

/** kmalloc-64 grows from 100 to 106 objects, kmalloc-1k from 10 to 20, dentry stays. */
const base = figures([
  pair('foo+0x10', 'kmalloc-64', { live: 100, size: 64 }),
  pair('bar+0x10 [mod]', 'kmalloc-1k', { live: 10, size: 1024 }),
  pair('d_alloc+0x10', 'dentry', { live: 50, size: 192 }),
]);
const grown = figures([
  pair('foo+0x10', 'kmalloc-64', { live: 106, size: 64 }),
  pair('bar+0x10 [mod]', 'kmalloc-1k', { live: 20, size: 1024 }),
  pair('d_alloc+0x10', 'dentry', { live: 50, size: 192 }),
  pair('new_one+0x10', 'kmalloc-8k', { live: 1, size: 8192 }),
]);

function judge(
  spec: string,
  bases: RunFigures[] = [base],
  news: RunFigures[] = [grown],
): GateResult {
  const threshold = { percent: 1, bytes: 16384 };
  const { gates } = buildComparison(bases, news, {
    threshold,
    per: 'run',
    match: undefined,
    gates: [parseGate(spec)],
  });
  return gates[0] as GateResult;
}

/** What crossed, and by what. */
function crossing(gate: GateResult): [name: string, value: number | null, unit: string][] {
  return gate.rows.map((row) => [subjectText(row), row.value, row.valueUnit]);
}

describe('a change in per cent', () => {
  test('every row that the glob matches is judged, the largest growth first', () => {
    const gate = judge('cache:kmalloc-*:live>+5%');
    expect(gate).toMatchObject({ matched: 3, crossed: 3, noise: 0 });
    expect(crossing(gate)).toEqual([
      ['kmalloc-1k', 100, '%'],
      ['kmalloc-8k', null, '%'], // up from nothing
      ['kmalloc-64', 6, '%'],
    ]);
  });

  test('the limit itself is not above the limit', () => {
    expect(judge('cache:kmalloc-64:live>+6%').crossed).toBe(0);
    expect(judge('cache:kmalloc-64:live>=+6%').crossed).toBe(1);
    expect(judge('cache:kmalloc-64:live<=+6%').crossed).toBe(0);
    expect(judge('cache:kmalloc-64:live<+6%').crossed).toBe(1);
  });

  test('the thresholds of verdicts do not hide it: 384 bytes are enough', () => {
    expect(judge('cache:kmalloc-64:live>+5%').crossed).toBe(1);
  });

  test('what did not change is matched and passes', () => {
    expect(judge('cache:dentry:live>+0%')).toMatchObject({ matched: 1, crossed: 0 });
  });
});

describe('values and changes', () => {
  test.each([
    ['site:bar:live<=20KiB', 0],
    ['site:bar:live<=19KiB', 1],
    ['site:bar:live<=20objects', 0],
    ['site:bar:live<=19objects', 1],
    ['site:bar:live>+9 objects', 1],
    ['site:bar:live>+10KiB', 0],
    ['site:bar:live>=+10KiB', 1],
    ['total:live>+18KiB', 1],
    ['total:live<=+19KiB', 0],
  ])('%s: %d rows cross', (spec, crossed) => {
    expect(judge(spec)).toMatchObject({ matched: 1, crossed });
  });

  test('a budget that must shrink is crossed by what stays', () => {
    expect(judge('cache:dentry:live<=-10%').crossed).toBe(1);
    expect(judge('cache:kmalloc-1k:live<=-10%', [grown], [base]).crossed).toBe(0);
  });
});

describe('names of sites', () => {
  test.each([
    ['site:bar:live>+1%', 1],
    ['site:bar+0x10:live>+1%', 1],
    ['site:bar+*:live>+1%', 1],
    ['site:* [mod]:live>+1%', 1],
    ['site:bar [mod]:live>+1%', 1],
    ['site:*:live>+1%', 4],
    ['site:ba:live>+1%', 0],
    ['cache:bar:live>+1%', 0],
  ])('%s matches %d', (spec, matched) => {
    expect(judge(spec).matched).toBe(matched);
  });
});

test('a gate that speaks of nothing matches no row', () => {
  expect(judge('cache:no-such-cache:live>+1%')).toMatchObject({ matched: 0, crossed: 0 });
  // No run knows slabs.
  expect(judge('total:slabs>+1')).toMatchObject({ matched: 0, crossed: 0 });
});

describe('repeated runs', () => {
  test('a change that is noise does not cross, and is said', () => {
    const gate = judge('cache:kmalloc-1k:live>+5%', [base, grown], [grown, base, grown]);
    expect(gate).toMatchObject({ matched: 1, crossed: 0, noise: 1 });
  });

  test('a change that is real does', () => {
    expect(judge('cache:kmalloc-1k:live>+5%', [base, base], [grown, grown]).crossed).toBe(1);
  });

  test('a value is judged by its median, noise or not', () => {
    expect(judge('cache:kmalloc-1k:live<=15KiB', [grown], [grown, base, grown]).crossed).toBe(1);
  });
});
