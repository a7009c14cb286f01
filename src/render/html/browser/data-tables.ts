// Tables that sort by a click on a heading and show the rows that hold a text.

import { element, searchField } from './elements.ts';

/** Shorter tables need no filter. */
const MIN_ROWS = 8;

export function startTables(): void {
  for (const table of document.querySelectorAll<HTMLTableElement>('table.data')) {
    const body = table.tBodies[0];
    if (body === undefined) continue;
    makeSortable(table, body);
    if (body.rows.length >= MIN_ROWS) makeFilterable(table, body);
  }
}

function makeSortable(table: HTMLTableElement, body: HTMLTableSectionElement): void {
  const heads = [...table.querySelectorAll<HTMLTableCellElement>('thead th')];
  heads.forEach((head, column) => {
    const button = element('button', head.textContent);
    button.type = 'button';
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const isNumber = head.classList.contains('num');
      const before = head.getAttribute('aria-sort');
      const isUp = before === null ? !isNumber : before === 'descending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', isUp ? 'ascending' : 'descending');
      body.append(...sortRows([...body.rows], column, isUp));
    });
  });
}

/** What is not known is last, whichever way. */
function sortRows(
  rows: readonly HTMLTableRowElement[],
  column: number,
  isUp: boolean,
): HTMLTableRowElement[] {
  const keyed = rows.map((row) => {
    const cell = row.cells[column];
    const value = cell?.dataset['v'];
    return {
      row,
      text: cell?.textContent ?? '',
      number: value ? Number(value) : Number.NaN,
      value,
    };
  });
  const sign = isUp ? 1 : -1;
  keyed.sort((a, b) => {
    if (a.value === undefined || b.value === undefined) return sign * a.text.localeCompare(b.text);
    const [x, y] = [Number.isNaN(a.number), Number.isNaN(b.number)];
    return x || y ? Number(x) - Number(y) : sign * (a.number - b.number);
  });
  return keyed.map(({ row }) => row);
}

function makeFilterable(table: HTMLTableElement, body: HTMLTableSectionElement): void {
  const shown = element('output');
  const field = searchField('Filter rows', (text) => {
    let count = 0;
    for (const row of body.rows) {
      row.hidden = text !== '' && !row.textContent.toLowerCase().includes(text);
      if (!row.hidden) count++;
    }
    shown.textContent = text === '' ? '' : `${count} of ${body.rows.length} rows`;
  });
  const tools = element('div', '', 'tools');
  tools.append(field, shown);
  table.parentElement?.before(tools);
}
