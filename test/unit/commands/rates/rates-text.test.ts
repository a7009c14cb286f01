import { expect, test } from 'vitest';
import type { RateRow, Rates } from '../../../../src/commands/rates/rates.ts';
import { renderRates, renderRatesCsv } from '../../../../src/commands/rates/rates-text.ts';
import { COMPLETE, COUNTER_RUN, RUN } from '../../../helpers/results.ts';

const ROW: RateRow = {
  cache: 'kmalloc-192',
  site: '0xffffffff81000010',
  symbol: 'make_things+0x10',
  module: 'things',
  allocs: 30,
  frees: 10,
  bytes: 5760,
  allocsPerSec: 3,
  freesPerSec: 1,
  bytesPerSec: 576,
  busiestAllocs: 12,
};

const RATES: Rates = {
  type: 'rates',
  run: RUN,
  completeness: COMPLETE,
  by: 'cache',
  interval: 1,
  rows: [ROW, { ...ROW, cache: null, allocs: 5 }],
  totals: {
    allocs: 35,
    frees: 20,
    bytes: 6720,
    allocsPerSec: 3.5,
    freesPerSec: 2,
    bytesPerSec: 672,
  },
  series: null,
};

const HEAD = 'a-run   Linux 6.1.0, 2 CPUs, 10.0 s from 1.500 s (trace-dat)\n\n';

test('by cache', () => {
  expect(
    renderRates(RATES, 0),
  ).toBe(`${HEAD}35 allocations, 20 frees of them; 3.5 allocations/s, 672 B/s

CACHE        ALLOCS  FREES  ALLOCS/s  FREES/s  BYTES/s  MOST/1.0 s
kmalloc-192      30     10       3.0      1.0    576 B          12
?                 5     10       3.0      1.0    576 B          12
`);
});

test('by call site, cut, with what was lost', () => {
  const completeness = { ...COMPLETE, lostEvents: 7 };
  expect(
    renderRates({ ...RATES, by: 'site', completeness }, 1),
  ).toBe(`${HEAD}35 allocations, 20 frees of them; 3.5 allocations/s, 672 B/s

CALL SITE                  CACHE        ALLOCS  FREES  ALLOCS/s  BYTES/s  MOST/1.0 s
make_things+0x10 [things]  kmalloc-192      30     10       3.0    576 B          12
... 1 more (--top 0)

  note         7 events were lost: frees among them look like leaks
`);
});

test('a clock without seconds: counts alone', () => {
  const text = renderRates({ ...RATES, run: COUNTER_RUN, interval: 100 }, 1);
  expect(text).toContain('\n35 allocations, 20 frees of them\n');
  expect(text).toContain('CACHE        ALLOCS  FREES  MOST/100 units\n');
});

test('all events at one moment: no rates, in the table a dash', () => {
  const none = { allocsPerSec: null, freesPerSec: null, bytesPerSec: null };
  const rows = [{ ...ROW, ...none }];
  const run = { ...RUN, durationSec: 0 };
  const text = renderRates({ ...RATES, run, rows, totals: { ...RATES.totals, ...none } }, 0);
  expect(text).toContain('\n35 allocations, 20 frees of them\n');
  expect(text).toContain(`
CACHE        ALLOCS  FREES  ALLOCS/s  FREES/s  BYTES/s  MOST/1.0 s
kmalloc-192      30     10         -        -        -          12
`);
});

test('every interval in the columns of slabratetop', () => {
  const row = { ...ROW, allocs: 12, bytes: 2304 };
  const series = [
    { startNs: '1500000000', rows: [row, { ...row, cache: null, allocs: 1, bytes: 192 }] },
    { startNs: '2500000000', rows: [] },
  ];
  expect(renderRates({ ...RATES, series }, 0)).toBe(`1.500 s

CACHE                            ALLOCS      BYTES
kmalloc-192                          12       2304
?                                     1        192

2.500 s

CACHE                            ALLOCS      BYTES

`);
  expect(renderRates({ ...RATES, series, interval: 0.0001 }, 1)).toMatch(
    /^1\.5000 s\n.*\n.*\nkmall/,
  );
  const counted = renderRates({ ...RATES, series, by: 'site', run: COUNTER_RUN }, 0);
  expect(counted).toMatch(
    /^1500000000\n\nCALL SITE {24}ALLOCS {6}BYTES\nmake_things\+0x10 \[things\] /,
  );
  expect(renderRatesCsv({ ...RATES, series })).toBe(
    'startNs,cache,symbol,module,allocs,frees,bytes\n' +
      '1500000000,kmalloc-192,make_things+0x10,things,12,10,2304\n' +
      '1500000000,,make_things+0x10,things,1,10,192\n',
  );
});

test('CSV', () => {
  expect(renderRatesCsv({ ...RATES, rows: [ROW] })).toBe(
    'cache,site,symbol,module,allocs,frees,bytes,allocsPerSec,freesPerSec,bytesPerSec,busiestAllocs\n' +
      'kmalloc-192,0xffffffff81000010,make_things+0x10,things,30,10,5760,3,1,576,12\n',
  );
});
