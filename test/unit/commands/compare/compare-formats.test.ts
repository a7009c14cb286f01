// The layouts of a comparison, and that a name from a trace can do no harm in any of them.

import { describe, expect, test } from 'vitest';
import { renderComparisonCsv } from '../../../../src/commands/compare/compare-csv.ts';
import { escapeXml, renderJunit } from '../../../../src/commands/compare/compare-junit.ts';
import { renderLkp } from '../../../../src/commands/compare/compare-lkp.ts';
import {
  escapeMarkdown,
  renderMarkdown,
} from '../../../../src/commands/compare/compare-markdown.ts';
import { renderSarif } from '../../../../src/commands/compare/compare-sarif.ts';
import { renderComparison } from '../../../../src/commands/compare/compare-text.ts';
import { buildComparison } from '../../../../src/commands/compare/judge/build-comparison.ts';
import type { Comparison } from '../../../../src/commands/compare/judge/comparison.ts';
import { parseGate } from '../../../../src/commands/compare/judge/gate-expression.ts';
import { figures, pair } from '../../../helpers/run-figures.ts';

function compare(site: string, cache: string, gates: string[] = []): Comparison {
  const idle = pair('idle+0x4', 'kmalloc-64', { allocs: 1000, live: 500 });
  const run = (label: string, durationSec: number): Parameters<typeof figures>[1] => ({
    run: { label, durationSec, sources: [`${label}/trace.dat`] },
  });
  const leak = (live: number): ReturnType<typeof pair> =>
    pair(site, cache, { allocs: 200, live, size: 8192, liveBytesReq: live * 4097 });
  return buildComparison(
    [figures([idle], run('base1', 10)), figures([idle], run('base2', 10))],
    [figures([idle, leak(100)], run('new1', 10)), figures([idle, leak(104)], run('new2', 10))],
    {
      threshold: { percent: 1, bytes: 16384 },
      per: 'run',
      match: undefined,
      gates: gates.map((gate) => parseGate(gate)),
    },
  );
}

interface Text {
  readonly text: string;
}

/** As much of SARIF 2.1.0 as is looked at here. */
interface SarifRun {
  readonly tool: {
    readonly driver: {
      readonly rules: readonly {
        readonly shortDescription: Text;
        readonly fullDescription: Text;
        readonly help: Text;
      }[];
    };
  };
  readonly invocations: readonly unknown[];
  readonly results: readonly {
    readonly level: string;
    readonly message: Text;
    readonly partialFingerprints: Readonly<Record<string, string>>;
  }[];
}

const LEAK = ['docase+0x3bc [labbug]', 'kmalloc-8k'] as const;

test('text: the answer, both sides, totals, who did it, how sure', () => {
  expect(renderComparison(compare(...LEAK), { top: 20, source: 'new1' })).toBe(
    `new (2 runs) against base (2 runs), per run
  base         base1, base2 (Linux 6.1.0, 1 CPU, 10.0 s)
  new          new1, new2 (Linux 6.1.0, 1 CPU, 10.0 s)

1 call site and 1 cache got worse; +816 KB (+2,611.2 %) held at the end.

                base            new          change
  live, end    31 KB  +-0 %  847 KB  +-2 %  +816 KB  +2,611.2 %  regression
  peak         31 KB  +-0 %  847 KB  +-2 %  +816 KB  +2,611.2 %  regression
  wasted, end    0 B         408 KB  +-2 %  +408 KB         new  regression
  allocated    62 KB  +-0 %  1.6 MB  +-0 %  +1.6 MB  +2,560.0 %  regression
  alloc rate   100/s  +-0 %   120/s  +-0 %    +20/s     +20.0 %
  regression: 2+2 runs are too few for a p below 0.05; the ranges do not overlap, and the change
              exceeds 1 % and 16 KiB

  Worse call sites       live, end     peak  wasted, end  allocated
  docase+0x3bc [labbug]    +816 KB  +816 KB      +408 KB    +1.6 MB  new, 102 x 4097 B in kmalloc-8k

  Worse caches  live, end     peak  wasted, end  allocated
  kmalloc-8k      +816 KB  +816 KB      +408 KB    +1.6 MB  new, 102 objects

  new sites    1 call site: docase+0x3bc [labbug]
  gone         none
  unchanged    within 1 % and 16 KiB: 1 call site, 1 cache
  note         2+2 runs cannot give a p below 0.33. A test needs 4 runs on each side, or 8 new ones
               beside these 2.

Next:  slabreplay frag new1 --by site --cache kmalloc-8k
       slabreplay compare ... --fail-on 'total:live>+5%'
`,
  );
});

test('text: gates pass, fail with their rows, or are dead', () => {
  const text = renderComparison(
    compare(...LEAK, [
      'total:live>+9000%',
      'total:live>+5%',
      'cache:*:live<=700KiB',
      'cache:x:live>1',
    ]),
    { top: 20 },
  );
  expect(text.slice(text.indexOf('PASS'))).toBe(`PASS  total:live>+9000%   1 row
FAIL  total:live>+5%   is +2,611.2 % (31 KB -> 847 KB)
FAIL  cache:*:live<=700KiB   1 of 2 rows
        kmalloc-8k   is 816 KB
DEAD  cache:x:live>1   matches no row
`);
});

test('text: enough runs for a test, and what it says of the change', () => {
  const site = (live: number): ReturnType<typeof pair> =>
    pair('grow+0x8', 'kmalloc-64', { allocs: 5000, live });
  const side = (lives: readonly number[]): ReturnType<typeof figures>[] =>
    lives.map((live, i) => figures([site(live)], { run: { label: `run-${i}` } }));
  const comparison = buildComparison(
    side([1000, 1001, 1002, 1003, 1004, 1005]),
    side([2000, 2010, 2020, 2030, 2040, 2050]),
    { threshold: { percent: 1, bytes: 16384 }, per: 'run', match: undefined, gates: [] },
  );
  const text = renderComparison(comparison, { top: 20 });
  expect(text).toContain('regression: p = 0.002 (n = 6+6), and the change exceeds 1 % and 16 KiB');
  expect(text).toContain('  base         run-0, run-1, run-2, run-3, run-4, ... (Linux');
  // As wilcox.test(conf.int) of R: the sixth of 36 differences from either end, 1000 and 1045
  // objects, at 95.9 %.
  expect(text).toContain(
    '  change, 95 % sure: live, end +62 KB to +65 KB; peak +62 KB to +65 KB\n',
  );
});

test('text: a table that is too wide says less in its last column', () => {
  const wide = renderComparison(compare('quite_a_long_name_of_a_function+0x3bc [module]', 'a'), {
    top: 20,
  });
  expect(wide).toMatch(/\+1\.6 MB {2}new\n/);
  const narrow = renderComparison(compare('a_long_name_it_is+0x3bc [module]', 'a-cache'), {
    top: 20,
  });
  expect(narrow).toMatch(/\+1\.6 MB {2}new, 102 x 4097 B\n/);
  for (const line of (wide + narrow).split('\n')) expect(line.length).toBeLessThanOrEqual(100);
});

test('lkp: the table of the kernel test robot', () => {
  expect(renderLkp(compare(...LEAK), 3)).toBe(
    `base1            new1
---------------- ---------------------------
         %stddev     %change         %stddev
             \\          |                \\
     32000         +2611.2%     867584 \u00b1  3%  total.live
     32000         +2611.2%     867584 \u00b1  3%  total.peak
         0            +Inf%     417690 \u00b1  3%  total.waste
     64000         +2560.0%    1702400        total.allocBytes
       100           +20.0%        120        total.allocRate
         0            +Inf%    1638400        site.docase+0x3bc[labbug].allocBytes
         0            +Inf%    1638400        cache.kmalloc-8k.allocBytes
         0            +Inf%     835584 \u00b1  3%  site.docase+0x3bc[labbug].live
`,
  );
});

test('markdown: tables of gates, totals and rows', () => {
  const text = renderMarkdown(compare(...LEAK, ['total:live>+5%']), { top: 20, title: 'Slabs' });
  const lines = text.split('\n');
  expect(lines[0]).toBe('### Slabs: gate crossed');
  expect(lines).toContain(
    '| FAIL | total:live&gt;+5% | total | is +2,611.2 % (31 KB -&gt; 847 KB) |',
  );
  expect(lines).toContain(
    '| live, end | 31 KB +-0 % | 847 KB +-2 % | +816 KB | +2,611.2 % | regression |',
  );
  expect(lines).toContain(
    '| docase+0x3bc \\[labbug\\] | +816 KB | +816 KB | +408 KB | +1.6 MB | new | 102 x 4097 B in kmalloc-8k |',
  );
  expect(lines).toContain(
    '| Worse call sites | live, end | peak | wasted, end | allocated |  | objects |',
  );
  // Every row of a table has as many cells as its heading.
  const widths = text.split('\n\n').filter((part) => part.startsWith('|'));
  for (const table of widths) {
    const cells = table
      .trimEnd()
      .split('\n')
      .map((line) => line.replaceAll('\\|', '').split('|').length);
    expect(new Set(cells).size).toBe(1);
  }
});

test('junit: a case for each gate', () => {
  const xml = renderJunit(
    compare(...LEAK, ['total:live>+5%', 'total:live<=1GiB', 'cache:x:live>1']),
  );
  expect(xml).toContain('tests="3" failures="1" errors="1"');
  const suite = 'classname="slabreplay compare" time="0"';
  expect(xml).toContain(`<testcase name="total:live&gt;+5%" ${suite}>`);
  expect(xml).toContain(
    '<failure message="total is +2,611.2 % (31 KB -&gt; 847 KB)" type="gate">total is +2,611.2 % ' +
      '(31 KB -&gt; 847 KB)\n</failure>',
  );
  expect(xml).toContain(`<testcase name="total:live&lt;=1GiB" ${suite}/>`);
  expect(xml).toContain(
    '<error message="the gate matches no row" type="gate that matches nothing">',
  );
});

test('junit: without gates every regression fails; without any a case passes', () => {
  const xml = renderJunit(compare(...LEAK));
  expect(xml.match(/<failure /g)).toHaveLength(14);
  const same = compare('idle+0x8', 'kmalloc-64');
  expect(renderJunit({ ...same, rows: [] })).toContain('<testcase name="no regression" ');
});

test('sarif: crossed gates are errors, other regressions warnings', () => {
  const sarif = JSON.parse(renderSarif(compare(...LEAK, ['cache:*:waste>+5%']))) as {
    version: string;
    runs: {
      tool: { driver: { rules: { id: string }[] } };
      results: { ruleId: string; ruleIndex: number; level: string; message: { text: string } }[];
    }[];
  };
  const [run] = sarif.runs;
  expect(sarif.version).toBe('2.1.0');
  expect(run?.results[0]).toMatchObject({
    ruleId: 'slabreplay/waste',
    level: 'error',
    message: {
      text: 'kmalloc-8k: wasted, end is up from nothing to 408 KB (gate cache:*:waste>+5%)',
    },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: 'new1/trace.dat' },
          region: { startLine: 1 },
        },
        logicalLocations: [{ name: 'kmalloc-8k' }],
      },
    ],
  });
  expect(run?.results.slice(1).every(({ level }) => level === 'warning')).toBe(true);
  expect(run?.results).toHaveLength(14);
  for (const { ruleId, ruleIndex } of run?.results ?? []) {
    expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
  }
});

test('sarif: what code scanning needs to tell alerts apart and to say what they are', () => {
  const gates = ['cache:*:waste>+5%', 'cache:kmalloc-8k:waste>+1%', 'cache:x:live>1'];
  const [run] = (JSON.parse(renderSarif(compare(...LEAK, gates))) as { runs: SarifRun[] }).runs;
  const hashes = run?.results.map((r) => r.partialFingerprints['primaryLocationLineHash']);
  expect(new Set(hashes).size).toBe(run?.results.length);
  // One result for a row, however many gates it crosses.
  expect(run?.results[0]?.message.text).toBe(
    'kmalloc-8k: wasted, end is up from nothing to 408 KB (gate cache:*:waste>+5%); is up from ' +
      'nothing to 408 KB (gate cache:kmalloc-8k:waste>+1%)',
  );
  expect(run?.results[1]?.level).toBe('warning');
  for (const rule of run?.tool.driver.rules ?? []) {
    for (const { text } of [rule.shortDescription, rule.fullDescription, rule.help]) {
      expect(text).toMatch(/^[A-Z].*\.$/);
    }
  }
  expect(run?.invocations).toMatchObject([
    {
      executionSuccessful: false,
      toolConfigurationNotifications: [
        { level: 'error', message: { text: 'gate cache:x:live>1 matches no row' } },
      ],
    },
  ]);
});

test.each([
  ['runs/new 1/trace#2.dat', 'runs/new%201/trace%232.dat'],
  ['/tmp/a?b%c', 'file:///tmp/a%3Fb%25c'],
  ['c:x/\ud800', 'c%3Ax/%5Cud800'],
])('sarif: the recording %s as a URI', (source, uri) => {
  const comparison = compare(...LEAK);
  const news = comparison.new.map((c) => ({ ...c, run: { ...c.run, sources: [source] } }));
  expect(renderSarif({ ...comparison, new: news })).toContain(`"uri": "${uri}"`);
});

test('csv: a line for each row, the values of the runs in one field', () => {
  const [head, ...lines] = renderComparisonCsv(compare(...LEAK))
    .trimEnd()
    .split('\n');
  expect(head).toBe(
    'subject,cache,symbol,module,site,metric,unit,baseMedian,newMedian,delta,deltaPct,p,verdict,reason,base,new',
  );
  expect(lines.find((line) => line.startsWith('site,,docase+0x3bc,labbug,,live,'))).toBe(
    'site,,docase+0x3bc,labbug,,live,bytes,0,835584,835584,,,regression,"2+2 runs are too few for ' +
      'a p below 0.05; the ranges do not overlap, and the change exceeds 1 % and 16 KiB",0 0,819200 851968',
  );
});

describe('a name that would do harm', () => {
  // Nothing here may act: escapes of the terminal, cells, tags, mentions, links, ends of CDATA.
  const evil = 'a\u001b[31m|b<script>&"\'`*_[x](http://e.vil)@all]]>\u0000\uffffz';
  const comparison = compare(`${evil}+0x1`, `${evil}-cache`, ['cache:*:live>+5%']);

  test('text and lkp: no control characters', () => {
    for (const text of [renderComparison(comparison, { top: 0 }), renderLkp(comparison, 0)]) {
      expect(text).toContain('a\\x1b[31m|b');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
    }
  });

  test('text: a command to copy has them as one word', () => {
    const text = renderComparison(compare('a+0x1', "x'; rm -rf ~; '"), {
      top: 0,
      source: 'my runs',
    });
    expect(text).toContain(
      "Next:  slabreplay frag 'my runs' --by site --cache 'x'\\''; rm -rf ~; '\\'''\n",
    );
  });

  test('junit: a name cannot pass for a line', () => {
    const xml = renderJunit(compare('a\nb', 'c\nd', ['cache:*:live>+5%']));
    expect(xml).toContain('>c\\x0ad is up from nothing to 816 KB\n</failure>');
  });

  test('lkp: no blanks in names, so that fields can be split', () => {
    const [line] = renderLkp(compare('a+0x1 [m]', 'c d'), 2).split('\n').slice(-2);
    expect(line?.trim().split(/\s+/)).toEqual(['0', '+Inf%', '1638400', 'cache.c_d.allocBytes']);
  });

  test('markdown: everything is plain text', () => {
    const text = renderMarkdown(comparison, { top: 0 });
    expect(text).toContain(
      'a\\\\x1b\\[31m\\|b&lt;script&gt;&amp;"\'\\`\\*\\_\\[x\\](http&#58;//e.vil)&#64;all\\]\\]&gt;\\\\x00',
    );
    expect(text.replace(/<\/?(?:details|summary)>/g, '')).not.toMatch(/[<>](?!=)/);
    expect(escapeMarkdown('www.e.vil #1 ~x~ !y')).toBe('www&#46;e.vil \\#1 \\~x\\~ \\!y');
  });

  test('junit: well-formed XML 1.0', () => {
    const xml = renderJunit(comparison);
    expect(xml).toContain(
      'a\\x1b[31m|b&lt;script&gt;&amp;&quot;&apos;`*_[x](http://e.vil)@all]]&gt;\\x00\\uffffz',
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/);
    expect(escapeXml('a\nb')).toBe('a\\x0ab');
    const tags = xml.match(/<[^>]*>/g) ?? [];
    expect(
      tags.every((tag) => /^<[?/]?(xml|testsuites?|testcase|failure|error|system-out)\b/.test(tag)),
    ).toBe(true);
  });

  test('sarif and json: still JSON, no control characters in messages', () => {
    const sarif = renderSarif(comparison);
    expect(JSON.parse(sarif)).toMatchObject({ version: '2.1.0' });
    expect(sarif).toContain('a\\\\x1b[31m');
    expect(sarif).not.toContain('\\u001b');
  });

  test('csv: one line for each row', () => {
    const lines = renderComparisonCsv(compare('a"b,c+0x1', 'd\ne')).trimEnd();
    expect(lines).toContain('site,,"a""b,c+0x1",');
    expect(lines).toContain('cache,"d\ne",');
  });
});
