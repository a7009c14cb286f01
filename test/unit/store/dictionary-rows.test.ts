import { expect, test } from 'vitest';
import { ACCOUNTED, Dictionary, NODE_UNKNOWN } from '../../../src/kernel/events/dictionary.ts';
import { RunDatabase } from '../../../src/store/run-database.ts';
import { TestTrace } from '../../helpers/builders.ts';
import { storeTrace } from '../../helpers/stored.ts';

/** A dictionary through a database. */
function roundTrip(fill: (dictionary: Dictionary) => void): [Dictionary, Dictionary] {
  const trace = new TestTrace('');
  fill(trace.dictionary);
  const database = new RunDatabase(storeTrace(trace));
  database.close();
  return [trace.dictionary, database.dictionary];
}

const ids = (table: { readonly length: number }): number[] =>
  Array.from({ length: table.length }, (_, id) => id);

test('an empty dictionary comes back empty', () => {
  const [, back] = roundTrip(() => undefined);
  expect(back.mark()).toEqual(new Dictionary().mark());
});

test('strings come back as they are, with the same ids', () => {
  const texts = [
    'bash',
    'été',
    '日本',
    'a\0b',
    '\u{1f600}',
    ' ',
    "'",
    '"',
    '\n',
    'x'.repeat(70_000),
  ];
  const [own, back] = roundTrip(({ strings }) => {
    for (const text of texts) strings.intern(text);
  });
  expect(back.strings.values).toEqual(own.strings.values);
});

test('sites come back by address, by text and by both', () => {
  const [own, back] = roundTrip(({ sites, strings }) => {
    sites.internAddress(0x81000010, 0xffffffff);
    sites.internAddress(0xc0123456, 0);
    sites.internAddress(0, 0x80000000);
    sites.internText(strings.intern('vfs_read+0x10'));
    sites.intern(0xffffffff, 0xffffffff, strings.intern('last'));
  });
  const fields = ({ sites }: Dictionary): number[][] =>
    ids(sites).map((id) => [sites.lo(id), sites.hi(id), sites.text(id)]);
  expect(fields(back)).toEqual(fields(own));
});

test('calls come back with every field, over its whole range', () => {
  const [own, back] = roundTrip(({ calls, sites, strings }) => {
    const site = sites.internAddress(0x81000010, 0xffffffff);
    const cache = strings.intern('dentry');
    const data = strings.intern('deadbeef');
    calls.intern({
      kind: 1,
      site,
      bytesReq: 40,
      bytesAlloc: 64,
      gfp: 0xcc0,
      gfpKnown: true,
      node: -1,
    });
    calls.intern({ kind: 3, site, node: 1023, accounted: ACCOUNTED.yes });
    calls.intern({ kind: 4, site, node: NODE_UNKNOWN, accounted: ACCOUNTED.no });
    calls.intern({ kind: 6, site, cache });
    calls.intern({ kind: 11, data, bytesReq: 4 });
    calls.intern({ kind: 1, gfp: 0xffffffff, gfpKnown: true });
    calls.intern({ kind: 1, bytesReq: 2 ** 53 - 1, bytesAlloc: 2 ** 53 });
    calls.intern({ kind: 1, bytesReq: 2 ** 63, bytesAlloc: 2 ** 64 - 2048 });
    calls.intern({ kind: 1, bytesReq: 2 ** 63 - 1024, bytesAlloc: 2 ** 32 });
  });
  const fields = ({ calls }: Dictionary): unknown[] => ids(calls).map((id) => calls.get(id));
  expect(fields(back)).toEqual(fields(own));
  expect(back.calls.get(8 as number)).toMatchObject({
    bytesReq: 2 ** 63,
    bytesAlloc: 2 ** 64 - 2048,
  });
});

test('tasks come back, with one pid under several names and pid 0 without one', () => {
  const [own, back] = roundTrip(({ tasks, strings }) => {
    tasks.intern(0, 0);
    tasks.intern(7, strings.intern('sh'));
    tasks.intern(7, strings.intern('ls'));
    tasks.intern(2147483647, strings.intern('last'));
    tasks.intern(-1, strings.intern('<...>'));
  });
  const fields = ({ tasks }: Dictionary): number[][] =>
    ids(tasks).map((id) => [tasks.pid(id), tasks.comm(id)]);
  expect(fields(back)).toEqual(fields(own));
});

test('stacks come back frame by frame', () => {
  const [own, back] = roundTrip(({ stacks, sites }) => {
    const frames = Array.from({ length: 300 }, (_, i) => sites.internAddress(i + 1, 0xffffffff));
    for (const length of [1, 2, 300]) stacks.intern(Uint32Array.from(frames), length);
    stacks.intern(Uint32Array.of(frames[1] as number, frames[1] as number), 2);
  });
  const fields = ({ stacks }: Dictionary): number[][] =>
    ids(stacks).map((id) => [...stacks.frames(id)]);
  expect(fields(back)).toEqual(fields(own));
  expect(fields(back).map((frames) => frames.length)).toEqual([0, 1, 2, 300, 2]);
});
