// SLUB's reports under a replay: the kernel's own text, line for line.

import { formatCount } from '../base/bytes-format.ts';
import type { Replay } from '../pipeline/replay-run.ts';
import { escapeText } from './escape.ts';

/** @param top reports, 0 for all; '' where there is none */
export function renderReports(replay: Replay, top: number): string {
  const { reports, reportsLeftOut, writesLeftOut } = replay;
  if (writesLeftOut > 0) {
    const rest = renderReports({ ...replay, writesLeftOut: 0 }, top);
    return `${rest}\n${formatCount(writesLeftOut)} recorded writes were not followed: they are into too many slabs.\n`;
  }
  const count = reports.length + reportsLeftOut;
  if (count === 0) return '';
  const shown = top === 0 ? reports : reports.slice(0, top);
  let text = `\nSLUB's debug checks would have reported ${formatCount(count)} error${count === 1 ? '' : 's'}:\n`;
  for (const report of shown) {
    text += `\n${report.text.split('\n').map(escapeText).join('\n')}\n`;
  }
  const more = count - shown.length;
  if (more === 0) return text;
  const advice = reports.length > shown.length ? ' (--top 0)' : '';
  return `${text}\n... ${formatCount(more)} more${advice}\n`;
}
