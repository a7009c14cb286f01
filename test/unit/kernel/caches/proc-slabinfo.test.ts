import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseProcSlabinfo } from '../../../../src/kernel/caches/proc-slabinfo.ts';
import {
  pickAlias,
  resolveSlabCacheNames,
} from '../../../../src/kernel/caches/slab-cache-names.ts';
import { parseSlabSysfs } from '../../../../src/kernel/caches/slab-sysfs.ts';
import { readRecordedSlabinfo } from '../../../../src/recording/recorded-slabinfo.ts';
import { ANY_TEXT } from '../../../helpers/any-text.ts';
import { describeEachWith, recordedText } from '../../../helpers/data.ts';

const HEADING = `slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>
`;

function row(name: string, numbers: string, slabs: string): string {
  return `${name} ${numbers} : tunables    0    0    0 : slabdata ${slabs}      0\n`;
}

test('a line is a cache with its counts and its geometry', () => {
  const text = HEADING + row('kmalloc-64', '48257  48320     64   64    1', '755    754');
  const slabinfo = parseProcSlabinfo(text);
  expect(slabinfo.version).toBe('2.1');
  expect(slabinfo.caches).toEqual([
    {
      name: 'kmalloc-64',
      activeObjs: 48257,
      numObjs: 48320,
      objsize: 64,
      objperslab: 64,
      pagesperslab: 1,
      activeSlabs: 755,
      numSlabs: 754,
    },
  ]);
  expect(slabinfo.badLines).toBe(0);
});

test('a name may hold blanks and colons', () => {
  const text = HEADING + row('my cache(12:foo)', '1 2 3 4 5', '6 7');
  expect(parseProcSlabinfo(text).byName.get('my cache(12:foo)')?.numSlabs).toBe(7);
});

test('bad lines are counted and left out', () => {
  const text =
    HEADING +
    row('good', '1 2 3 4 5', '6 7') +
    'cat: /proc/slabinfo: Permission denied\n' +
    row('', '1 2 3 4 5', '6 7') +
    row('negative', '1 -2 3 4 5', '6 7') +
    'cut 1 2 3 4 5 : tunables 0 0 0 : slabdata 6\n' +
    'cut 1 2 3';
  const slabinfo = parseProcSlabinfo(text);
  expect(slabinfo.caches.map((cache) => cache.name)).toEqual(['good']);
  expect(slabinfo.badLines).toBe(5);
});

test('arbitrary text never throws', () => {
  const text = fc.oneof(ANY_TEXT, fc.string({ unit: fc.constantFrom(...'a1 :\n') }));
  fc.assert(
    fc.property(text, (anything) => {
      expect(parseProcSlabinfo(anything).caches.length).toBeGreaterThanOrEqual(0);
    }),
    { seed: 1 },
  );
});

function sysfsOf(...caches: [id: string, attributes: Record<string, number>][]): string {
  return caches
    .flatMap(([id, attributes]) =>
      Object.entries(attributes).map(([name, n]) => `/sys/kernel/slab/${id}/${name}=${n}\n`),
    )
    .join('');
}

function linksOf(id: string, ...names: string[]): string {
  return names.map((name) => `/sys/kernel/slab/${name} -> ${id}\n`).join('');
}

function namesOf(sysfs: string, links: string, slabinfo: string | null, events: string[] = []) {
  return Object.fromEntries(
    resolveSlabCacheNames(parseSlabSysfs(sysfs, links), {
      slabinfo: slabinfo === null ? null : parseProcSlabinfo(slabinfo),
      eventNames: new Set(events),
    }),
  );
}

test('a merged cache is named as slabinfo lists it', () => {
  const sysfs = sysfsOf(['filp', { order: 0 }], [':A-0000256', { aliases: 2 }]);
  const links = linksOf(':A-0000256', 'io_kiocb', 'cred', 'a_much_longer_name');
  expect(namesOf(sysfs, links, HEADING + row('cred', '1 2 3 4 5', '6 7'))).toEqual({
    filp: { name: 'filp', guessed: false },
    ':A-0000256': { name: 'cred', guessed: false },
  });
});

test('without slabinfo it is named as the one event name among its aliases', () => {
  const sysfs = sysfsOf([':A-0000256', { aliases: 1 }]);
  const links = linksOf(':A-0000256', 'io_kiocb', 'cred');
  expect(namesOf(sysfs, links, null, ['cred', 'filp'])).toEqual({
    ':A-0000256': { name: 'cred', guessed: false },
  });
});

test('a single name of a cache into which nothing was merged needs no other evidence', () => {
  const sysfs = sysfsOf([':0000024', { aliases: 0 }], [':0000032', { aliases: 1 }]);
  const links = linksOf(':0000024', 'lsm_file_cache') + linksOf(':0000032', 'dnotify_struct');
  expect(namesOf(sysfs, links, null)).toEqual({
    ':0000024': { name: 'lsm_file_cache', guessed: false },
    // The first creator may be gone.
    ':0000032': { name: 'dnotify_struct', guessed: true },
  });
});

test('a name whose link is gone is found by the numbers of its line, where these are one cache', () => {
  const geometry = { slab_size: 64, objs_per_slab: 64, order: 0 };
  const sysfs = sysfsOf(
    [':0000064', { ...geometry, slabs: 3, total_objects: 192 }],
    [':A-0000064', { ...geometry, slabs: 2, total_objects: 128 }],
    [':a-0000064', { ...geometry, slabs: 2, total_objects: 128 }],
  );
  const slabinfo =
    HEADING +
    row('gone', '190 192 64 64 1', '3 3') +
    row('one', '1 128 64 64 1', '2 2') +
    row('two', '1 128 64 64 1', '2 2');
  expect(namesOf(sysfs, '', slabinfo)).toEqual({
    ':0000064': { name: 'gone', guessed: false },
    ':A-0000064': { name: ':A-0000064', guessed: true },
    ':a-0000064': { name: ':a-0000064', guessed: true },
  });
});

test('the alias to show is the longest, or the first kmalloc one that is longer than those before', () => {
  expect(pickAlias([])).toBeUndefined();
  expect(pickAlias(['ab', 'abc', 'abd', 'x'])).toBe('abc');
  expect(pickAlias(['ab', 'kmalloc-8', 'a_very_long_name'])).toBe('kmalloc-8');
  expect(pickAlias(['a_very_long_name', 'kmalloc-8'])).toBe('a_very_long_name');
});

describeEachWith(['slab_sysfs_links.txt'], 'a recorded slabinfo', (name) => {
  test('has every cache of sysfs in one line, with the same numbers', () => {
    const slabinfo = parseProcSlabinfo(recordedText(name, 'slabinfo.txt'));
    const sysfs = parseSlabSysfs(
      recordedText(name, 'slab_sysfs.txt'),
      recordedText(name, 'slab_sysfs_links.txt'),
    );
    const names = resolveSlabCacheNames(sysfs, { slabinfo });
    expect(slabinfo.badLines).toBe(0);
    const resolved = [...names.values()].map((entry) => entry.name);
    expect(resolved.sort()).toEqual([...slabinfo.byName.keys()].sort());
    for (const cache of sysfs.caches) {
      const line = slabinfo.byName.get(names.get(cache.id)?.name ?? '');
      expect([line?.objsize, line?.objperslab, line?.pagesperslab], cache.id).toEqual([
        cache.slabSize,
        cache.objsPerSlab,
        2 ** cache.order,
      ]);
    }
  });
});

const LINE = 'kmalloc-64 219 240 64 64 1 : tunables 0 0 0 : slabdata 4 4 0\n';

test.each([
  ['whole', HEADING + LINE, 1],
  ['grepped, with a prompt', `root@box:~# grep kmalloc /proc/slabinfo\n${LINE}`, 1],
  ['empty', '\n', 0],
])('a recorded slabinfo that is %s is read', (_, text, caches) => {
  expect(readRecordedSlabinfo(text, 'slabinfo.txt').caches.length).toBe(caches);
});

test.each([
  [
    'version 1.1',
    'slabinfo - version: 1.1 (SMP)\nsize-64 64 118 64 2 2 1 :  252 126\n',
    'version 1.1',
  ],
  ['wrapped', `${HEADING}${LINE.replaceAll(' : ', ' \n: ').repeat(3)}`, '9 of its lines'],
  ['no slabinfo', ' Active / Total Objects (% used) : 1 / 2 (50%)\n', 'the output of slabtop'],
  ['of another program', 'Hello world\n', '1 of its lines'],
])('a recorded slabinfo that is %s is an error', (_, text, words) => {
  expect(() => readRecordedSlabinfo(text, 'rec/slabinfo.txt')).toThrow(
    `rec/slabinfo.txt: not /proc/slabinfo: `,
  );
  expect(() => readRecordedSlabinfo(text, 'rec/slabinfo.txt')).toThrow(words);
});
