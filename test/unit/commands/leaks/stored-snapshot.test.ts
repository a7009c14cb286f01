// The memory snapshot of a run database: it stays where it lay, and is used while it is that file.

import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { Leaks } from '../../../../src/analysis/leaks/leaks-result.ts';
import {
  type LeaksOptions,
  leaksReferrersRun,
  leaksRun,
} from '../../../../src/analysis/leaks/leaks-run.ts';
import { ingestRun } from '../../../../src/analysis/store-run/ingest-run.ts';
import { renderOutstanding } from '../../../../src/commands/leaks/leaks-outstanding-text.ts';
import { renderLeaks } from '../../../../src/commands/leaks/leaks-text.ts';
import { validateRun } from '../../../../src/commands/validate/validate-run.ts';
import { findVmcore } from '../../../../src/run/open-vmcore.ts';
import { testFolder } from '../../../helpers/stored.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', '..', '..', 'traces', 'leak-example');

const DEFAULTS: LeaksOptions = {
  vmcores: [],
  outstanding: false,
  minAgeSec: 5,
  suppress: [],
  annotations: [],
  baseline: undefined,
  conservative: false,
  pretrace: false,
  retained: false,
  wantsChecksum: false,
};

/** The example's recording, and a database of it in another folder. */
async function ingested(): Promise<{ folder: string; vmcore: string; source: string }> {
  const folder = testFolder();
  for (const name of ['trace.csv', 'vmcore.txt', 'kallsyms.txt']) {
    copyFileSync(join(EXAMPLE, name), join(folder, name));
  }
  const elsewhere = join(folder, 'elsewhere');
  mkdirSync(elsewhere);
  const source = join(elsewhere, 'run.db');
  await ingestRun({ source: folder }, source, false);
  return { folder, vmcore: join(folder, 'vmcore.txt'), source };
}

const leaksOf = async (source: string): Promise<Leaks> =>
  (await leaksRun({ source }, DEFAULTS)).leaks;

test('leaks of the database are those of the recording', async () => {
  const { folder, vmcore, source } = await ingested();
  const [own, stored] = [await leaksOf(folder), await leaksOf(source)];
  expect(own.candidates.length).toBe(3);
  expect({ ...stored, run: own.run }).toEqual(own);
  expect(stored.snapshots.map(({ path }) => path)).toEqual([vmcore]);
});

test('a snapshot that is gone is named', async () => {
  const { vmcore, source } = await ingested();
  rmSync(vmcore);
  const gone = `The snapshot ${vmcore} is not there any more: name it with --vmcore FILE.`;
  const leaks = await leaksOf(source);
  expect(leaks.method).toBe('outstanding');
  expect(leaks.notes).toEqual([gone]);
  expect(renderOutstanding(leaks, 20).replace(/\n/g, ' ')).toContain(gone);
  await expect(leaksReferrersRun({ source }, DEFAULTS, 0xffff888003a40040n)).rejects.toMatchObject({
    hint: gone,
  });
  await expect(validateRun({ source, history: true })).rejects.toThrow(gone);
});

test('another file in its place is not it', async () => {
  const { vmcore, source } = await ingested();
  appendFileSync(vmcore, '\n');
  expect((await leaksOf(source)).notes[0]).toContain(`${vmcore} is another file than when`);
});

test('it may move with the database', async () => {
  const { vmcore, source } = await ingested();
  const beside = join(source, '..', 'vmcore.txt');
  writeFileSync(beside, 'another one');
  expect(await findVmcore({ source })).toEqual({ path: vmcore });
  renameSync(vmcore, beside);
  expect(await findVmcore({ source })).toEqual({ path: beside });
});

test('--vmcore and --no-sidecars go before it', async () => {
  const { source } = await ingested();
  expect(await findVmcore({ source, vmcore: '/named' })).toEqual({ path: '/named' });
  expect(await findVmcore({ source, sidecars: 'none' })).toBeUndefined();
});

test('a description that is none is damage', async () => {
  const { source } = await ingested();
  for (const value of ['{"path":1}', '[', 'null']) {
    const db = new Database(source);
    db.prepare("UPDATE run SET value = ? WHERE key = 'snapshot'").run(value);
    db.close();
    await expect(findVmcore({ source })).rejects.toThrow(
      'the snapshot of the run is not described',
    );
  }
});

test('the next steps keep a snapshot that was named', async () => {
  const { source, vmcore } = await ingested();
  const named = (await leaksRun({ source }, { ...DEFAULTS, vmcores: [vmcore] })).leaks;
  const text = renderLeaks(named, {
    top: 20,
    objects: undefined,
    source: 'run.db',
    vmcores: ['a b.elf'],
  });
  expect(text).toContain("slabreplay leaks run.db --vmcore 'a b.elf' --all\n");
  expect(text).toContain("slabreplay leaks run.db --vmcore 'a b.elf' --who-points-to 0xffff");
  expect(text).toContain("slabreplay leaks run.db --vmcore 'a b.elf' --format kmemleak\n");
});
