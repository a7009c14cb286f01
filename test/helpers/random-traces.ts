// Arbitrary traces as lines (builders.ts), for laws that hold whatever happened.

import fc from 'fast-check';

/** A fixed seed, or another one each time with FC_SEED=random. */
export const SEED: number = process.env['FC_SEED'] === 'random' ? Date.now() : 20261121;

const OBJECTS = ['A', 'A+64', 'A+192', 'B', 'B+64', 'C', 'D', 'E'];
const CALLS = [
  'kmalloc-64 OBJECT 40 by=open+0x1',
  'kmalloc-64 OBJECT 60 by=open+0x2',
  'kmalloc-128 OBJECT 100 by=rcu+0x1',
  'kmalloc OBJECT 9000/16384 by=__kmalloc_noprof+0x3e',
  'kmalloc OBJECT 9000/16384 by=load_module+0x10',
  'dentry OBJECT 192 by=lookup+0x1',
  'filp OBJECT 192 by=lookup+0x2 name=filp',
];
const FREES = ['free OBJECT', 'free dentry OBJECT', 'free ? OBJECT', 'free filp OBJECT by=put+0x1'];
const OTHERS = [
  'free NULL',
  'free ZERO',
  'alloc kmalloc-64 NULL 40 by=open+0x1',
  'bulk_free D',
  'lost 3',
  'page_alloc 0x100',
  'page_free 0x100',
];

const event = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom(...CALLS), fc.constantFrom(...OBJECTS))
      .map(([call, object]) => `alloc ${call.replace('OBJECT', object)}`),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.constantFrom(...FREES), fc.constantFrom(...OBJECTS))
      .map(([free, object]) => free.replace('OBJECT', object)),
  },
  { weight: 1, arbitrary: fc.constantFrom(...OTHERS) },
);

/**
 * Lines of up to 60 events by three tasks on three CPUs.
 * @param steps nanoseconds from event to event
 */
export function traceLines(steps: readonly number[]): fc.Arbitrary<string> {
  const line = fc
    .tuple(
      fc.constantFrom(...steps),
      fc.constantFrom('cpu0', 'cpu1', 'cpu7'),
      fc.constantFrom('bash-7', 'udevd-9', 'init-1'),
      event,
    )
    .map(([step, cpu, task, what]) => `@+${step} ${cpu} ${task} ${what}`);
  return fc.array(line, { maxLength: 60 }).map((lines) => lines.join('\n'));
}

/** Times that may be equal, close or far apart. */
export const ANY_TIMES: readonly number[] = [0, 1, 1000, 50_000, 100_000, 100_001, 1_000_000];
