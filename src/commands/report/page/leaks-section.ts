// What a reference scan over the run's memory snapshot found: objects that nothing refers to, by call
// site and stack.

import type { LeakGroup } from '../../../analysis/leaks/leaks-result.ts';
import { counted, formatBytes, formatCount, formatSeconds } from '../../../base/bytes-format.ts';
import { renderDataTable } from '../../../render/html/data-table.ts';
import { html, type Markup } from '../../../render/html/markup.ts';
import { siteText } from '../../../render/site-text.ts';
import type { ReportData } from '../report-run.ts';
import { stackDetails } from './report-tables.ts';

const MOST_GROUPS = 200;

export function renderLeaks(leaks: NonNullable<ReportData['leaks']>): Markup {
  if (typeof leaks === 'string') {
    return html`<p>The memory snapshot of this run could not be scanned: ${leaks}</p>`;
  }
  const { candidates, groups, scan, minAgeSec } = leaks;
  const bytes = candidates.reduce((sum, { size }) => sum + size, 0);
  return html`<p>In the memory snapshot of this run ${formatCount(candidates.length)} of ${counted(scan?.objects ?? 0, 'object')} are referenced from nowhere and older than ${minAgeSec} seconds: ${formatBytes(bytes)}. They were looked for as kmemleak does it. <code>slabreplay leaks</code> tells more of each.</p>
${groups.length > 0 && renderGroups(groups)}`;
}

function renderGroups(groups: readonly LeakGroup[]): Markup {
  return renderDataTable<LeakGroup>({
    id: 'leaks-table',
    what: 'group',
    most: MOST_GROUPS,
    rows: groups,
    columns: [
      { title: 'allocated at', value: (group) => siteText(group), isCode: true },
      { title: 'cache', value: ({ caches }) => caches.join(', '), isCode: true },
      { title: 'objects', value: ({ objects }) => objects, format: formatCount, isSum: true },
      {
        title: 'bytes',
        value: ({ bytes }) => bytes,
        format: formatBytes,
        hasBars: true,
        isSum: true,
      },
      { title: 'oldest', value: ({ oldestSec }) => oldestSec, format: formatSeconds },
      { title: 'tasks', value: ({ tasks }) => tasks.slice(0, 3).join(', '), isCode: true },
      { title: 'example', value: ({ example }) => example, isCode: true },
    ],
    details: ({ stack }) => stackDetails(stack),
  });
}
