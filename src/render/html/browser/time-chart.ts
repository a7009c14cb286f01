// Live bytes over time, a band for each cache on top of the other, with marks for the peak and for
// findings. Drag to look closer, double-click for all of it.

import uPlot from 'uplot';
import { formatBytes } from '../../../base/bytes-format.ts';
import type { TimeChartData, TimeMarker } from '../page-data.ts';
import { element } from './elements.ts';
import { onThemeChange, resolveColor } from './theme.ts';

const HEIGHT = 340;
/** Powers of two, so that the axis has round numbers. */
const BYTE_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);
/** Colours of bands, distinct in both themes and to most colour-blind eyes; the last is for others. */
const COLORS = [
  '#4269d0',
  '#efb118',
  '#3ca951',
  '#ff725c',
  '#6cc5b0',
  '#a463f2',
  '#9c6b4e',
  '#ff8ab7',
  '#8e98a8',
] as const;
const MARKER_COLORS: Readonly<Record<TimeMarker['kind'], string>> = {
  peak: 'var(--text)',
  error: 'var(--bad)',
  warning: 'var(--warn)',
  note: 'var(--muted)',
};

export function drawTimeChart(place: HTMLElement, data: TimeChartData): void {
  const key = element('ul', '', 'key');
  const canvas = element('div');
  place.append(canvas, key, markerList(data));
  const values = data.bands.map(({ name }, i) => {
    const item = element('li', name);
    const color = element('i');
    color.style.background = colorOf(i, data);
    item.prepend(color);
    const value = element('b');
    item.append(value);
    key.append(item);
    return value;
  });
  const moment = element('li');
  key.prepend(moment);
  const show = (index: number | null | undefined): void => {
    const at = index ?? data.times.length - 1;
    const time = data.times[at] ?? 0;
    const total = data.bands.reduce((sum, { bytes }) => sum + (bytes[at] ?? 0), 0);
    moment.textContent = `${timeText(time, data)}: ${formatBytes(total)} live`;
    values.forEach((value, i) => {
      value.textContent = formatBytes(data.bands[i]?.bytes[at] ?? 0);
    });
  };
  show(null);
  let chart: uPlot | undefined;
  const draw = (): void => {
    chart?.destroy();
    chart = new uPlot(optionsOf(data, place.clientWidth, show), stack(data), canvas);
  };
  draw();
  onThemeChange(draw);
  addEventListener('resize', () => chart?.setSize({ width: place.clientWidth, height: HEIGHT }));
}

function optionsOf(
  data: TimeChartData,
  width: number,
  show: (index: number | null | undefined) => void,
): uPlot.Options {
  const axis = {
    stroke: resolveColor('var(--muted)'),
    grid: { stroke: resolveColor('var(--line)'), width: 1 },
    ticks: { stroke: resolveColor('var(--line)'), width: 1 },
    font: '12px system-ui, sans-serif',
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { show: false } },
    scales: { x: { time: false }, y: { range: (_, __, max) => [0, max * 1.08 || 1] } },
    axes: [
      {
        ...axis,
        space: 86,
        values: (_, splits, __, ___, step) => splits.map((time) => timeText(time, data, step)),
      },
      {
        ...axis,
        size: 74,
        incrs: BYTE_STEPS,
        values: (_, splits) => splits.map((bytes) => formatBytes(bytes)),
      },
    ],
    series: [
      {},
      // The whole stack first: each smaller sum is painted over it.
      ...data.bands.map((_, i) => {
        const color = colorOf(data.bands.length - 1 - i, data);
        return { stroke: color, fill: color, width: 0, points: { show: false }, paths: steps() };
      }),
    ],
    hooks: {
      setCursor: [(self) => show(self.cursor.idx)],
      draw: [(self) => drawMarkers(self, data.markers)],
    },
  };
}

/** A step holds until the next moment. */
function steps(): uPlot.Series.PathBuilder {
  const build = uPlot.paths.stepped;
  if (build === undefined) throw new Error('uPlot has no stepped paths');
  return build({ align: 1 });
}

/** Sums from the axis up, the largest first. */
function stack({ times, bands }: TimeChartData): uPlot.AlignedData {
  const sums: number[][] = [];
  let below: readonly number[] = times.map(() => 0);
  for (const { bytes } of bands) {
    const sum = below.map((value, i) => value + (bytes[i] ?? 0));
    sums.unshift(sum);
    below = sum;
  }
  return [[...times], ...sums];
}

function colorOf(band: number, { bands }: TimeChartData): string {
  const isLast = band === bands.length - 1 && bands.length === COLORS.length;
  return (isLast ? COLORS.at(-1) : COLORS[band]) ?? COLORS[0];
}

function drawMarkers({ ctx, bbox, valToPos }: uPlot, markers: readonly TimeMarker[]): void {
  ctx.save();
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  markers.forEach(({ time, kind }, i) => {
    const x = valToPos(time, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) return;
    const color = resolveColor(MARKER_COLORS[kind]);
    ctx.strokeStyle = color;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash(kind === 'peak' ? [5 * devicePixelRatio, 4 * devicePixelRatio] : []);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillStyle = color;
    const isRight = x > bbox.left + bbox.width * 0.95;
    ctx.textAlign = isRight ? 'right' : 'left';
    const label = kind === 'peak' ? 'peak' : String(i);
    ctx.fillText(
      label,
      x + (isRight ? -4 : 4) * devicePixelRatio,
      bbox.top + (12 + 13 * (i % 3)) * devicePixelRatio,
    );
  });
  ctx.restore();
}

function markerList({ markers }: TimeChartData): HTMLElement {
  const list = element('ul', '', 'key');
  markers.forEach(({ kind, text }, i) => {
    const item = element('li', kind === 'peak' ? text : `${i}  ${text}`);
    item.style.color = MARKER_COLORS[kind];
    list.append(item);
  });
  return list;
}

/** @param step how far moments must be apart to be distinguished */
function timeText(time: number, { isSeconds }: TimeChartData, step = 0.001): string {
  if (!isSeconds) return time.toLocaleString('en-US');
  return `${time.toFixed(decimalsOf(step))} s`;
}

/** Decimals that tell multiples of a step apart: 1 for 2.5, 3 for 0.005. */
function decimalsOf(step: number): number {
  let decimals = 0;
  while (
    decimals < 9 &&
    Math.abs(Math.round(step * 10 ** decimals) / 10 ** decimals - step) > step / 1e6
  ) {
    decimals++;
  }
  return decimals;
}
