// SLUB's reports under a replay: the kernel's own text, line for line.

import { counted, formatCount } from '../../base/bytes-format.ts';
import { escapeText } from '../../render/escape.ts';
import { labelled } from '../../render/run-text.ts';
import { cutRows } from '../../render/table.ts';
import type { Replay } from './replay-run.ts';

/** @param top reports, 0 for all; '' where there is none */
export function renderReports(replay: Replay, top: number): string {
  return reportsText(replay, top) + writesText(replay);
}

function writesText({ writesLeftOut, whatIf }: Replay): string {
  if (writesLeftOut === 0) return '';
  const why =
    whatIf === null
      ? 'they are into too many slabs'
      : 'with these flags the objects would be at other addresses than recorded';
  const were = writesLeftOut === 1 ? 'write was' : 'writes were';
  const text = `${formatCount(writesLeftOut)} recorded ${were} not judged: ${why}`;
  return `\n${labelled('note', text)}`;
}

function reportsText({ reports, reportsLeftOut }: Replay, top: number): string {
  const count = reports.length + reportsLeftOut;
  if (count === 0) return '';
  const shown = cutRows(reports, top);
  let text = `\nSLUB's debug checks would have reported ${counted(count, 'error')}:\n`;
  for (const report of shown) {
    text += `\n${report.text.split('\n').map(escapeText).join('\n')}\n`;
  }
  const more = count - shown.length;
  if (more === 0) return text;
  const advice = reports.length > shown.length ? ' (--top 0)' : '';
  return `${text}\n... ${formatCount(more)} more${advice}\n`;
}
