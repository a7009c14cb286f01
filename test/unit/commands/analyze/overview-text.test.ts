// The overview, whole, of small results; what a real recording gives is in test/golden.

import { describe, expect, test } from 'vitest';
import type { Analysis } from '../../../../src/analysis/overview.ts';
import {
  renderOverview,
  renderOverviewCsv,
} from '../../../../src/commands/analyze/overview-text.ts';
import { ANALYSIS, CACHE, CALL_SITE, COMPLETE, COUNTER_RUN } from '../../../helpers/results.ts';

/** The part that begins with a title. */
function part(text: string, title: string): string {
  const found = `\n${text}`.split('\n\n').find((block) => block.trimStart().startsWith(title));
  return found?.replace(/^\n/, '') ?? '';
}

const render = (changes: Partial<Analysis>, top = 20): string =>
  renderOverview({ ...ANALYSIS, ...changes }, top, 'a-run');

test('a complete recording', () => {
  expect(render({})).toBe(`a-run   Linux 6.1.0, 2 CPUs, 10.0 s from 1.500 s (trace-dat)

Can these numbers be trusted?
  complete     42 events, no events lost; the recording starts at boot

Slab memory  at the end  at the peak (9.250 s)
  allocated      3.8 KB                 3.8 KB  20 objects
  requested      2.7 KB                 2.7 KB
  wasted         1.0 KB                         rounding up to size classes (27.1 %)
  the kernel   had 2 slabs of these caches, 8.0 KB, at the end; older objects included

Most wasted by rounding, at the end
  cache        call site                  live  requested  allocated  wasted
  kmalloc-192  make_things+0x10 [things]    20     2.7 KB     3.8 KB  1.0 KB

Most memory held, at the end
  cache        call site                  live   bytes  uncertain
  kmalloc-192  make_things+0x10 [things]    20  3.8 KB

Busiest caches
  cache        allocs/s  frees/s  bytes/s
  kmalloc-192       3.0      1.0    576 B

Next:  slabreplay frag a-run --by site
       slabreplay leaks a-run
       slabreplay replay a-run --slub-debug FZPU
       slabreplay report a-run -o report.html
`);
});

describe('what makes the numbers less than exact', () => {
  const trust = (changes: Partial<Analysis>): string => part(render(changes), 'Can these');

  test('where events were lost, how much is certain, and in which caches least', () => {
    const caches = [
      { ...CACHE, name: 'filp', live: 10, liveUncertain: 1 },
      { ...CACHE, name: 'dentry', live: 1000, liveUncertain: 700 },
      { ...CACHE, name: 'kmalloc-64', live: 500, liveUncertain: 0 },
    ];
    const totals = { ...ANALYSIS.totals, liveObjects: 1510, liveUncertain: 701 };
    const lines = (lostEvents: number): string =>
      trust({ completeness: { ...COMPLETE, lostEvents }, caches, totals }).replaceAll(/\s+/g, ' ');
    expect(lines(5)).toContain(
      'certain 53.6 % of 1,510 live objects, as a lost free leaves an object that looks live; ' +
        'where it matters most: 30.0 % of 1,000 objects in dentry, 90.0 % of 10 objects in filp',
    );
    expect(lines(0)).not.toContain('certain 53.6');
  });

  test('every doubt has its line', () => {
    const completeness = {
      ...COMPLETE,
      sampled: false,
      someTasksOnly: false,
      startsAtBoot: false,
      lostEvents: 1234,
      badRecords: 2,
      freesOfUnknown: 5,
      allocsOfLive: 3,
      notes: ['The cache of 7 allocations is inferred.'],
    };
    const totals = { ...ANALYSIS.totals, liveUncertain: 6 };
    const recorder = { tasks: ['trace-cmd', 'cat'], bytesAlloc: 576 };
    const callSites = [{ ...CALL_SITE, liveUncertain: 6 }];
    expect(trust({ completeness, totals, recorder, callSites })).toBe(
      `Can these numbers be trusted?
  complete     42 events, 1,234 events lost; the recording starts on a running machine
  late         what was allocated before the recording is not in these numbers
  gaps         3 frees are missing, among the lost events or without one (kfree_rcu, bulk); 6 live
               objects of 1 call site may be freed already and are kept apart
  certain      70.0 % of 20 live objects, as a lost free leaves an object that looks live
  older        5 frees were of objects from before the recording, or allocated in bulk
  recorder     10.0 % of the bytes were allocated by trace-cmd, cat (leave out with --exclude-comm)
  note         1,234 events were lost: frees among them look like leaks
  note         2 damaged records were passed over
  note         The cache of 7 allocations is inferred.`,
    );
  });

  test('what a recording misses whose events were switched on one by one', () => {
    const lateEvents = [
      { event: 'kfree', afterSec: 1.24 },
      { event: 'kmem_cache_free', afterSec: null },
    ] as const;
    const text = trust({ completeness: { ...COMPLETE, startsAtBoot: false, lateEvents } });
    expect(text.replace(/\s+/g, ' ')).toContain(
      'late what was allocated before the recording is not in these numbers; events began one by one ' +
        '(kfree 1.2 s, kmem_cache_free later after the first), and what was allocated before frees ' +
        'were recorded may be freed already',
    );
  });

  test('why live objects are uncertain, as far as it is known', () => {
    const totals = { ...ANALYSIS.totals, liveUncertain: 1 };
    const why = (completeness: typeof COMPLETE): string =>
      /gaps +([^;]+);/.exec(trust({ totals, completeness }))?.[1]?.replace(/\s+/g, ' ') ?? '';
    expect(why(COMPLETE)).toBe('some call sites free by kfree_rcu only, which leaves no event');
    expect(why({ ...COMPLETE, lostEvents: 1 })).toBe(
      'some frees leave no event (kfree_rcu), or theirs was lost',
    );
    expect(why({ ...COMPLETE, allocsOfLive: 1 })).toBe(
      'at least 1 free left no event (kfree_rcu, bulk)',
    );
  });
});

test('a clock that counts events gives no rates and no moments', () => {
  const caches = [{ ...CACHE, allocsPerSec: null, bytesPerSec: null }];
  const text = render({ run: COUNTER_RUN, caches });
  expect(text).toMatch(/^a-run {3}Linux 6\.1\.0, 2 CPUs, counter clock from 17 to 4711 /);
  expect(text).toContain('Slab memory  at the end  at the peak\n');
  expect(part(text, 'Busiest')).toBe(`Busiest caches
  cache        allocs  frees   bytes
  kmalloc-192      30     10  5.6 KB`);
});

test('nothing allocated: why, in one line, and nothing to go on with', () => {
  const empty = 'No allocation is selected by --pid 7.';
  const text = render({ completeness: { ...COMPLETE, empty } });
  expect(text).toBe(`${render({}).split('\n')[0]}\n\n${empty}\n`);
});

test('names that are not known are ?, sites without a symbol their address', () => {
  const nameless = { ...CALL_SITE, cache: null, symbol: null, module: null };
  const callSites = [nameless, { ...nameless, site: null }];
  expect(part(render({ callSites }), 'Most memory held')).toBe(`Most memory held, at the end
  cache  call site           live   bytes  uncertain
  ?      0xffffffff81000010    20  3.8 KB
  ?      ?                     20  3.8 KB`);
});

test('rounding is of kmalloc only; the largest waste stands first, and --top cuts', () => {
  const site = (symbol: string, liveBytesWasted: number, cache = 'kmalloc-192') => ({
    ...CALL_SITE,
    symbol,
    module: null,
    cache,
    liveBytesWasted,
    liveRounding: liveBytesWasted,
  });
  const callSites = [site('small', 10), site('named', 9999, 'dentry'), site('large', 500)];
  const rows = (top: number): string[] =>
    part(render({ callSites }, top), 'Most wasted')
      .split('\n')
      .slice(2)
      .map((line) => line.trim().split(/\s+/)[1] ?? '');
  expect(rows(0)).toEqual(['large', 'small']);
  expect(rows(1)).toEqual(['large']);
});

test('names from a trace cannot steer the terminal', () => {
  const callSites = [{ ...CALL_SITE, symbol: 'evil\x1b[2J' }];
  expect(render({ callSites })).not.toContain('\x1b');
});

test('CSV has every call site with its numbers as they are', () => {
  expect(renderOverviewCsv(ANALYSIS)).toBe(
    [
      'site,symbol,module,cache,allocs,frees,untracedFrees,live,liveUncertain,bytesReq,bytesAlloc,' +
        'bytesWasted,liveBytesAlloc,oldestNs,crossCpuFrees,meanLifetimeNs',
      '0xffffffff81000010,make_things+0x10,things,kmalloc-192,30,10,0,20,0,4200,5760,1560,3840,' +
        '2000000000,0,1000',
      '',
    ].join('\n'),
  );
});
