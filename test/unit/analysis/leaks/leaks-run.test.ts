// `leaks` as a whole on the hand-made example (traces/leak-example): what its RECORDING.md promises.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Leaks } from '../../../../src/analysis/leaks/leaks-result.ts';
import {
  type LeaksOptions,
  leaksReferrersRun,
  leaksRun,
} from '../../../../src/analysis/leaks/leaks-run.ts';
import { ingestRun } from '../../../../src/analysis/store-run/ingest-run.ts';
import { renderKmemleak } from '../../../../src/commands/leaks/leaks-kmemleak-text.ts';
import { renderLeaks } from '../../../../src/commands/leaks/leaks-text.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', '..', '..', 'traces', 'leak-example');
const LOST = '0xffff888003a40040';
const PEER_A = '0xffff888003a40080';
const PEER_B = '0xffff888003a400c0';
const YOUNG = '0xffff888003a40180';

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

const folder = mkdtempSync(join(tmpdir(), 'slabreplay-leaks-'));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function example(options: Partial<LeaksOptions> = {}, source = EXAMPLE): Promise<Leaks> {
  return (await leaksRun({ source }, { ...DEFAULTS, ...options })).leaks;
}

const addresses = (leaks: Leaks): string[] => leaks.candidates.map((c) => c.address);

test('the lost session and the pair that holds only itself are told, in order of time', async () => {
  const leaks = await example();
  expect(leaks.method).toBe('reference-scan');
  expect(addresses(leaks)).toEqual([LOST, PEER_A, PEER_B]);
  expect(leaks.candidates[0]).toEqual({
    address: LOST,
    kind: 'slab',
    traced: true,
    size: 64,
    bytesReq: 56,
    cache: 'kmalloc-64',
    callSite: null,
    symbol: 'session_open+0x2c',
    module: 'sessions',
    comm: 'appd',
    pid: 101,
    allocatedNs: '1200000000',
    ageSec: 13.8,
    hex: '6500000002000000801040c0ffffffff00000000000000000000000000000000',
    crc: null,
    stack: [],
  });
  expect(leaks.scan).toMatchObject({ objects: 5, white: 4, gray: 1, black: 0, rootBytes: 32 });
  expect(leaks.notReported).toMatchObject({ tooYoung: 1, suppressed: 0, uncertain: 0 });
});

test('--min-age 0 tells the young one too', async () => {
  expect(addresses(await example({ minAgeSec: 0 }))).toEqual([LOST, PEER_A, PEER_B, YOUNG]);
});

test('--retained: each of a pair keeps both alive', async () => {
  const { groups } = await example({ retained: true });
  expect(groups.map((g) => [g.symbol, g.objects, g.bytes, g.retainedBytes])).toEqual([
    ['session_open+0x2c', 1, 64, 64],
    ['peer_connect+0x41', 1, 64, 128],
    ['peer_connect+0x58', 1, 64, 128],
  ]);
});

test('a suppression of LeakSanitizer’s takes out what it names', async () => {
  const suppress = [file('lsan.supp', '# ours\nleak:peer_connect\nrace:x\n')];
  const leaks = await example({ suppress });
  expect(addresses(leaks)).toEqual([LOST]);
  expect(leaks.notReported?.suppressed).toBe(2);
  const whole = await example({ suppress: [file('module.supp', 'leak:^sessions$\n')] });
  expect(addresses(whole)).toEqual([]);
});

test('annotations: one that is no leak holds what it refers to', async () => {
  const annotations = [file('annotations', 'not-leak site=peer_connect+0x41\n')];
  const leaks = await example({ annotations });
  expect(addresses(leaks)).toEqual([LOST]);
  expect(leaks.scan).toMatchObject({ white: 2, gray: 3 });
  // The one that it names, and what that holds.
  expect(leaks.notReported).toMatchObject({ annotated: 2, tooYoung: 1 });
  const young = [file('young', `ignore address=${YOUNG}\n`)];
  expect((await example({ annotations: young })).notReported).toMatchObject({
    annotated: 0,
    tooYoung: 1,
  });
  const all = await example({ annotations: young, minAgeSec: 0 });
  expect(all.notReported).toMatchObject({ annotated: 1, tooYoung: 0 });
});

test('a baseline takes out what was live in it already', async () => {
  const early = file(
    'early.csv',
    'ts,cpu,pid,comm,event,ptr,call_site,bytes_req,bytes_alloc\n' +
      '1.200000000,0,101,appd,kmalloc,0xffff888003a40040,' +
      'session_open+0x2c/0x90 [sessions],56,64\n',
  );
  const baseline = join(folder, 'early.db');
  await ingestRun({ source: early }, baseline, false);
  const leaks = await example({ baseline });
  expect(addresses(leaks)).toEqual([PEER_A, PEER_B]);
  expect(leaks.notReported?.inBaseline).toBe(1);
});

test('of several snapshots a candidate must be one in each', async () => {
  // In an earlier one the session was still in the table.
  const earlier = file(
    'vmcore.earlier',
    'ffffffffc0402100:  ffff888003a40000 ffff888003a40040\n' +
      'ffff888003a40080:  ffff888003a400c0 0000000000000001\n',
  );
  const vmcores = [join(EXAMPLE, 'vmcore.txt'), earlier];
  const leaks = await example({ vmcores });
  expect(addresses(leaks)).toEqual([PEER_A, PEER_B]);
  expect(leaks.notReported?.notConfirmed).toBe(1);
  expect(leaks.snapshots.map((s) => s.path)).toEqual(vmcores);
});

test('--who-points-to names the holder', async () => {
  const ask = (address: bigint) => leaksReferrersRun({ source: EXAMPLE }, DEFAULTS, address);
  // Anywhere in the object.
  expect(await ask(0xffff888003a40010n)).toMatchObject({
    object: { address: '0xffff888003a40000', colour: 'gray', site: 'session_open+0x2c [sessions]' },
    referrers: [{ address: '0xffffffffc0402100', holder: 'session_table+0x0 [sessions]' }],
  });
  expect(await ask(BigInt(PEER_A))).toMatchObject({
    object: { colour: 'white' },
    referrers: [{ kind: 'white', holder: `kmalloc-64 ${PEER_B}+0x0` }],
  });
  await expect(ask(0xffff888003a40200n)).rejects.toThrow('no object of the trace lies there');
});

test('kmemleak’s own text, in the form of 6.1', async () => {
  const text = renderKmemleak(await example(), { hz: 250 });
  // 1.2 s are 300 jiffies behind INITIAL_JIFFIES, 2^32 - 300 * 250.
  expect(text.split('unreferenced')[1]).toBe(` object 0xffff888003a40040 (size 64):
  comm "appd", pid 101, jiffies 4294892596
  hex dump (first 32 bytes):
    65 00 00 00 02 00 00 00 80 10 40 c0 ff ff ff ff  e.........@.....
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................
  backtrace:
    session_open+0x2c [sessions]
`);
});

test('text: the answer, the groups, what was not told, the next step', async () => {
  const text = renderLeaks(await example(), {
    top: 20,
    objects: undefined,
    source: 'leak-example',
    vmcores: [],
  });
  expect(text).toContain(
    '3 of 5 objects are referenced from nowhere (3 slab); 192 B; 32 B scanned',
  );
  expect(text).toContain('1        1     64  session_open+0x2c [sessions]  kmalloc-64  appd-101');
  expect(text).toContain('Not reported: 1 younger than 5.0 s');
  expect(text).toContain('slabreplay leaks leak-example --who-points-to 0xffff888003a40040');
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
});

test('without a snapshot: outstanding objects by site, with their ages', async () => {
  const leaks = await example({ outstanding: true });
  expect(leaks.method).toBe('outstanding');
  expect(leaks.candidates).toEqual([]);
  expect(leaks.outstanding[0]).toMatchObject({
    symbol: 'session_open+0x2c',
    objects: 3,
    bytesReq: 168,
    bytesAlloc: 192,
    ages: [1, 0, 2, 0, 0],
  });
});

test('files that are not what they should be are refused with their line', async () => {
  const run = (options: Partial<LeaksOptions>) => example(options);
  const bad = file('bad', 'not-leak\n');
  await expect(run({ annotations: [bad] })).rejects.toThrow(`${bad}:1: nothing to tell objects by`);
  const odd = file('odd', '\nleek site=x\n');
  await expect(run({ annotations: [odd] })).rejects.toThrow(`${odd}:2: unknown action 'leek'`);
  const supp = file('supp', 'peer_connect\n');
  await expect(run({ suppress: [supp] })).rejects.toThrow(`${supp}:1: not a suppression`);
  await expect(run({ suppress: [join(folder, 'none')] })).rejects.toThrow('no such file');
});

test('a trace with hashed pointers is told so', async () => {
  const hashed = file(
    'trace.txt',
    '  bash-7 [000] .....  1.000000: kmalloc: call_site=f+0x1/0x2 ptr=00000000b06ca90e ' +
      'bytes_req=56 bytes_alloc=64 gfp_flags=GFP_KERNEL node=-1 accounted=false\n',
  );
  const vmcores = [join(EXAMPLE, 'vmcore.txt')];
  await expect(example({ vmcores }, hashed)).rejects.toThrow('pointers are hashed');
});
