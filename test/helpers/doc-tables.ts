// Tables of documentation that a test measures: they lie between a line `<!-- begin: NAME (…) -->` and
// one `<!-- end: NAME -->`. With UPDATE_DOCS=1 the test writes them, else it holds the page to them.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

/** @param page in docs/ */
export function holdTable(page: string, name: string, rows: readonly (readonly string[])[]): void {
  const path = join(import.meta.dirname, '..', '..', 'docs', page);
  const text = readFileSync(path, 'utf8');
  const [heading = [], ...rest] = rows;
  const lines = [heading, heading.map(() => '---'), ...rest].map((row) => `| ${row.join(' | ')} |`);
  const place = new RegExp(`(<!-- begin: ${name} .*-->\n)[^]*?(<!-- end: ${name} -->)`);
  expect(text, `the place of the table "${name}"`).toMatch(place);
  const wanted = text.replace(place, (_, begin, end) => `${begin}\n${lines.join('\n')}\n\n${end}`);
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, wanted);
  else expect(text).toBe(wanted);
}
