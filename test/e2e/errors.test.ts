// What bad input and wrong use get: the exit code of sysexits.h, one line that names the thing and
// the place, perhaps one that says what to do; never a stack, never anything on standard output.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { beforeAll, expect, test } from 'vitest';
import { BOOT, outputOf, ROOT, runCli, STACKS } from '../helpers/run-cli.ts';

const TEXT = join(ROOT, STACKS, 'trace.txt.gz');
const DAT = join(ROOT, BOOT, 'trace.dat.gz');

/** Runs a command that must fail with this code and this text on standard error. */
async function expectError(
  args: readonly string[],
  code: number,
  text: string | RegExp,
): Promise<void> {
  const result = await runCli(args);
  expect(result).toMatchObject({ code, signal: null, stdout: '' });
  expect(result.stderr).toMatch(text);
  const lines = result.stderr.trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(2);
  expect(lines[0]).toMatch(/^slabreplay: \S/);
  if (lines.length === 2) expect(lines[1]).toMatch(/^ {2}\S/);
  expect(result.stderr).not.toMatch(/^\s+at |Error:|node:internal/m);
}

let folder = '';
const file = (name: string): string => join(folder, name);

function write(name: string, bytes: string | Uint8Array): string {
  writeFileSync(file(name), bytes);
  return file(name);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slabreplay-errors-'));
  return () => rmSync(folder, { recursive: true, force: true });
});

test('a missing file', () =>
  expectError(['analyze', 'no-such-file'], 74, 'no-such-file: no such file or directory'));

test('a folder without events', async () => {
  mkdirSync(file('no-events'));
  await expectError(['analyze', file('no-events')], 65, 'no events in this folder');
});

test('an empty file', () => expectError(['analyze', write('empty', '')], 65, 'the file is empty'));

test('empty standard input', () => expectError(['analyze', '-'], 65, 'is empty'));

test('a foreign text lists what was tried and why it was refused', () =>
  expectError(
    ['analyze', write('letter.txt', 'Dear kernel,\n')],
    65,
    /not a trace that can be read: .+\n {2}Tried trace-dat: .+; ftrace-text, /,
  ));

test('a CSV with a column that is not known', () =>
  expectError(
    ['analyze', write('odd.csv', 'ts,cpu,pid,event,ptr,colour\n')],
    65,
    /odd\.csv: line 1: unknown column "colour"\n {2}Known: ts, .+ --ignore-columns passes over others\.\n/,
  ));

test('columns that are none', () =>
  expectError(['analyze', STACKS, '--columns', 'ts,when'], 2, '--columns: unknown column "when"'));

test('a mapping of a probe that says nothing', () =>
  expectError(['analyze', STACKS, '--map', 'take'], 2, '--map take: "take" is none of EVENT=ROLE'));

test('a foreign binary', () => expectError(['analyze', process.execPath], 65, 'not a trace'));

// Root may read everything.
test.skipIf(process.getuid?.() === 0)('a file that only the user may read', async () => {
  chmodSync(write('secret', 'x'), 0);
  await expectError(['analyze', file('secret')], 74, 'permission denied');
});

test('a device that cannot be read', async () => {
  if (existsSync('/proc/self/mem')) {
    await expectError(['analyze', '/proc/self/mem'], 74, 'input/output error');
  }
});

test.each([
  ['in its header', 20],
  ['in its event formats', 200_000],
])('a trace.dat that ends %s', async (_, length) => {
  const whole = gunzipSync(readFileSync(DAT));
  const path = write(`cut-${length}.dat`, whole.subarray(0, length));
  await expectError(['analyze', path], 65, `the file ends after ${length} bytes`);
});

test.each([
  ['plain', 'cut.dat', () => gunzipSync(readFileSync(DAT)).subarray(0, 20_000_000)],
  ['packed', 'cut.dat.gz', () => readFileSync(DAT).subarray(0, 2_000_000)],
] as const)(
  'a trace.dat that is cut in its data, %s, is read as far as they go',
  async (_, name, bytes) => {
    const text = await outputOf(['analyze', write(name, bytes()), '--no-replay']);
    expect(text).toContain('The input ends too early');
    expect(text).not.toContain(' 0 events');
  },
);

test('packed data that are damaged', async () => {
  const bytes = Buffer.from(readFileSync(TEXT));
  bytes.fill(0xff, 30_000, 30_016);
  const path = write('damaged.txt.gz', bytes);
  await expectError(['analyze', path], 65, /packed data are damaged after \d+ unpacked bytes/);
});

test('a text that ends too early is read as far as it goes, and says so', async () => {
  const path = write('cut.txt.gz', readFileSync(TEXT).subarray(0, 40_000));
  expect(await outputOf(['analyze', path])).toContain('The input ends too early');
});

test('CRLF line ends change nothing', async () => {
  const text = gunzipSync(readFileSync(TEXT)).toString('latin1');
  const plain = write('plain.txt', text);
  const dos = write('dos.txt', text.replaceAll('\n', '\r\n'));
  const [a, b] = await Promise.all(
    [plain, dos].map((path) => outputOf(['analyze', path, '--json', '--label', 'x'])),
  );
  expect(b?.replace('dos.txt', 'plain.txt')).toBe(a);
});

test.each([
  [['analyze', STACKS, '--no-such-option'], "unknown option '--no-such-option'"],
  [['no-such-command'], "unknown command 'no-such-command'"],
  [['analyze'], "missing required argument 'source'"],
  [['analyze', STACKS, STACKS], 'too many arguments'],
  [['analyze', STACKS, '--top', 'many'], 'a whole number from 0 on'],
  [['analyze', STACKS, '--pid', '-1'], 'a whole number from 0 on'],
  [['analyze', STACKS, '--cpu', '0,x'], 'a list such as 0,2-5'],
  [['analyze', STACKS, '--time', '3'], 'expected FROM..TO'],
  [['analyze', STACKS, '--time', 'a..b'], 'expected seconds'],
  [['analyze', STACKS, '--json', '--csv'], 'cannot be used with'],
  [['analyze', STACKS, '--input-format', 'vhs'], 'there is no input format "vhs"'],
  [['analyze', STACKS, '--buffer', 'vhs'], 'there is no buffer "vhs"'],
  [['frag', STACKS, '--by', 'colour'], 'Allowed choices are'],
  [['frag', STACKS, '--at', 'noon'], 'expected seconds'],
  [['frag', STACKS, '--at', 'peak', '--by', 'stack'], 'not for its peak'],
  [['rates', STACKS, '--interval', '0'], 'a number above 0'],
  [['rates', STACKS, '--interval', 'x'], 'a number above 0'],
  [['ingest', STACKS], "required option '-o, --out <RUN.db>' not specified"],
  [['export', STACKS, '--to', 'punched-cards', '-o', 'x'], 'Allowed choices are'],
  [['export', STACKS, '-o', 'x'], "required option '--to <FORMAT>' not specified"],
  [['perfkmem', STACKS, '--caller', '-s', 'colour'], "unknown sort key 'colour'"],
  [['perfkmem', STACKS, '--cache', 'kmalloc-64'], 'the counters of perf know no caches'],
  [
    ['history', STACKS, '--dmesg', 'x', '--pid', '7', '--cache', 'dentry'],
    '--cache dentry --pid 7: not with --dmesg',
  ],
  [['slabinfo', BOOT, '--colour'], "unknown option '--colour'"],
] as const)('%j is a wrong use', (args, text) => expectError(args, 2, text));

// What the file system refuses even to look at (a name of more than 255 bytes) is no bug of ours.
const LONG_NAME = 'a'.repeat(300);

test.each([
  [['analyze', LONG_NAME], `${LONG_NAME}: the name is too long`],
  [['analyze', STACKS, '--sidecars', LONG_NAME], `${LONG_NAME}: the name is too long`],
  [['compare', LONG_NAME, '--to', STACKS], `${LONG_NAME}: the name is too long`],
  [['analyze', join(STACKS, 'trace.txt.gz', 'x')], 'no such file or directory'],
] as const)('a file that cannot be looked at: %#', (args, text) => expectError(args, 74, text));

test("an option's value need not be the name of a file", async () => {
  const output = await outputOf(['analyze', STACKS, '--json', '--label', LONG_NAME]);
  expect(JSON.parse(output)).toMatchObject({ run: { label: LONG_NAME } });
});

test('a recording without a capture of slabs has no slabinfo', () =>
  expectError(['slabinfo', 'traces/tutorial/sizes.csv'], 65, 'no slab_sysfs.txt'));

test('a folder of sidecars that is not there', () =>
  expectError(['analyze', STACKS, '--sidecars', '/no/such/folder'], 74, 'no such folder'));

test('a sidecar that is damaged', async () => {
  mkdirSync(file('with-sidecar'));
  copyFileSync(TEXT, file('with-sidecar/trace.txt.gz'));
  write('with-sidecar/slabinfo.txt.gz', Uint8Array.of(0x1f, 0x8b, 8, 0, 1, 2, 3));
  await expectError(['analyze', file('with-sidecar')], 65, 'slabinfo.txt.gz: cannot be unpacked');
});

test('a folder for unpacking that is not there', () =>
  expectError(['analyze', BOOT, '--tmp', '/no/such/folder'], 74, 'cannot unpack here'));

test.each([
  ['analyze', ['analyze', STACKS]],
  ['ingest', ['ingest', STACKS]],
  ['export --to csv', ['export', STACKS, '--to', 'csv']],
  ['export --to sqlite-rows', ['export', STACKS, '--to', 'sqlite-rows']],
  ['export --to pprof', ['export', STACKS, '--to', 'pprof']],
] as const)('%s overwrites a file only with --force', async (name, args) => {
  const path = write(`there-${name}`, 'precious');
  await expectError([...args, '-o', path], 74, 'exists already');
  expect(readFileSync(path, 'utf8')).toBe('precious');
  await outputOf([...args, '-o', path, '--force']);
  expect(readFileSync(path, 'latin1')).not.toContain('precious');
});

test.each([
  ['analyze', ['analyze', STACKS]],
  ['ingest', ['ingest', STACKS]],
  ['export --to csv', ['export', STACKS, '--to', 'csv']],
  ['export --to sqlite-rows', ['export', STACKS, '--to', 'sqlite-rows']],
  ['export --to pprof', ['export', STACKS, '--to', 'pprof']],
] as const)('%s into a folder that is not there', (_, args) =>
  expectError([...args, '-o', '/no/such/folder/file'], 74, '/no/such/folder/file: '),
);

test('a folder is not overwritten', async () => {
  mkdirSync(file('folder'));
  await expectError(['ingest', STACKS, '-o', file('folder'), '--force'], 74, 'is a directory');
});

test('a device without space', async () => {
  if (!existsSync('/dev/full')) return;
  const args = ['analyze', STACKS, '-o', '/dev/full', '--force'];
  await expectError(args, 74, 'no space left on the device');
});

test('a foreign database', async () => {
  const db = new Database(file('foreign.db'));
  db.exec('CREATE TABLE cat (name TEXT)');
  db.close();
  await expectError(['analyze', file('foreign.db')], 65, 'none of slabreplay');
  await expectError(['sql', file('foreign.db'), 'SELECT 1'], 65, 'none of slabreplay');
});

test('databases that are newer or damaged, and queries that SQLite rejects', async () => {
  await outputOf(['ingest', STACKS, '-o', file('run.db'), '--quiet']);

  copyFileSync(file('run.db'), file('newer.db'));
  const newer = new Database(file('newer.db'));
  newer.pragma('user_version = 99');
  newer.close();
  await expectError(['analyze', file('newer.db')], 65, 'schema version 99');

  const bytes = readFileSync(file('run.db'));
  const half = write('half.db', bytes.subarray(0, bytes.length / 2));
  await expectError(['analyze', half], 65, 'the database is damaged');
  await expectError(['sql', half, 'SELECT count(*) FROM event'], 65, 'the database is damaged');

  copyFileSync(file('run.db'), file('holes.db'));
  const holes = new Database(file('holes.db'));
  holes.exec('UPDATE segment SET call = zeroblob(4 * length - 4)');
  holes.close();
  await expectError(['analyze', file('holes.db')], 65, 'table segment, id 0: call has ');
  await expectError(
    ['sql', file('holes.db'), 'SELECT * FROM event'],
    65,
    'table segment, id 0: call has ',
  );

  const sql = (query: string): string[] => ['sql', file('run.db'), query];
  await expectError(sql('SELEC'), 2, 'syntax error');
  await expectError(sql('SELECT no_such_column FROM run'), 2, 'no such column');
  await expectError(sql('SELECT * FROM no_such_table'), 2, 'no such table');
  await expectError(sql('DELETE FROM run'), 2, 'only read');
  await expectError(['sql', STACKS, 'SELECT 1'], 65, 'not a run database');
  await expectError(['sql', 'no-such.db', 'SELECT 1'], 74, 'no such file');
});
