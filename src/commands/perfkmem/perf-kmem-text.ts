// What `perf kmem stat` counts to the text that it prints: print_slab_summary() and
// __print_slab_result() in tools/perf/builtin-kmem.c (6.1, 6.12), to the byte in the C locale.
// Options take effect in the order in which they are given, as there: -s and -l are for one table only,
// that of the flag before them (`--caller --alloc -l 5` cuts the second table only).

import { formatFixed } from '../../base/bytes-format.ts';
import { UsageError } from '../../base/errors.ts';
import type { Site } from '../../kernel/indices.ts';
import { escapeText } from '../../render/escape.ts';
import type {
  PerfKmemResult,
  PerfKmemSortKey,
  PerfKmemSummary,
  PerfKmemTable,
} from './perf-kmem.ts';

const SORT_KEYS: readonly PerfKmemSortKey[] = [
  'ptr',
  'callsite',
  'hit',
  'bytes',
  'frag',
  'pingpong',
];
const DEFAULT_SORT: readonly PerfKmemSortKey[] = ['frag', 'hit', 'bytes'];
const ALL_LINES = -1;

/** One option as given on the command line. */
export interface PerfKmemArgument {
  readonly option: 'caller' | 'alloc' | 'sort' | 'line';
  /** Of `sort` (keys with commas between) and `line` (a number). */
  readonly value?: string;
}

/** What the options come to; null where a table was not asked for. */
export interface PerfKmemOptions {
  readonly callerSort: readonly PerfKmemSortKey[] | null;
  readonly allocSort: readonly PerfKmemSortKey[] | null;
  /** Lines of each table; negative: all. */
  readonly callerLines: number;
  readonly allocLines: number;
}

/**
 * The options of `perf kmem stat` in the order in which they were given.
 * @throws UsageError for an unknown sort key or a bad number of lines
 */
export function resolvePerfKmemOptions(args: readonly PerfKmemArgument[]): PerfKmemOptions {
  let callerFlag = 0;
  let allocFlag = 0;
  let callerLines = ALL_LINES;
  let allocLines = ALL_LINES;
  const callerSort: PerfKmemSortKey[] = [];
  const allocSort: PerfKmemSortKey[] = [];
  for (const { option, value = '' } of args) {
    const isForCallers = callerFlag > allocFlag;
    if (option === 'caller') callerFlag = allocFlag + 1;
    else if (option === 'alloc') allocFlag = callerFlag + 1;
    else if (option === 'sort') (isForCallers ? callerSort : allocSort).push(...parseKeys(value));
    else if (isForCallers) callerLines = parseLines(value);
    else allocLines = parseLines(value);
  }
  return {
    callerSort: callerFlag === 0 ? null : orDefault(callerSort),
    allocSort: allocFlag === 0 ? null : orDefault(allocSort),
    callerLines,
    allocLines,
  };
}

/**
 * The lines that `perf kmem stat` prints, without their ends.
 * @param symbolOf a call site as `symbol+0x1f/0x80 [module]`; undefined: its address is printed,
 *   as with --raw-ip
 */
export function* perfKmemLines(
  result: PerfKmemResult,
  lines: Pick<PerfKmemOptions, 'callerLines' | 'allocLines'>,
  symbolOf: (site: Site) => string | undefined,
): Generator<string> {
  const { callers, ptrs, summary } = result;
  if (callers !== null) {
    yield* tableLines('Callsite', callers, lines.callerLines, (row) =>
      callerName(symbolOf(callers.site[row] ?? 0), callers, row),
    );
  }
  if (ptrs !== null) {
    yield* tableLines('Alloc Ptr', ptrs, lines.allocLines, (row) => addressText(ptrs, row));
  }
  yield* summaryLines(summary);
}

const RULE = '-'.repeat(105);
const HEADING = ' Total_alloc/Per | Total_req/Per   | Hit      | Ping-pong | Frag';
const CUT_LINE =
  ' ...                                | ...             | ...             | ...      | ...       | ...   ';

function* tableLines(
  title: string,
  table: PerfKmemTable,
  lines: number,
  nameOf: (row: number) => string,
): Generator<string> {
  const { order } = table;
  yield RULE;
  yield ` ${title.padEnd(34)} |${HEADING}`;
  yield RULE;
  const shown = lines < 0 ? order.length : Math.min(lines, order.length);
  for (const row of order.subarray(0, shown)) yield rowLine(nameOf(row), table, row);
  // perf counts its limit down and looks for -1: where all of an empty table is shown, it finds it.
  if (lines < 0 ? lines - shown === -1 : shown < order.length) yield CUT_LINE;
  yield RULE;
}

function rowLine(name: string, table: PerfKmemTable, row: number): string {
  const alloc = table.bytesAlloc[row] ?? 0;
  const req = table.bytesReq[row] ?? 0;
  const hit = table.hit[row] ?? 0;
  const cells = [
    ` ${name.padEnd(34)}`,
    `${unsigned(alloc).padStart(9)}/${perHit(alloc, hit).padEnd(5)}`,
    `${unsigned(req).padStart(9)}/${perHit(req, hit).padEnd(5)}`,
    String(hit).padStart(8),
    String(table.pingpong[row] ?? 0).padStart(9),
    `${formatFixed(table.fragPct[row] ?? 0, 3).padStart(6)}%`,
  ];
  return cells.join(' | ');
}

function* summaryLines(summary: PerfKmemSummary): Generator<string> {
  const { bytesReq, bytesAlloc, bytesFreed } = summary;
  const isNet = BigInt.asUintN(64, BigInt(bytesAlloc)) > BigInt.asUintN(64, BigInt(bytesFreed));
  yield '';
  yield 'SUMMARY (SLAB allocator)';
  yield '========================';
  yield `Total bytes requested: ${unsigned(bytesReq)}`;
  yield `Total bytes allocated: ${unsigned(bytesAlloc)}`;
  yield `Total bytes freed:     ${unsigned(bytesFreed)}`;
  if (isNet) yield `Net total bytes allocated: ${unsigned(bytesAlloc - bytesFreed)}`;
  yield `Total bytes wasted on internal fragmentation: ${unsigned(bytesAlloc - bytesReq)}`;
  yield `Internal fragmentation: ${formatFixed(summary.internalFragmentationPct, 6)}%`;
  yield `Cross CPU allocations: ${summary.crossCpuAllocs}/${summary.allocs}`;
}

/** `symbol+0x1f/0x80 [module]` as perf writes it, `symbol+1f`; the address where that fails. */
function callerName(symbol: string | undefined, table: PerfKmemTable, row: number): string {
  if (symbol === undefined) return addressText(table, row);
  const place = /^(.*\S)\+0x([0-9a-f]+)(?:\/0x[0-9a-f]+)?(?: \[.*\])?$/.exec(symbol);
  return escapeText(place === null ? symbol : `${place[1]}+${place[2]}`);
}

/** C's `%#llx`, which has no 0x before a zero. */
function addressText(table: PerfKmemTable, row: number): string {
  const hi = table.addressHi[row] ?? 0;
  const lo = table.addressLo[row] ?? 0;
  if (hi === 0) return lo === 0 ? '0' : `0x${lo.toString(16)}`;
  return `0x${hi.toString(16)}${lo.toString(16).padStart(8, '0')}`;
}

/** C's `%lu`: what was counted below zero has wrapped. */
function unsigned(value: number): string {
  return value < 0 ? BigInt.asUintN(64, BigInt(value)).toString() : String(value);
}

function perHit(bytes: number, hit: number): string {
  if (bytes < 0) return (BigInt.asUintN(64, BigInt(bytes)) / BigInt(hit)).toString();
  return String(Math.floor(bytes / hit));
}

function orDefault(keys: readonly PerfKmemSortKey[]): readonly PerfKmemSortKey[] {
  return keys.length === 0 ? DEFAULT_SORT : keys;
}

function parseKeys(text: string): PerfKmemSortKey[] {
  return text.split(',').map((name) => {
    const key = SORT_KEYS.find((known) => known === name);
    if (key !== undefined) return key;
    throw new UsageError(`unknown sort key '${escapeText(name)}'`, {
      hint: `Sort keys: ${SORT_KEYS.join(', ')}.`,
    });
  });
}

function parseLines(text: string): number {
  const lines = Number(text);
  if (/^\s*-?\d+$/.test(text) && Number.isSafeInteger(lines)) return lines;
  throw new UsageError(`not a number of lines: '${escapeText(text)}'`, {
    hint: 'Give a whole number; a negative one means all.',
  });
}
