import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { renderReport } from '../../../../../src/commands/report/page/report-page.ts';
import type { ReportData } from '../../../../../src/commands/report/report-run.ts';
import { ANALYSIS, CALL_SITE, RUN } from '../../../../helpers/results.ts';

const HOSTILE = '</script><img src=x onerror=alert(1)>';
const ASSETS = { script: 'one();', styles: 'p { color: red; }' };

const DATA: ReportData = {
  analysis: ANALYSIS,
  bands: undefined,
  sizes: [],
  lifetimes: undefined,
  chains: { names: [], chains: [], amounts: [], others: 0 },
  outstanding: [],
  leaks: undefined,
  slabs: [],
};

/** Every name that a recording can choose is hostile. */
const HOSTILE_DATA: ReportData = {
  analysis: {
    ...ANALYSIS,
    run: { ...RUN, label: HOSTILE, kernelRelease: HOSTILE },
    completeness: { ...ANALYSIS.completeness, notes: [HOSTILE] },
    recorder: { tasks: [HOSTILE], bytesAlloc: 10 },
    caches: ANALYSIS.caches.map((cache) => ({ ...cache, name: HOSTILE })),
    callSites: [{ ...CALL_SITE, symbol: HOSTILE, module: HOSTILE, cache: HOSTILE }],
    freeSites: [
      {
        site: null,
        symbol: HOSTILE,
        module: HOSTILE,
        event: HOSTILE,
        frees: 1,
        bytesAlloc: 1,
        nullFrees: 0,
        unknownFrees: 0,
      },
    ],
    findings: [
      {
        rule: HOSTILE,
        severity: 'error',
        count: 1,
        site: null,
        symbol: HOSTILE,
        module: null,
        cache: HOSTILE,
        message: HOSTILE,
        example: { timeNs: '2000000000', comm: HOSTILE },
      },
    ],
  },
  bands: {
    originNs: '1500000000',
    times: [0, 1e9],
    bands: [{ cache: HOSTILE, caches: 1, bytes: [1, 2] }],
  },
  sizes: [],
  lifetimes: {
    total: { cache: null, frees: 1, buckets: [0, 1] },
    caches: [{ cache: HOSTILE, frees: 1, buckets: [0, 1] }],
  },
  chains: { names: [HOSTILE], chains: [[0]], amounts: [[1, 0, 1, 0]], others: 0 },
  outstanding: [
    {
      site: null,
      symbol: HOSTILE,
      module: HOSTILE,
      cache: HOSTILE,
      objects: 1,
      freesRecorded: true,
      uncertain: 0,
      bytesReq: 1,
      bytesAlloc: 1,
      ages: null,
      oldestSec: null,
      growthPerSec: null,
      monotoneShare: null,
      temporaryShare: 0,
      looksTemporary: false,
      stack: [HOSTILE],
    },
  ],
  leaks: HOSTILE,
  slabs: [
    {
      cache: HOSTILE,
      slabSize: 64,
      slabBytes: 4096,
      slabs: 1,
      slots: 64,
      allocated: 1,
      sites: [HOSTILE],
      rows: [{ address: '0xffff888000000000', list: 'full', slots: '#', owners: [0] }],
    },
  ],
};

test('the summary stands in the page itself', () => {
  const page = renderReport(DATA, 'a-run', ASSETS);
  expect(page).toContain(
    '<h1>a-run</h1><p>Linux 6.1.0, 2 CPUs, 10.0 s from 1.500 s (trace-dat)</p>',
  );
  expect(page).toContain('<b>3.8 KB</b><span>20 objects</span>');
  expect(page).toContain('<dt>complete</dt><dd>42 events, no events lost');
  expect(page).toContain('<code>make_things+0x10 [things]</code>');
  expect(page).toContain('slabreplay leaks a-run');
});

test('nothing can be loaded, and only its own scripts run', () => {
  const page = renderReport(DATA, 'a-run', ASSETS);
  const [, policy] = /Content-Security-Policy" content="([^"]*)"/.exec(page) ?? [];
  const hash = (text: string): string => createHash('sha256').update(text).digest('base64');
  expect(policy?.replaceAll('&#39;', "'")).toBe(
    `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash('one();')}'; ` +
      "base-uri 'none'; form-action 'none'",
  );
  expect(page).not.toMatch(/\b(?:src|href)="(?!#)/);
});

test('every name stays text, wherever it stands', () => {
  const page = renderReport(HOSTILE_DATA, HOSTILE, ASSETS);
  expect(page).not.toContain('<img');
  // The script, the data.
  expect(page.match(/<script\b/g)).toHaveLength(2);
  expect(page.match(/<\/script/g)).toHaveLength(2);
  expect(page.split('&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;').length).toBeGreaterThan(
    20,
  );
  const [, data = ''] = /id="data">(.*?)<\/script>/s.exec(page) ?? [];
  expect((JSON.parse(data) as { chains: { names: string[] } }).chains.names).toEqual([HOSTILE]);
});

test('a recording without allocations has a page', () => {
  const none = Object.fromEntries(Object.keys(ANALYSIS.totals).map((key) => [key, 0]));
  const totals = { ...ANALYSIS.totals, ...none, peakAtNs: null };
  const why = 'No allocation is selected by --pid 7.';
  const completeness = { ...ANALYSIS.completeness, empty: why };
  const empty = { ...ANALYSIS, completeness, totals, caches: [], callSites: [] };
  const page = renderReport({ ...DATA, analysis: empty }, 'a-run', ASSETS);
  expect(page).toContain(`<p>${why}</p>`);
});
