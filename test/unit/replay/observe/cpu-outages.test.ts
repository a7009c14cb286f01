// When a CPU was switched off, told by its thread cpuhp/N and the silence behind it.

import { expect, test } from 'vitest';
import { CpuOutages } from '../../../../src/replay/observe/cpu-outages.ts';
import { TestTrace } from '../../../helpers/builders.ts';

/** So many equal events of a task on a CPU; `hotplug` is the CPU's own cpuhp thread. */
interface Stretch {
  readonly cpu: number;
  readonly task: 'hotplug' | 'task';
  readonly events: number;
  /** Where they are called from. */
  readonly site: string;
}

const stretch = (
  cpu: number,
  task: Stretch['task'],
  events: number,
  site = 'alloc_cpumask_var_node',
): Stretch => ({ cpu, task, events, site });

const WORK = stretch(1, 'task', 2000);
const DOWN = stretch(1, 'hotplug', 200);
const UP = DOWN;
const AFTER = stretch(1, 'task', 20);

/** CPUs that were off, and as which event, counted from 1, the last one before came. */
function outages(...stretches: readonly Stretch[]): string[] {
  const lines = stretches.flatMap(({ cpu, task, events, site }) =>
    new Array<string>(events).fill(
      `cpu${cpu} ${task === 'hotplug' ? `cpuhp/${cpu}-${20 + cpu}` : 'task-7'} free A by=${site}`,
    ),
  );
  const trace = new TestTrace(lines.join('\n'));
  const found = new CpuOutages(trace.dictionary);
  for (const batch of trace.batches(1000)) found.add(batch);
  return found.outages().map(({ cpu, since }) => `cpu${cpu} after ${since / 1000}`);
}

test('a CPU that is silent between two runs of its cpuhp thread was off', () => {
  const others = stretch(0, 'task', 500);
  expect(outages(WORK, DOWN, AFTER, others, UP, WORK)).toEqual(['cpu1 after 2220']);
  expect(outages(WORK, DOWN, others, UP, WORK, DOWN, AFTER, others, UP)).toEqual([
    'cpu1 after 2200',
    'cpu1 after 5120',
  ]);
});

test('a silence that ends with another task, or in which hardly anything happens, is none', () => {
  expect(outages(WORK, DOWN, stretch(0, 'task', 500), WORK)).toEqual([]);
  expect(outages(WORK, DOWN, stretch(0, 'task', 100), UP, WORK)).toEqual([]);
});

test('a CPU that works long after its cpuhp thread has run was not switched off by it', () => {
  expect(outages(WORK, DOWN, WORK, stretch(0, 'task', 500), UP)).toEqual([]);
});

test('a cpuhp thread that runs the callbacks of another driver has not switched the CPU off', () => {
  const others = stretch(0, 'task', 500);
  const installed = stretch(1, 'hotplug', 20, 'acpi_evaluate_object');
  expect(outages(WORK, DOWN, AFTER, others, installed, WORK)).toEqual([]);
  expect(outages(WORK, installed, AFTER, others, UP, WORK)).toEqual([]);
});

test('when the CPUs of a boot come up, their threads run on CPUs that have done nothing yet', () => {
  expect(outages(UP, stretch(0, 'task', 500), UP, WORK)).toEqual([]);
});

test('a cpuhp thread on another CPU says nothing of that one', () => {
  const lines = [
    ...new Array<string>(2000).fill('cpu1 task-7 free A'),
    'cpu1 cpuhp/2-22 free A',
    ...new Array<string>(500).fill('cpu0 task-7 free A'),
    'cpu1 cpuhp/2-22 free A',
  ];
  const trace = new TestTrace(lines.join('\n'));
  const found = new CpuOutages(trace.dictionary);
  for (const batch of trace.batches()) found.add(batch);
  expect(found.outages()).toEqual([]);
});

test('a CPU that stays off is off where the others go on for long', () => {
  expect(outages(WORK, DOWN, AFTER, stretch(0, 'task', 70_000))).toEqual(['cpu1 after 2220']);
  expect(outages(WORK, DOWN, AFTER, stretch(0, 'task', 20_000))).toEqual([]);
});
