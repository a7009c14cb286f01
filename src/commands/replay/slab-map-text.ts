// `replay --at SECONDS --cache NAME` as text: a line per slab, a letter per object.

import { counted, formatCount } from '../../base/bytes-format.ts';
import { escapeText } from '../../render/escape.ts';
import { cutRows, moreRows } from '../../render/table.ts';
import type { MappedSlab, SlabMap } from '../../run/slab-map.ts';
import type { Replay } from './replay-run.ts';

const LEGEND = `  # allocated   . free, on the slab's own freelist   o free, held by a CPU
  below a slab: its free objects by number, the next to be handed out first
`;
/** Letters of one line; wider slabs go on below. */
const MAP_WIDTH = 64;
/** Columns of a freelist that is written out, its rest counted. */
const LIST_WIDTH = 48;

export function renderSlabMaps({ maps, at }: Replay, top: number): string {
  let text = `\nSlabs ${at === null ? 'at the end' : `at ${at} s`}\n${LEGEND}`;
  for (const map of maps) text += renderMap(map, top);
  return text;
}

function renderMap({ cache, slabs, objsPerSlab }: SlabMap, top: number): string {
  const shown = cutRows(slabs, top);
  let text = `\n${escapeText(cache)}: ${counted(slabs.length, 'slab')} of ${counted(objsPerSlab, 'object')}\n`;
  for (const slab of shown) text += renderSlab(slab);
  return text + moreRows(slabs.length, top);
}

function renderSlab(slab: MappedSlab): string {
  const head = `  ${slab.address}  ${placeOf(slab).padEnd(20)}`;
  const margin = ' '.repeat(head.length);
  let text = '';
  for (let from = 0; from < slab.map.length; from += MAP_WIDTH) {
    text += `${from === 0 ? head : margin}${slab.map.slice(from, from + MAP_WIDTH)}\n`;
  }
  const held = slab.held.map(({ object }) => object);
  if (held.length > 0) text += `${margin}held      ${chain(held)}\n`;
  if (slab.freelist.length > 0) text += `${margin}freelist  ${chain(slab.freelist)}\n`;
  return text;
}

function placeOf({ list, owner, place }: MappedSlab): string {
  switch (list) {
    case 'cpuSlab':
      return `CPU ${owner} slab`;
    case 'cpuPartial':
      return `CPU ${owner} partial ${place}`;
    case 'nodePartial':
      return `node ${owner} partial ${place}`;
    case 'full':
      return 'full';
  }
}

function chain(objects: readonly number[]): string {
  const whole = objects.join(' > ');
  if (whole.length <= LIST_WIDTH) return whole;
  const cut = whole.slice(0, whole.lastIndexOf(' > ', LIST_WIDTH - ' > and 999 more'.length));
  const more = objects.length - cut.split(' > ').length;
  return `${cut} > and ${formatCount(more)} more`;
}
