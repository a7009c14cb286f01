import { describe, expect, test } from 'vitest';
import { buildProfile, type Profile } from '../../../src/analysis/profile.ts';
import { nameStacks, type ProfileValue } from '../../../src/analysis/profile-stacks.ts';
import { StackTally } from '../../../src/pairing/stack-tally.ts';
import { ORIGIN, type ResolveOptions, resolve } from '../../helpers/tracked.ts';

function profileOf(lines: string, options: ResolveOptions = {}): Profile {
  const tally = new StackTally();
  const { run } = resolve(lines, { batchSize: 2, extra: () => [tally], ...options });
  return buildProfile(run, tally, ORIGIN);
}

/** `outer;inner;[cache] value` of every stack. */
function stacksOf(profiles: readonly Profile[], value: ProfileValue = 'live-bytes'): string[] {
  return nameStacks(profiles, value).map(({ names, values }) =>
    [names.join(';'), ...values].join(' '),
  );
}

const TWO_PATHS = `
  alloc kmalloc-64 A 40 by=probe+0x10 stack=trace_event;kmalloc;probe+0x10;open+0x1;entry+0x2
  alloc kmalloc-64 B 40 by=probe+0x10 stack=trace_event;kmalloc;probe+0x10;open+0x1;entry+0x2
  alloc kmalloc-64 C 60 by=probe+0x10 stack=trace_event;kmalloc;probe+0x10;stat+0x1;entry+0x2
  alloc dentry D 192 by=d_alloc+0x8
  free A
  free dentry D
`;

describe('a profile', () => {
  test('sums what was allocated and what is live, by chain, cache and size', () => {
    const { samples, frames } = profileOf(TWO_PATHS);
    const shown = samples.map((sample) => ({
      ...sample,
      frames: sample.frames.map((frame) => frames[frame]?.name),
    }));
    expect(shown).toEqual([
      {
        frames: ['probe', 'open', 'entry'],
        cache: 'kmalloc-64',
        bytesReqEach: 40,
        allocated: { objects: 2, bytes: 128, requested: 80 },
        live: { objects: 1, bytes: 64, requested: 40 },
      },
      {
        frames: ['probe', 'stat', 'entry'],
        cache: 'kmalloc-64',
        bytesReqEach: 60,
        allocated: { objects: 1, bytes: 64, requested: 60 },
        live: { objects: 1, bytes: 64, requested: 60 },
      },
      {
        frames: ['d_alloc'],
        cache: 'dentry',
        bytesReqEach: 192,
        allocated: { objects: 1, bytes: 192, requested: 192 },
        live: { objects: 0, bytes: 0, requested: 0 },
      },
    ]);
  });

  test('the second event of one large allocation stands in the place of the first', () => {
    const { samples, frames } = profileOf(`
      @1000 alloc kmalloc A 9000/16384 by=__kmalloc_noprof+0x3e stack=__kmalloc_noprof;load_module;init
      @1002 alloc kmalloc A 9000/16384 by=load_module+0x10
    `);
    expect(samples).toMatchObject([
      { frames: [0, 1], allocated: { objects: 1 }, live: { objects: 1 } },
    ]);
    expect(frames.map(({ name }) => name)).toEqual(['load_module', 'init']);
  });

  test('filters select allocations', () => {
    const { samples } = profileOf(TWO_PATHS, { caches: ['dentry'] });
    expect(samples.map(({ cache }) => cache)).toEqual(['dentry']);
    const byTask = profileOf(
      `a-1 alloc kmalloc-64 A 40 by=one+0x1
       b-2 alloc kmalloc-64 B 40 by=two+0x1
       b-2 free A`,
      { filter: { pids: [1] } },
    );
    expect(stacksOf([byTask], 'alloc-objects')).toEqual(['one;[kmalloc-64] 1']);
    expect(stacksOf([byTask])).toEqual([]);
  });
});

describe('stacks by name', () => {
  test('outermost first, the cache innermost; sizes of one chain are one stack', () => {
    expect(stacksOf([profileOf(TWO_PATHS)])).toEqual([
      'entry;open;probe;[kmalloc-64] 64',
      'entry;stat;probe;[kmalloc-64] 64',
    ]);
  });

  test.each<[ProfileValue, number[]]>([
    ['live-objects', [1, 1]],
    ['live-wasted', [24, 4]],
    ['alloc-objects', [1, 2, 1]],
    ['alloc-bytes', [192, 128, 64]],
    ['alloc-wasted', [48, 4]],
  ])('--value %s', (value, expected) => {
    const stacks = nameStacks([profileOf(TWO_PATHS)], value);
    expect(stacks.map(({ values }) => values[0])).toEqual(expected);
  });

  test('two runs: a number each; suffixes of the compiler do not tell functions apart', () => {
    const base = profileOf('alloc kmalloc-64 A 40 by=probe.isra.0+0x10');
    const now = profileOf(`
      alloc kmalloc-64 A 40 by=probe+0x20
      alloc kmalloc-64 B 40 by=probe+0x20
      alloc kmalloc-64 C 40 by=fresh+0x4`);
    expect(stacksOf([base, now])).toEqual(['fresh;[kmalloc-64] 0 64', 'probe;[kmalloc-64] 64 128']);
  });
});
