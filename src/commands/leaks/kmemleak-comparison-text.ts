// What is reported here beside the kernel's own list, as text and CSV.

import {
  type ComparedObject,
  type KmemleakComparison,
  type KmemleakReason,
  REASON_SENTENCES,
} from '../../analysis/leaks/kmemleak-comparison.ts';
import { counted, formatBytes, formatCount, formatSeconds } from '../../base/bytes-format.ts';
import { groupBy } from '../../base/keyed.ts';
import { kmemleakCaller } from '../../kernel/checks/kmemleak-list.ts';
import { shellWord } from '../../render/escape.ts';
import { doubts, labelled, runLine, wrapped } from '../../render/run-text.ts';
import { siteText } from '../../render/site-text.ts';
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
  { title: 'allocated at' },
  { title: 'task' },
  { title: 'example' },
];
const WITH_REASON: readonly Column[] = [...COLUMNS, { title: 'why' }];

/** @param source as the user named it */
export function renderComparison(
  comparison: KmemleakComparison,
  top: number,
  source: string,
): string {
  const { list, method, objects, notes, completeness } = comparison;
  const { both, onlyKernel, onlyHere } = comparison;
  const here =
    method === 'reference-scan'
      ? `the scan reports ${formatCount(both + onlyHere)}`
      : `${counted(both + onlyHere, 'object is', 'objects are')} outstanding here`;
  const how =
    comparison.matchedBy === 'address'
      ? 'Matched by address.'
      : 'No object of the list is known by its address (pointers are hashed, or it is of another ' +
        'boot): objects of one site and size are taken as the same.';
  let text = runLine(comparison.run);
  text += wrapped(
    '',
    `${list}: kmemleak lists ${counted(both + onlyKernel, 'object')}, ${here}; ` +
      `${formatCount(both)} in both, ${formatCount(onlyKernel)} only in the kernel's list, ` +
      `${formatCount(onlyHere)} only here. ${how}`,
  );
  const of = (found: ComparedObject['found']): ComparedObject[] =>
    objects.filter((object) => object.found === found);
  text += section("Only in the kernel's list", of('kernel'), WITH_REASON, top);
  text += section('Only here', of('here'), WITH_REASON, top);
  if (method === 'outstanding' && onlyHere > 0) {
    text += `\n${wrapped('', ONLY_OUTSTANDING)}`;
  }
  text += section('In both', of('both'), COLUMNS, top);
  const lines = [...notes, ...doubts(completeness)].map((note) => labelled('note', note));
  if (lines.length > 0) text += `\n${lines.join('')}`;
  const held = objects.find(({ reason }) => reason === 'referenced');
  if (held?.kernel === null || held === undefined) return text;
  const asked = `slabreplay leaks ${shellWord(source)} --who-points-to ${held.kernel.address}`;
  return `${text}\nNext:  ${asked}\n`;
}

const ONLY_OUTSTANDING =
  'What is only here is live, and something referred to it when the kernel looked, or it was younger ' +
  'than 5 s: objects that are in use. A snapshot (--vmcore FILE) tells them apart.';

/** Objects of one site and reason as a row, and what the reasons mean. */
function section(
  title: string,
  objects: readonly ComparedObject[],
  columns: readonly Column[],
  top: number,
): string {
  if (objects.length === 0) return '';
  const groups = [...groupBy(objects, (object) => `${siteOf(object)} ${object.reason}`).values()];
  const bytes = (group: readonly ComparedObject[]): number =>
    group.reduce((sum, object) => sum + sizeOf(object), 0);
  groups.sort((a, b) => bytes(b) - bytes(a) || b.length - a.length);
  const rows = cutRows(groups, top).map((group): Cell[] => {
    const [first] = group;
    const cells = [group.length, bytes(group)];
    if (first === undefined) return cells;
    return [...cells, siteOf(first), taskOf(first), addressOf(first), first.reason];
  });
  const table = renderTable(
    columns,
    rows.map((row) => row.slice(0, columns.length)),
  );
  const heading = `\n${title}: ${counted(objects.length, 'object')}, ${formatBytes(bytes(objects))}\n`;
  return heading + table + moreRows(groups.length, top) + explained(objects);
}

/** Each reason once; of a single object the sentence that is about it. */
function explained(objects: readonly ComparedObject[]): string {
  const sentences = new Map<KmemleakReason, string | null>();
  for (const { reason, why } of objects) {
    if (reason === null) continue;
    const isFurther = sentences.has(reason) && sentences.get(reason) !== why;
    sentences.set(reason, isFurther ? REASON_SENTENCES[reason] : why);
  }
  return [...sentences].map(([reason, why]) => labelled(reason, why ?? '')).join('');
}

function siteOf({ here, kernel }: ComparedObject): string {
  if (here !== null && (here.symbol !== null || kernel === null)) {
    return siteText({ symbol: here.symbol, module: here.module, site: here.callSite });
  }
  return kmemleakCaller(kernel?.stack ?? []) ?? '?';
}

const sizeOf = ({ kernel, here }: ComparedObject): number => kernel?.size ?? here?.size ?? 0;
const addressOf = ({ kernel, here }: ComparedObject): string =>
  kernel?.address ?? here?.address ?? '?';

function taskOf({ kernel, here }: ComparedObject): string | null {
  const { comm, pid } = kernel ?? here ?? { comm: null, pid: null };
  return comm === null ? null : `${comm}-${pid ?? '?'}`;
}

const CSV_COLUMNS: readonly Column[] = [
  { title: 'found' },
  { title: 'reason' },
  { title: 'address' },
  { title: 'size' },
  { title: 'cache' },
  { title: 'site' },
  { title: 'comm' },
  { title: 'pid' },
  { title: 'age_sec', format: formatSeconds },
  { title: 'why' },
];

export function renderComparisonCsv({ objects }: KmemleakComparison): string {
  const rows = objects.map((object): Cell[] => {
    const { found, reason, why, kernel, here } = object;
    const { comm, pid, ageSec } = kernel ?? here ?? { comm: null, pid: null, ageSec: null };
    return [
      found,
      reason,
      addressOf(object),
      sizeOf(object),
      here?.cache ?? null,
      siteOf(object),
      comm,
      pid,
      ageSec ?? here?.ageSec ?? null,
      why,
    ];
  });
  return renderCsv(CSV_COLUMNS, rows);
}
