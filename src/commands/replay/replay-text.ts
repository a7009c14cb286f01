// `replay` as text: how far the model agrees with the kernel, then each cache's slabs.

import { counted, formatBytes, formatCount, formatPercent } from '../../base/bytes-format.ts';
import { describeModel, fidelityLines } from '../../render/fidelity-text.ts';
import { labelled, nothingText, runLine, trustFooter } from '../../render/run-text.ts';
import { type Column, cutRows, moreRows, renderCsv, renderTable } from '../../render/table.ts';
import type { ReplayedCache } from '../../run/replay-summary.ts';
import type { Replay } from './replay-run.ts';
import { renderSlabMaps } from './slab-map-text.ts';
import { renderReports } from './slub-reports-text.ts';
import { renderWhatIf, renderWhatIfCsv } from './what-if-text.ts';

/** @param top rows of each table, 0 for all */
export function renderReplay(replay: Replay, top: number): string {
  const nothing = nothingText(replay.run, replay.completeness);
  if (nothing !== undefined && replay.reports.length === 0) return nothing;
  const { whatIf, maps } = replay;
  const body =
    whatIf !== null
      ? renderWhatIf(replay, whatIf, top)
      : maps.length > 0
        ? renderSlabMaps(replay, top)
        : renderState(replay, top);
  return runLine(replay.run) + body + renderReports(replay, top) + trustFooter(replay.completeness);
}

function renderState(replay: Replay, top: number): string {
  const used = replay.caches.filter(({ slabs, fidelity }) => slabs > 0 || isUsed(fidelity));
  const shown = cutRows(used, top);
  // The kernel's own figures are of the end.
  const columns = replay.at === null ? COLUMNS : COLUMNS.filter(({ title }) => title !== KERNEL);
  const rows = shown.map((cache) => {
    const row = cells(cache);
    return replay.at === null ? row : row.filter((_, i) => COLUMNS[i]?.title !== KERNEL);
  });
  return (
    labelled('model', describeModel(replay.model)) +
    fidelityLines(replay.fidelity) +
    `\n${replay.at === null ? 'At the end' : `At ${replay.at} s`}: ${totals(replay.caches)}\n\n` +
    renderTable(columns, rows) +
    moreRows(used.length, top) +
    `\n${LEGEND}` +
    olderLine(replay) +
    `\ndigest ${replay.digest}\n`
  );
}

const LEGEND = `  cpu: CPU slabs + slabs on the CPUs' partial lists; partial: on the nodes' lists
  slots: allocations for which the model chose the kernel's object
`;

function isUsed(fidelity: ReplayedCache['fidelity']): boolean {
  return (fidelity?.allocations ?? 0) > 0;
}

function totals(caches: readonly ReplayedCache[]): string {
  let slabs = 0;
  let bytes = 0;
  let allocated = 0;
  for (const cache of caches) {
    slabs += cache.slabs;
    bytes += cache.bytes;
    allocated += cache.allocated;
  }
  return `${counted(allocated, 'object')} in ${counted(slabs, 'slab')}, ${formatBytes(bytes)}`;
}

/** Slabs that the kernel has and no event shows. */
function olderLine({ caches, at }: Replay): string {
  if (at !== null) return '';
  const slabs = caches.reduce(
    (n, { kernel, slabs: ours }) => n + Math.max(0, (kernel?.slabs ?? 0) - ours),
    0,
  );
  return slabs === 0
    ? ''
    : `  The kernel had ${counted(slabs, 'slab')} more, of which no event tells: full since before the recording.\n`;
}

const KERNEL = 'kernel';

const COLUMNS: readonly Column[] = [
  { title: 'cache' },
  { title: 'size', name: 'slab_size', format: formatCount },
  { title: 'order', format: formatCount },
  { title: 'objs/slab', name: 'objs_per_slab', format: formatCount },
  { title: 'objects', name: 'allocated', format: formatCount },
  { title: 'slabs', format: formatCount },
  { title: KERNEL, name: 'kernel_slabs', format: formatCount },
  { title: 'cpu', name: 'cpu_slabs', align: 'right' },
  { title: 'partial', format: formatCount },
  { title: 'memory', name: 'bytes', format: formatBytes },
  { title: 'slots', name: 'slots_pct', format: (value) => formatPercent(value) },
];

function cells(cache: ReplayedCache): (string | number | null)[] {
  const { fidelity } = cache;
  const judged = fidelity === null ? 0 : fidelity.allocations - fidelity.undetermined;
  return [
    cache.name,
    cache.slabSize,
    cache.order,
    cache.objsPerSlab,
    cache.allocated,
    cache.slabs,
    cache.kernel?.slabs ?? null,
    cache.cpuPartialSlabs === 0 ? cache.cpuSlabs : `${cache.cpuSlabs}+${cache.cpuPartialSlabs}`,
    cache.partial,
    cache.bytes,
    judged === 0 ? null : (100 * (fidelity?.slotMatches ?? 0)) / judged,
  ];
}

/** The table that the text shows, whole. */
export function renderReplayCsv(replay: Replay): string {
  if (replay.whatIf !== null) return renderWhatIfCsv(replay.whatIf);
  return renderCsv(COLUMNS, replay.caches.map(cells));
}
