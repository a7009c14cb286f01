import { expect, test } from 'vitest';
import { buildCacheCurves, type CacheCurves } from '../../../src/analysis/cache-curves.ts';
import { LiveCurve } from '../../../src/pairing/live-curve.ts';
import { ORIGIN, resolve } from '../../helpers/tracked.ts';

function curvesOf(lines: string): CacheCurves['curves'] {
  const curves: LiveCurve[] = [];
  const { run } = resolve(lines, {
    batchSize: 3,
    extra: ({ calls }) => {
      const curve = new LiveCurve(calls);
      curves.push(curve);
      return [curve];
    },
  });
  return buildCacheCurves(run, curves[0]?.samples ?? [], ORIGIN).curves;
}

test('a curve for each cache, points where it changed, the largest first', () => {
  const lines = `
    @100 alloc kmalloc-64 A 40 by=one+0x1
    @200 alloc dentry D 192 by=d_alloc+0x8 name=dentry
    @300 alloc kmalloc-64 B 40 by=two+0x1
    @400 free A
    @500 free B
  `;
  expect(curvesOf(lines)).toEqual([
    { cache: 'dentry', points: [{ time: 200n, bytes: 192 }] },
    {
      cache: 'kmalloc-64',
      points: [
        { time: 100n, bytes: 64 },
        { time: 300n, bytes: 128 },
        { time: 400n, bytes: 64 },
        { time: 500n, bytes: 0 },
      ],
    },
  ]);
});

test('an object that was freed without an event leaves when its address is used again', () => {
  const [curve] = curvesOf(`
    @100 alloc kmalloc-64 A 40 by=one+0x1
    @200 alloc kmalloc-64 A 40 by=two+0x1`);
  expect(curve?.points).toEqual([{ time: 100n, bytes: 64 }]);
});

test('a long trace is thinned out to evenly spread moments, its end is kept', () => {
  const lines = Array.from({ length: 5000 }, (_, i) => `alloc kmalloc-64 X${i} 40 by=leak+0x1`);
  const points = curvesOf(lines.join('\n'))[0]?.points ?? [];
  expect(points.length).toBeGreaterThan(500);
  expect(points.length).toBeLessThanOrEqual(1025);
  expect(points.at(-1)).toEqual({ time: 5_000_000n, bytes: 5000 * 64 });
  const gaps = points.slice(1, -1).map(({ bytes }, i) => bytes - (points[i]?.bytes ?? 0));
  expect(new Set(gaps).size).toBe(1);
});
