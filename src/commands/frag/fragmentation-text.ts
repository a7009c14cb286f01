// `frag` as text and CSV.

import type { SizeAdvice } from '../../analysis/size-advice.ts';
import { formatBytes, formatCount, formatShare } from '../../base/bytes-format.ts';
import { escapeText } from '../../render/escape.ts';
import { nothingText, runLine, trustFooter } from '../../render/run-text.ts';
import { siteText } from '../../render/site-text.ts';
import {
  type Cell,
  type Column,
  cutRows,
  moreRows,
  renderCsv,
  renderTable,
} from '../../render/table.ts';
import type { FragBy, Fragmentation, FragRow } from './fragmentation.ts';

const blankZero = (value: number | bigint | null): string =>
  value === 0 || value === null ? '' : formatBytes(value);

/** Columns of a stack that are shown; JSON and CSV have all of it. */
const STACK_WIDTH = 50;

/**
 * @param top rows of each table, 0 for all
 * @param moment the time that the user asked for, where it is neither the end nor the peak
 */
export function renderFragmentation(frag: Fragmentation, top: number, moment?: string): string {
  const nothing = nothingText(frag.run, frag.completeness);
  if (nothing !== undefined) return nothing;
  const { totals, rows } = frag;
  const wasted = totals.rounding + totals.padding + totals.metadata;
  const shown = cutRows(rows, top);
  // The slabs are those that the kernel had at the end.
  const isEnd = frag.at === 'end' && moment === undefined;
  const amounts = AMOUNTS.filter(
    ({ key, always }) =>
      always === true ||
      ((isEnd || key !== 'slabTail') && rows.some((row) => (row[key] ?? 0) !== 0)),
  );
  const columns: Column[] = [
    ...keyColumns(frag.by),
    ...amounts.map(({ title, always }) => ({
      title,
      format: title === 'objects' ? formatCount : always === true ? formatBytes : blankZero,
    })),
  ];
  const at = moment === undefined ? `At the ${frag.at}` : `At ${moment} s`;
  return (
    runLine(frag.run) +
    `\n${at}: ${formatBytes(totals.allocated)} allocated, ` +
    `${formatBytes(wasted)} (${formatShare(wasted, totals.allocated)}) of it wasted\n\n` +
    renderTable(
      columns,
      shown.map((row) => [...keyCells(row, frag.by), ...amounts.map(({ key }) => row[key])]),
    ) +
    moreRows(rows.length, top) +
    renderAdvice(frag.advice, top) +
    trustFooter(frag.completeness)
  );
}

type AmountKey =
  | 'objects'
  | 'requested'
  | 'allocated'
  | 'rounding'
  | 'padding'
  | 'metadata'
  | 'devres'
  | 'slabTail';

/** The columns of numbers; those that are zero in every row are left out. */
const AMOUNTS: readonly { key: AmountKey; title: string; always?: boolean }[] = [
  { key: 'objects', title: 'objects', always: true },
  { key: 'requested', title: 'requested', always: true },
  { key: 'allocated', title: 'allocated', always: true },
  { key: 'rounding', title: 'rounding' },
  { key: 'padding', title: 'padding' },
  { key: 'metadata', title: 'metadata' },
  { key: 'devres', title: 'devres' },
  { key: 'slabTail', title: 'slab tail' },
];

export function renderFragmentationCsv(frag: Fragmentation): string {
  const names = [
    'cache',
    'site',
    'symbol',
    'module',
    'file',
    'line',
    'directory',
    'bytesReqEach',
    'comm',
    'pid',
    'allocs',
    'objects',
    'uncertain',
    'requested',
    'allocated',
    'rounding',
    'padding',
    'metadata',
    'devres',
    'slabTail',
    'roundingByteSeconds',
  ] as const;
  return renderCsv(
    [...names, 'stack'].map((title) => ({ title })),
    frag.rows.map((row) => [...names.map((name) => row[name]), row.stack?.join(';') ?? null]),
  );
}

function keyColumns(by: FragBy): Column[] {
  switch (by) {
    case 'cache':
      return [{ title: 'cache' }];
    case 'site':
      return [{ title: 'cache' }, { title: 'call site' }, { title: 'size', format: formatCount }];
    case 'size':
      return [{ title: 'cache' }, { title: 'size', format: formatCount }];
    case 'directory':
      return [{ title: 'directory' }];
    case 'task':
      return [{ title: 'task' }, { title: 'pid', format: String }];
    case 'stack':
      return [{ title: 'stack' }];
  }
}

function keyCells(row: FragRow, by: FragBy): Cell[] {
  const cache = row.cache ?? '?';
  switch (by) {
    case 'cache':
      return [cache];
    case 'site':
      return [cache, escapeText(siteText(row)) + lineText(row), row.bytesReqEach];
    case 'size':
      return [cache, row.bytesReqEach];
    case 'directory':
      return [escapeText(row.directory ?? '?')];
    case 'task':
      return [row.comm ?? '?', row.pid];
    case 'stack':
      return [stackText(row.stack ?? [])];
  }
}

/** The tracer's and the allocator's own functions, which begin every stack of an allocation. */
const COMMON_FRAME =
  /^(trace_event_|__traceiter_|__bpf_trace_|_*k[mvz]alloc(_|$)|_*kmem_cache_alloc|_*kvmalloc_node)/;

/** The innermost frames that fit: `__d_alloc < d_alloc < d_alloc_parallel < ...` */
function stackText(frames: readonly string[]): string {
  if (frames.length === 0) return 'none recorded';
  const own = frames.filter((frame) => !COMMON_FRAME.test(frame));
  let text = escapeText(own[0] ?? frames[0] ?? '');
  for (const frame of own.slice(1)) {
    const longer = `${text} < ${escapeText(frame)}`;
    if (longer.length > STACK_WIDTH) return `${text} < ...`;
    text = longer;
  }
  return text;
}

function renderAdvice(advice: readonly SizeAdvice[], top: number): string {
  if (advice.length === 0) return '';
  const columns: Column[] = [
    { title: 'What would help' },
    { title: 'size->class', align: 'right' },
    { title: 'peak', format: formatCount },
    { title: 'shrink to', format: (value) => (value === null ? '' : formatCount(value)) },
    { title: 'saves', format: savings },
    { title: 'in slabs', format: savings },
    { title: 'own cache', format: savings },
    { title: 'in slabs', format: savings },
  ];
  const rows = cutRows(advice, top).map((a): Cell[] => [
    escapeText(siteText(a)),
    `${a.bytesReq}->${a.classSize}`,
    a.atPeak,
    a.shrinkTo,
    a.shrinkSavesAtPeak,
    a.shrinkSavesSlabs?.atPeak ?? null,
    a.ownCacheSavesAtPeak,
    a.ownCacheSavesSlabs?.atPeak ?? null,
  ]);
  const isWeighed = advice.some(
    (a) => a.shrinkSavesSlabs !== null || a.ownCacheSavesSlabs !== null,
  );
  const how = isWeighed
    ? 'in objects; in slabs: simulated with whole slabs, each side at its own peak'
    : 'in objects; whole slabs are not counted';
  return `\n${renderTable(columns, rows)}  (savings at the peak, ${how})\n`;
}

function savings(value: Cell): string {
  if (value === null) return '';
  const bytes = Number(value);
  return bytes < 0 ? `-${formatBytes(-bytes)}` : formatBytes(bytes);
}

/** ` fs/ext4/super.c:1316` */
function lineText({ file, line }: FragRow): string {
  return file === null ? '' : ` ${escapeText(file)}:${line}`;
}
