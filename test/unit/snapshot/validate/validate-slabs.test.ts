// Damage written by hand into slabs of a small machine: each is found at its byte, with the object
// that the kernel would name; what is not in the image is not reported as damaged.

import { describe, expect, test } from 'vitest';
import { physicalMemory, walkSlabs } from '../../../../src/snapshot/slub-walk/walk-slabs.ts';
import { snapshotCaches } from '../../../../src/snapshot/validate/checked-cache.ts';
import { SnapshotDetails } from '../../../../src/snapshot/validate/report-details.ts';
import { SlabCopy } from '../../../../src/snapshot/validate/slab-copy.ts';
import { SlabValidator } from '../../../../src/snapshot/validate/validate-slab.ts';
import {
  type SlabValidation,
  validateSlabs,
} from '../../../../src/snapshot/validate/validate-slabs.ts';
import {
  BASE,
  FRAME,
  offsetOf,
  poorMachine,
  putNext,
  type SlabHeader,
} from '../../../helpers/debug-slab-writer.ts';
import { bswap64, RANDOM, Slub61, structPage } from '../../../helpers/slub-writer.ts';

async function validate(
  damage: (bytes: Buffer) => void,
  header?: SlabHeader,
): Promise<SlabValidation> {
  return validateSlabs(await poorMachine(damage, header).slub(), undefined);
}

/** `kind object first-last`, all as offsets in the slab; consequences in brackets. */
function shown({ reports }: SlabValidation): string[] {
  return reports.map(({ kind, address, damaged, isConsequence }) => {
    const range = damaged === undefined ? '' : ` ${damaged.first - BASE}-${damaged.last - BASE}`;
    const line = `${kind} ${address - BASE}${range}`;
    return isConsequence ? `(${line})` : line;
  });
}

test('a sound slab has no reports, and is counted', async () => {
  const validation = await validate(() => undefined);
  expect(shown(validation)).toEqual([]);
  expect(validation).toMatchObject({ slabs: 1, objects: 48, objectsUnchecked: 0 });
  expect(validation.caches[1]).toMatchObject({ name: 'poor', allocated: 45, freeOnPartial: 3 });
  expect(validation.findings.list()).toEqual([]);
});

// Object 5 is allocated and lies at 848, object 3 is free and lies at 512.
describe('one damage', () => {
  const damages: [string, (bytes: Buffer) => void, string[]][] = [
    ['left red zone', (b) => b.fill(0x41, 841, 843), ['redzone-left 848 841-842']],
    ['right red zone', (b) => b.fill(0x41, 920, 921), ['redzone-right 848 920-920']],
    [
      'right red zone of a free object',
      (b) => b.fill(0xcc, 585, 586),
      ['redzone-right 512 585-585'],
    ],
    ['poison', (b) => b.fill(0, 512, 516), ['poison 512 512-515']],
    ['the last byte of poison', (b) => b.fill(0, 583, 584), ['poison 512 583-583']],
    ['object padding', (b) => b.fill(0, 848 + 159, 848 + 160), ['object-padding 848 1007-1007']],
    ['slab padding', (b) => b.fill(0, 8190, 8192), ['slab-padding 8190 8190-8191']],
    ['the free pointer of an allocated object', (b) => b.fill(1, 928, 936), ['freepointer 848']],
    ['a track', (b) => b.fill(0x49, 936, 944), ['track 848']],
  ];
  test.each(damages)('%s', async (_, damage, lines) => {
    expect(shown(await validate(damage))).toEqual(lines);
  });

  test('contents of an allocated object are its own', async () => {
    expect(shown(await validate((b) => b.fill(0x41, 848, 920)))).toEqual([]);
  });
});

test('all damages of a slab and of an object are found in one go', async () => {
  const validation = await validate((bytes) => {
    bytes.fill(0x41, 841, 842);
    bytes.fill(0x41, 920, 936);
    bytes.fill(0x41, 512, 592);
    bytes.fill(0x41, 8100, 8101);
  });
  expect(shown(validation)).toEqual([
    'slab-padding 8100 8100-8100',
    'redzone-right 512 584-591',
    'poison 512 512-582',
    'poison 512 583-583',
    'redzone-left 848 841-841',
    'redzone-right 848 920-927',
    'freepointer 848',
  ]);
});

// The freelist is 7, 3, 40: 1184, 512, 6728.
describe('freelists', () => {
  const note = ({ reports }: SlabValidation): string | undefined => reports[0]?.note;
  const at = (object: number): string => `0x${(BASE + BigInt(offsetOf(object))).toString(16)}`;

  test('a free pointer that leads nowhere loses the objects behind it', async () => {
    const validation = await validate((b) => b.fill(0xab, 1184 + 80, 1184 + 88));
    expect(shown(validation)).toEqual([
      'freelist 1184',
      '(counters 0)',
      '(redzone-left 512 504-511)',
      '(redzone-right 512 584-591)',
      '(redzone-left 6728 6720-6727)',
      '(redzone-right 6728 6800-6807)',
    ]);
    expect(note(validation)).toBe(
      `2 free objects fell off the freelist at ${at(7)}: ${at(3)}, ${at(40)}`,
    );
    expect(validation.reports[1]?.title).toBe(
      'Wrong object count. Counter is 45 but counted were 47',
    );
  });

  test('one that ends the list too early is told from the pointers of the lost objects', async () => {
    const validation = await validate((b) => putNext(b, BASE, 3, undefined));
    expect(shown(validation)[0]).toBe('counters 512');
    expect(note(validation)).toBe(`1 free object fell off the freelist at ${at(3)}: ${at(40)}`);
  });

  test('one that skips an object, too', async () => {
    const validation = await validate((b) => putNext(b, BASE, 7, 40));
    expect(shown(validation)[0]).toBe('counters 1184');
    expect(note(validation)).toBe(`1 free object fell off the freelist at ${at(7)}: ${at(3)}`);
  });

  test('a head that leads nowhere clears the list', async () => {
    const validation = await validate(() => undefined, { freelist: 0x1234n });
    expect(shown(validation).filter((line) => !line.startsWith('('))).toEqual(['freepointer 0']);
    expect(validation.reports.length).toBe(7);
    expect(validation.reports[0]?.text).toMatch(/^FIX poor: Freelist cleared$/m);
  });

  test('a circle is cut, and told', async () => {
    const validation = await validate((b) => putNext(b, BASE, 40, 7));
    expect(shown(validation)).toEqual(['counters 6728']);
    expect(note(validation)).toBe(`the freelist runs in a circle, closed at ${at(40)}`);
    expect(validation.reports[0]?.title).toBe(
      'Wrong object count. Counter is 45 but counted were -1',
    );
  });

  test('an allocated object on the list has the wrong red zones', async () => {
    const validation = await validate((b) => putNext(b, BASE, 40, 5));
    expect(shown(validation)[0]).toBe('counters 0');
    expect(shown(validation)).toContain('redzone-left 848 840-847');
  });

  test('a CPU’s freelist of a cache without debug flags', async () => {
    const plain = {
      name: 'plain',
      size: 1024,
      objectSize: 1000,
      offset: 512,
      order: 0,
      objects: 4,
    };
    const slub = new Slub61();
    const { at: cache, cpus } = slub.cache(plain);
    slub.slab(cache, plain, FRAME, [3]);
    slub.put64(structPage(FRAME) + 40n, BigInt(3 | (4 << 16)) | (1n << 31n));
    slub.put64(cpus[0] + 16n, structPage(FRAME));
    slub.put64(cpus[0], slub.chain(plain, FRAME, [2, 1]));
    const pointer = BASE + 2048n + 512n;
    slub.put64(pointer, (BASE + 8n) ^ RANDOM ^ bswap64(pointer));
    slub.finish();
    const validation = validateSlabs(await slub.slub(), undefined);
    expect(shown(validation)).toEqual(['freelist 2048']);
    expect(note(validation)).toBe('this is the freelist of CPU 0');
    expect(validation.reports[0]?.text).toContain('Freechain corrupt');
  });
});

describe('the counts of struct slab', () => {
  const headers: [string, SlabHeader, string[]][] = [
    ['more objects than fit', { objects: 60 }, ['objects 60 > max 48']],
    ['more in use than objects', { inuse: 49 }, ['inuse 49 > max 48']],
    [
      'fewer objects than fit',
      { objects: 47, inuse: 44 },
      ['Wrong number of objects. Found 47 but should be 48'],
    ],
    ['a wrong count', { inuse: 44 }, ['Wrong object count. Counter is 44 but counted were 45']],
    [
      'a slab that the kernel set aside',
      { frozen: true },
      ['Slab disabled since SLUB metadata consistency check failed'],
    ],
  ];
  test.each(headers)('%s', async (_, header, titles) => {
    const { reports } = await validate(() => undefined, header);
    expect(reports.filter((r) => !r.isConsequence).map((r) => r.title)).toEqual(titles);
    expect(reports[0]?.address).toBe(BASE);
  });

  test('damage in a slab with wrong counts is found all the same', async () => {
    const validation = await validate((b) => b.fill(0x41, 841, 842), { objects: 60 });
    expect(shown(validation)).toEqual(['counters 0', 'redzone-left 848 841-841']);
  });
});

describe('memory that the image lacks', () => {
  test('is not damage; what lies on the other pages is checked', async () => {
    const slub = poorMachine((b) => {
      b.fill(0x41, 841, 842);
      b.fill(0x41, 8100, 8101);
    });
    slub.kernel.machine.pages.delete(FRAME + 1);
    const validation = validateSlabs(await slub.slub(), undefined);
    // Objects 0 to 23 lie on the first page. The list leads from 3 to 40, and no further.
    expect(shown(validation)).toEqual([]);
    expect(validation).toMatchObject({ objects: 2, objectsUnchecked: 46 });
    expect(validation.findings.get('freelist_missing')).toBe(1);
  });

  test('behind the last free object it hides only its own objects', async () => {
    const slub = poorMachine(
      (bytes) => {
        putNext(bytes, BASE, 3, undefined);
        bytes.fill(0x41, 841, 842);
      },
      { inuse: 46 },
    );
    slub.kernel.machine.pages.delete(FRAME + 1);
    const validation = validateSlabs(await slub.slub(), undefined);
    expect(shown(validation)).toEqual(['redzone-left 848 841-841']);
    expect(validation).toMatchObject({ objects: 24, objectsUnchecked: 24 });
  });
});

test('a cache whose sizes are not those of its flags is checked for freelists only', async () => {
  const slub = poorMachine((b) => b.fill(0x41, 841, 842));
  // Red zones that the flags do not explain: SLAB_RED_ZONE is gone.
  const cache = (await slub.slub()).caches[1]?.address ?? 0n;
  slub.put32(cache + 8n, 0x10900);
  const validation = validateSlabs(await slub.slub(), undefined);
  expect(validation.notUnderstood).toEqual(['poor']);
  expect(shown(validation)).toEqual([]);
});

test('tracks, taint and ages in the text are those of the image', async () => {
  const slub = poorMachine((bytes) => {
    bytes.fill(0x41, 920, 921);
    bytes.writeBigUInt64LE(0xffffffff81001234n, 936);
    bytes.writeUInt32LE(0, 944);
    bytes.writeUInt32LE(1, 948);
    bytes.writeUInt32LE(77, 952);
    bytes.writeBigUInt64LE(4000n, 960);
  });
  slub.kernel.symbolAt('do_something', 0xffffffff81001200n);
  slub.kernel.symbolAt('do_nothing', 0xffffffff81001300n);
  const { reports } = validateSlabs(await slub.slub(), undefined);
  expect(reports[0]?.text.split('\n').slice(0, 8)).toEqual([
    '='.repeat(77),
    'BUG poor (Not tainted): Right Redzone overwritten',
    '-'.repeat(77),
    '',
    '0xffff888000800398-0xffff888000800398 @offset=920. First byte 0x41 instead of 0xcc',
    'Allocated in do_something+0x34/0x100 age=1000 cpu=1 pid=77',
    'Slab 0xffffea0000020000 objects=48 used=45 fp=0xffff8880008004a0 flags=0x200(slab)',
    'Object 0xffff888000800350 @offset=848 fp=0x0000000000000000',
  ]);
});

test('an image that is damaged everywhere keeps as many reports as are wanted', async () => {
  const slub = await poorMachine((bytes) => bytes.fill(0x41)).slub();
  const caches = snapshotCaches(slub.kernel, slub.caches);
  const copy = new SlabCopy(physicalMemory(slub.kernel));
  const details = new SnapshotDetails(slub.kernel, undefined);
  const [, cache] = caches;
  if (cache === undefined) throw new Error('no cache');
  const counts: number[] = [];
  walkSlabs(slub, (view) => {
    for (const most of [1, 40, 10_000]) {
      counts.push(new SlabValidator(cache, copy, details).validate(view, most).reports.length);
    }
  });
  // Of the slab: its padding, its freelist, its count. Of each object at least the four regions.
  expect(counts[0]).toBeLessThan(10);
  expect(counts[1]).toBeLessThan(50);
  expect(counts[2]).toBeGreaterThan(48 * 4);
});
