// Recording folders and run databases that were cut or changed by hand: what cannot be is noted, or
// refused with exit 65; nothing ends in a bug, hangs or prints what is no number. Seeds are fixed.

import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { faults } from '../helpers/all-commands.ts';
import { POOL_TEST_MS } from '../helpers/cli-pool.ts';
import { Damage } from '../helpers/damage.ts';
import { BOOT, ROOT, runAllCli } from '../helpers/run-cli.ts';

vi.setConfig({ testTimeout: POOL_TEST_MS });

let folder = '';
/** The files of a small recording that is whole. */
const whole = new Map<string, string>();

const OBJECTS = 400;

/** Some hundred events of caches that the bundled boot has. */
function madeEvents(): string {
  let text = 'ts,cpu,pid,comm,event,ptr,call_site,bytes_req,bytes_alloc,gfp_flags,cache\n';
  const pointer = (n: number): string => `0xffff888003a${(0x40000 + n * 64).toString(16)}`;
  for (let n = 0; n < OBJECTS; n++) {
    text += `1.${String(n * 1000).padStart(9, '0')},${n % 2},${n % 7},task${n % 7},kmalloc,${pointer(n)},open+0x2c/0x90,56,64,GFP_KERNEL,\n`;
  }
  for (let n = 0; n < OBJECTS; n += 3) {
    text += `2.${String(n * 1000).padStart(9, '0')},${n % 2},${n % 7},task${n % 7},kfree,${pointer(n)},close+0x1f/0x60,,,,\n`;
  }
  return text;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slabreplay-damaged-'));
  const boot = join(ROOT, BOOT);
  for (const name of readdirSync(boot, { recursive: true, encoding: 'utf8' })) {
    if (
      !/^(?!RECORDING|expected|trace\.|truth).*(txt|config|stats|trace_clock|saved_cmdlines)(\.gz)?$/.test(
        name,
      )
    )
      continue;
    const bytes = readFileSync(join(boot, name));
    const text = name.endsWith('.gz') ? gunzipSync(bytes) : bytes;
    whole.set(name.replace(/\.gz$/, ''), text.toString('utf8'));
  }
  whole.set('trace.csv', madeEvents());
  whole.set('pagesize.txt', '4096\n');
  whole.set('iomem.txt', '00001000-3fffffff : System RAM\n  01000000-01a01d31 : Kernel code\n');
  whole.set('modules.txt', 'e1000 172032 0 - Live 0xffffffffc0100000\n');
  whole.set(
    'kallsyms.txt',
    'ffffffff81000000 T _text\nffffffff81000100 T open\nffffffff82000000 T _etext\n',
  );
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function writeRecording(name: string, files: ReadonlyMap<string, string>): string {
  const recording = join(folder, name);
  for (const [file, text] of files) {
    mkdirSync(dirname(join(recording, file)), { recursive: true });
    writeFileSync(join(recording, file), text);
  }
  return recording;
}

/** How often each sidecar is damaged: those with figures of caches more often. */
function damagedTimes(file: string): number {
  return /^slab(_sysfs|info)\.txt$/.test(file) ? 5 : 1;
}

test('the whole recording is read without a note', async () => {
  const source = writeRecording('whole', whole);
  const [analysis, replay] = await runAllCli([
    ['analyze', source, '--json'],
    ['replay', source, '--json'],
  ]);
  for (const result of [analysis, replay]) {
    expect(result?.code, result?.stderr).toBe(0);
    expect(JSON.parse(result?.stdout ?? '').completeness.notes).toEqual([]);
  }
});

test('files beside the events that were cut or changed are noted, and the rest is used', async () => {
  const commands: string[][] = [];
  let seed = 0;
  for (const [file, text] of whole) {
    for (let n = 0; file !== 'trace.csv' && n < damagedTimes(file); n++) {
      const damage = new Damage(++seed);
      const files = new Map([...whole, [file, damage.text(text)]]);
      const source = writeRecording(`sidecar-${seed}-${file.replaceAll('/', '-')}`, files);
      commands.push(
        ['analyze', source, '--json'],
        [
          'replay',
          source,
          ...damage.pick([
            ['--cpus', '1'],
            ['--slub-debug', 'FZPU'],
            ['--top', '0'],
          ]),
        ],
        ['slabinfo', source, ...damage.pick([['-l'], ['-T'], ['--from', 'replay', '-L']])],
        ['frag', source, '--by', damage.pick(['site', 'cache', 'size'])],
      );
    }
  }
  const results = await runAllCli(commands);
  expect(faults(commands, results)).toEqual([]);
  const failed = results.flatMap(({ code, stderr }, i) =>
    code === 0 || (code === 65 && stderr.includes('not /proc/slabinfo'))
      ? []
      : [`${commands[i]?.join(' ')}: exit ${code}: ${stderr}`],
  );
  expect(failed).toEqual([]);
});

/** The cells that are damaged, as `table.column`. */
const CELLS = [
  'run.value',
  'string.value',
  'site.address',
  'site.text',
  'call.kind',
  'call.site',
  'call.bytes_req',
  'call.bytes_alloc',
  'call.gfp_flags',
  'call.node',
  'call.cache',
  'call.accounted',
  'call.data',
  'task.pid',
  'task.comm',
  'segment.length',
  'segment.first_seq',
  'segment.min_ns',
  'segment.ts',
  'segment.call',
  'segment.task',
  'segment.ptr_hi',
  'segment.cpu',
  'segment.flags',
  'segment.stack',
  'sidecar.content',
] as const;

/** The rows of tables whose others matter less. */
const KEYS: Readonly<Record<string, string>> = {
  run: "WHERE key = 'info'",
  sidecar: "WHERE name = 'slab_sysfs.txt'",
};

/** Changes a cell of a database to what its column may hold, but not this program. */
function damageCell(path: string, cell: string, damage: Damage): void {
  const db = new Database(path);
  const [table = '', column = ''] = cell.split('.');
  const rows = db.prepare(`SELECT rowid AS id, "${column}" AS value FROM "${table}"`).all() as {
    id: number;
    value: unknown;
  }[];
  const key = KEYS[table] ?? `WHERE rowid = ${damage.pick(rows).id}`;
  const { value } = db.prepare(`SELECT "${column}" AS value FROM "${table}" ${key}`).get() as {
    value: unknown;
  };
  const update = db.prepare(`UPDATE OR REPLACE "${table}" SET "${column}" = ? ${key}`);
  if (table === 'sidecar') {
    const text = gunzipSync(value as Buffer).toString('utf8');
    update.run(damage.pick([damage.bytes(value as Buffer), gzipSync(damage.text(text))]));
  } else if (Buffer.isBuffer(value)) update.run(damage.bytes(value));
  else if (typeof value === 'string') update.run(damage.text(value));
  else update.run(damage.pick([0n, -1n, 1n << 31n, 1n << 53n, (1n << 63n) - 1n]));
  db.close();
}

test('databases whose cells were changed are read as they are, or refused with their place', async () => {
  const good = join(folder, 'good.db');
  const [ingested] = await runAllCli([['ingest', writeRecording('stored', whole), '-o', good]]);
  expect(ingested?.code, ingested?.stderr).toBe(0);
  const commands: string[][] = [];
  let seed = 1000;
  for (const cell of CELLS) {
    for (let n = 0; n < (cell === 'sidecar.content' ? 8 : 2); n++) {
      const damage = new Damage(++seed);
      const path = join(folder, `${cell}-${n}.db`);
      copyFileSync(good, path);
      damageCell(path, cell, damage);
      commands.push(
        ['analyze', path, '--json'],
        ['replay', path, '--cpus', '1'],
        damage.pick([
          ['sql', path, 'SELECT * FROM event'],
          ['slabinfo', path],
          ['export', path, '--to', 'csv', '-o', join(folder, 'damaged.csv.out'), '--force'],
          ['rates', path, '--json', '--series'],
        ]),
      );
    }
  }
  const results = await runAllCli(commands);
  expect(faults(commands, results)).toEqual([]);
  const other = results.flatMap(({ code, stderr }, i) =>
    code === 0 ||
    (code === 65 && /table \w+, |database is damaged|not \/proc\/slabinfo/.test(stderr))
      ? []
      : [`${commands[i]?.join(' ')}: exit ${code}: ${stderr}`],
  );
  expect(other).toEqual([]);
});
