import { expect, test } from 'vitest';
import {
  createBatch,
  type EventBatch,
  IRQ_FLAG,
} from '../../../../src/kernel/events/event-batch.ts';
import { PreemptedFrees } from '../../../../src/replay/observe/preempted-frees.ts';

const OBJECT = { lo: 0x1000, hi: 0xffff8880 };

/** Events of tasks; one in a soft interrupt is of the task that it interrupts. */
function events(...tasks: readonly (number | 'softirq')[]): EventBatch {
  const batch = createBatch(tasks.length);
  batch.length = tasks.length;
  for (const [i, task] of tasks.entries()) {
    batch.task[i] = task === 'softirq' ? 1 : task;
    batch.flags[i] = task === 'softirq' ? IRQ_FLAG.softirq : 0;
  }
  return batch;
}

/** Task 1 writes the event of a free; then the rest happens. */
function freeThen(...tasks: readonly (number | 'softirq')[]): PreemptedFrees {
  const batch = events(1, ...tasks);
  const frees = new PreemptedFrees(1);
  frees.event(batch, 0);
  frees.freed(0, OBJECT.lo, OBJECT.hi);
  for (let i = 1; i < batch.length; i++) frees.event(batch, i);
  return frees;
}

test('a free may wait as long as its task is silent and another one runs', () => {
  expect(freeThen(2).ownerOf(0, OBJECT)).toBe(1);
  expect(freeThen(2, 'softirq', 3).ownerOf(0, OBJECT)).toBe(1);
  expect(freeThen().ownerOf(0, OBJECT)).toBe(-1); // its own task goes on
  expect(freeThen(2, 1, 2).ownerOf(0, OBJECT)).toBe(-1); // it went on in between
  expect(freeThen(2).ownerOf(0, { lo: 0x2000, hi: OBJECT.hi })).toBe(-1);
});

test('a free in an interrupt is done before any task runs', () => {
  const batch = events('softirq', 2);
  const frees = new PreemptedFrees(1);
  frees.event(batch, 0);
  frees.freed(0, OBJECT.lo, OBJECT.hi);
  frees.event(batch, 1);
  expect(frees.ownerOf(0, OBJECT)).toBe(-1);
});

test('a postponed free is done before the next event of its task', () => {
  const frees = freeThen(2);
  frees.postpone(1, OBJECT);
  const batch = events(2, 'softirq', 1, 1);
  expect([0, 1, 2, 3].map((i) => frees.event(batch, i))).toEqual([
    undefined,
    undefined,
    OBJECT,
    undefined,
  ]);
});

test('or when its object is allocated again', () => {
  const frees = freeThen(2);
  frees.postpone(1, OBJECT);
  expect(frees.finish({ lo: 0x2000, hi: OBJECT.hi })).toBe(false);
  expect(frees.finish(OBJECT)).toBe(true);
  expect(frees.event(events(1), 0)).toBeUndefined();
});
