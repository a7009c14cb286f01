import { beforeAll, describe, expect, test } from 'vitest';
import {
  type PerfKmemQuery,
  type PerfKmemSummary,
  type PerfKmemTable,
  PerfKmemTracker,
} from '../../../../src/commands/perfkmem/perf-kmem.ts';
import {
  type PerfKmemArgument,
  perfKmemLines,
  resolvePerfKmemOptions,
} from '../../../../src/commands/perfkmem/perf-kmem-text.ts';
import { column } from '../../../../src/kernel/column.ts';
import { Dictionary, NODE_UNKNOWN } from '../../../../src/kernel/events/dictionary.ts';
import {
  BATCH_CAPACITY,
  createBatch,
  sliceBatch,
} from '../../../../src/kernel/events/event-batch.ts';
import { EVENT_KIND, type EventKindName } from '../../../../src/kernel/events/event-kind.ts';
import { Pairing } from '../../../../src/pairing/pairing.ts';
import { describeWithData, recordedText } from '../../../helpers/data.ts';

const SUMMARY: PerfKmemSummary = {
  bytesReq: 224,
  bytesAlloc: 256,
  bytesFreed: 64,
  internalFragmentationPct: 12.5,
  allocs: 3,
  crossCpuAllocs: 1,
};

const TABLE: PerfKmemTable = {
  order: Uint32Array.of(1, 0, 2),
  addressLo: column(Uint32Array.of(0x81000010, 0x00001000, 0)),
  addressHi: column(Uint32Array.of(0xffffffff, 0xffff8880, 0)),
  site: column(Uint32Array.of(1, 2, 0)),
  hit: column(Uint32Array.of(1, 3, 1)),
  pingpong: column(Uint32Array.of(0, 2, 1)),
  bytesReq: column(Float64Array.of(112, 40, -1)),
  bytesAlloc: column(Float64Array.of(256, 64, 8192)),
  fragPct: column(Float64Array.of(45.3125, 1.5625, -3.25)),
};

const EMPTY: PerfKmemTable = { ...TABLE, order: new Uint32Array(0) };

function options(...words: string[]): PerfKmemArgument[] {
  return words.map((word) => {
    const [option, value] = word.split(' ');
    return { option: option as PerfKmemArgument['option'], ...(value ? { value } : {}) };
  });
}

describe('options', () => {
  test('none: the summary alone', () => {
    expect(resolvePerfKmemOptions([])).toEqual({
      callerSort: null,
      allocSort: null,
      callerLines: -1,
      allocLines: -1,
    });
  });

  const KEYS = ['frag', 'hit', 'bytes'];
  test.each([
    [['caller'], { callerSort: KEYS, allocSort: null }],
    [['caller', 'alloc'], { callerSort: KEYS, allocSort: KEYS }],
    // What perf 6.1.192 did with these on kmem.data.
    [['caller', 'alloc', 'line 5'], { callerLines: -1, allocLines: 5 }],
    [['alloc', 'caller', 'line 5'], { callerLines: 5, allocLines: -1 }],
    [['caller', 'line 2', 'alloc', 'line 3'], { callerLines: 2, allocLines: 3 }],
    [['line 2', 'alloc'], { allocLines: 2 }],
    [['line 2', 'caller'], { callerLines: -1, allocLines: 2 }],
    [['caller', 'sort hit'], { callerSort: ['hit'] }],
    [['sort hit', 'caller'], { callerSort: KEYS }],
    [['caller', 'alloc', 'sort callsite'], { callerSort: KEYS, allocSort: ['callsite'] }],
    [['alloc', 'caller', 'sort hit', 'sort bytes'], { callerSort: ['hit', 'bytes'] }],
    [['caller', 'alloc', 'caller', 'line 4'], { callerLines: 4 }],
    [['alloc', 'sort pingpong,ptr'], { allocSort: ['pingpong', 'ptr'] }],
    [['caller', 'line -1'], { callerLines: -1 }],
  ])('%s', (words, expected) => {
    expect(resolvePerfKmemOptions(options(...words))).toMatchObject(expected);
  });

  test.each([
    ['sort foo', "unknown sort key 'foo'"],
    ['sort hit,', "unknown sort key ''"],
    ['sort', "unknown sort key ''"],
    ['line many', "not a number of lines: 'many'"],
    ['line', "not a number of lines: ''"],
    ['line 1.5', "not a number of lines: '1.5'"],
  ])('%s is refused', (word, message) => {
    expect(() => resolvePerfKmemOptions(options('alloc', word))).toThrow(message);
  });
});

describe('lines', () => {
  const all = { callerLines: -1, allocLines: -1 };
  const symbolOf = (site: number): string | undefined =>
    site === 2 ? '__alloc_skb+0x91/0x190 [core]' : undefined;

  test('the summary', () => {
    const result = { type: 'perfkmem', summary: SUMMARY, callers: null, ptrs: null } as const;
    expect([...perfKmemLines(result, all, symbolOf)]).toEqual([
      '',
      'SUMMARY (SLAB allocator)',
      '========================',
      'Total bytes requested: 224',
      'Total bytes allocated: 256',
      'Total bytes freed:     64',
      'Net total bytes allocated: 192',
      'Total bytes wasted on internal fragmentation: 32',
      'Internal fragmentation: 12.500000%',
      'Cross CPU allocations: 1/3',
    ]);
  });

  test('nothing is net where more was freed; what fell below zero has wrapped', () => {
    const summary = { ...SUMMARY, bytesReq: 300, bytesFreed: 256 };
    const result = { type: 'perfkmem', summary, callers: null, ptrs: null } as const;
    const text = [...perfKmemLines(result, all, symbolOf)].join('\n');
    expect(text).not.toContain('Net total');
    expect(text).toContain('internal fragmentation: 18446744073709551572\n');
  });

  const result = { type: 'perfkmem', summary: SUMMARY, callers: TABLE, ptrs: TABLE } as const;
  const rule = '-'.repeat(105);

  test('a table of callers and one of addresses', () => {
    expect(
      [...perfKmemLines(result, { callerLines: 3, allocLines: 1 }, symbolOf)].slice(0, 12),
    ).toEqual([
      rule,
      ' Callsite                           | Total_alloc/Per | Total_req/Per   | Hit      | Ping-pong | Frag',
      rule,
      ' __alloc_skb+91                     |        64/21    |        40/13    |        3 |         2 |  1.562%',
      ' 0xffffffff81000010                 |       256/256   |       112/112   |        1 |         0 | 45.312%',
      ' 0                                  |      8192/8192  | 18446744073709551615/18446744073709551615 |        1 |         1 | -3.250%',
      rule,
      rule,
      ' Alloc Ptr                          | Total_alloc/Per | Total_req/Per   | Hit      | Ping-pong | Frag',
      rule,
      ' 0xffff888000001000                 |        64/21    |        40/13    |        3 |         2 |  1.562%',
      ' ...                                | ...             | ...             | ...      | ...       | ...   ',
    ]);
  });

  test.each([
    [0, 3, true],
    [2, 3, true],
    [3, 3, false],
    [4, 3, false],
    [-1, 3, false],
    [-1, 0, true],
    [-2, 0, false],
    [0, 0, false],
    [5, 0, false],
  ])('-l %d of %d rows: "..." is %s, as perf counts it down', (lines, rows, isCut) => {
    const callers = rows === 0 ? EMPTY : TABLE;
    const text = [
      ...perfKmemLines(
        { ...result, callers, ptrs: null },
        { callerLines: lines, allocLines: -1 },
        symbolOf,
      ),
    ];
    expect(text.some((line) => line.startsWith(' ... '))).toBe(isCut);
    expect(text.filter((line) => /\|\s+\d+ \|/.test(line))).toHaveLength(
      lines < 0 ? rows : Math.min(lines, rows),
    );
  });

  test.each([
    ['vfs_parse_fs_string+0x5b', 'vfs_parse_fs_string+5b'],
    ['bucket_table_alloc.isra.0+0x4b/0x120', 'bucket_table_alloc.isra.0+4b'],
    ['p9_fid_create+0x22/0x110 [9pnet]', 'p9_fid_create+22'],
    ['p9_fid_create+0x22 [9pnet]', 'p9_fid_create+22'],
    ['<T as Drop>::drop+0x8', '<T as Drop>::drop+8'],
    ['odd name', 'odd name'],
    ['e\u001bvil+0x1', 'e\\x1bvil+1'],
    ['a_very_long_symbol_name_that_is_not_cut+0x1', 'a_very_long_symbol_name_that_is_not_cut+1'],
  ])('%s is printed as %s', (symbol, printed) => {
    const lines = [...perfKmemLines({ ...result, ptrs: null }, all, () => symbol)];
    expect(lines[3]?.startsWith(` ${printed.padEnd(34)} | `)).toBe(true);
  });
});

/** Events of `perf script` text; of a call site it shows the symbol only. */
function parseScript(text: string): { tracker: PerfKmemTracker; dictionary: Dictionary } {
  const dictionary = new Dictionary();
  const tracker = new PerfKmemTracker(dictionary);
  const lines = text.split('\n');
  const batch = createBatch(lines.length);
  // `perf  1105 [000]   154.973835: kmem:kmalloc: call_site=single_open+0x2a ptr=0xffff8c83c12fa260
  //  bytes_req=32 bytes_alloc=32 gfp_flags=GFP_KERNEL_ACCOUNT node=-1 accounted=true`
  const shape =
    /\[(\d+)\] +[\d.]+: +kmem:(\w+): call_site=(\S+) ptr=(\S+)(?: bytes_req=(\d+) bytes_alloc=(\d+) .*node=(-?\d+))?/;
  for (const line of lines) {
    const m = shape.exec(line);
    if (m === null) continue;
    const ptr = m[4] === '(nil)' ? 0n : BigInt(m[4] ?? 0);
    const i = batch.length++;
    batch.cpu[i] = Number(m[1]);
    batch.ptrLo[i] = Number(ptr & 0xffffffffn);
    batch.ptrHi[i] = Number(ptr >> 32n);
    batch.call[i] = dictionary.calls.intern({
      kind: EVENT_KIND[m[2] as EventKindName],
      site: dictionary.sites.internText(dictionary.strings.intern(m[3] ?? '')),
      bytesReq: Number(m[5] ?? 0),
      bytesAlloc: Number(m[6] ?? 0),
      node: Number(m[7] ?? NODE_UNKNOWN),
    });
  }
  const pairing = new Pairing(dictionary);
  for (let from = 0; from < batch.length; from += BATCH_CAPACITY) {
    const part = sliceBatch(batch, from, from + BATCH_CAPACITY);
    tracker.add(part, pairing.add(part));
  }
  return { tracker, dictionary };
}

/** Addresses of `symbol+0x1f` by kallsyms: `ffffffffa4975b60 T getname_flags`. */
function kallsymsResolver(kallsyms: string): (symbol: string) => bigint | undefined {
  const addresses = new Map<string, bigint>();
  for (const m of kallsyms.matchAll(/^([0-9a-f]+) [tTwW] (\S+)/gm)) {
    if (!addresses.has(m[2] ?? '')) addresses.set(m[2] ?? '', BigInt(`0x${m[1]}`));
  }
  return (symbol) => {
    const [name = '', offset = '0'] = symbol.split('+');
    const start = addresses.get(name);
    return start === undefined ? undefined : start + BigInt(offset);
  };
}

describeWithData('debian-variants', 'perf kmem stat itself', () => {
  let tracker: PerfKmemTracker;
  let symbolOf: (site: number) => string;
  let addressOf: (site: number) => bigint | undefined;

  beforeAll(() => {
    const script = parseScript(recordedText('debian-variants', 'f-perf', 'kmem.script.txt'));
    const resolve = kallsymsResolver(recordedText('debian-variants', 'kallsyms.txt'));
    const { strings, sites } = script.dictionary;
    tracker = script.tracker;
    symbolOf = (site) => strings.get(sites.text(site));
    addressOf = (site) => resolve(symbolOf(site));
  });

  function print(words: string[], isRaw = false): string[] {
    const chosen = resolvePerfKmemOptions(options(...words));
    const query: PerfKmemQuery = { ...chosen, addressOf };
    return [...perfKmemLines(tracker.result(query), chosen, isRaw ? () => undefined : symbolOf)];
  }

  test('prints its text with symbols, to the byte', () => {
    const text = recordedText('debian-variants', 'f-perf', 'kmem-stat.txt');
    expect(print(['caller', 'alloc', 'line 100'])).toEqual(text.trimEnd().split('\n'));
  });

  test('prints its text with raw addresses, to the byte', () => {
    const text = recordedText('debian-variants', 'f-perf', 'kmem-stat-raw.txt');
    expect(print(['caller', 'alloc', 'line 1000'], true)).toEqual(text.trimEnd().split('\n'));
  });

  // `perf kmem -i kmem.data --raw-ip OPTIONS stat`, perf 6.1.192, the rows of the tables.
  test.each([
    [
      ['caller', 'sort hit', 'line 3'],
      [
        ' 0xffffffffa4975b8b                 |  40128512/4096  |  40128512/4096  |     9797 |         1 |  0.000%',
        ' 0xffffffffa4fdcd7f                 |    381696/256   |    381696/256   |     1491 |      1982 |  0.000%',
        ' 0xffffffffa4969a43                 |    326400/256   |    326400/256   |     1275 |        30 |  0.000%',
      ],
    ],
    [
      ['alloc', 'caller', 'sort bytes,callsite', 'line 3'],
      [
        ' 0xffffffffa4975b8b                 |  40128512/4096  |  40128512/4096  |     9797 |         1 |  0.000%',
        ' 0xffffffffa4fdcd7f                 |    381696/256   |    381696/256   |     1491 |      1982 |  0.000%',
        ' 0xffffffffa469f04e                 |    329472/8448  |    327288/8392  |       39 |         8 |  0.663%',
      ],
    ],
    [
      ['caller', 'sort callsite', 'line 5'],
      [
        ' 0xffffffffc06336de                 |       728/728   |       720/720   |        1 |         0 |  1.099%',
        ' 0xffffffffc05a4c23                 |        16/16    |        16/16    |        1 |         0 |  0.000%',
        ' 0xffffffffc05a1b89                 |       192/192   |       160/160   |        1 |         0 | 16.667%',
        ' 0xffffffffc05a0638                 |      1584/144   |      1496/136   |       11 |         0 |  5.556%',
        ' 0xffffffffc05a0282                 |       192/96    |       176/88    |        2 |         0 |  8.333%',
      ],
    ],
    [
      ['alloc', 'sort pingpong,ptr', 'line 3'],
      [
        ' 0xffff8c83d1df4500                 |      4864/256   |      4864/256   |       19 |        30 |  0.000%',
        ' 0xffff8c83d1df4300                 |      4096/256   |      4096/256   |       16 |        28 |  0.000%',
        ' 0xffff8c83d1dcf700                 |      2816/256   |      2816/256   |       11 |        27 |  0.000%',
      ],
    ],
    [
      ['line 2', 'alloc'],
      [
        ' 0xffff8c83c92b0360                 |         8/8     |         3/3     |        1 |         1 | 62.500%',
        ' 0xffff8c83c92b04c8                 |         8/8     |         3/3     |        1 |         1 | 62.500%',
      ],
    ],
  ])('%s', (words, rows) => {
    const lines = print(words, true).filter((line) => line.startsWith(' 0x'));
    expect(lines.slice(0, rows.length)).toEqual(rows);
  });
});

// The summaries that perf 6.1.192 prints for the other recordings of perf (6.12: two events for a
// large kmalloc; `lost`: records are missing; `g`: with call chains).
describeWithData(['debian-variants', 'debian-variants-612'], 'perf kmem stat, summaries', () => {
  test.each([
    [
      'debian-variants',
      'plain',
      [44324777, 44546528, 44834480, undefined, 221751, '0.497796%', '0/21720'],
    ],
    ['debian-variants', 'g', [1014708, 1037400, 885376, 152024, 22692, '2.187392%', '0/1334']],
    ['debian-variants', 'lost', [3019053, 3096808, 2957760, 139048, 77755, '2.510811%', '0/3684']],
    ['debian-variants', 'z', [1275208, 1343736, 1084328, 259408, 68528, '5.099811%', '0/1882']],
    [
      'debian-variants-612',
      'plain',
      [46198992, 46416384, 46011768, 404616, 217392, '0.468352%', '0/23191'],
    ],
    ['debian-variants-612', 'g', [875972, 904504, 744936, 159568, 28532, '3.154436%', '0/1436']],
    [
      'debian-variants-612',
      'lost',
      [2835463, 2937464, 2662440, 275024, 102001, '3.472417%', '0/4574'],
    ],
    ['debian-variants-612', 'z', [1258712, 1334992, 904192, 430800, 76280, '5.713892%', '0/1902']],
  ])('%s %s.data', (variant, name, [req, alloc, freed, net, wasted, pct, cross]) => {
    const { tracker } = parseScript(recordedText(variant, 'f-perf', `${name}.script.txt`));
    const result = tracker.result({ callerSort: null, allocSort: null });
    const lines = [...perfKmemLines(result, { callerLines: -1, allocLines: -1 }, () => undefined)];
    expect(lines.slice(3)).toEqual([
      `Total bytes requested: ${req}`,
      `Total bytes allocated: ${alloc}`,
      `Total bytes freed:     ${freed}`,
      ...(net === undefined ? [] : [`Net total bytes allocated: ${net}`]),
      `Total bytes wasted on internal fragmentation: ${wasted}`,
      `Internal fragmentation: ${pct}`,
      `Cross CPU allocations: ${cross}`,
    ]);
  });
});
