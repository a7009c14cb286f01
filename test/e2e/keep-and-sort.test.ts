import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Fragmentation } from '../../src/commands/frag/fragmentation.ts';
import type { Rates } from '../../src/commands/rates/rates.ts';
import { jsonOf, runCli, STACKS, temporaryFolder } from '../helpers/run-cli.ts';

test('--keep leaves a database that says the same, whole in spite of filters', async () => {
  const db = join(temporaryFolder(), 'kept.db');
  const kept = await jsonOf<Rates>(['rates', STACKS, '--cache', 'dentry', '--keep', db]);
  const direct = await jsonOf<Rates>(['rates', STACKS, '--cache', 'dentry']);
  expect(kept.rows).toEqual(direct.rows);
  expect(kept.run.label).toBe(direct.run.label);
  const all = await jsonOf<Rates>(['rates', db]);
  expect(all.rows).toEqual((await jsonOf<Rates>(['rates', STACKS])).rows);
  const again = await runCli(['rates', STACKS, '--keep', db]);
  expect(again.code).toBe(74);
  expect(again.stderr).toContain('kept.db: exists already');
});

test('--sort puts the largest of a column first, and knows its columns', async () => {
  const { rows } = await jsonOf<Fragmentation>([
    'frag',
    STACKS,
    '--sort',
    'objects',
    '--no-replay',
  ]);
  const objects = rows.map((row) => row.objects);
  expect(objects).toEqual([...objects].sort((a, b) => b - a));
  const wrong = await runCli(['rates', STACKS, '--sort', 'colour']);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('allocs, frees, bytes, busiestAllocs');
});
