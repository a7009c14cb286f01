// `history` as text: who had an address, when, and who was beside it.

import type { HistoryEvent, ObjectOwner } from '../../analysis/owners.ts';
import { counted, formatBytes } from '../../base/bytes-format.ts';
import { inModule } from '../../kernel/symbols/in-module.ts';
import { escapeText } from '../../render/escape.ts';
import { labelled, moment, runLine, trustFooter, wrapped } from '../../render/run-text.ts';
import { type Cell, type Column, cutRows, moreRows, renderTable } from '../../render/table.ts';
import type { Candidates } from './candidates.ts';
import type { AddressHistory, HistoryOwner, Neighbour } from './history.ts';
import type { History, ReportHistories, ReportHistory } from './history-run.ts';

/** @param top owners that are listed, the last ones; 0 for all */
export function renderHistory(history: History, top: number): string {
  const { owners, ownersLeftOut, run, completeness } = history;
  const all = counted(owners.length + ownersLeftOut, 'owner');
  const count = ownersLeftOut === 0 ? all : `${owners.length} of ${all}`;
  const head = `${runLine(run)}\n${history.address}: ${count}\n`;
  if (owners.length === 0 && ownersLeftOut === 0) {
    return head + nothingHere(history, top) + trustFooter(completeness);
  }
  const shown = top === 0 ? owners : owners.slice(-top);
  const left = owners.length - shown.length;
  return (
    head +
    (left > 0
      ? `  ${counted(left, 'earlier one is', 'earlier ones are')} left out (--top 0)\n`
      : '') +
    (shown.length === 0 ? '' : `\n${renderTable(OWNER_COLUMNS, shown.flatMap(ownerRows))}`) +
    stackLines(shown.at(-1)) +
    holderLine(history) +
    neighbourTable(history.neighbours, 'In the same slab', top) +
    pageTable(history, top) +
    trustFooter(completeness)
  );
}

/** Of an address that the trace does not have: what is near it. */
function nothingHere({ neighbours, pages, liveRange }: History, top: number): string {
  const none = '  No object at this address is in the trace.';
  if (neighbours.length > 0 || pages.length > 0) {
    return `${none}\n${neighbourTable(neighbours, 'Nearest objects', top)}${pageTable({ pages }, top)}`;
  }
  const where =
    liveRange === null
      ? ''
      : `, and none near it: what is live at the end is from ${liveRange.low} to ${liveRange.high}`;
  return wrapped('  ', `${none.trim().replace(/\.$/, '')}${where}.`);
}

/** @param top reports that are shown, 0 for all */
export function renderReportHistories(found: ReportHistories, top: number): string {
  const shown = cutRows(found.reports, top);
  const more = moreRows(found.reports.length, top);
  const others = Object.entries(found.otherReports).map(([tool, count]) => `${count} of ${tool}`);
  const besides =
    others.length === 0
      ? ''
      : `; besides ${others.join(', ')}, which are not about a slab's objects`;
  return (
    `${runLine(found.run)}\n${counted(found.reports.length, 'report')} in the log${besides}\n` +
    shown.map(reportText).join('') +
    (more === '' ? '' : `\n${more}`) +
    trustFooter(found.completeness)
  );
}

function reportText(history: ReportHistory): string {
  const { report, note, verdict, candidates } = history;
  const when = report.atSec === null ? '' : ` at ${report.atSec.toFixed(3)} s`;
  // Some titles have them.
  const unsaid = (word: string | null): word is string =>
    word !== null && !report.title.includes(word);
  const cache = unsaid(report.cache) ? ` in ${report.cache}` : '';
  const address = unsaid(report.address) ? `, ${report.address}` : '';
  return (
    `\n${escapeText(`${report.tool}: ${report.title}${cache}${address}${when}`)}\n` +
    labelled('verdict', escapeText(verdict)) +
    (candidates === null ? ownerPart(history) : candidatePart(candidates)) +
    (note === null ? '' : labelled('note', note))
  );
}

/** Who had the object, and who the places beside it. */
function ownerPart(history: ReportHistory): string {
  const { lastOwner, secondFree, objects, owners, report, neighbours } = history;
  if (objects.length > 1) return objectTable(objects);
  if (lastOwner === null) {
    if (owners.length > 0) return labelled('trace', 'this object has owners later only');
    const isSearched = report.address !== null && history.note === null;
    return isSearched ? labelled('trace', 'no event of this object') : '';
  }
  const again: Cell[][] =
    secondFree === null ? [] : [['  freed again', ...eventCells(secondFree), '', '']];
  const suspects = neighbours.filter(({ isNext }) => isNext);
  return renderTable(
    OWNER_COLUMNS,
    [...ownerRows({ ...lastOwner, offset: 0 }), ...again, ...suspects.flatMap(neighbourRows)],
    { indent: 2 },
  );
}

/** The objects that a report without a known address can be about. */
function candidatePart({ count, by, owners }: Candidates): string {
  const last = count > owners.length ? `, the last ${owners.length} before the report are` : '';
  const found = `${counted(count, 'object')} of the trace ${count === 1 ? 'fits' : 'fit'}${last}`;
  const what = count === 0 ? 'no object of the trace fits' : found;
  return (
    labelled('narrowed', `by ${by.join(', ')}: ${what}`) +
    renderTable(
      OWNER_COLUMNS,
      owners.flatMap((owner) => lifeRows(owner, owner.address, '')),
      { indent: 2 },
    )
  );
}

/** All objects that one report lists, each with its owner. */
function objectTable(objects: ReportHistory['objects']): string {
  const rows = objects.flatMap(({ address, allocatedIn, lastOwner }): Cell[][] => {
    if (lastOwner !== null) return lifeRows(lastOwner, address, '');
    const where = allocatedIn === null ? '' : `${allocatedIn}, by the log`;
    return [[address, 'no event', '', '', where, '', '']];
  });
  return renderTable(OWNER_COLUMNS, rows, { indent: 2 });
}

const OWNER_COLUMNS: readonly Column[] = [
  { title: '' },
  { title: 'time', align: 'right' },
  { title: 'CPU', align: 'right' },
  { title: 'task' },
  { title: 'call site' },
  { title: 'size', align: 'right' },
  { title: 'cache' },
];

function ownerRows(owner: HistoryOwner): Cell[][] {
  return lifeRows(owner, 'allocated', owner.offset === 0 ? '' : `byte ${owner.offset} of it`);
}

function neighbourRows(neighbour: Neighbour): Cell[][] {
  const side = neighbour.distance < 0 ? 'before' : 'behind';
  return lifeRows(neighbour, `${side} it`, '');
}

function lifeRows(owner: ObjectOwner, what: string, remark: string): Cell[][] {
  const size = owner.bytesReq === null ? '' : String(owner.bytesReq);
  const cache = [owner.cache ?? '?', remark].filter((part) => part !== '').join(', ');
  const alloc =
    owner.alloc === null
      ? [what, 'unseen', '', '', '', '', cache]
      : [what, ...eventCells(owner.alloc), size, cache];
  if (owner.free !== null) return [alloc, ['  freed', ...eventCells(owner.free), '', '']];
  return owner.freedUnseen ? [alloc, ['  freed', 'unseen', '', '', '', '', '']] : [alloc];
}

function eventCells({ atNs, cpu, comm, pid, symbol, module, site }: HistoryEvent): Cell[] {
  const place = symbol ?? site ?? '?';
  const named = inModule(place, module);
  return [moment(atNs, 6), String(cpu), `${comm}-${pid}`, named];
}

function stackLines(owner: HistoryOwner | undefined): string {
  const stack = owner?.alloc?.stack ?? null;
  if (stack === null) return '';
  return `\nStack of the last allocation\n${stack.map((frame) => `  ${escapeText(frame)}\n`).join('')}`;
}

function holderLine({ holder, atNs }: AddressHistory): string {
  const when = atNs === null ? 'at the end' : `at ${moment(atNs, 6)}`;
  const who = holder === null ? 'nobody, as far as the events tell' : nameOf(holder);
  return `\n${labelled('held', `${when} by ${who}`)}`;
}

function nameOf({ alloc, cache }: ObjectOwner): string {
  if (alloc === null) return `an object of ${cache ?? 'an unknown cache'} from before the trace`;
  return escapeText(`${alloc.comm}-${alloc.pid}, from ${alloc.symbol ?? alloc.site ?? '?'}`);
}

const NEIGHBOUR_COLUMNS: readonly Column[] = [
  { title: 'distance', align: 'right' },
  { title: '' },
  { title: 'allocated', align: 'right' },
  { title: 'task' },
  { title: 'call site' },
  { title: '' },
];

/** @param top of those that are nearest */
function neighbourTable(neighbours: readonly Neighbour[], title: string, top: number): string {
  if (neighbours.length === 0) return '';
  const nearest = [...neighbours].sort((a, b) => Math.abs(a.distance) - Math.abs(b.distance));
  const shown = new Set(cutRows(nearest, top));
  const rows = neighbours
    .filter((n) => shown.has(n))
    .map((n): Cell[] => {
      const [at, , task, site] = n.alloc === null ? ['unseen', '', '', ''] : eventCells(n.alloc);
      const distance = n.distance > 0 ? `+${n.distance}` : String(n.distance);
      const state = n.isLive ? 'live' : 'freed';
      return [
        n.address,
        distance,
        state,
        at ?? '',
        task ?? '',
        site ?? '',
        n.isNext ? 'next to it' : '',
      ];
    });
  return `\n${renderTable([{ title }, ...NEIGHBOUR_COLUMNS], rows)}${moreRows(neighbours.length, top)}`;
}

/** @param top of the last ones */
function pageTable({ pages }: Pick<AddressHistory, 'pages'>, top: number): string {
  if (pages.length === 0) return '';
  const shown = top === 0 ? pages : pages.slice(-top);
  const rows = shown.map(({ atNs, event, address, bytes }): Cell[] => [
    moment(atNs, 6),
    event,
    address,
    formatBytes(bytes),
  ]);
  const columns = [{ title: 'Its page' }, { title: '' }, { title: '' }, { title: '' }];
  return `\n${renderTable(columns, rows)}${moreRows(pages.length, top)}`;
}
