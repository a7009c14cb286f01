// `validate` as text: how much was looked at and whether the snapshot is the recording's, a line for
// each damage, then SLUB's own report on each with the trace's biography of the object under it.

import type { HistoryEvent } from '../../analysis/owners.ts';
import { present } from '../../base/assert.ts';
import { counted, formatCount } from '../../base/bytes-format.ts';
import type { ClockUnit } from '../../kernel/events/trace-info.ts';
import { inModule } from '../../kernel/symbols/in-module.ts';
import { escapeText, shellWord } from '../../render/escape.ts';
import { labelled, moment } from '../../render/run-text.ts';
import {
  type Cell,
  type Column,
  cutRows,
  moreRows,
  renderCsv,
  renderTable,
} from '../../render/table.ts';
import type { HistoryOwner } from './validate-history.ts';
import type { Validation, ValidationReport } from './validate-run.ts';

/** @param top damages that are listed and printed in full, 0 for all */
export function renderValidation(validation: Validation, top: number): string {
  const damages = damagesOf(validation.reports);
  const shown = cutRows(damages, top);
  return (
    firstLine(validation) +
    labelled('found', foundText(validation, damages)) +
    trustLines(validation) +
    validation.notes.map((note) => labelled('note', escapeText(note))).join('') +
    (shown.length === 0 ? '' : `\n${renderTable(DAMAGE_COLUMNS, shown.map(damageCells))}`) +
    moreRows(damages.length, top) +
    shown.map((_, i) => `\n${damageText(shown, i, validation.run.clockUnit)}`).join('') +
    nextStep(validation, shown)
  );
}

/** A damage with the reports that only follow from it. */
interface Damage {
  readonly report: ValidationReport;
  /** Reports on other objects that a damaged freelist leads to. */
  readonly consequences: readonly ValidationReport[];
  readonly notes: readonly string[];
}

function damagesOf(reports: readonly ValidationReport[]): Damage[] {
  const damages: { report: ValidationReport; consequences: ValidationReport[]; notes: string[] }[] =
    [];
  for (const report of reports) {
    const last = damages.at(-1);
    const notes = report.note === null ? [] : [report.note];
    if (!report.consequence || last === undefined) {
      damages.push({ report, consequences: [], notes });
    } else if (report.note === null) last.consequences.push(report);
    else last.notes.push(report.note);
  }
  return damages;
}

function firstLine({ run, snapshot }: Validation): string {
  const release = run.kernelRelease === null ? 'unknown kernel' : `Linux ${run.kernelRelease}`;
  const cpus = run.cpus === null ? '' : `, ${counted(run.cpus, 'CPU')}`;
  const where = `${snapshot.path}, ${snapshot.format}`;
  return `${escapeText(run.label ?? '')}   ${escapeText(`${release}${cpus} (${where})`)}\n`;
}

function trustLines(validation: Validation): string {
  const { slabsChecked, objectsChecked, caches, debugCaches, evidence } = validation;
  const checked =
    `${counted(objectsChecked, 'object')} in ${counted(slabsChecked, 'slab')}` +
    (caches.length === 0 ? '' : ` of ${counted(caches.length, 'cache')}`) +
    debugText(debugCaches, caches.length);
  return (
    labelled('checked', checked) +
    (evidence.length === 0 ? '' : labelled('same boot', escapeText(evidence.join('; '))))
  );
}

/** Without slub_debug there is little in an object that could be found wrong. */
function debugText(debugCaches: number | null, caches: number): string {
  if (debugCaches === null || debugCaches === caches) return '';
  if (debugCaches > 0) return `, ${formatCount(debugCaches)} of them with slub_debug`;
  return '; without slub_debug there are no red zones and no poison: freelists and counts only';
}

function foundText({ reportsLeftOut, notes }: Validation, damages: readonly Damage[]): string {
  if (damages.length === 0) {
    return notes.length === 0 ? 'no damage' : 'no damage in what could be read';
  }
  const caches = new Set(damages.map(({ report }) => report.cache)).size;
  const consequences = damages.reduce((n, damage) => n + damage.consequences.length, 0);
  return (
    `${counted(damages.length, 'damage')} in ${counted(caches, 'cache')}` +
    (consequences === 0 ? '' : `, and ${counted(consequences, 'report')} that follow from them`) +
    (reportsLeftOut === 0 ? '' : `; at least ${formatCount(reportsLeftOut)} more were not kept`)
  );
}

const DAMAGE_COLUMNS: readonly Column[] = [
  { title: '#', format: (value) => formatCount(value) },
  { title: 'cache' },
  { title: 'object' },
  { title: 'damage' },
  { title: 'where' },
];

function damageCells({ report }: Damage, i: number): Cell[] {
  // Counts have their figures in the report.
  const [title = ''] = report.title.split('. ');
  return [i + 1, report.cache, report.address, title, placeText(report)];
}

/** `+64, 4 bytes` of the object; of slab padding, from the slab's start. */
function placeText({ kind, address, slab, firstByte, lastByte }: ValidationReport): string {
  const from = kind === 'slab-padding' ? slab : address;
  if (from === null || firstByte === null || lastByte === null) return '';
  const offset = BigInt(firstByte) - BigInt(from);
  const length = Number(BigInt(lastByte) - BigInt(firstByte)) + 1;
  return `${offset < 0n ? '' : '+'}${offset}, ${counted(length, 'byte')}`;
}

function damageText(shown: readonly Damage[], i: number, unit: ClockUnit | null): string {
  const { report, consequences, notes } = present(shown[i]);
  const { history, text, address } = report;
  const isSameObject = history !== null && shown[i - 1]?.report.address === address;
  return (
    `[${i + 1}] ${escapeText(report.cache)} ${report.address}: ${escapeText(report.title)}\n` +
    `${text.split('\n').map(escapeText).join('\n')}\n` +
    notes.map((note) => labelled('note', escapeText(note))).join('') +
    consequenceText(consequences) +
    (isSameObject ? labelled('trace', `as under [${i}]`) : historyText(history, unit))
  );
}

function consequenceText(consequences: readonly ValidationReport[]): string {
  const objects = new Set(consequences.map(({ address }) => address)).size;
  if (objects === 0) return '';
  const titles = [...new Set(consequences.map(({ title }) => title))].join(', ');
  return labelled('follows', `${counted(consequences.length, 'report')}: ${escapeText(titles)}`);
}

const HISTORY_COLUMNS: readonly Column[] = [
  { title: 'trace' },
  { title: 'address' },
  { title: 'when', align: 'right' },
  { title: '' },
  { title: 'bytes', format: (value) => formatCount(value) },
  { title: 'site' },
  { title: 'task' },
  { title: 'cpu', format: (value) => formatCount(value) },
];

function historyText(history: readonly HistoryOwner[] | null, unit: ClockUnit | null): string {
  if (history === null) return '';
  if (history.length === 0) return labelled('trace', 'no event of this object or those beside it');
  const rows = history.flatMap((owner) => ownerRows(owner, unit));
  return renderTable(HISTORY_COLUMNS, rows, { indent: 2 });
}

/** The latest first: a free above its allocation. */
function ownerRows(owner: HistoryOwner, unit: ClockUnit | null): Cell[][] {
  const { relation, address, alloc, free, freedUnseen, bytesReq } = owner;
  const rows: Cell[][] = [];
  const place = (): Cell[] => (rows.length === 0 ? [relation, address] : ['', '']);
  // Clocks that do not count nanoseconds have times of their own unit.
  const when = ({ atNs }: HistoryEvent): string => (unit === 'ns' ? moment(atNs, 6) : atNs);
  const add = (what: string, event: HistoryEvent, bytes: number | null): void => {
    rows.push([...place(), when(event), what, bytes ?? '', ...whoCells(event)]);
  };
  if (free !== null) add('freed', free, null);
  if (freedUnseen) rows.push([...place(), '', 'freed without an event', '', '', '', '']);
  if (alloc !== null) add('allocated', alloc, bytesReq);
  return rows;
}

function whoCells({ symbol, module, site, comm, pid, cpu }: HistoryEvent): Cell[] {
  const name = symbol ?? site ?? '?';
  return [inModule(name, module), `${comm}-${pid}`, cpu];
}

/** The whole biography of the first object that the trace knows. */
function nextStep({ run }: Validation, shown: readonly Damage[]): string {
  const known = shown.find(({ report }) => (report.history ?? []).length > 0);
  if (known === undefined) return '';
  const source = shellWord(run.label ?? '');
  return `\nNext:  slabreplay history ${source} ${known.report.history?.[0]?.address}\n`;
}

const CSV_COLUMNS: readonly Column[] = [
  'kind',
  'title',
  'cache',
  'address',
  'slab',
  'first_byte',
  'last_byte',
  'consequence',
  'note',
].map((title) => ({ title }));

/** The reports, one a row. */
export function renderValidationCsv({ reports }: Validation): string {
  return renderCsv(
    CSV_COLUMNS,
    reports.map((r) => [
      r.kind,
      r.title,
      r.cache,
      r.address,
      r.slab,
      r.firstByte,
      r.lastByte,
      r.consequence,
      r.note,
    ]),
  );
}
