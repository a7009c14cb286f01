// The call sites or caches that got worse, or better, as a table: by how much in every metric, and
// what they hold. Where the table is too wide for a line its last column says less.

import {
  type Cell,
  type Column,
  cutRows,
  moreRows,
  renderTable,
  TEXT_WIDTH,
} from '../../render/table.ts';
import { changeText, METRIC_TITLES, objectsText, percentText, placeText } from './compare-names.ts';
import { leadingRow, type MovedSubject, type MovedTable, metricsOf } from './compare-subjects.ts';
import { subjectText } from './figures/subject.ts';

/** @param top rows that are shown, 0 for all */
export function renderMoved({ title, subjects }: MovedTable, top: number): string {
  const shown = cutRows(subjects, top);
  const metrics = metricsOf(shown);
  const columns: Column[] = [
    { title: `  ${title}` },
    ...metrics.map((metric): Column => ({ title: METRIC_TITLES[metric], align: 'right' })),
    { title: '' },
  ];
  const cells = (noteOf: (subject: MovedSubject) => string): Cell[][] =>
    shown.map((subject) => [
      subjectText(subject.name),
      ...metrics.map((metric) => {
        const row = subject.rows[metric];
        return row === undefined ? '' : changeText(row.delta, row.unit);
      }),
      noteOf(subject),
    ]);
  const wide = NOTES.map((noteOf) => renderTable(columns, cells(noteOf), { indent: 2, width: 0 }));
  const fitting = wide.find((text) => text.split('\n').every((line) => line.length <= TEXT_WIDTH));
  const table = fitting ?? renderTable(columns, cells(changeNote), { indent: 2 });
  return table + moreRows(subjects.length, top, 2);
}

/** The last column, from the longest form to the shortest. */
const NOTES: readonly ((subject: MovedSubject) => string)[] = [fullNote, objectsNote, changeNote];

/** `new, 100 x 4097 B in kmalloc-8k`, `+66.0 %, 12 -> 20 objects in 3 caches` */
function fullNote(subject: MovedSubject): string {
  const row = leadingRow(subject);
  return objectsNote(subject) + (row === undefined ? '' : placeText(row));
}

/** `new, 100 x 4097 B`, `+66.0 %, 12 -> 20 objects` */
function objectsNote(subject: MovedSubject): string {
  const row = leadingRow(subject);
  const objects = row === undefined ? '' : objectsText(row);
  return changeNote(subject) + (objects === '' ? '' : `, ${objects}`);
}

/** `new`, `+66.0 %` */
function changeNote(subject: MovedSubject): string {
  const row = leadingRow(subject);
  return row === undefined ? '' : percentText(row);
}
