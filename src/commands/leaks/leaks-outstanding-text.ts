// Live objects by site with their ages and growth, as text and CSV. They are never called leaks.

import type { Leaks } from '../../analysis/leaks/leaks-result.ts';
import type { OutstandingGroup } from '../../analysis/outstanding.ts';
import {
  counted,
  formatBytes,
  formatCount,
  formatPercent,
  formatRate,
} from '../../base/bytes-format.ts';
import { nothingText, runLine, trustFooter, wrapped } from '../../render/run-text.ts';
import { siteText } from '../../render/site-text.ts';
import {
  type Cell,
  type Column,
  cutRows,
  moreRows,
  renderCsv,
  renderTable,
} from '../../render/table.ts';
import { renderKernelOwners } from './kernel-owners-text.ts';

const AGES: readonly Column[] = [
  { title: '<1 s', name: 'age_1s', format: formatCount },
  { title: '<5 s', name: 'age_5s', format: formatCount },
  { title: '<30 s', name: 'age_30s', format: formatCount },
  { title: '<5 min', name: 'age_5min', format: formatCount },
  { title: 'older', format: formatCount },
];

/** @param ages which of AGES, by index */
function columnsFor(ages: readonly number[]): Column[] {
  return [
    { title: 'objects', format: formatCount },
    { title: 'bytes', name: 'bytes_alloc', format: formatCount },
    { title: 'allocated at', name: 'site' },
    { title: 'cache' },
    ...AGES.filter((_, i) => ages.includes(i)),
    { title: 'growth', name: 'growth_per_sec', format: formatRate },
    { title: 'steady', name: 'monotone_share', format: formatShareOf },
    { title: '', name: 'uncertain' },
  ];
}

function formatShareOf(share: number | bigint | null): string {
  return formatPercent(share === null ? null : Number(share) * 100, 0);
}

const ALL_AGES: readonly number[] = AGES.map((_, i) => i);

export function renderOutstanding(leaks: Leaks, top: number): string {
  const nothing = nothingText(leaks.run, leaks.completeness);
  if (nothing !== undefined) return nothing;
  const lasting = leaks.outstanding.filter((g) => !g.looksTemporary);
  const brief = leaks.outstanding.filter((g) => g.looksTemporary);
  const sum = (of: (g: OutstandingGroup) => number): number =>
    leaks.outstanding.reduce((total, g) => total + of(g), 0);
  const unknown = leaks.outstanding.filter((g) => !g.freesRecorded);
  const held = sum((g) => (g.freesRecorded ? g.objects : 0));
  const heldBytes = sum((g) => (g.freesRecorded ? g.bytesAlloc : 0));
  let text = runLine(leaks.run);
  if (held > 0 || unknown.length === 0) {
    text += wrapped(
      '',
      `${counted(held, 'object is', 'objects are')} outstanding at the end ` +
        `(${formatBytes(heldBytes)}). Which of them are in use, only a memory ` +
        'snapshot tells (--vmcore FILE).',
    );
  }
  if (unknown.length > 0) {
    const objects = sum((g) => g.objects) - held;
    text += wrapped(
      '',
      `${counted(objects, 'object was', 'objects were')} allocated, frees not recorded ` +
        `(${formatBytes(sum((g) => g.bytesAlloc) - heldBytes)}): nothing tells which are still held.`,
    );
  }
  text += leaks.notes.map((note) => wrapped('', note)).join('');
  const shown = cutRows(lasting, top);
  // A short trace has no old objects: such columns are left out.
  const ages = ALL_AGES.filter((i) => shown.some((g) => (g.ages?.[i] ?? 0) > 0));
  text += `\n${renderTable(
    columnsFor(ages),
    shown.map((g) => [...row(g, ages), remark(g)]),
  )}`;
  text += moreRows(lasting.length, top);
  if (shown.some((g) => remark(g) === '*')) {
    const hasLoss = leaks.completeness.lostEvents > 0;
    text += wrapped(
      '  * ',
      hasLoss
        ? 'some may be freed already, by lost events or without one; no growth is given where ' +
            'lost events may be all of it'
        : 'frees of this site leave no event at times: some may be freed already',
    );
  }
  if (brief.length > 0) {
    const objects = brief.reduce((total, g) => total + g.objects, 0);
    text += wrapped(
      '\nSet apart: ',
      `${counted(objects, 'object')} of ${counted(brief.length, 'site')} whose allocations ` +
        'are mostly freed at once',
    );
  }
  return text + renderKernelOwners(leaks, top) + trustFooter(leaks.completeness);
}

function remark({ freesRecorded, uncertain }: OutstandingGroup): string {
  if (!freesRecorded) return 'frees not recorded';
  return uncertain > 0 ? '*' : '';
}

export function renderOutstandingCsv(leaks: Leaks): string {
  return renderCsv(
    columnsFor(ALL_AGES),
    leaks.outstanding.map((g) => [...row(g, ALL_AGES), g.uncertain]),
  );
}

function row(group: OutstandingGroup, ages: readonly number[]): Cell[] {
  const place = siteText(group);
  return [
    group.objects,
    group.bytesAlloc,
    place,
    group.cache,
    ...ages.map((i) => group.ages?.[i] ?? null),
    group.growthPerSec,
    group.monotoneShare,
  ];
}
