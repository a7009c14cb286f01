import { describe, expect, test } from 'vitest';
import { totalSums } from '../../../src/run/group-calls.ts';
import { kernelFacts, pick, type ResolveOptions, resolve } from '../../helpers/tracked.ts';

const sumsOf = (lines: string, options: ResolveOptions = {}): ReturnType<typeof totalSums> =>
  totalSums(resolve(lines, options).run);

describe('bytes over the whole trace', () => {
  test('are those of every object, by what each asked for and took', () => {
    const sums = sumsOf(`
      alloc kmalloc-64 A 40
      alloc kmalloc-64 B 60
      free A
      alloc dentry C 192
      free C
    `);
    expect(pick(sums, 'allocs', 'frees', 'bytesReq', 'bytesAlloc', 'bytesFreed')).toEqual({
      allocs: 3,
      frees: 2,
      bytesReq: 40 + 60 + 192,
      bytesAlloc: 64 + 64 + 192,
      bytesFreed: 64 + 192,
    });
  });

  test('count frees without an event apart from frees', () => {
    const sums = sumsOf('alloc kmalloc-64 A\nalloc kmalloc-64 A');
    expect(pick(sums, 'allocs', 'frees', 'untracedFrees', 'live', 'bytesFreed')).toEqual({
      allocs: 2,
      frees: 0,
      untracedFrees: 1,
      live: 1,
      bytesFreed: 0,
    });
  });
});

describe('bytes of what is live', () => {
  const LINES = `
    alloc kmalloc A 60/256
    alloc kmalloc B 9000/16384
    alloc mm_struct C 1104/1152
    alloc kmalloc-64 D 64
    free D`;

  test('split into request, rounding and padding', () => {
    const sums = sumsOf(LINES);
    expect(
      pick(sums, 'live', 'liveBytesReq', 'liveBytesAlloc', 'liveRounding', 'livePadding'),
    ).toEqual({
      live: 3,
      liveBytesReq: 60 + 9000 + 1104,
      liveBytesAlloc: 256 + 16384 + 1152,
      liveRounding: 196 + 7384,
      livePadding: 48,
    });
    expect(sums.liveMetadata).toBe(0);
  });

  test('split off the metadata of slub_debug', () => {
    const sums = sumsOf(LINES, { facts: kernelFacts({ slubDebug: true }) });
    expect(pick(sums, 'liveRounding', 'livePadding', 'liveMetadata')).toEqual({
      liveRounding: 4 + 7384,
      livePadding: 0,
      liveMetadata: 192 + 48,
    });
  });

  test('add up to what was allocated', () => {
    for (const slubDebug of [false, true]) {
      const s = sumsOf(LINES, { facts: kernelFacts({ slubDebug }) });
      expect(s.liveBytesReq + s.liveRounding + s.livePadding + s.liveMetadata).toBe(
        s.liveBytesAlloc,
      );
    }
  });

  test('tell how much of it is uncertain', () => {
    const sums = sumsOf(`
      alloc kmalloc-64 A by=rcu+0x1
      alloc kmalloc-64 A by=other+0x1
      alloc kmalloc-1k B by=rcu+0x1
      alloc kmalloc-64 C by=other+0x1
    `);
    expect(pick(sums, 'live', 'liveUncertain', 'liveUncertainBytesAlloc')).toEqual({
      live: 3,
      liveUncertain: 1,
      liveUncertainBytesAlloc: 1024,
    });
  });

  test('do not have objects whose memory was used for something else', () => {
    expect(pick(sumsOf('alloc kmalloc-64 A\nalloc dentry A+192 192'), 'live', 'allocs')).toEqual({
      live: 1,
      allocs: 2,
    });
  });
});

test('what was live at the peak is summed for that moment', () => {
  const sums = sumsOf(`
    alloc kmalloc-64 A 40
    alloc mm_struct B 1104/1152
    free A
    free B
    alloc kmalloc-64 C 64
  `);
  expect(pick(sums, 'atPeak', 'atPeakBytesReq', 'atPeakBytesAlloc', 'atPeakRounding')).toEqual({
    atPeak: 2,
    atPeakBytesReq: 1144,
    atPeakBytesAlloc: 1216,
    atPeakRounding: 24,
  });
});

test('the peak has a large kmalloc with two events', () => {
  const sums = sumsOf(`
    alloc kmalloc A 9000/16384 by=__kmalloc_noprof+0x3e
    alloc kmalloc A 9000/16384 by=load_module+0x10
    free A
  `);
  expect(pick(sums, 'atPeak', 'atPeakBytesReq', 'atPeakBytesAlloc')).toEqual({
    atPeak: 1,
    atPeakBytesReq: 9000,
    atPeakBytesAlloc: 16384,
  });
});

test('rounding over time: bytes times seconds, of live objects until the end', () => {
  const sums = sumsOf(`
    @1000000000 alloc kmalloc-64 A 40
    @2000000000 alloc kmalloc-64 B 60
    @4000000000 free A
    @5000000000 alloc dentry C 192/256
    @7000000000 free X
  `);
  // 24 bytes for 3 s, 4 bytes from 2 s to 7 s; padding is no rounding.
  expect(sums.roundingByteSeconds).toBe(24 * 3 + 4 * 5);
  expect(sums.lifetimeSum).toBe(3e9);
});

test('a CPU that is not the allocating one is counted, and what lives only briefly', () => {
  const sums = sumsOf('cpu0 alloc kmalloc-64 A\nalloc kmalloc-64 B\ncpu1 free A\ncpu0 free B');
  expect(pick(sums, 'crossCpuFrees', 'temporary')).toEqual({ crossCpuFrees: 1, temporary: 1 });
});
