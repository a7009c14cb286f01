// How long objects lived: a bar for each power of two, and below it a row for each cache that frees
// much, stronger where more of its objects died.

import { counted, formatCount, formatDuration, formatShare } from '../../../base/bytes-format.ts';
import { html, type Markup } from '../../../render/html/markup.ts';
import { figure, label, px, rect, ticks } from '../../../render/html/svg.ts';
import type { LifetimeHistogram, Lifetimes } from '../lifetime-histogram.ts';

const WIDTH = 1200;
const LEFT = 210;
const RIGHT = 90;
const TOP = 14;
const BARS = 170;
const ROW = 18;
/** Marks on the axis: nanoseconds. */
const MARKS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13] as const;

export function renderLifetimes({ total, caches }: LifetimeHistogram): Markup {
  const used = total.buckets.map((count, i) => ({ count, i })).filter(({ count }) => count > 0);
  const first = used[0]?.i ?? 0;
  const last = used.at(-1)?.i ?? 0;
  const step = (WIDTH - LEFT - RIGHT) / (last - first + 1);
  const x = (bucket: number): number => LEFT + (bucket - first) * step;
  const most = Math.max(...total.buckets);
  const floor = TOP + BARS;
  const scale = BARS / most;
  const grid = ticks(most, 10, 5).map((value) => {
    const y = floor - value * scale;
    return html`<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${px(y)}" y2="${px(y)}"/>${label(LEFT - 8, y + 4, formatCount(value), 'end')}`;
  });
  const bars = used.map(
    ({ count, i }) =>
      html`<g><title>${titleOf(total, i)}</title>${rect({ x: x(i) + 1, y: floor - count * scale, width: step - 2, height: Math.max(count * scale, 0.6) }, 'used')}</g>`,
  );
  const marks = MARKS.filter((ns) => Math.log2(ns) >= first && Math.log2(ns) <= last + 1).map(
    (ns) => {
      const at = x(Math.log2(ns));
      return html`<line class="axis" x1="${px(at)}" x2="${px(at)}" y1="${floor}" y2="${floor + 5}"/>${label(at, floor + 18, formatDuration(ns).replace('.0', ''), 'middle')}`;
    },
  );
  const top = floor + 34;
  const rows = caches.map((cache, row) => {
    const y = top + row * ROW;
    const cells = cache.buckets.map((count, i) =>
      count === 0
        ? null
        : html`<rect class="used" x="${px(x(i) + 1)}" y="${y}" width="${px(step - 2)}" height="${ROW - 2}" fill-opacity="${Math.max(0.06, Math.sqrt(count / cache.frees)).toFixed(2)}"><title>${titleOf(cache, i)}</title></rect>`,
    );
    return html`${label(LEFT - 8, y + 12, cache.cache ?? '?', 'end', '')}${cells}${label(WIDTH, y + 12, formatCount(cache.frees), 'end')}`;
  });
  const height = top + caches.length * ROW + 4;
  return figure(
    html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Lifetimes of freed objects">${grid}${bars}${marks}${label(WIDTH, top - 8, 'freed', 'end')}${rows}</svg>`,
    'Objects whose allocation and free were both seen, by how long they lived. Below, the caches that free most: each row by itself, stronger where more of its objects died. What is still live is in no bar.',
  );
}

function titleOf({ cache, buckets, frees }: Lifetimes, bucket: number): string {
  const count = buckets[bucket] ?? 0;
  const name = cache === null ? '' : `${cache}: `;
  const from = formatDuration(2 ** bucket);
  return `${name}${counted(count, 'object')} (${formatShare(count, frees)}) lived ${from} to ${formatDuration(2 ** (bucket + 1))}`;
}
