// Rows to aligned text (cli-table3, no borders, ASCII) and the same rows to CSV.
// Cells are plain values; a column says how its numbers are written. Text is escaped and never wider
// than it may be: the widest text columns lose their middle. CSV has the values themselves, whole.

import Table from 'cli-table3';
import { formatCount, UNKNOWN } from '../base/bytes-format.ts';
import { escapeText } from './escape.ts';

/** Columns of a mail or a terminal that nothing may wrap at. */
export const TEXT_WIDTH = 100;

const GAP = '  ';
/** What a text column keeps when it is shortened. */
const MIN_TEXT_WIDTH = 12;
const ELLIPSIS = '...';
/** cli-table3 compares each row with all before it: long tables are laid out in pieces. */
const BLOCK_ROWS = 50;

/** null: not known. */
export type Cell = string | number | bigint | boolean | null;

export interface Column {
  /** The heading; '' for a column of notes, which has none. */
  readonly title: string;
  /** The heading in CSV, where it is another. */
  readonly name?: string;
  /** How numbers are written in text; a column that has it is aligned to the right. */
  readonly format?: (value: number | bigint | null) => string;
  readonly align?: 'left' | 'right';
}

export interface TableOptions {
  /** Cut to this many columns; 0: never cut. */
  readonly width?: number;
  /** Blanks before the rows; the heading is at the margin. */
  readonly indent?: number;
  /** False leaves the heading out. */
  readonly heading?: boolean;
}

/** The rows as aligned lines, each ended by a newline; no line has blanks at its end. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions = {},
): string {
  const { width = TEXT_WIDTH, indent = 0, heading = true } = options;
  const aligns = columns.map(alignOf);
  const margin = ' '.repeat(indent);
  const cells = rows.map((row) =>
    columns.map((column, i) => (i === 0 ? margin : '') + cellText(cellAt(row, i), column)),
  );
  if (heading) cells.unshift(columns.map((column) => escapeText(column.title)));
  const widths = columns.map((_, i) => widest(cells, i));
  if (width > 0) fitWidths(widths, aligns, width);
  let text = '';
  for (let from = 0; from < cells.length; from += BLOCK_ROWS) {
    const table = new Table({
      chars: BORDERLESS,
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
      colAligns: aligns,
    });
    // A row that is taken away again gives every piece the same widths. (As `colWidths` they would
    // make cli-table3 cut what it takes for wider, with a character that is not ASCII.)
    table.push(widths.map((columns) => 'x'.repeat(columns)));
    for (const row of cells.slice(from, from + BLOCK_ROWS)) {
      table.push(row.map((cell, i) => shorten(cell, widths[i] ?? 0)));
    }
    const lines = table.toString().replace(/ +$/gm, '');
    text += lines.slice(lines.indexOf('\n') + 1) + '\n';
  }
  return text;
}

/** The rows as CSV (RFC 4180 quoting, lines ended by a newline), numbers and names as they are. */
export function renderCsv(columns: readonly Column[], rows: Iterable<readonly Cell[]>): string {
  let text = csvLine(columns.map((column) => column.name ?? column.title));
  for (const row of rows) text += csvLine(columns.map((_, i) => cellAt(row, i)));
  return text;
}

/** One line of CSV, for what is too long to be one string. What is not known is an empty field. */
export function csvLine(cells: readonly Cell[]): string {
  const fields = cells.map(csvField);
  // A line of one empty field would be an empty line, which readers pass over.
  return (fields.length === 1 && fields[0] === '' ? '""' : fields.join(',')) + '\n';
}

/** Text of at most `width` columns: the middle is left out, `bucket_tab...sr.0+0x4b`. */
export function shorten(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width <= ELLIPSIS.length) return ELLIPSIS.slice(0, width);
  const characters = [...text];
  const keep = width - ELLIPSIS.length;
  const head = takeWidth(characters, Math.ceil(keep / 2));
  const tail = takeWidth(characters.reverse(), Math.floor(keep / 2));
  return head.join('') + ELLIPSIS + tail.reverse().join('');
}

const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: GAP,
};

function alignOf(column: Column): 'left' | 'right' {
  return column.align ?? (column.format === undefined ? 'left' : 'right');
}

/** A row may end early, before a note that it does not have. */
function cellAt(row: readonly Cell[], column: number): Cell {
  return column < row.length ? (row[column] ?? null) : '';
}

function cellText(cell: Cell, column: Column): string {
  if (typeof cell === 'string') return escapeText(cell);
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  if (column.format !== undefined) return escapeText(column.format(cell));
  return cell === null || (typeof cell === 'number' && !Number.isFinite(cell))
    ? UNKNOWN
    : String(cell);
}

function csvField(cell: Cell): string {
  if (cell === null || (typeof cell === 'number' && !Number.isFinite(cell))) return '';
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function widest(cells: readonly (readonly string[])[], column: number): number {
  let width = 0;
  for (const row of cells) width = Math.max(width, displayWidth(row[column] ?? ''));
  return width;
}

/** Narrows the widest left-aligned columns until the line fits or all of them are at their least. */
function fitWidths(widths: number[], aligns: readonly string[], limit: number): void {
  const total = (): number => widths.reduce((sum, w) => sum + w, (widths.length - 1) * GAP.length);
  while (total() > limit) {
    let chosen = -1;
    for (const [i, width] of widths.entries()) {
      const isText = aligns[i] === 'left' && width > MIN_TEXT_WIDTH;
      if (isText && (chosen < 0 || width > (widths[chosen] ?? 0))) chosen = i;
    }
    if (chosen < 0) return;
    widths[chosen] = (widths[chosen] ?? 0) - 1;
  }
}

/** Characters from the front that fit into `width` columns. */
function takeWidth(characters: readonly string[], width: number): string[] {
  const taken: string[] = [];
  let used = 0;
  for (const character of characters) {
    used += displayWidth(character);
    if (used > width) break;
    taken.push(character);
  }
  return taken;
}

/** Two columns each on a terminal. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns that escaped text takes on a terminal. */
function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) {
    if (!/\p{M}/u.test(character)) width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}

/** @param top rows that are shown, 0 for all */
export function cutRows<T>(rows: readonly T[], top: number): readonly T[] {
  return top === 0 ? rows : rows.slice(0, top);
}

/** The line under a table of which `cutRows` left out some; '' where it did not. */
export function moreRows(count: number, top: number, indent = 0): string {
  const rest = top === 0 ? 0 : count - top;
  return rest > 0 ? `${' '.repeat(indent)}... ${formatCount(rest)} more (--top 0)\n` : '';
}
