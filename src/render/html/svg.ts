// Parts of figures that are drawn here and not in the browser, so that they need no script.

import { html, type Markup } from './markup.ts';

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Markup of a length or place: a tenth of a pixel is exact enough. */
export const px = (value: number): string => String(Math.round(value * 10) / 10);

export function rect({ x, y, width, height }: Rect, className: string): Markup {
  return html`<rect class="${className}" x="${px(x)}" y="${px(y)}" width="${px(width)}" height="${px(height)}"/>`;
}

export function label(
  x: number,
  y: number,
  text: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
  className = 'muted',
): Markup {
  return html`<text class="${className}" x="${px(x)}" y="${px(y)}" text-anchor="${anchor}">${text}</text>`;
}

/** A round number of steps from 0 to `max`, at most `most` of them: 0, 20, 40 … */
export function ticks(max: number, base: 2 | 10, most: number): number[] {
  if (max <= 0) return [0];
  let step = 1;
  const factors = base === 2 ? [2] : [2, 2.5, 2];
  for (let i = 0; max / step > most; i++) step *= factors[i % factors.length] ?? 2;
  const values: number[] = [];
  for (let value = 0; value <= max; value += step) values.push(value);
  return values;
}

export function figure(svg: Markup, caption = ''): Markup {
  return html`<figure>${svg}${caption !== '' && html`<figcaption>${caption}</figcaption>`}</figure>\n`;
}
