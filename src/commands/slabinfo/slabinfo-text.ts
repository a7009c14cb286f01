// The sections of a slabinfo result become the very text that the kernel's slabinfo tool prints.
// Truth: the printf formats and store_size() of tools/mm/slabinfo.c (6.12), and the recordings'
// expected/slabinfo.*.txt. Numbers are the tool's: longs of 64 bits that may wrap, ints of 32.

import type { SlabinfoNuma, SlabinfoRow, SlabinfoSection } from './sections.ts';
import type { SlabinfoResult } from './slabinfo.ts';
import { renderSlabReport, renderSlabStats } from './slabinfo-report-text.ts';
import type { SlabinfoTotals, Spread, SpreadAndTotal } from './totals.ts';

/** A number as the tool shortens it; `renderSize` below with the result's unit. */
type Size = (value: number | bigint) => string;

/** Prints with `\n` line ends; the text may be empty, as the tool's is. */
export function renderSlabinfoText({ sections, bytes }: SlabinfoResult): string {
  const size: Size = bytes ? (value) => signed(value).toString() : renderSize;
  return sections.map((section) => renderSection(section, size)).join('');
}

/**
 * The tool's short form of a number: decimal, truncated, one digit after the point, from 1001 on
 * (`1000`, `1.0K`, `4.0K` for 4096).
 */
export function renderSize(value: number | bigint): string {
  const unsigned = BigInt.asUintN(64, BigInt(value));
  if (unsigned > 1_000_000_000n) return withPoint(unsigned / 100_000_000n, 'G');
  if (unsigned > 1_000_000n) return withPoint(unsigned / 100_000n, 'M');
  if (unsigned > 1_000n) return withPoint(unsigned / 100n, 'K');
  return unsigned.toString();
}

function withPoint(tenths: bigint, unit: string): string {
  return `${tenths / 10n}.${tenths % 10n}${unit}`;
}

/** %ld of an unsigned long. */
function signed(value: number | bigint): bigint {
  return BigInt.asIntN(64, BigInt(value));
}

function renderSection(section: SlabinfoSection, size: Size): string {
  switch (section.kind) {
    case 'totals':
      return renderTotals(section.totals, size);
    case 'heading':
      return `\n${section.title}\n${'-'.repeat(section.title.length)}\n`;
    case 'list':
      return renderList(section.columns, section.rows, size);
    case 'report':
      return renderSlabReport(section);
    case 'ops':
      return renderOps(section.name, section.text);
    case 'tracking':
      return renderTracking(section);
    case 'numa':
      return renderNuma(section, size);
    case 'no-numa':
      return `\n${section.name}: No NUMA information available.\n`;
    case 'stats':
      return renderSlabStats(section.stats);
    case 'aliases': {
      const lines = section.groups.map(
        ({ target, names }) => `\n${target.padEnd(12)} <- ${names.join(' ')}`,
      );
      return lines.length === 0 ? '' : `${lines.join('')}\n`;
    }
    case 'alias-lines':
      return section.aliases.map((a) => `${a.name.padEnd(15)} -> ${a.target}\n`).join('');
    case 'end':
      return '\n';
  }
}

function renderList(
  columns: 'space' | 'loss' | 'activity',
  rows: readonly SlabinfoRow[],
  size: Size,
): string {
  if (columns === 'activity') {
    const heading =
      'Name                   Objects      Alloc       Free   %Fast Fallb O CmpX   UL\n';
    return heading + rows.map(renderActivityRow).join('');
  }
  const word = columns === 'loss' ? ' Loss' : 'Space';
  const heading = `Name                   Objects Objsize           ${word} Slabs/Part/Cpu  O/S O %Fr %Ef Flg\n`;
  return heading + rows.map((row) => renderRow(row, size(row[columns]))).join('');
}

function renderRow(row: SlabinfoRow, size: string): string {
  const offCpu = BigInt.asUintN(64, BigInt(row.slabs) - BigInt(row.cpuSlabs ?? 0));
  return [
    row.name.padEnd(21),
    right(row.objects, 8),
    right(row.objectSize, 7),
    size.padStart(15),
    `${offCpu}/${row.partial ?? '-'}/${row.cpuSlabs ?? '-'}`.slice(0, 39).padStart(14),
    right(row.objsPerSlab, 4),
    right(row.order, 1),
    row.pctFr === null ? '  -' : right(row.pctFr, 3),
    right(row.pctEf, 3),
    `${row.flags}\n`,
  ].join(' ');
}

function renderActivityRow({ name, objects, order, activity }: SlabinfoRow): string {
  return [
    name.padEnd(21),
    right(objects, 8),
    right(activity.alloc, 10),
    right(activity.free, 10),
    right(activity.fastAllocPct, 3),
    right(activity.fastFreePct, 3),
    right(activity.orderFallback, 5),
    right(order, 1),
    right(activity.cmpxchgDoubleFail, 4),
    `${right(activity.cmpxchgDoubleCpuFail, 4)}\n`,
  ].join(' ');
}

function right(value: number, width: number): string {
  return String(value).padStart(width);
}

function renderOps(name: string, text: string | null): string {
  if (text === null || text === '') return `\n${name} has no kmem_cache operations\n`;
  return `\n${name}: kmem_cache operations\n${'-'.repeat(44)}\n${fileText(text)}`;
}

function renderTracking({
  name,
  allocCalls,
  freeCalls,
}: Extract<SlabinfoSection, { kind: 'tracking' }>): string {
  return [
    `\n${name}: Kernel object allocation\n${'-'.repeat(71)}\n`,
    allocCalls ? fileText(allocCalls) : 'No Data\n',
    `\n${name}: Kernel object freeing\n${'-'.repeat(72)}\n`,
    freeCalls ? fileText(freeCalls) : 'No Data\n',
  ].join('');
}

/** The tool reads one buffer of a file; a capture holds it without its last newline. */
function fileText(text: string): string {
  return `${text}\n`.slice(0, 4096);
}

function renderNuma(section: SlabinfoNuma, size: Size): string {
  const line = (name: string, counts: readonly number[]): string =>
    `${name.padEnd(21)} ${counts.map((count) => ` ${size(count).padStart(4)}`).join('')}\n`;
  const inReport = section.form === 'report';
  let out = '';
  if (section.first) {
    const nodes = section.slabs.map((_, node) => ` ${right(node, 4)}`).join('');
    const ruler = '-'.repeat(22 + 5 * section.slabs.length);
    out = `\n${(inReport ? 'NUMA nodes' : 'Slab').padEnd(21)}:${nodes}\n${ruler}\n`;
  }
  out += line(inReport ? 'All slabs' : section.name, section.slabs);
  return inReport ? out + line('Partial slabs', section.partial) : out;
}

function renderTotals({ sums, ...totals }: SlabinfoTotals, size: Size): string {
  if (sums === null) return 'No objects\n';
  const cell = (value: bigint): string => size(value).padStart(15);
  const three = ({ average, least, most }: Spread, unit = ''): string =>
    [average, least, most].map((value) => cell(value) + unit).join(unit === '' ? '  ' : ' ');
  const four = (spread: SpreadAndTotal, unit = ''): string =>
    `${three(spread, unit)}${unit === '' ? '  ' : ' '}${cell(spread.total)}${unit}`;
  return [
    'Slabcache Totals',
    '----------------',
    `Slabcaches : ${right(totals.slabcaches, 15)}   Aliases  : ${right(totals.aliases, 11)}->${String(totals.aliasTargets).padEnd(3)}  Active:    ${right(totals.active, 3)}`,
    `Memory used: ${cell(sums.memory.total)}   # Loss   : ${cell(sums.loss.total)}   MRatio:${size(sums.lossPct).padStart(6)}%`,
    `# Objects  : ${cell(sums.objects.total)}   # PartObj: ${cell(sums.partialObjects.total)}   ORatio:${size(sums.partialObjectsPct).padStart(6)}%`,
    '',
    'Per Cache         Average              Min              Max            Total',
    '-'.repeat(76),
    `#Objects  ${four(sums.objects)}`,
    `#Slabs    ${four(sums.slabs)}`,
    `#PartSlab ${four(sums.partialSlabs)}`,
    `%PartSlab${four(sums.partialSlabsPct, '%')}`,
    `PartObjs  ${four(sums.partialObjects)}`,
    `% PartObj${four(sums.partialObjectsPctPerCache, '%')}`,
    `Memory    ${four(sums.memory)}`,
    `Used      ${four(sums.used)}`,
    `Loss      ${four(sums.loss)}`,
    '',
    'Per Object        Average              Min              Max',
    '-'.repeat(59),
    `Memory    ${three(sums.objectMemory)}`,
    `User      ${three(sums.objectUser)}`,
    `Loss      ${three(sums.objectLoss)}`,
    '',
  ].join('\n');
}
