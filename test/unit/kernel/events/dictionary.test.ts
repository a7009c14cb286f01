import { expect, test } from 'vitest';
import {
  ACCOUNTED,
  Dictionary,
  EMPTY_DICTIONARY,
  NODE_ANY,
  NODE_UNKNOWN,
} from '../../../../src/kernel/events/dictionary.ts';
import { EVENT_KIND } from '../../../../src/kernel/events/event-kind.ts';
import { StackTable } from '../../../../src/kernel/events/stack-table.ts';

const CALL = {
  kind: EVENT_KIND.kmalloc,
  site: 3,
  bytesReq: 100,
  bytesAlloc: 128,
  gfp: 0xffffffff,
  gfpKnown: true,
  node: NODE_ANY,
  cache: 4,
  accounted: ACCOUNTED.yes,
  data: 5,
};

test('a call comes out as it went in, and equal calls are one', () => {
  const { calls } = new Dictionary();
  const id = calls.intern(CALL);
  expect(calls.get(id)).toEqual(CALL);
  expect(calls.intern(CALL)).toBe(id);
  for (const [key, value] of Object.entries({
    kind: EVENT_KIND.kfree,
    site: 9,
    bytesReq: 101,
    bytesAlloc: 129,
    gfp: 1,
    gfpKnown: false,
    node: 0,
    cache: 9,
    accounted: ACCOUNTED.no,
    data: 9,
  })) {
    const other = calls.intern({ ...CALL, [key]: value });
    expect(other).not.toBe(id);
    expect(calls.get(other)).toEqual({ ...CALL, [key]: value });
  }
});

test('sizes above 4 GiB and unknown nodes are kept', () => {
  const { calls } = new Dictionary();
  const id = calls.intern({
    kind: 1,
    bytesReq: 2 ** 40 + 1,
    bytesAlloc: 2 ** 41,
    node: NODE_UNKNOWN,
  });
  expect(calls.get(id)).toMatchObject({ bytesReq: 2 ** 40 + 1, bytesAlloc: 2 ** 41, node: -2 });
});

test('what is left out of a call is unknown or nothing', () => {
  const { calls } = new Dictionary();
  expect(calls.get(calls.intern({ kind: EVENT_KIND.lost }))).toEqual({
    kind: EVENT_KIND.lost,
    site: 0,
    bytesReq: 0,
    bytesAlloc: 0,
    gfp: 0,
    gfpKnown: false,
    node: NODE_UNKNOWN,
    cache: 0,
    accounted: ACCOUNTED.unknown,
    data: 0,
  });
});

test('a site is known by address, by text, or by both', () => {
  const { sites } = new Dictionary();
  const byAddress = sites.internAddress(0x1000, 0xffffffff);
  const byText = sites.internText(7);
  const both = sites.intern(0x1000, 0xffffffff, 7);
  expect(new Set([0, byAddress, byText, both]).size).toBe(4);
  expect([sites.lo(byAddress), sites.hi(byAddress), sites.text(byAddress)]).toEqual([
    0x1000, 0xffffffff, 0,
  ]);
  expect([sites.lo(byText), sites.hi(byText), sites.text(byText)]).toEqual([0, 0, 7]);
  expect(sites.internAddress(0x1000, 0xffffffff)).toBe(byAddress);
  expect(sites.internAddress(0, 0)).toBe(0);
});

test('pid 0 and negative pids are tasks of their own', () => {
  const { tasks } = new Dictionary();
  const idle = tasks.intern(0, 0);
  const odd = tasks.intern(-1, 2);
  expect(idle).not.toBe(0);
  expect([tasks.pid(idle), tasks.pid(odd), tasks.comm(odd)]).toEqual([0, -1, 2]);
});

test('a string has one index and can be found again', () => {
  const { strings } = new Dictionary();
  expect(strings.intern('')).toBe(0);
  const id = strings.intern('dentry');
  expect(strings.intern('dentry')).toBe(id);
  expect([strings.get(id), strings.find('dentry'), strings.find('inode'), strings.get(99)]).toEqual(
    ['dentry', id, -1, ''],
  );
});

test('a copy follows by the changes and then knows the same', () => {
  const from = new Dictionary();
  const to = new Dictionary();
  let mark = EMPTY_DICTIONARY;
  const follow = (): void => {
    // As it crosses threads: a structured clone.
    to.apply(structuredClone(from.changesSince(mark)));
    mark = from.mark();
  };
  const first = from.calls.intern({ ...CALL, cache: from.strings.intern('dentry') });
  const stack = from.stacks.intern(Uint32Array.of(1, 2, 3, 0), 3);
  follow();
  follow();
  const task = from.tasks.intern(7, from.strings.intern('bash'));
  const second = from.calls.intern({ ...CALL, site: from.sites.internAddress(1, 2) });
  const stack2 = from.stacks.intern(Uint32Array.of(9), 1);
  follow();
  expect(to.mark()).toEqual(from.mark());
  expect(to.calls.get(first)).toEqual(from.calls.get(first));
  expect(to.calls.get(second)).toEqual(from.calls.get(second));
  expect(to.strings.get(to.tasks.comm(task))).toBe('bash');
  expect([...to.stacks.frames(stack)]).toEqual([1, 2, 3]);
  expect([...to.stacks.frames(stack2)]).toEqual([9]);
  // The copy can go on by itself, without mixing up what it was told.
  expect(to.calls.intern(to.calls.get(first))).toBe(first);
  expect(to.stacks.intern(Uint32Array.of(1, 2, 3), 3)).toBe(stack);
  expect(to.strings.find('bash')).toBe(from.strings.find('bash'));
});

test('stacks: equal ones are one, prefixes are others, none is 0', () => {
  const stacks = new StackTable();
  const frames = Uint32Array.from({ length: 600 }, (_, i) => i + 1);
  expect(stacks.intern(frames, 0)).toBe(0);
  const ids = Array.from({ length: 600 }, (_, i) => stacks.intern(frames, i + 1));
  expect(new Set(ids).size).toBe(600);
  expect(Array.from({ length: 600 }, (_, i) => stacks.intern(frames, i + 1))).toEqual(ids);
  expect([...stacks.frames(ids[4] ?? 0)]).toEqual([1, 2, 3, 4, 5]);
  expect([...stacks.frames(0)]).toEqual([]);
  expect(stacks.length).toBe(601);
});
