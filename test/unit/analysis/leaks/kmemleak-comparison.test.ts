// What is reported beside kmemleak's own list. The scan is of traces/leak-example, where a finger on the
// page tells what refers to what (its RECORDING.md); lists are made up.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { KmemleakComparison } from '../../../../src/analysis/leaks/kmemleak-comparison.ts';
import { DEFAULT_LEAKS, kmemleakComparisonRun } from '../../../../src/analysis/leaks/leaks-run.ts';
import {
  renderComparison,
  renderComparisonCsv,
} from '../../../../src/commands/leaks/kmemleak-comparison-text.ts';

const EXAMPLE = join(import.meta.dirname, '../../../../traces/leak-example');
const HZ = 250;
/** The trace's clock began so many seconds after the kernel's. */
const AHEAD = 20;

function file(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'kmemleak-comparison-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

interface Entry {
  readonly address: string;
  readonly size?: number;
  /** In the trace's seconds. */
  readonly sec?: number;
  readonly age?: number;
  readonly stack?: readonly string[];
  readonly percpu?: boolean;
}

/** As the kernel prints it. */
function entry({ address, size = 64, sec = 1, age, stack = [], percpu = false }: Entry): string {
  const jiffies = 2 ** 32 - 300 * HZ + Math.round((sec + AHEAD) * HZ);
  const aged = age === undefined ? '' : ` (age ${age.toFixed(3)}s)`;
  const frames = stack.map((frame) => `    ${frame}\n`).join('');
  return `unreferenced ${percpu ? 'percpu ' : ''}object ${address} (size ${size}):
  comm "appd", pid 101, jiffies ${jiffies}${aged}
  backtrace (crc 0):
${frames}`;
}

const list = (...entries: readonly Entry[]): string =>
  file('kmemleak.txt', entries.map(entry).join(''));

/** What became of each object: where it was found and why not elsewhere, by the end of its address. */
const fates = ({ objects }: KmemleakComparison): Record<string, string> =>
  Object.fromEntries(
    objects.map(({ found, reason, kernel, here }) => [
      (kernel?.address ?? here?.address ?? '').slice(-5),
      reason === null ? found : `${found}: ${reason}`,
    ]),
  );

/** Three objects from which the clocks are learnt. */
const KNOWN: readonly Entry[] = [
  { address: '0xffff888003a40000', sec: 1 },
  { address: '0xffff888003a40040', sec: 1.2 },
  { address: '0xffff888003a40080', sec: 2 },
];

test('a scan: every object has its reason', async () => {
  const path = list(
    ...KNOWN,
    { address: '0xffff888003a40100', sec: 3 },
    { address: '0xffff888003a40140', sec: 12 },
    { address: '0xffff888003a40180', sec: 14.5 },
    { address: '0xffff888003a50000', sec: 5 },
    { address: '0xffff888003a50040', sec: -4.5 },
    { address: '0xffff888003a50080', sec: 60 },
    { address: '0xffffc90000045000', sec: 5, stack: ['__vmalloc_node_range+0x73c/0x7f0'] },
    { address: '0x607fd2a0c4d8', sec: 5, percpu: true },
  );
  const comparison = await kmemleakComparisonRun({ source: EXAMPLE }, DEFAULT_LEAKS, path);
  expect(comparison).toMatchObject({
    type: 'kmemleak-comparison',
    method: 'reference-scan',
    list: path,
    matchedBy: 'address',
    both: 2,
    onlyKernel: 9,
    onlyHere: 1,
  });
  expect(fates(comparison)).toEqual({
    '40000': 'kernel: referenced',
    '40040': 'both',
    '40080': 'both',
    '40100': 'kernel: freed',
    '40140': 'kernel: freed',
    '40180': 'kernel: too-young',
    '50000': 'kernel: not-traced',
    '50040': 'kernel: before-trace',
    '50080': 'kernel: after-trace',
    '45000': 'kernel: vmalloc',
    '0c4d8': 'kernel: per-cpu',
    '400c0': 'here: unknown',
  });
  const freed = comparison.objects.find(({ reason }) => reason === 'freed');
  expect(freed?.why).toBe('It was freed after that: at 9.000 s by session_close+0x1f.');
  expect(freed?.here).toMatchObject({ symbol: 'session_open+0x2c', module: 'sessions', size: 64 });
});

test('an address that another object has by now: by its size, or by the time', async () => {
  const path = list(
    ...KNOWN,
    { address: '0xffff888003a400c0', size: 32, sec: 2 },
    { address: '0xffff888003a40180', sec: 9 },
    // Freed at 9 s: what came later was not recorded.
    { address: '0xffff888003a40100', sec: 11 },
  );
  const comparison = await kmemleakComparisonRun({ source: EXAMPLE }, DEFAULT_LEAKS, path);
  expect(fates(comparison)).toMatchObject({
    '400c0': 'here: unknown',
    '40180': 'kernel: other-owner',
    '40100': 'kernel: not-traced',
  });
  const other = comparison.objects.find(({ kernel }) => kernel?.address.endsWith('400c0'));
  expect(other).toMatchObject({
    found: 'kernel',
    reason: 'other-owner',
    why: 'Its address belongs to another object by now: 64 B, allocated by peer_connect+0x58 at 2.000 s.',
  });
});

test('what the options leave out has their reason', async () => {
  const suppress = [file('suppressions', 'leak:session_open\n')];
  const path = list(...KNOWN);
  const suppressed = await kmemleakComparisonRun(
    { source: EXAMPLE },
    { ...DEFAULT_LEAKS, suppress },
    path,
  );
  expect(fates(suppressed)).toMatchObject({ '40040': 'kernel: suppressed', '40080': 'both' });
  const young = { ...DEFAULT_LEAKS, minAgeSec: 0 };
  const all = await kmemleakComparisonRun({ source: EXAMPLE }, young, path);
  expect(fates(all)).toMatchObject({ '40180': 'here: young' });
});

test('a list with ages tells when it was printed', async () => {
  const path = list(...KNOWN.map((each) => ({ ...each, age: 10 - (each.sec ?? 0) })));
  const young = { ...DEFAULT_LEAKS, minAgeSec: 0 };
  const comparison = await kmemleakComparisonRun({ source: EXAMPLE }, young, path);
  expect(fates(comparison)).toMatchObject({
    '40180': 'here: after-list',
    '400c0': 'here: unknown',
  });
});

test('without a snapshot everything that is outstanding is looked at, and only counted', async () => {
  const path = list(...KNOWN, { address: '0xffff888003a40180', sec: 14.5 });
  const options = { ...DEFAULT_LEAKS, outstanding: true };
  const comparison = await kmemleakComparisonRun({ source: EXAMPLE }, options, path);
  expect(comparison).toMatchObject({ method: 'outstanding', both: 3, onlyKernel: 1, onlyHere: 1 });
  expect(fates(comparison)).toEqual({
    '40000': 'both',
    '40040': 'both',
    '40080': 'both',
    '40180': 'kernel: too-young',
  });
});

const STACK = ['kmalloc_trace+0x21/0x90', 'session_open+0x2c/0x90 [sessions]', 'do_x+0x1/0x2'];

test('of another boot: objects of one site and size are paired, as many as there are', async () => {
  const path = list(
    { address: '0xffff88810aa00000', stack: STACK },
    { address: '0xffff88810aa00040', stack: STACK },
    { address: '0xffff88810aa00080', size: 32, stack: STACK },
    // By chance an address that something else has now.
    { address: '0xffff888003a40040', size: 1024, stack: STACK },
  );
  const comparison = await kmemleakComparisonRun({ source: EXAMPLE }, DEFAULT_LEAKS, path);
  expect(comparison).toMatchObject({ matchedBy: 'site', both: 1, onlyKernel: 3, onlyHere: 2 });
  expect(comparison.objects[0]).toMatchObject({
    found: 'both',
    kernel: { address: '0xffff88810aa00000' },
    here: { address: '0xffff888003a40040' },
  });
});

test('a trace with hashed pointers is matched by site', async () => {
  const line = (time: string, ptr: string): string =>
    ` appd-101 [000] ..... ${time}: kmalloc: call_site=session_open+0x2c/0x90 [sessions] ptr=${ptr} bytes_req=56 bytes_alloc=64 gfp_flags=GFP_KERNEL\n`;
  const source = file(
    'trace.txt',
    `# tracer: nop\n${line('1.000000', '00000000459baa33')}${line('2.000000', '00000000459baa44')} appd-101 [000] ..... 20.000000: kfree: call_site=x+0x1/0x2 ptr=00000000459baa44\n`,
  );
  const path = list({ address: '0xffff888003a40040', stack: STACK });
  const comparison = await kmemleakComparisonRun({ source }, DEFAULT_LEAKS, path);
  expect(comparison).toMatchObject({ matchedBy: 'site', both: 1, onlyKernel: 0, onlyHere: 0 });
});

test('the list of a kernel that found none, and a file that is none', async () => {
  const none = await kmemleakComparisonRun({ source: EXAMPLE }, DEFAULT_LEAKS, file('empty', '\n'));
  expect(none).toMatchObject({ matchedBy: 'address', both: 0, onlyKernel: 0, onlyHere: 3 });
  const other = file('meminfo', 'MemTotal:        2035180 kB\nMemFree:          118000 kB\n');
  await expect(
    kmemleakComparisonRun({ source: EXAMPLE }, DEFAULT_LEAKS, other),
  ).rejects.toMatchObject({
    exitCode: 65,
    message: `${other}: not kmemleak's list: it is /proc/meminfo`,
  });
});

test('text and CSV', async () => {
  const path = list(...KNOWN);
  const comparison = await kmemleakComparisonRun({ source: EXAMPLE }, DEFAULT_LEAKS, path);
  const text = renderComparison({ ...comparison, list: 'k.txt' }, 20, 'leak-example');
  expect(text).toContain(
    "k.txt: kmemleak lists 3 objects, the scan reports 3; 2 in both, 1 only in the kernel's list, 1 only\nhere. Matched by address.",
  );
  expect(text).toMatch(
    /session_open\+0x2c \[sessions\] +appd-101 +0xffff888003a40000 +referenced\n/,
  );
  expect(text).toContain('slabreplay leaks leak-example --who-points-to 0xffff888003a40000');
  const rows = renderComparisonCsv(comparison).split('\n');
  expect(rows[0]).toBe('found,reason,address,size,cache,site,comm,pid,age_sec,why');
  expect(rows[1]).toBe(
    'both,,0xffff888003a40040,64,kmalloc-64,session_open+0x2c [sessions],appd,101,13.8,',
  );
});
