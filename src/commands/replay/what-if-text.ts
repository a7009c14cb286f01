// A what-if as text: what the change costs or saves in all, then the caches that it moves most.

import { counted, formatBytes, formatBytesChange, formatCount } from '../../base/bytes-format.ts';
import { KMALLOC_LARGE } from '../../kernel/caches/kmalloc-caches.ts';
import { escapeText } from '../../render/escape.ts';
import { describeModel, fidelityText } from '../../render/fidelity-text.ts';
import { labelled, moment, wrapped } from '../../render/run-text.ts';
import { type Column, cutRows, moreRows, renderCsv, renderTable } from '../../render/table.ts';
import type { Replay } from './replay-run.ts';
import type { BytesBeside, SimulatedCache, WhatIf, WhatIfCache } from './what-if.ts';

export function renderWhatIf({ model, fidelity }: Replay, whatIf: WhatIf, top: number): string {
  const moved = whatIf.caches.filter(isMoved);
  const shown = cutRows(moved, top);
  const hasMerged = shown.some(({ merged }) => merged);
  return (
    `\n${wrapped('', `What ${escapeText(whatIf.changes.join(' '))} would have cost on this recording`)}\n` +
    labelled('recorded', describeModel(model)) +
    labelled('changed', describeModel(whatIf.model)) +
    labelled('fidelity', `${fidelityText(fidelity)} (as recorded)`) +
    `\n${renderTotals(whatIf)}\n` +
    (shown.length === 0
      ? 'No cache changes.\n'
      : renderTable(COLUMNS, shown.map(cells)) + moreRows(moved.length, top)) +
    (shown.length === 0 ? '' : LEGEND) +
    (hasMerged
      ? `  ${MERGED} others were merged into it: forecast from its own object size\n`
      : '') +
    noHigherOrderLine(whatIf) +
    '\n' +
    note(
      `both sides are simulated, so that only the change differs: caches of ` +
        `${formatBytes(cacheBytes(whatIf))} at the end, by the recorded addresses ` +
        formatBytes(whatIf.observedBytes),
    ) +
    (whatIf.model.cpus > model.cpus
      ? note(
          'the events run on the recorded CPUs; the others stay idle, without slabs of their own',
        )
      : '') +
    note(`time is not predicted${model.slubDebug === whatIf.model.slubDebug ? '' : DEBUG_TIME}`)
  );
}

const LEGEND = `  wasted: bytes of the changed slabs that nobody asked for, at the end
`;
const DEBUG_TIME =
  ': with debug flags every allocation and free takes the lock of a list and is checked';

/** Slab memory at the end as it was, simulated; page-backed kmalloc is no cache's. */
function cacheBytes({ caches }: WhatIf): number {
  const own = caches.filter(({ name }) => name !== KMALLOC_LARGE);
  return own.reduce((sum, { baseline }) => sum + (baseline?.bytes ?? 0), 0);
}

function noHigherOrderLine({ noHigherOrder, model }: WhatIf): string {
  if (noHigherOrder === null) return '';
  const { caches, savesBytes } = noHigherOrder;
  return wrapped(
    '  ',
    `'O' would leave out ${counted(caches, 'cache')} whose order grows ` +
      `(saves ${formatBytes(savesBytes)}): --slub-debug ${escapeText(withO(model.slubDebug))}`,
  );
}

/** The option with letter O, which counts in any of its blocks. */
function withO(slubDebug: string): string {
  const letters = /^[^,;]*/.exec(slubDebug)?.[0] ?? '';
  return letters === '' ? `FZPUO${slubDebug}` : `${letters}O${slubDebug.slice(letters.length)}`;
}

const MERGED = '*';

function note(text: string): string {
  return labelled('note', text);
}

function isMoved({ deltaBytes, peakDeltaBytes, baseline, changed }: WhatIfCache): boolean {
  return (
    deltaBytes !== 0 ||
    peakDeltaBytes !== 0 ||
    baseline?.slabSize !== changed?.slabSize ||
    baseline?.order !== changed?.order
  );
}

function renderTotals({ end, peak, older }: WhatIf): string {
  const row = (title: string, beside: BytesBeside, remark: string): (string | number)[] => [
    title,
    beside.baselineBytes,
    beside.bytes,
    beside.deltaBytes,
    remark,
  ];
  const rows = [
    row('slab memory, end', end, factor(end)),
    row(
      'slab memory, peak',
      peak,
      `at ${moment(peak.baselineAtNs)}; changed, at ${moment(peak.atNs)}`,
    ),
    ...(older.objects === 0
      ? []
      : [
          row(
            'older, apart',
            older,
            `${counted(older.objects, 'object')} from before the recording`,
          ),
        ]),
  ];
  return renderTable(
    [
      { title: '' },
      { title: 'now', format: formatBytes },
      { title: 'changed', format: formatBytes },
      { title: 'change', format: formatBytesChange },
      { title: '' },
    ],
    rows,
    { indent: 2 },
  );
}

function factor({ baselineBytes, bytes }: BytesBeside): string {
  return baselineBytes === 0 ? '' : `${(bytes / baselineBytes).toFixed(2)}x`;
}

const COLUMNS: readonly Column[] = [
  { title: 'cache' },
  { title: 'objects', format: formatCount },
  { title: 'slab_size', align: 'right' },
  { title: 'order', align: 'right' },
  { title: 'objs', align: 'right' },
  { title: 'slabs', align: 'right' },
  { title: 'wasted', align: 'right' },
  { title: 'at peak', format: formatBytesChange },
  { title: 'at end', format: formatBytesChange },
];

/** Of the recorded machine, of the changed one. */
function sides(
  name: string,
  of: (cache: SimulatedCache) => number,
): readonly { readonly column: Column; readonly cell: (cache: WhatIfCache) => number | null }[] {
  return [
    { column: { title: name }, cell: ({ baseline }) => baseline && of(baseline) },
    { column: { title: `changed_${name}` }, cell: ({ changed }) => changed && of(changed) },
  ];
}

const CSV_SIDES = [
  ...sides('slab_size', ({ slabSize }) => slabSize),
  ...sides('order', ({ order }) => order),
  ...sides('objs_per_slab', ({ objsPerSlab }) => objsPerSlab),
  ...sides('slabs', ({ slabs }) => slabs),
  ...sides('bytes', ({ bytes }) => bytes),
  ...sides('bytes_wasted', ({ bytesWasted }) => bytesWasted),
  ...sides('peak_bytes', ({ peakBytes }) => peakBytes),
  ...sides('peak_bytes_wasted', ({ peakBytesWasted }) => peakBytesWasted),
];

/** Every cache with both sides, the largest differences first. */
export function renderWhatIfCsv({ caches }: WhatIf): string {
  const columns = [
    { title: 'cache' },
    { title: 'objects' },
    ...CSV_SIDES.map(({ column }) => column),
    { title: 'merged' },
  ];
  const rows = caches.map((cache) => [
    cache.name,
    cache.objects,
    ...CSV_SIDES.map(({ cell }) => cell(cache)),
    cache.merged,
  ]);
  return renderCsv(columns, rows);
}

function cells(cache: WhatIfCache): (string | number | null)[] {
  const { baseline, changed } = cache;
  const pair = (of: (c: SimulatedCache) => string): string => {
    const was = baseline === null ? '-' : of(baseline);
    const is = changed === null ? '-' : of(changed);
    return was === is ? was : `${was}->${is}`;
  };
  return [
    `${cache.name}${cache.merged ? MERGED : ''}`,
    cache.objects,
    pair(({ slabSize }) => String(slabSize)),
    pair(({ order }) => String(order)),
    pair(({ objsPerSlab }) => String(objsPerSlab)),
    pair(({ slabs }) => formatCount(slabs)),
    changed === null ? null : formatBytes(changed.bytesWasted),
    cache.peakDeltaBytes,
    cache.deltaBytes,
  ];
}
