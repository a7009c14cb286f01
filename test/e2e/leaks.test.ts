// `slabreplay leaks` as a program: what it prints, where, and how it ends.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { jsonOf, outputOf, ROOT, runCli } from '../helpers/run-cli.ts';

const EXAMPLE = join(ROOT, 'traces', 'leak-example');

test('JSON has what the contract names, and nothing left out', async () => {
  const leaks = await jsonOf<Record<string, unknown>>(['leaks', EXAMPLE]);
  expect(leaks).toMatchObject({ formatVersion: 1, type: 'leaks', method: 'reference-scan' });
  expect(Object.keys(leaks)).toEqual(
    expect.arrayContaining(['run', 'completeness', 'groups', 'scan', 'candidates']),
  );
  const [candidate] = leaks['candidates'] as Record<string, unknown>[];
  expect(Object.keys(candidate ?? {})).toEqual(
    expect.arrayContaining(
      'address size cache callSite symbol comm pid allocatedNs ageSec hex stack'.split(' '),
    ),
  );
  expect(Object.keys(leaks['scan'] as object)).toEqual(
    expect.arrayContaining(['roots', 'bytesScanned', 'objects', 'white', 'gray', 'black']),
  );
});

test('--top cuts the text and never the JSON; CSV has a row for each group', async () => {
  expect(await outputOf(['leaks', EXAMPLE, '--top', '1'])).toContain('... 2 more (--top 0)');
  const { groups } = await jsonOf<{ groups: unknown[] }>(['leaks', EXAMPLE, '--top', '1']);
  expect(groups.length).toBe(3);
  const csv = await outputOf(['leaks', EXAMPLE, '--csv']);
  expect(csv.trim().split('\n').length).toBe(4);
});

test('candidates are no failure; a snapshot that is none is', async () => {
  expect((await runCli(['leaks', EXAMPLE])).code).toBe(0);
  const wrong = await runCli(['leaks', EXAMPLE, '--vmcore', join(EXAMPLE, 'kallsyms.txt')]);
  expect(wrong.code).toBe(65);
  expect(wrong.stderr).toContain('not a memory snapshot that can be read');
  const missing = await runCli(['leaks', EXAMPLE, '--vmcore', '/nonexistent']);
  expect(missing.code).toBe(74);
  const odd = await runCli(['leaks', EXAMPLE, '--who-points-to', 'here']);
  expect(odd.code).toBe(2);
});
