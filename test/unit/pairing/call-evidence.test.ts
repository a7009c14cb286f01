import { describe, expect, test } from 'vitest';
import { type TrackOptions, track } from '../../helpers/tracked.ts';

interface Evidence {
  readonly allocs: number;
  readonly frees: number;
  readonly untracedFrees: number;
  /** How often frees gave each name. */
  readonly names: Readonly<Record<string, number>>;
}

/** What is known of the one call at a site. */
function evidenceOf(lines: string, site: string, options: TrackOptions = {}): Evidence {
  const { tracker, trace, call: callAt } = track(lines, options);
  const call = callAt(site);
  const { evidence } = tracker;
  return {
    allocs: evidence.allocs[call] ?? Number.NaN,
    frees: evidence.frees[call] ?? Number.NaN,
    untracedFrees: evidence.untracedFrees[call] ?? Number.NaN,
    names: Object.fromEntries(
      [...evidence.namesOf(call)].map(([id, n]) => [trace.dictionary.strings.get(id), n]),
    ),
  };
}

describe('allocations and frees', () => {
  test('are counted for each call', () => {
    const lines = `
      alloc dentry A 192 by=make+0x1
      alloc dentry B 192 by=make+0x1
      alloc dentry NULL 192 by=make+0x1
      free A
      free X`;
    expect(evidenceOf(lines, 'make+0x1')).toEqual({
      allocs: 2,
      frees: 1,
      untracedFrees: 0,
      names: {},
    });
  });

  test('are counted whatever a command selects', () => {
    const lines = 'bash-7 alloc dentry A 192 by=make+0x1\nfree A';
    expect(evidenceOf(lines, 'make+0x1', { filter: { pids: [99] } })).toMatchObject({
      allocs: 1,
      frees: 1,
    });
  });

  test('of a large kmalloc with two events belong to its true caller', () => {
    const lines = `
      alloc kmalloc A 9000/16384 by=__kmalloc_noprof+0x3e
      alloc kmalloc A 9000/16384 by=load_module+0x10`;
    expect(evidenceOf(lines, '__kmalloc_noprof+0x3e').allocs).toBe(0);
    expect(evidenceOf(lines, 'load_module+0x10').allocs).toBe(1);
  });
});

describe('a free without an event', () => {
  const LINES =
    '@1000 cpu0 alloc dentry A 192 by=old+0x1\n@2000 cpu1 alloc dentry A 192 by=new+0x1';

  test('is counted for the call whose object was there', () => {
    expect(evidenceOf(LINES, 'old+0x1').untracedFrees).toBe(1);
    expect(evidenceOf(LINES, 'new+0x1').untracedFrees).toBe(0);
  });

  test('is none when the free comes late', () => {
    expect(evidenceOf(`${LINES}\n@2500 cpu0 free ? A`, 'old+0x1')).toMatchObject({
      frees: 1,
      untracedFrees: 0,
    });
  });

  test('says nothing of the site where a loss on another CPU had begun earlier', () => {
    const lines = `
      @1 cpu1 free Z
      @2 cpu0 alloc kmalloc-64 A by=make+0x1
      @3 alloc kmalloc-64 A by=make+0x1
      @4 free Y
      @6 lost 3
      @7 alloc kmalloc-64 B by=other+0x1
      @9 cpu1 lost 3`;
    expect(evidenceOf(lines, 'make+0x1')).toMatchObject({ allocs: 2, untracedFrees: 0 });
  });

  test('says nothing of the site where events were lost meanwhile', () => {
    const lines = `
      @1000 alloc dentry A 192 by=old+0x1
      @1500 lost 3
      @2000 alloc dentry A 192 by=new+0x1
      @3000 alloc dentry A 192 by=third+0x1`;
    expect(evidenceOf(lines, 'old+0x1').untracedFrees).toBe(0);
    expect(evidenceOf(lines, 'new+0x1').untracedFrees).toBe(1);
  });
});

describe('names that frees gave', () => {
  test('are counted by name', () => {
    const lines = `
      alloc any A 192 by=make+0x1
      free dentry A
      alloc any A 192 by=make+0x1
      free dentry A
      alloc any A 192 by=make+0x1
      free filp A
      alloc any A 192 by=make+0x1
      free ? A
      alloc any A 192 by=make+0x1
      free A`;
    expect(evidenceOf(lines, 'make+0x1')).toMatchObject({
      frees: 5,
      names: { dentry: 2, filp: 1 },
    });
  });

  test('are counted for the object that a late free frees', () => {
    const lines = `
      @1000 cpu0 alloc any A 192 by=old+0x1
      @2000 cpu1 alloc any A 192 by=new+0x1
      @2500 cpu0 free dentry A`;
    expect(evidenceOf(lines, 'old+0x1').names).toEqual({ dentry: 1 });
    expect(evidenceOf(lines, 'new+0x1').names).toEqual({});
  });
});
