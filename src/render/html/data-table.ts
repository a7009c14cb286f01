// Rows as an HTML table that the page's script can sort and filter: numbers carry their value. A long
// table is cut, and its last row says what the others add up to.

import { counted } from '../../base/bytes-format.ts';
import { html, type Markup } from './markup.ts';

export interface DataColumn<Row> {
  readonly title: string;
  /** What the heading means, in a sentence. */
  readonly help?: string;
  /** Text, or a number, or null for what is not known. */
  readonly value: (row: Row) => string | number | null;
  /** How its numbers are written. A column that has it holds numbers. */
  readonly format?: (value: number | null, row: Row) => string;
  /** True for a column of names: in the letters of code. */
  readonly isCode?: boolean;
  /** True for a column of sentences, which is kept from getting too narrow. */
  readonly isProse?: boolean;
  /** True where numbers also show as bars, each against the largest. */
  readonly hasBars?: boolean;
  /** True where the rows that are left out can be added up. */
  readonly isSum?: boolean;
}

export interface DataTable<Row> {
  readonly id: string;
  readonly columns: readonly DataColumn<Row>[];
  readonly rows: readonly Row[];
  /** Rows shown at most, the first ones. */
  readonly most: number;
  /** What rows are: `call site`. */
  readonly what: string;
  /** Class of a row. */
  readonly classOf?: (row: Row) => string;
  /** Markup under the first cell of a row. */
  readonly details?: (row: Row) => Markup | null;
}

export function renderDataTable<Row>(table: DataTable<Row>): Markup {
  const { id, columns, rows, most, classOf, details } = table;
  const largest = columns.map((column) =>
    column.hasBars === true
      ? rows.reduce((max, row) => Math.max(max, numberOf(column.value(row))), 0)
      : 0,
  );
  const heads = columns.map(
    ({ title, help, format }) =>
      html`<th scope="col"${format !== undefined && html` class="num"`}${
        help !== undefined && html` title="${help}"`
      }>${title}</th>`,
  );
  const body = rows.slice(0, most).map((row) => {
    const cells = columns.map((column, i) => {
      const extra = i === 0 ? (details?.(row) ?? null) : null;
      return renderCell(column, row, largest[i] ?? 0, extra);
    });
    const name = classOf?.(row) ?? '';
    return html`<tr${name !== '' && html` class="${name}"`}>${cells}</tr>\n`;
  });
  return html`<div class="table"><table id="${id}" class="data"><thead><tr>${heads}</tr></thead>
<tbody>${body}</tbody>${renderOthers(table)}</table></div>
`;
}

function renderCell<Row>(
  { value: read, format, isCode, isProse, hasBars }: DataColumn<Row>,
  row: Row,
  largest: number,
  extra: Markup | null,
): Markup {
  const value = read(row);
  if (format !== undefined) {
    const number = value === null ? null : Number(value);
    const share = hasBars === true && largest > 0 ? (100 * numberOf(number)) / largest : 0;
    const bar = share >= 0.5 && html` class="bar" style="--w:${share.toFixed(0)}%"`;
    return html`<td data-v="${number ?? ''}"${bar}>${format(number, row)}</td>`;
  }
  if (isProse === true) return html`<td class="prose">${value}${extra}</td>`;
  const text = value === null ? '-' : String(value);
  return isCode === true
    ? html`<td><code>${text}</code>${extra}</td>`
    : html`<td>${text}${extra}</td>`;
}

/** The last row of a cut table. */
function renderOthers<Row>({ columns, rows, most, what }: DataTable<Row>): Markup | null {
  const others = rows.slice(most);
  const [first] = others;
  if (first === undefined) return null;
  const cells = columns.map(({ value, format, isSum }, i) => {
    if (i === 0) {
      return html`<td>${counted(others.length, `other ${what}`)}</td>`;
    }
    if (format === undefined || isSum !== true) return html`<td></td>`;
    const sum = others.reduce((total, row) => total + numberOf(value(row)), 0);
    return html`<td data-v="${sum}">${format(sum, first)}</td>`;
  });
  return html`<tfoot><tr>${cells}</tr></tfoot>`;
}

function numberOf(value: string | number | null): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
