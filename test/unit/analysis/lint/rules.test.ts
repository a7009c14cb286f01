import { describe, expect, test } from 'vitest';
import type { Finding, LintEvidence } from '../../../../src/analysis/lint/finding.ts';
import { LINT_RULES, lintRun } from '../../../../src/analysis/lint/lint.ts';
import { LintTracker } from '../../../../src/analysis/lint/lint-tracker.ts';
import { PairTally } from '../../../../src/pairing/pair-tally.ts';
import { kernelFacts, type ResolveOptions, resolve } from '../../../helpers/tracked.ts';

interface LintOptions extends ResolveOptions {
  readonly replay?: LintEvidence['replay'];
}

function lint(lines: string, { replay = null, ...options }: LintOptions = {}): Finding[] {
  const trackers: { tracker?: LintTracker } = {};
  const pairs = new PairTally();
  const { run } = resolve(lines, {
    ...options,
    extra: (dictionary) => {
      trackers.tracker = new LintTracker(dictionary);
      return [trackers.tracker, pairs];
    },
  });
  return lintRun({ run, tracker: trackers.tracker as LintTracker, pairs, replay });
}

const brief = (findings: readonly Finding[]): unknown[] =>
  findings.map(({ rule, severity, count, symbol, message }) => [
    severity,
    rule,
    count,
    symbol,
    message,
  ]);

const repeat = (times: number, lines: (i: number) => string): string =>
  Array.from({ length: times }, (_, i) => lines(i)).join('\n');

describe('sleeping in atomic context', () => {
  // 0xcc0 is GFP_KERNEL; 0x820 (GFP_ATOMIC) has no __GFP_DIRECT_RECLAIM. Bits of flags: 0x01 interrupts
  // off, 0x08 hardirq, 0x10 softirq, 0x80 bottom halves off, 0x100 the first preempt depth.
  test.each([
    ['0x0008', 'in a hardware interrupt'],
    ['0x0019', 'in a hardware interrupt'],
    ['0x0010', 'in a softirq'],
    ['0x0001', 'with interrupts off'],
    ['0x0080', 'with bottom halves off'],
    ['0x0040', 'in an NMI'],
  ])('flags %s: %s', (flags, context) => {
    const found = lint(
      `cpu1 bash-7 alloc kmalloc-64 A 40 by=foo_irq+0x20 flags=${flags} gfp=0xcc0`,
    );
    expect(found).toEqual([
      {
        rule: 'sleeping-in-atomic',
        severity: 'error',
        count: 1,
        site: null,
        symbol: 'foo_irq+0x20',
        module: null,
        cache: 'kmalloc-64',
        message: `may sleep (__GFP_DIRECT_RECLAIM) ${context}`,
        example: {
          timeNs: '1000',
          cpu: 1,
          comm: 'bash',
          pid: 7,
          address: '0xffff888000000000',
          callSite: 'foo_irq+0x20',
        },
      },
    ]);
  });

  test('is not: GFP_ATOMIC, a pending reschedule, no flags in the text', () => {
    expect(
      lint(`
        bash-7 alloc kmalloc-64 A 40 gfp=0x820 flags=0x0008
        bash-7 alloc kmalloc-64 B 40 gfp=0xcc0 flags=0x0024
        bash-7 alloc kmalloc-64 C 40 gfp=0xcc0`),
    ).toEqual([]);
  });

  test('the boot task runs with interrupts and preemption off; its interrupts count', () => {
    const found = lint(`
      <idle>-0 alloc kmalloc-64 A 40 by=early+0x1 flags=0x0101
      <idle>-0 alloc kmalloc-64 B 40 by=timer+0x1 flags=0x0108`);
    expect(found.map(({ symbol }) => symbol)).toEqual(['timer+0x1']);
  });

  test('a preempt depth counts where some event has none', () => {
    const held = 'bash-7 alloc kmalloc-64 A 40 by=locked+0x1 flags=0x0100';
    expect(lint(held)).toEqual([]);
    expect(brief(lint(`${held}\nbash-7 free A flags=0x0000`))).toEqual([
      [
        'error',
        'sleeping-in-atomic',
        1,
        'locked+0x1',
        'may sleep (__GFP_DIRECT_RECLAIM) with preemption off (depth 1)',
      ],
    ]);
  });
});

test('allocations that returned NULL, and how many did not', () => {
  const found = lint(`
    alloc kmalloc-64 A 40 by=foo+0x1
    alloc kmalloc-64 NULL 40 by=foo+0x1
    alloc kmalloc-64 NULL 40 by=foo+0x1`);
  expect(brief(found)).toEqual([
    ['warning', 'allocation-failed', 2, 'foo+0x1', '2 of 3 allocations returned NULL'],
  ]);
});

test('misuse that the replay reports is an error', () => {
  const report = {
    kind: 'double-free',
    title: 'Object already free',
    cache: 'kmalloc-64',
    address: '0xffff888000000040',
    slab: null,
    text: 'BUG kmalloc-64: Object already free',
    event: {
      timeNs: '7000',
      cpu: 1,
      comm: 'rm',
      pid: 9,
      site: null,
      symbol: 'foo_remove+0x8',
      module: 'foo',
    },
  };
  const slub = undefined as never;
  const found = lint('alloc kmalloc-64 A 40', { replay: { slub, reports: [report] } });
  expect(found).toMatchObject([
    {
      rule: 'double-free',
      severity: 'error',
      cache: 'kmalloc-64',
      message: 'Object already free at 0xffff888000000040',
      symbol: 'foo_remove+0x8',
      module: 'foo',
      example: {
        timeNs: '7000',
        cpu: 1,
        comm: 'rm',
        pid: 9,
        address: '0xffff888000000040',
        report: report.text,
      },
    },
  ]);
});

test('requests just over a class: from a page and two objects on', () => {
  // 1088 bytes take 2048, 1024 would save 1024 each
  const objects = (count: number): string =>
    repeat(count, (i) => `alloc kmalloc-2k O${i} 1088 by=sk+0x1`);
  expect(lint(objects(3))).toEqual([]);
  expect(brief(lint(objects(4)))).toEqual([
    [
      'warning',
      'just-over-class',
      4,
      'sk+0x1',
      'asks for 1088 bytes and takes 2048: 64 less would save 4.0 KB at the peak (4 objects)',
    ],
  ]);
});

test('kfree(NULL), from a thousand and a hundred a second on', () => {
  const frees = (gap: number): string => repeat(1000, () => `@+${gap} free NULL by=put+0x1`);
  expect(lint(frees(20_000_000))).toEqual([]);
  expect(brief(lint(frees(1_000_000)))).toEqual([
    ['note', 'kfree-null', 1000, 'put+0x1', 'kfree(NULL) 1,000 times, 1,001 times a second'],
  ]);
});

describe('devres', () => {
  test('struct devres pushes 64 bytes of data into the class of 128', () => {
    const found = lint('alloc kmalloc-128 A 104 by=devm_kmalloc+0x2c');
    expect(brief(found)).toEqual([
      [
        'note',
        'devres-crosses-class',
        1,
        'devm_kmalloc+0x2c',
        '104 bytes with struct devres take 128; the data alone would take 64',
      ],
    ]);
  });

  test('managed memory that a driver frees itself', () => {
    const found = lint(`
      alloc kmalloc-192 A 190 by=devm_kmalloc+0x2c
      alloc kmalloc-192 B 190 by=devm_kmalloc+0x2c
      free A by=foo_remove+0x8
      free B by=release_nodes+0x5f`);
    expect(brief(found)).toEqual([
      [
        'warning',
        'devres-freed-by-hand',
        1,
        'devm_kmalloc+0x2c',
        'managed memory freed by foo_remove+0x8',
      ],
    ]);
  });

  test('managed memory without a probe on the stack', () => {
    const found = lint(`
      alloc kmalloc-192 A 190 by=devm_kmalloc+0x2c stack=devm_kmalloc+0x2c;foo_open+0x1
      alloc kmalloc-192 B 190 by=devm_kmalloc+0x2c stack=devm_kmalloc+0x2c;foo_probe+0x1`);
    expect(brief(found)).toEqual([
      [
        'note',
        'devres-outside-probe',
        1,
        'devm_kmalloc+0x2c',
        '1 live managed object was allocated with no probe on the stack',
      ],
    ]);
  });
});

test('hot temporary objects, and those that are zeroed for it', () => {
  const lines = (gfp: string): string =>
    repeat(1000, () => `@+1000 alloc kmalloc-64 A 40 by=hot+0x1 gfp=${gfp}\n@+1000 free A`);
  expect(brief(lint(lines('0xcc0')))).toEqual([
    [
      'note',
      'temporary-in-hot-path',
      1000,
      'hot+0x1',
      '1,000 of 1,000 objects were freed before anything else was allocated on their CPU, 500,250 allocations a second',
    ],
  ]);
  expect(lint(lines('0xdc0')).map(({ rule }) => rule)).toEqual([
    'temporary-in-hot-path',
    'zeroed-temporary',
  ]);
});

test('objects that travel between CPUs', () => {
  const found = lint(
    repeat(1000, (i) => `cpu0 alloc kmalloc-64 A${i} 40 by=queue+0x1\ncpu1 free A${i}`),
  );
  expect(brief(found)).toContainEqual([
    'note',
    'cross-cpu',
    1000,
    'queue+0x1',
    '1,000 of 1,000 frees were on another CPU',
  ]);
});

test('objects that are not charged, in a function that charges others', () => {
  const found = lint(
    repeat(
      100,
      (i) => `alloc kmalloc-64 A${i} 40 by=make+0x10 gfp=0xcc0
              alloc kmalloc-cg-64 B${i} 40 by=make+0x40 gfp=0x400cc0
              alloc kmalloc-64 C${i} 40 by=other+0x10 gfp=0xcc0`,
    ),
  );
  expect(brief(found)).toEqual([
    [
      'note',
      'unaccounted-sibling',
      100,
      'make+0x10',
      '100 allocations of make() are not charged to a cgroup, others of it are',
    ],
  ]);
});

describe('live objects whose pages show another cache than their call has', () => {
  // Frees name bio-128 for most objects of the site, and bio-64 on the page of one that is live: that
  // one is a row of its own, in which no call is counted.
  const lines = (by: string, keys: string): string => `
    alloc x A 192 ${by} ${keys}
    alloc x A+192 192 ${by} ${keys}
    alloc x B 192 ${by} ${keys}
    alloc x B+192 192 ${by} ${keys}
    free bio-64 A
    free bio-128 B
    free bio-128 B+192`;

  test('are no finding of their own, and stop no rule', () => {
    const found = lint(lines('by=mempool_alloc+0x1', 'flags=0x0008 gfp=0xcc0'));
    expect(found.map(({ rule, cache, count }) => [rule, cache, count])).toEqual([
      ['sleeping-in-atomic', 'bio-128', 4],
    ]);
  });

  test('nor where allocations of their site failed', () => {
    const failing = `${lines('by=mempool_alloc+0x1', '')}
      alloc x NULL 192 by=mempool_alloc+0x1`;
    expect(lint(failing).map(({ rule, cache, count }) => [rule, cache, count])).toEqual([
      ['allocation-failed', 'bio-128', 1],
    ]);
  });
});

test('frees of what was never allocated, in a recording from boot', () => {
  const frees = repeat(10, (i) => `free U${i} by=drop+0x1`);
  expect(lint(frees)).toEqual([]);
  const facts = kernelFacts({ tracedFromBoot: true });
  expect(brief(lint(frees, { facts }))).toEqual([
    [
      'note',
      'free-of-unknown',
      10,
      'drop+0x1',
      '10 of its 10 frees were of objects whose allocation is not in the trace',
    ],
  ]);
});

test('every rule is explained, and no two have one name', () => {
  expect(new Set(LINT_RULES.map(({ id }) => id)).size).toBe(LINT_RULES.length);
  for (const { title, help } of LINT_RULES) {
    expect(title).toMatch(/^[a-zA-Z_]/);
    expect(help).toMatch(/\.$/);
  }
});
