// docs/formats.md against the readers: every row of its tables of forms has an example here, which is
// read as the row says. A new form: a row there, and under its name an input in the file of its table.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadFormats } from '../../../src/ingest/formats.ts';
import { BINARY_FILES } from '../../../src/recording/foreign/binary-files.ts';
import { DOCUMENTS } from '../../../src/recording/foreign/documents.ts';
import { KERNEL_FILES, KERNEL_LOG } from '../../../src/recording/foreign/kernel-files.ts';
import { TOOL_OUTPUTS } from '../../../src/recording/foreign/tool-outputs.ts';
import { testWithTools } from '../../helpers/tools.ts';
import { answerOfCapture, CAPTURES } from './captures.ts';
import { type Example, type Examples, toolsOf, writeExample } from './example.ts';
import { answerOfForeign, FOREIGN } from './foreign.ts';
import { formTable, plain } from './form-tables.ts';
import { answerOfLog, LOGS } from './logs.ts';
import { answerOfTrace, TRACES } from './traces.ts';

interface Table {
  readonly examples: Examples;
  /** What comes of a SOURCE, in the words of the second column. */
  readonly answer: (source: string, form: string) => string | Promise<string>;
}

const TABLES: Readonly<Record<string, Table>> = {
  traces: { examples: TRACES, answer: answerOfTrace },
  logs: { examples: LOGS, answer: answerOfLog },
  captures: { examples: CAPTURES, answer: answerOfCapture },
  'no-traces': { examples: FOREIGN, answer: answerOfForeign },
};

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'forms-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const testOf = (example: Example): ((title: string, body: () => Promise<void>) => void) => {
  const tools = toolsOf(example);
  return tools.length === 0 ? test : (title, body) => testWithTools(tools, title, body);
};

describe.each(Object.entries(TABLES))('docs/formats.md, %s', (name, { examples, answer }) => {
  test('every row has an example, every example a row', () => {
    expect([...formTable(name).keys()]).toEqual(Object.keys(examples));
  });

  for (const [form, example] of Object.entries(examples)) {
    testOf(example)(form, async () => {
      const got = await answer(writeExample(example, temporary()), form);
      expect(plain(got)).toBe(formTable(name).get(form));
    });
  }
});

test('every format has a form', async () => {
  const read = new Set(formTable('traces').values());
  expect((await loadFormats()).map(({ name }) => name).filter((name) => !read.has(name))).toEqual(
    [],
  );
});

test('every kind of file that is known to be no trace has a row', () => {
  const kinds = [...BINARY_FILES, ...DOCUMENTS, ...KERNEL_FILES, KERNEL_LOG, ...TOOL_OUTPUTS];
  const rows = formTable('no-traces');
  // A database is opened before anything looks for a trace in it.
  const missing = kinds.filter(({ title }) => !rows.has(title) && title !== 'an SQLite database');
  expect(missing).toEqual([]);
});
