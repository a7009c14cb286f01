// The tables of docs/formats.md that name a form in each row, and what comes of it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PAGE = join(import.meta.dirname, '../../../docs/formats.md');

/** Rows of the table behind `<!-- forms: NAME …`: form → answer, as a reader sees them. */
export function formTable(name: string): ReadonlyMap<string, string> {
  const page = readFileSync(PAGE, 'utf8');
  const [, table] = page.split(`<!-- forms: ${name} `);
  if (table === undefined) throw new Error(`docs/formats.md has no table of ${name}`);
  const [, , , ...lines] = table.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  const rows = lines.slice(0, end).map((line) => line.split('|').slice(1, -1).map(plain));
  const answers = new Map(rows.map(([form = '', answer = '']) => [form, answer]));
  if (answers.size < rows.length) throw new Error(`docs/formats.md names a form of ${name} twice`);
  return answers;
}

/** A cell without the marks of code. */
export function plain(cell: string): string {
  return cell.replaceAll('`', '').trim();
}
