import { describe, expect, test } from 'vitest';
import { SlubChecks } from '../../../../src/kernel/checks/slub-checks.ts';
import { type ObjectTrack, SlubReports } from '../../../../src/kernel/checks/slub-reports.ts';
import { SLAB } from '../../../../src/kernel/slub/slab-flags.ts';
import { checkedCache, FZPU, TestSlab } from '../../../helpers/checked-slabs.ts';

function reportsOf(tracks: readonly ObjectTrack[] = []): SlubReports {
  return new SlubReports({
    source: 'trace',
    track: (_slab, _offset, which) => tracks[which === 'alloc' ? 0 : 1],
    slabLine: () => undefined,
  });
}

const TRACK: ObjectTrack = {
  site: 'docase+0x4b4/0xd30 [labbug]',
  age: 0,
  cpu: 1,
  pid: 1,
  stack: ['__kmalloc+0x49/0x150', 'docase+0x4b4/0xd30 [labbug]'],
};

function kmalloc64(release: string) {
  const flags = FZPU | SLAB.KMALLOC;
  return checkedCache({ name: 'kmalloc-64', release, objectSize: 64, align: 64, flags });
}

/** The tenth object and those before it are allocated. */
function slabWith(release: string, size: number) {
  const cache = kmalloc64(release);
  const slab = new TestSlab(cache, 0xffff8e109c4ec000n, release === '5.10' ? 8192 : 4096);
  for (let i = 0; i < 9; i++) slab.alloc(64);
  return { cache, slab, offset: slab.alloc(size) };
}

describe('the text of a report', () => {
  test('6.1: an overwritten red zone, found when the object is freed', () => {
    const { cache, slab, offset } = slabWith('6.1', 64);
    const reports = reportsOf([TRACK]);
    slab.bytes[offset + 64] = 0xa5;
    slab.setFreePointer(offset, 0n);
    expect(new SlubChecks(cache, reports).free(slab, slab.base + BigInt(offset))).toBe(false);
    const [report] = reports.reports();
    expect(report).toMatchObject({
      kind: 'redzone-right',
      title: 'Right Redzone overwritten',
      address: 0xffff8e109c4ec940n,
      slab: 0xffff8e109c4ec000n,
    });
    expect(report?.text).toBe(
      [
        '='.repeat(77),
        'BUG kmalloc-64: Right Redzone overwritten',
        '-'.repeat(77),
        '',
        '0xffff8e109c4ec980-0xffff8e109c4ec980 @offset=2432. First byte 0xa5 instead of 0xcc',
        'Allocated in docase+0x4b4/0xd30 [labbug] age=0 cpu=1 pid=1',
        ' __kmalloc+0x49/0x150',
        ' docase+0x4b4/0xd30 [labbug]',
        'Object 0xffff8e109c4ec940 @offset=2368 fp=0x0000000000000000',
        '',
        'Redzone  ffff8e109c4ec900: cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc  ................',
        'Redzone  ffff8e109c4ec910: cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc  ................',
        'Redzone  ffff8e109c4ec920: cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc  ................',
        'Redzone  ffff8e109c4ec930: cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc  ................',
        'Object   ffff8e109c4ec940: 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b  kkkkkkkkkkkkkkkk',
        'Object   ffff8e109c4ec950: 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b  kkkkkkkkkkkkkkkk',
        'Object   ffff8e109c4ec960: 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b  kkkkkkkkkkkkkkkk',
        'Object   ffff8e109c4ec970: 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b a5  kkkkkkkkkkkkkkk.',
        'Redzone  ffff8e109c4ec980: a5 cc cc cc cc cc cc cc                          ........',
        'Padding  ffff8e109c4ec9d4: 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a  ZZZZZZZZZZZZZZZZ',
        'Padding  ffff8e109c4ec9e4: 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a  ZZZZZZZZZZZZZZZZ',
        'Padding  ffff8e109c4ec9f4: 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a              ZZZZZZZZZZZZ',
        'FIX kmalloc-64: Restoring Right Redzone 0xffff8e109c4ec980-0xffff8e109c4ec980=0xcc',
        'FIX kmalloc-64: Object at 0xffff8e109c4ec940 not freed',
        '[not in the trace: taint, the Slab line, call trace]',
      ].join('\n'),
    );
    expect(slab.bytes[offset + 64]).toBe(0xcc);
  });

  test('6.12: the rest of a request is a red zone, and one object is printed once', () => {
    const { cache, slab, offset } = slabWith('6.12', 60);
    const reports = reportsOf();
    slab.bytes[offset + 60] = 0xa5;
    slab.bytes[offset - 1] = 0xa7;
    expect(new SlubChecks(cache, reports).free(slab, slab.base + BigInt(offset))).toBe(false);
    const [first, second, ...others] = reports.reports();
    expect(others).toEqual([]);
    expect(first?.text.split('\n').slice(0, 6)).toEqual([
      '[Left Redzone overwritten] 0xffff8e109c4ec93f-0xffff8e109c4ec93f @offset=2367. First byte 0xa7 instead of 0xcc',
      '='.repeat(77),
      'BUG kmalloc-64: Object corrupt',
      '-'.repeat(77),
      '',
      'Object 0xffff8e109c4ec940 @offset=2368 fp=0xffff8e109c4eca40',
    ]);
    expect(first?.text).toContain(
      'Object   ffff8e109c4ec970: 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b a5 a5 cc cc cc  kkkkkkkkkkk.....',
    );
    expect(second?.kind).toBe('redzone-right');
    expect(second?.text).toBe(
      [
        '[kmalloc Redzone overwritten] 0xffff8e109c4ec97c-0xffff8e109c4ec97c @offset=2428. First byte 0xa5 instead of 0xcc',
        'FIX kmalloc-64: Restoring kmalloc Redzone 0xffff8e109c4ec97c-0xffff8e109c4ec97c=0xcc',
        'FIX kmalloc-64: Object at 0xffff8e109c4ec940 not freed',
      ].join('\n'),
    );
  });

  test('6.1 does not look behind the request', () => {
    const { cache, slab, offset } = slabWith('6.1', 60);
    slab.bytes[offset + 60] = 0xa5;
    const reports = reportsOf();
    expect(new SlubChecks(cache, reports).free(slab, slab.base + BigInt(offset))).toBe(true);
    expect(reports.count).toBe(0);
  });
});

describe('validate', () => {
  test('a whole slab has nothing to report', () => {
    for (const release of ['5.10', '6.1', '6.12']) {
      const { cache, slab } = slabWith(release, 33);
      const reports = reportsOf();
      new SlubChecks(cache, reports).validate(slab);
      expect(reports.reports()).toEqual([]);
    }
  });

  test('a broken chain: the count is adjusted, and what fell off counts as allocated', () => {
    const { cache, slab } = slabWith('6.1', 64);
    slab.pointers.set(slab.offset(11), undefined);
    const reports = reportsOf();
    new SlubChecks(cache, reports).validate(slab);
    const all = reports.reports();
    expect(all.map(({ kind, title }) => [kind, title])).toEqual([
      ['freelist', 'Freechain corrupt'],
      ['counters', 'Wrong object count. Counter is 10 but counted were 14'],
      ['redzone-left', 'Left Redzone overwritten'],
    ]);
    expect(all[0]?.address).toBe(slab.address(11));
    expect(all[1]?.text).toContain('FIX kmalloc-64: Object count adjusted');
    expect(all[2]?.address).toBe(slab.address(12));
  });

  test('an overwritten head of the freelist clears it', () => {
    const { cache, slab } = slabWith('6.1', 64);
    slab.freelist = 0xffff8e109c4ec001n;
    const reports = reportsOf();
    new SlubChecks(cache, reports).validate(slab);
    expect(reports.reports().map(({ title }) => title)).toEqual(['Freepointer corrupt']);
    expect(slab).toMatchObject({ freelist: 0n, inuse: 16 });
  });
});

describe('frees', () => {
  test('twice, of a middle, and of the last object of a slab', () => {
    const { cache, slab, offset } = slabWith('6.1', 64);
    const reports = reportsOf();
    const checks = new SlubChecks(cache, reports);
    expect(checks.free(slab, slab.address(12))).toBe(false);
    expect(checks.free(slab, slab.base + BigInt(offset + 8))).toBe(false);
    slab.inuse = 0;
    expect(checks.free(slab, slab.address(12))).toBe(false);
    const all = reports.reports();
    expect(all.map(({ kind, title }) => [kind, title])).toEqual([
      ['double-free', 'Object already free'],
      ['invalid-free', 'Invalid object pointer 0xffff8e109c4ec948'],
      ['double-free', 'Slab has 0 allocated objects but 1 are to be freed'],
    ]);
    expect(all[2]?.text.split('\n').slice(1, 5)).toEqual([
      'BUG kmalloc-64: Slab has 0 allocated objects but 1 are to be freed',
      '',
      '-'.repeat(77),
      '',
    ]);
  });
});

test('6.1: an allocation that fails its check takes the slab out of use', () => {
  const { cache, slab } = slabWith('6.1', 64);
  const reports = reportsOf();
  const checks = new SlubChecks(cache, reports);
  slab.bytes[slab.offset(10) + 63] = 0xa8;
  expect(checks.alloc(slab, slab.offset(10))).toBe(false);
  expect(slab).toMatchObject({ frozen: true, freelist: 0n, inuse: 16 });
  expect(checks.free(slab, slab.address(2))).toBe(false);
  const all = reports.reports();
  expect(all.map(({ title }) => title)).toEqual([
    'End Poison overwritten',
    'Slab disabled since SLUB metadata consistency check failed',
  ]);
  expect(all[0]?.text).toContain('FIX kmalloc-64: Marking all objects used');
});

test('padding behind the objects', () => {
  const cache = checkedCache({
    name: 'labbug_a',
    release: '6.1',
    objectSize: 120,
    align: 8,
    flags: FZPU,
  });
  const slab = new TestSlab(cache, 0xffff8e109dff6000n, 4096);
  slab.bytes[4093] = 0xaa;
  const reports = reportsOf();
  new SlubChecks(cache, reports).validate(slab);
  const [report] = reports.reports();
  expect(report).toMatchObject({ kind: 'slab-padding', address: 0xffff8e109dff6ffdn });
  expect(report?.text).toContain(
    'BUG labbug_a: Padding overwritten. 0xffff8e109dff6ffd-0xffff8e109dff6ffd @offset=4093\n',
  );
  expect(report?.text).toContain(
    'Padding ffff8e109dff6ff0: 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a aa 5a 5a  ZZZZZZZZZZZZZ.ZZ\nFIX labbug_a: Restoring slab padding 0xffff8e109dff6ffd-0xffff8e109dff6ffd=0x5a',
  );
});
