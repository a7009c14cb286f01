// What a perf.data says of events that it does not have: sampled, of some tasks only, in other files,
// of other kinds.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openRun } from '../../../../src/run/open-run.ts';
import {
  type Attr,
  Bytes,
  KFREE_ID,
  perfFile,
  Records,
  readPerf,
  S,
  USUAL,
} from '../../../helpers/perf-file.ts';

const PTR = 0xffff888001230000n;
const NO_PERIOD = USUAL & ~S.PERIOD;

/** A file with an event of each attr: kmalloc, then kfree. */
function fileOf(...attrs: readonly Attr[]): Buffer {
  const records = attrs.map((attr) => {
    const r = new Records(attr);
    return attr.config === KFREE_ID
      ? r.kfree({ time: 20n }, { ptr: PTR })
      : r.kmalloc({ time: 10n }, { ptr: PTR });
  });
  return perfFile({ attrs, records });
}

const kmalloc = (attr: Partial<Attr>): Attr => ({ sampleType: USUAL, ids: [11], ...attr });
const kfree = (attr: Partial<Attr>): Attr => ({
  sampleType: USUAL,
  ids: [12],
  config: KFREE_ID,
  ...attr,
});

test.each([
  [[kmalloc({}), kfree({})], null],
  [[kmalloc({ period: 11 }), kfree({ period: 11 })], null],
  [[kmalloc({ sampleType: NO_PERIOD }), kfree({ sampleType: NO_PERIOD })], null],
  [
    [kmalloc({ freq: true, period: 199 }), kfree({ freq: true, period: 199 })],
    { kind: 'frequency', every: 199, events: ['kmalloc', 'kfree'] },
  ],
  [
    [kmalloc({ sampleType: NO_PERIOD, period: 11 }), kfree({ sampleType: NO_PERIOD })],
    { kind: 'period', every: 11, events: ['kmalloc'] },
  ],
  [[kmalloc({}), kfree({ period: 0 })], { kind: 'leader', every: 0, events: ['kfree'] }],
  // An event that is not about slab memory may be sampled as it likes.
  [[kmalloc({}), kfree({ config: 99, freq: true, period: 4000 })], null],
])('sampling %#', async (attrs, sampling) => {
  expect((await readPerf(fileOf(...attrs))).info.sampling).toEqual(sampling);
});

/** ID_INDEX of one entry. */
const idIndex = (cpu: bigint, tid: bigint): Buffer =>
  new Bytes().u32(69).u16(0).u16(48).u64(1).u64(11).u64(0).u64(cpu).u64(tid).buffer;

const threadMap = (tid: bigint): Buffer =>
  new Bytes().u32(73).u16(0).u16(40).u64(1).u64(tid).raw(Buffer.alloc(16)).buffer;

test.each([
  ['the whole machine', { attr: {}, records: [idIndex(0n, -1n), threadMap(-1n)] }, false],
  ['ids of a task', { attr: {}, records: [idIndex(-1n, 3045n)] }, true],
  ['ids of a task on each CPU', { attr: {}, records: [idIndex(1n, 3045n)] }, true],
  ['the map of threads', { attr: {}, records: [threadMap(3045n)] }, true],
  ['a command', { attr: { enableOnExec: true }, records: [] }, true],
])('tasks: %s', async (_, { attr, records }, some) => {
  const one = kmalloc(attr);
  const event = new Records(one).kmalloc({ time: 10n }, { ptr: PTR });
  const trace = await readPerf(perfFile({ attrs: [one], records: [...records, event] }));
  expect(trace.stats).toEqual({});
  expect(trace.info.someTasksOnly).toBe(some);
});

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'perf-folder-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test.each(['', 'perf.data'])('the folder of perf record --threads, in "%s"', async (inside) => {
  const folder = temporary();
  const target = join(folder, inside);
  mkdirSync(target, { recursive: true });
  const attr = kmalloc({});
  const r = new Records(attr);
  const at = (time: bigint, cpu: number): Buffer =>
    r.kmalloc({ time, cpu }, { ptr: PTR + time * 128n });
  // bit 24: DIR_FORMAT
  const file = perfFile({
    attrs: [attr],
    records: [r.finishedRound()],
    features: { 24: Buffer.alloc(8) },
  });
  writeFileSync(join(target, 'data'), file);
  // A round in one stream says nothing of the others.
  const first = [at(10n, 0), r.finishedRound(), at(30n, 0), r.finishedRound(), at(50n, 0)];
  writeFileSync(join(target, 'data.0'), Buffer.concat(first));
  writeFileSync(join(target, 'data.10'), Buffer.concat([at(40n, 2)]));
  writeFileSync(join(target, 'data.2'), Buffer.concat([at(20n, 1), at(60n, 1)]));
  const { run } = await openRun({ source: folder });
  expect(run.tallies.maxCpu).toBe(2);
  expect(run.listed).toHaveLength(6);
  expect(run.stats.list()).toEqual([]);
});

test('a folder of --threads without its records says where they are', async () => {
  const folder = temporary();
  const file = perfFile({
    attrs: [kmalloc({})],
    records: [threadMap(-1n)],
    features: { 24: Buffer.alloc(8) },
  });
  writeFileSync(join(folder, 'data'), file);
  await expect(openRun({ source: folder })).rejects.toThrow('its events are in data.0, data.1');
});

test('a file with other events names them, most first, and what is described', async () => {
  const path = join(temporary(), 'x.data');
  const attr = kmalloc({});
  const r = new Records(attr);
  const other = new Bytes().u16(77).raw(Buffer.alloc(30)).buffer;
  const records = [r.sample({ time: 10n }, other), r.sample({ time: 20n }, other)];
  writeFileSync(path, perfFile({ attrs: [attr], records }));
  await expect(openRun({ source: path })).rejects.toMatchObject({
    exitCode: 65,
    message: `${path}: no kmem event was recorded, although kmalloc, kfree are described; it holds 2 event 77`,
    hint: expect.stringContaining("perf record -a -e 'kmem:*'"),
  });
  writeFileSync(path, perfFile({ attrs: [attr], records: [r.finishedRound()] }));
  await expect(openRun({ source: path })).rejects.toThrow('; it holds no event at all');
});
