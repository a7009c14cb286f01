// A list of kmemleak's by itself, as text and CSV.

import type { KmemleakGroup, KmemleakList } from '../../analysis/leaks/kmemleak-groups.ts';
import { counted, formatBytes, formatCount, formatSeconds } from '../../base/bytes-format.ts';
import { kmemleakCaller } from '../../kernel/checks/kmemleak-list.ts';
import { escapeText } from '../../render/escape.ts';
import {
  type Cell,
  type Column,
  cutRows,
  moreRows,
  renderCsv,
  renderTable,
} from '../../render/table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'objects', format: formatCount },
  { title: 'bytes', format: formatCount },
  { title: 'oldest', name: 'oldest_sec', format: formatSeconds },
  { title: 'youngest', name: 'youngest_sec', format: formatSeconds },
  { title: 'allocated at', name: 'site' },
  { title: 'task' },
  { title: 'example' },
];

const cellsOf = (group: KmemleakGroup): Cell[] => [
  group.objects,
  group.bytes,
  group.oldestSec,
  group.youngestSec,
  kmemleakCaller(group.stack),
  group.tasks[0] ?? null,
  group.example,
];

export function renderKmemleakList({ source, groups, objects }: KmemleakList, top: number): string {
  const bytes = groups.reduce((sum, group) => sum + group.bytes, 0);
  const rows = cutRows(groups, top);
  const heading =
    `${escapeText(source)}   kmemleak's list: ${counted(objects.length, 'object')}, ` +
    `${formatBytes(bytes)}, from ${counted(groups.length, 'stack')}\n\n`;
  const table = renderTable(COLUMNS, rows.map(cellsOf));
  const stacks = rows.map(
    (group) =>
      `\n${counted(group.objects, 'object')} of ${group.example}\n` +
      group.stack.map((frame) => `  ${escapeText(frame)}\n`).join(''),
  );
  return heading + table + moreRows(groups.length, top) + stacks.join('');
}

export function renderKmemleakListCsv({ groups }: KmemleakList): string {
  return renderCsv(COLUMNS, groups.map(cellsOf));
}
