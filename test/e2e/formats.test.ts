// The table of tested files in docs/formats.md: what is read of every form in which the developers have
// their recordings. UPDATE_DOCS=1 writes it anew.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Analysis } from '../../src/analysis/overview.ts';
import { ToolError } from '../../src/base/errors.ts';
import { analyseRun } from '../../src/commands/analyze/analyse-run.ts';
import { describeWithData, recording } from '../helpers/data.ts';
import { ROOT } from '../helpers/run-cli.ts';

const PAGE = join(ROOT, 'docs', 'formats.md');
const BEGIN =
  '<!-- begin: tested files (UPDATE_DOCS=1 npx vitest run test/e2e/formats.test.ts) -->\n';
const END = '<!-- end: tested files -->';

/** Files that hold events, or what may be taken for them, by their names. */
const EVENT_FILE =
  /^(.*\.dat|.*\.data|trace.*\.txt|.*report.*\.txt|.*\.script.*\.txt|.*hist\.txt|trace_pipe_raw\.cpu\d+)(\.gz)?$/;

function eventFiles(folder: string): string[] {
  return readdirSync(recording(folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return entry.name === 'tracing' ? [] : eventFiles(path);
      return EVENT_FILE.test(entry.name) ? [path] : [];
    })
    .sort();
}

async function rowOf(path: string): Promise<string> {
  // Raw pages are described by the folder tracing/, which all recordings of a machine share.
  const sidecars = path.includes('pipe_raw') ? [recording(path.split('/')[0] ?? '')] : [];
  let analysis: Analysis;
  try {
    // In this process: a hundred files, each in milliseconds.
    analysis = await analyseRun({ source: recording(path), sidecars }, false);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const why = error.message.split('\n')[0]?.replace(/^[^:]+: /, '') ?? '';
    return `| ${path} | - | | | error ${error.exitCode}: ${why} | |`;
  }
  const { run, events, completeness } = analysis;
  const unit = run.clockUnit === 'ns' ? '' : ` (${run.clockUnit})`;
  const clock = `${run.clock ?? 'not told'}${unit}`;
  const pointers = completeness.hashedPointers ? 'hashed' : 'true';
  const slab = events.total - events.other;
  return `| ${path} | ${run.format} | ${slab} | ${completeness.lostEvents} | ${clock} | ${pointers} |`;
}

describeWithData('debian-variants', 'docs/formats.md', () => {
  test('lists every file with what is read of it', async () => {
    const folders = ['debian-variants', 'debian-variants-612'].filter((f) =>
      existsSync(recording(f)),
    );
    const rows: string[] = [];
    for (const path of folders.flatMap(eventFiles)) rows.push(await rowOf(path));
    const table = [
      '| file | format | slab events | lost | clock | pointers |',
      '|---|---|---:|---:|---|---|',
      ...rows,
      '',
    ].join('\n');
    const page = readFileSync(PAGE, 'utf8');
    const from = page.indexOf(BEGIN) + BEGIN.length;
    const to = page.indexOf(END);
    if (process.env['UPDATE_DOCS'] === '1') {
      writeFileSync(PAGE, page.slice(0, from) + table + page.slice(to));
    } else expect(page.slice(from, to)).toBe(table);
  });
});
