import { describe, expect, test } from 'vitest';
import { DirectMap } from '../../../src/pairing/direct-map.ts';
import type { PageEvidence } from '../../../src/pairing/page-evidence.ts';
import { TestTrace } from '../../helpers/builders.ts';
import { track } from '../../helpers/tracked.ts';

interface Looked {
  /** The cache that is named on the page of an object. */
  cacheAt(object: string, since?: number): string;
  cacheAfter(object: string, ts: number): string;
  cacheFrom(object: string, ts: number): string;
  cacheFrom(object: string, ts: number): string;
  /** Whether an object that was allocated at `ts` must be gone. */
  wasReused(object: string, ts: number, bytesAlloc: number): boolean;
}

function look(lines: string): Looked {
  const { tracker, trace } = track(new TestTrace(lines));
  const pages: PageEvidence = tracker.pages;
  const halves = (object: string): [number, number] => {
    const address = trace.address(object);
    return [Number(address & 0xffffffffn), Number(address >> 32n)];
  };
  const name = (id: number): string => trace.dictionary.strings.get(id);
  return {
    cacheAt: (object, since) => name(pages.cacheAt(...halves(object), since)),
    cacheAfter: (object, ts) => name(pages.cacheAfter(...halves(object), ts)),
    cacheFrom: (object, ts) => name(pages.cacheFrom(...halves(object), ts)),
    wasReused: (object, ts, bytes) => pages.wasReused(...halves(object), ts, bytes),
  };
}

describe('the cache of a page', () => {
  test('is what a free named there, for every object on it', () => {
    const seen = look('alloc dentry A 192\nalloc dentry A+192 192\nfree dentry A');
    expect(seen.cacheAt('A+192')).toBe('dentry');
    expect(seen.cacheAt('A+4095')).toBe('dentry');
    expect(seen.cacheAt('A+4096')).toBe('');
  });

  test('is told by frees of unknown objects as well', () => {
    expect(look('free dentry A').cacheAt('A+64')).toBe('dentry');
  });

  test('is told by allocations that name it (6.18 on)', () => {
    expect(look('alloc dentry A 192 name=dentry').cacheAt('A')).toBe('dentry');
  });

  test('is not told by kfree(), nor by a free without a name', () => {
    expect(look('alloc dentry A 192\nfree A').cacheAt('A')).toBe('');
    expect(look('alloc dentry A 192\nfree ? A').cacheAt('A')).toBe('');
  });

  test('is the latest of several', () => {
    const seen = look('@1000 free dentry A\n@2000 free filp A+192');
    expect(seen.cacheAt('A')).toBe('filp');
    expect([seen.cacheAt('A', 2000), seen.cacheAt('A', 2001)]).toEqual(['filp', '']);
    expect([seen.cacheAfter('A', 1999), seen.cacheAfter('A', 2000)]).toEqual(['filp', '']);
  });

  test('is forgotten when objects of another stride are allocated there', () => {
    const seen = look('alloc dentry A 192\nfree dentry A\nalloc kmalloc-64 A+64');
    expect(seen.cacheAt('A')).toBe('');
  });

  test('is kept where only frees were seen before', () => {
    expect(look('free dentry A\nalloc dentry A+192 192').cacheAt('A')).toBe('dentry');
  });

  test('is kept for objects of the same stride', () => {
    const seen = look('alloc dentry A 192\nfree dentry A\nalloc filp A+192 192');
    expect(seen.cacheAt('A')).toBe('dentry');
  });
});

describe('the first cache that was named at some time or after', () => {
  const NAMED = `
    @1000 free dentry A
    @1100 free dentry A+192
    @2000 free filp A
    @3000 free dentry A`;

  test('is that of what was allocated then', () => {
    const { cacheFrom } = look(NAMED);
    const at = (...times: number[]): string[] => times.map((ts) => cacheFrom('A', ts));
    expect(at(500, 1100)).toEqual(['dentry', 'dentry']);
    expect(at(1101, 2000)).toEqual(['filp', 'filp']);
    expect(at(2001, 3000)).toEqual(['dentry', 'dentry']);
    expect(at(3001)).toEqual(['']);
  });

  test('stays known when objects of another stride have taken the page', () => {
    const { cacheFrom } = look('@1000 free dentry A\n@2000 alloc x A 192\n@3000 alloc x A 256');
    expect([cacheFrom('A', 900), cacheFrom('A', 1001)]).toEqual(['dentry', '']);
  });

  test('is unknown of pages that were not seen', () => {
    expect(look('free dentry A').cacheFrom('B', 0)).toBe('');
  });
});

describe('an object is gone', () => {
  test('where its page was used for another stride later', () => {
    const seen = look('@1000 alloc kmalloc-64 A\n@2000 alloc dentry A+192 192');
    expect(seen.wasReused('A', 1000, 64)).toBe(true);
    expect(seen.wasReused('A+192', 2000, 192)).toBe(false);
  });

  test('but not by objects of its own stride, nor by earlier ones', () => {
    const seen = look(
      '@1000 alloc dentry A 192\n@2000 alloc kmalloc-64 A+64\n@3000 alloc kmalloc-64 A',
    );
    expect(seen.wasReused('A+64', 2000, 64)).toBe(false);
  });

  test('but not by one of the same time, whose order is not known', () => {
    const seen = look('@1000 alloc kmalloc-64 A\n@1000 cpu1 alloc dentry A+192 192');
    expect(seen.wasReused('A', 1000, 64)).toBe(false);
  });

  test('where a large kmalloc took its page, the first or a later one', () => {
    const seen = look('@1000 alloc kmalloc-64 A+8256\n@2000 alloc kmalloc A 9000/16384');
    expect(seen.wasReused('A+8256', 1000, 64)).toBe(true);
    expect(seen.wasReused('A+16448', 1000, 64)).toBe(false);
  });

  test('not where nothing was seen', () => {
    expect(look('').wasReused('A', 0, 64)).toBe(false);
  });
});

test('pages beyond the low 4 GiB of an address are told apart', () => {
  const seen = look('free dentry 0xffff888012345000\nfree filp 0xff11000012345000');
  expect(seen.cacheAt('0xffff888012345040')).toBe('dentry');
  expect(seen.cacheAt('0xff11000012345040')).toBe('filp');
});

describe('events of the page allocator', () => {
  /** Three new slabs, whose first objects tell where the kernel maps frame 0: ffff888000000000. */
  const LEARN = `
    page_alloc 0x100
    alloc dentry 0xffff888000100000 192
    page_alloc 0x200 1
    alloc filp 0xffff888000201100 256
    page_alloc 0x300 3
    alloc mm_struct 0xffff888000307000 1024`;

  test('tell that a page left its slab, and all that was on it', () => {
    const seen = look(`${LEARN}
      @90000 page_free 0x201
      @91000 page_free 0x100`);
    expect(seen.wasReused('0xffff888000100000', 2000, 192)).toBe(true);
    expect(seen.wasReused('0xffff888000201100', 4000, 256)).toBe(true);
    expect(seen.wasReused('0xffff888000307000', 6000, 1024)).toBe(false);
  });

  test('of higher orders tell it of each page', () => {
    const seen = look(`${LEARN}\n@90000 page_free 0x300 3`);
    expect(seen.wasReused('0xffff888000307000', 6000, 1024)).toBe(true);
  });

  test('tell it by giving the page out again, where its free was lost', () => {
    const seen = look(`${LEARN}\n@90000 page_alloc 0x100`);
    expect(seen.wasReused('0xffff888000100000', 2000, 192)).toBe(true);
  });

  test('say nothing of what was allocated there afterwards', () => {
    const seen = look(`${LEARN}
      @90000 page_free 0x100
      @91000 page_alloc 0x100
      @92000 alloc dentry 0xffff8880001000c0 192`);
    expect(seen.wasReused('0xffff8880001000c0', 92000, 192)).toBe(false);
    expect(seen.wasReused('0xffff888000100000', 2000, 192)).toBe(true);
  });

  test('make the page forget its cache', () => {
    const seen = look(`${LEARN}
      free dentry 0xffff888000100000
      @90000 page_free 0x100`);
    expect(seen.cacheAt('0xffff888000100000')).toBe('');
  });
});

describe('the direct map', () => {
  const BASE = 0xffff888000000000n / 4096n;
  const page = (frame: number): number => Number(BASE) + frame;

  function learn(
    pairs: readonly (readonly [frame: number, count: number, on: number])[],
  ): DirectMap {
    const map = new DirectMap();
    for (const [frame, count, on] of pairs) {
      map.pagesAllocated(0, 1, frame, count);
      map.objectAllocated(0, 1, page(on));
    }
    return map;
  }

  test('is learned from three slabs that agree', () => {
    const slabs = [
      [0x100, 1, 0x100],
      [0x234, 8, 0x237],
      [0x777, 2, 0x777],
    ] as const;
    expect(learn(slabs.slice(0, 2)).distance).toBeUndefined();
    expect(learn(slabs).distance).toBe(Number(BASE));
  });

  test('is not learned from pages that others use, which agree on nothing', () => {
    const map = learn(Array.from({ length: 200 }, (_, i) => [i * 3, 1, 5000 + i * 7]));
    expect(map.distance).toBeUndefined();
  });

  test('needs more than half of the votes', () => {
    const wrong = (i: number) => [0x100, 1, 0x100 + 512 * (i + 1)] as const;
    const right = [0x100, 1, 0x100] as const;
    expect(learn([wrong(0), wrong(1), wrong(2), right, right, right]).distance).toBeUndefined();
    expect(learn([wrong(0), right, right, right]).distance).toBe(Number(BASE));
  });

  test('takes only the next allocation of the same task on the same CPU', () => {
    const map = new DirectMap();
    for (let i = 0; i < 9; i++) {
      map.pagesAllocated(0, 1, 0x100, 1);
      map.objectAllocated(1, 1, page(0x100));
      map.objectAllocated(0, 2 as number, page(0x100));
      map.objectAllocated(0, 1, page(0x100));
    }
    expect(map.distance).toBeUndefined();
  });

  test('may lie below the frames: physical memory of some machines begins high', () => {
    const cpu: number = 3;
    const map = new DirectMap();
    for (const frame of [0x80000000, 0x80000100, 0x80000200]) {
      map.pagesAllocated(cpu, 1, frame, 1);
      map.objectAllocated(cpu, 1, frame - 0x7fffe000);
    }
    expect(map.distance).toBe(-0x7fffe000);
  });
});
