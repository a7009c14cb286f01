// What kmalloc is asked for against its classes: each class as wide as the next, bars where in it
// requests are. Upwards what was requested, downwards, on a scale of its own, what rounding adds.

import { counted, formatBytes, formatShare } from '../../../base/bytes-format.ts';
import { html, type Markup } from '../../../render/html/markup.ts';
import { figure, label, px, rect, ticks } from '../../../render/html/svg.ts';
import type { SizeClass, SizePart, SizeSum } from '../size-histogram.ts';

const WIDTH = 1200;
const LEFT = 82;
const TOP = 14;
/** Heights of the bars upwards, of the names between, of the bars downwards. */
const UP = 130;
const NAMES = 26;
const DOWN = 90;
const HEIGHT = TOP + UP + NAMES + DOWN + 26;

export function renderSizeFigures(classes: readonly SizeClass[]): Markup {
  const live = renderSizes(classes, ({ live: sum }) => sum);
  return html`<h3>Live at the end</h3>
${live ?? html`<p>Nothing of kmalloc is live at the end.</p>`}<h3>Allocated over the whole recording</h3>
${renderSizes(classes, ({ allocs }) => allocs)}`;
}

function renderSizes(
  classes: readonly SizeClass[],
  of: (part: SizePart) => SizeSum,
): Markup | null {
  const parts = classes.flatMap((served) => served.parts.map(of));
  const mostRequested = Math.max(...parts.map(({ requested }) => requested));
  const mostRounding = Math.max(...parts.map(({ rounding }) => rounding), 1);
  if (mostRequested === 0) return null;
  const step = (WIDTH - LEFT) / classes.length;
  const upper = { y: TOP + UP, scale: -UP / mostRequested };
  const lower = { y: TOP + UP + NAMES, scale: DOWN / mostRounding };
  const grid = (max: number, most: number, { y, scale }: typeof upper): Markup[] =>
    ticks(max, 2, most).map((value) => {
      const at = y + value * scale;
      return html`<line class="axis" x1="${LEFT}" x2="${WIDTH}" y1="${px(at)}" y2="${px(at)}"/>${label(LEFT - 8, at + 4, formatBytes(value), 'end')}`;
    });
  const columns = classes.map((served, i) => {
    const x = LEFT + i * step;
    const width = step / served.parts.length;
    const bars = served.parts.map((part, j) => {
      const { objects, requested, rounding } = of(part);
      if (objects === 0) return null;
      const place = { x: x + j * width + 0.5, width: width - 1 };
      const up = Math.max(0.8, -requested * upper.scale);
      return html`<g><title>${titleOf(served, part, of(part))}</title>${rect({ ...place, y: upper.y - up, height: up }, 'used')}${rect({ ...place, y: lower.y, height: rounding * lower.scale }, 'waste')}</g>`;
    });
    const sum = (key: 'requested' | 'rounding'): number =>
      served.parts.reduce((total, part) => total + of(part)[key], 0);
    const share = formatShare(sum('rounding'), sum('requested') + sum('rounding'), 0);
    const middle = x + step / 2;
    return html`<line class="axis" x1="${px(x + step)}" x2="${px(x + step)}" y1="${TOP}" y2="${lower.y + DOWN}"/>${bars}
${label(middle, upper.y + 18, sizeText(served), 'middle', '')}${share !== '-' && label(middle, HEIGHT - 6, share, 'middle')}`;
  });
  return figure(
    html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Bytes by requested size">${grid(mostRequested, 4, upper)}${grid(mostRounding, 3, lower)}${columns}${label(0, upper.y + 18, 'class', 'start', '')}${label(0, HEIGHT - 6, 'rounding')}</svg>`,
  );
}

/** `kmalloc-64` as `64`, pages in KB. */
function sizeText({ size }: SizeClass): string {
  return size < 1024 ? String(size) : formatBytes(size).replace('.0', '');
}

function titleOf({ size, isClass }: SizeClass, { commonest }: SizePart, sum: SizeSum): string {
  const where = isClass ? `class ${size}` : `${formatBytes(size)} of pages`;
  const { objects, requested, rounding } = sum;
  return (
    `${where}, mostly ${counted(commonest, 'byte')}: ${counted(objects, 'object')}, ` +
    `${formatBytes(requested)} requested, ${formatBytes(rounding)} added by rounding`
  );
}
