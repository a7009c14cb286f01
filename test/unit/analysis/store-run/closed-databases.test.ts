// A run database that was read is closed again, also where reading it failed.

import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { leaksRun } from '../../../../src/analysis/leaks/leaks-run.ts';
import { ingestRun } from '../../../../src/analysis/store-run/ingest-run.ts';
import { openOrIngest } from '../../../../src/analysis/store-run/open-database.ts';
import { queryRun } from '../../../../src/commands/sql/query-run.ts';
import { readAgain } from '../../../../src/run/observe-run.ts';
import { openRun } from '../../../../src/run/open-run.ts';
import { openSource } from '../../../../src/run/source.ts';
import { testFolder } from '../../../helpers/stored.ts';

const EVENTS = `ts,cpu,pid,comm,event,ptr,call_site,bytes_req,bytes_alloc
1.0,0,1,a,kmalloc,0xffff888003a40000,f+0x1,56,64
`;

async function made(): Promise<string> {
  const folder = testFolder();
  writeFileSync(join(folder, 'trace.csv'), EVENTS);
  writeFileSync(join(folder, 'uname.txt'), 'Linux host 6.1.0 #1 SMP x86_64\n');
  const path = join(folder, 'run.db');
  await ingestRun({ source: folder }, path, false);
  return path;
}

/** How often this process has a file open; Linux tells. */
function timesOpen(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(join('/proc/self/fd', fd)) === path;
    } catch {
      return false; // the one of the folder itself
    }
  }).length;
}

const LEAKS = {
  vmcores: [],
  outstanding: false,
  minAgeSec: 5,
  suppress: [],
  annotations: [],
  conservative: false,
  pretrace: false,
  retained: false,
  wantsChecksum: false,
};

test('a database that is open is seen', async () => {
  const path = await made();
  const db = new Database(path);
  expect(timesOpen(path)).toBe(1);
  db.close();
  expect(timesOpen(path)).toBe(0);
});

test.each<[string, (path: string) => Promise<unknown>]>([
  ['openRun', (source) => openRun({ source })],
  [
    'readAgain',
    async (source) => readAgain(await openSource({ source }), Infinity, () => undefined),
  ],
  ['queryRun', (source) => queryRun(source, 'SELECT count(*) FROM event', () => undefined)],
  ['openOrIngest', async (source) => (await openOrIngest({ source })).close()],
  ['sidecars', async (source) => (await openSource({ source })).sidecars.text('uname.txt')],
  ['leaksRun', (source) => leaksRun({ source }, { ...LEAKS, baseline: source })],
])('%s', async (_, use) => {
  const path = await made();
  await use(path);
  expect(timesOpen(path)).toBe(0);
});

test('a query that fails', async () => {
  const path = await made();
  await expect(queryRun(path, 'SELECT nothing', () => undefined)).rejects.toThrow('nothing');
  expect(timesOpen(path)).toBe(0);
});

test.each(['segment', 'site', 'sidecar'])('a damaged table %s', async (table) => {
  const path = await made();
  const db = new Database(path);
  db.exec(`ALTER TABLE ${table} RENAME TO gone`);
  db.close();
  await expect(
    (async () => {
      await openRun({ source: path });
      (await openOrIngest({ source: path })).close();
    })(),
  ).rejects.toThrow('damaged');
  expect(timesOpen(path)).toBe(0);
});

test('sidecars can be read when the database is closed', async () => {
  const path = await made();
  const { sidecars } = await openRun({ source: path });
  expect(sidecars.text('uname.txt')).toContain('6.1.0');
  expect(timesOpen(path)).toBe(0);
});
