// The slabs of a cache as rows of slots, coloured by what is in them; the line above tells of the slot
// under the pointer.

import type { SlabMapData } from '../page-data.ts';
import { choice, element } from './elements.ts';
import { onThemeChange, resolveColor } from './theme.ts';

const ROW_HEIGHT = 11;
const LABEL_WIDTH = 186;
const MAX_CELL = 12;
const GAP = 28;

/** By letter, in the order of the key. */
const STATES: Readonly<Record<string, { readonly color: string; readonly text: string }>> = {
  '.': { color: 'light-dark(#e9edf2, #2a303a)', text: 'free' },
  o: { color: 'light-dark(#b9c6d6, #4a5566)', text: 'free, in the hands of a CPU' },
  n: { color: 'light-dark(#7fb069, #8fcf73)', text: 'live, from the second half of the recording' },
  l: { color: 'light-dark(#2e6cc4, #6ba4f5)', text: 'live since the first half' },
  w: { color: 'light-dark(#d13b3b, #ff6b6b)', text: 'referenced from nowhere: a leak candidate' },
  u: { color: 'light-dark(#e5a823, #f0bb4a)', text: 'live or freed without an event' },
  p: {
    color: 'light-dark(#8d7fb5, #a596d6)',
    text: 'allocated before the recording or without an event',
  },
};

export function drawSlabMaps(place: HTMLElement, maps: readonly SlabMapData[]): void {
  const [first] = maps;
  if (first === undefined) return;
  const tools = element('div', '', 'tools');
  const summary = element('output');
  const info = element('p', 'Point at a slot.', 'info');
  const scroll = element('div', '', 'scroll');
  const canvas = element('canvas');
  scroll.append(canvas);
  let map = first;
  let layout = layOut(map, 1);
  const draw = (): void => {
    layout = layOut(map, scroll.clientWidth - 18);
    summary.textContent = map.summary;
    paint(canvas, map, layout);
  };
  tools.append(
    choice(
      'Cache',
      maps.map(({ cache }) => cache),
      (i) => {
        map = maps[i] ?? first;
        draw();
      },
    ),
    summary,
  );
  place.append(tools, key(maps), info, scroll);
  canvas.addEventListener('mousemove', ({ offsetX, offsetY }) => {
    info.textContent = slotText(map, layout, offsetX, offsetY);
  });
  draw();
  onThemeChange(draw);
  addEventListener('resize', draw);
}

/** Slabs one under the other, in as many columns as fit. */
interface Layout {
  readonly cell: number;
  readonly columnWidth: number;
  readonly columns: number;
  readonly perColumn: number;
}

function layOut({ rows }: SlabMapData, width: number): Layout {
  const slots = rows.reduce((most, row) => Math.max(most, row.slots.length), 1);
  const cell = Math.max(2, Math.min(MAX_CELL, Math.floor((width - LABEL_WIDTH) / slots)));
  const columnWidth = LABEL_WIDTH + slots * cell + GAP;
  const columns = Math.max(1, Math.floor((width + GAP) / columnWidth));
  return { cell, columnWidth, columns, perColumn: Math.ceil(rows.length / columns) };
}

function paint(canvas: HTMLCanvasElement, { rows }: SlabMapData, layout: Layout): void {
  const { cell, columnWidth, columns, perColumn } = layout;
  const width = columns * columnWidth;
  const height = perColumn * ROW_HEIGHT;
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.scale(devicePixelRatio, devicePixelRatio);
  context.font = '10px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace';
  context.textBaseline = 'middle';
  const colors = new Map(
    Object.entries(STATES).map(([letter, { color }]) => [letter, resolveColor(color)]),
  );
  const text = resolveColor('var(--muted)');
  const gap = cell > 3 ? 1 : 0;
  rows.forEach(({ address, list, slots }, i) => {
    const x = Math.floor(i / perColumn) * columnWidth;
    const y = (i % perColumn) * ROW_HEIGHT;
    context.fillStyle = text;
    context.fillText(`${address} ${list}`, x, y + ROW_HEIGHT / 2, LABEL_WIDTH - 6);
    for (let slot = 0; slot < slots.length; slot++) {
      context.fillStyle = colors.get(slots[slot] ?? '') ?? text;
      context.fillRect(x + LABEL_WIDTH + slot * cell, y, cell - gap, ROW_HEIGHT - 1);
    }
  });
}

function slotText(map: SlabMapData, layout: Layout, x: number, y: number): string {
  const { cell, columnWidth, perColumn } = layout;
  const column = Math.floor(x / columnWidth);
  const row = map.rows[column * perColumn + Math.floor(y / ROW_HEIGHT)];
  const slot = Math.floor((x - column * columnWidth - LABEL_WIDTH) / cell);
  if (row === undefined || slot < 0 || slot >= row.slots.length) return 'Point at a slot.';
  const address = (BigInt(row.address) + BigInt(slot * map.slabSize)).toString(16);
  const state = STATES[row.slots[slot] ?? '']?.text ?? '';
  const owner = map.sites[row.owners[slot] ?? -1];
  const by = owner === undefined ? '' : `, allocated at ${owner}`;
  return `slab ${row.address} (${row.list}), slot ${slot} at 0x${address}: ${state}${by}`;
}

/** The states that occur. */
function key(maps: readonly SlabMapData[]): HTMLElement {
  const list = element('ul', '', 'key');
  const letters = new Set(maps.flatMap(({ rows }) => rows.flatMap(({ slots }) => [...slots])));
  for (const [letter, { color, text }] of Object.entries(STATES)) {
    if (!letters.has(letter)) continue;
    const item = element('li', text);
    const square = element('i');
    square.style.background = color;
    item.prepend(square);
    list.append(item);
  }
  return list;
}
