// Leak candidates as text: the answer first, groups by place in the code, what was not told and why.

import type {
  LeakCandidate,
  LeakGroup,
  LeakReferrer,
  LeakReferrers,
  Leaks,
} from '../../analysis/leaks/leaks-result.ts';
import {
  counted,
  formatBytes,
  formatCount,
  formatDuration,
  formatSeconds,
} from '../../base/bytes-format.ts';
import { escapeText, shellWord } from '../../render/escape.ts';
import { doubts, labelled, moment, runLine, wrapped } from '../../render/run-text.ts';
import { siteText } from '../../render/site-text.ts';
import {
  type Cell,
  type Column,
  cutRows,
  moreRows,
  renderCsv,
  renderTable,
} from '../../render/table.ts';

export interface LeaksTextOptions {
  /** Rows of the table, 0 for all. */
  readonly top: number;
  /** Objects that are listed beside the groups, 0 for all; undefined: an example. */
  readonly objects: number | undefined;
  /** The source as the user named it, for the next step. */
  readonly source: string;
  /** Snapshots that the user named, likewise. */
  readonly vmcores: readonly string[];
}

/** @param leaks of a reference scan */
export function renderLeaks(leaks: Leaks, options: LeaksTextOptions): string {
  const { scan, candidates, groups } = leaks;
  if (scan === null) throw new Error('internal error: no scan to be told');
  const bytes = candidates.reduce((sum, { size }) => sum + size, 0);
  const kinds = (['slab', 'large', 'vmalloc', 'percpu'] as const)
    .map((kind) => ({ kind, n: candidates.filter((c) => c.kind === kind).length }))
    .filter(({ n }) => n > 0)
    .map(({ kind, n }) => `${formatCount(n)} ${KIND_TEXT[kind]}`);
  const isOne = candidates.length === 1;
  const what =
    candidates.length === 0
      ? scan.white === 0
        ? `Every one of ${counted(scan.objects, 'object')} is referenced from somewhere`
        : `No candidates: of ${counted(scan.objects, 'object')} ${counted(scan.white, 'is', 'are')} ` +
          'referenced from nowhere, and none of these is to be told'
      : `${formatCount(candidates.length)} of ${counted(scan.objects, 'object')} ` +
        `${isOne ? 'is' : 'are'} referenced from nowhere (${kinds.join(', ')}); ${formatBytes(bytes)}`;
  const read =
    `${formatBytes(scan.rootBytes)} scanned as roots, ` +
    `${formatBytes(scan.objectBytes)} of objects`;
  let text = `${runLine(leaks.run)}${wrapped('', `${what}; ${read}`)}`;
  const over = leaks.snapshots.length;
  if (over > 1) text += `confirmed over ${over} snapshots\n`;
  if (groups.length > 0) text += `\n${renderGroups(groups, options.top)}`;
  text +=
    options.objects === undefined
      ? renderExample(leaks)
      : `\n${renderObjects(candidates, options.objects)}`;
  text += renderNotReported(leaks);
  const notes = [
    ...leaks.notes,
    ...leaks.snapshots.flatMap(({ findings }) =>
      findings.map(
        (f) => `snapshot: ${f.text}: ${formatCount(f.count)} (first: ${escapeText(f.first)})`,
      ),
    ),
    ...doubts(leaks.completeness),
  ];
  text += notes.length === 0 ? '' : `\n${notes.map((note) => labelled('note', note)).join('')}`;
  return text + renderNext(leaks, options);
}

const KIND_TEXT = {
  slab: 'slab',
  large: 'large',
  vmalloc: 'vmalloc',
  percpu: 'per-CPU',
} as const;

function groupColumns(groups: readonly LeakGroup[]): Column[] {
  const columns: Column[] = [
    { title: '#', format: formatCount },
    { title: 'objects', format: formatCount },
    { title: 'bytes', format: formatCount },
  ];
  if (groups.some((g) => g.retainedBytes !== null)) {
    columns.push({ title: 'retained', name: 'retained_bytes', format: formatCount });
  }
  columns.push(
    { title: 'allocated at', name: 'site' },
    { title: 'cache', name: 'caches' },
    { title: 'task' },
    { title: 'age', name: 'oldest_sec', format: formatSeconds },
  );
  return columns;
}

function groupRow(group: LeakGroup, i: number, hasRetained: boolean): Cell[] {
  const [task, ...others] = group.tasks;
  const row: Cell[] = [i + 1, group.objects, group.bytes];
  if (hasRetained) row.push(group.retainedBytes);
  const more = others.length === 0 ? '' : ` +${others.length}`;
  row.push(groupSite(group), cachesText(group), `${task ?? '-'}${more}`, group.oldestSec);
  return row;
}

function renderGroups(groups: readonly LeakGroup[], top: number): string {
  const shown = cutRows(groups, top);
  const columns = groupColumns(groups);
  const hasRetained = columns.some(({ title }) => title === 'retained');
  let text = renderTable(
    columns,
    shown.map((g, i) => groupRow(g, i, hasRetained)),
  );
  text += moreRows(groups.length, top);
  for (const [i, group] of shown.entries()) {
    if (group.alsoSymbol === null) continue;
    const words = `that address is ${escapeText(group.alsoSymbol)} now, loaded where it was`;
    text += wrapped('  ', `${i + 1}: ${words}`);
  }
  for (const [i, group] of shown.entries()) {
    if (group.stack.length === 0) continue;
    text += `  stack of ${i + 1}:\n`;
    for (const frame of group.stack) text += `    ${escapeText(frame)}\n`;
  }
  return text;
}

/** As CSV: one row for each group. */
export function renderLeaksCsv(leaks: Leaks): string {
  const columns = groupColumns(leaks.groups);
  const hasRetained = columns.some(({ title }) => title === 'retained');
  return renderCsv(
    columns,
    leaks.groups.map((g, i) => groupRow(g, i, hasRetained)),
  );
}

function cachesText({ caches }: LeakGroup): string {
  const [first = '', ...others] = caches;
  return others.length === 0 ? first : `${first} +${others.length}`;
}

function groupSite({ symbol, module, site }: LeakGroup): string {
  return leakSite(symbol, module, site);
}

/** The site as elsewhere; the freed initialisation code of a module has no symbol of its own. */
function leakSite(symbol: string | null, module: string | null, site: string | null): string {
  if (symbol === null) return site ?? '(not in the events)';
  if (module !== null && symbol.startsWith('.')) return `[${module} ${symbol}]`;
  return siteText({ symbol, module, site });
}

function renderExample({ groups, candidates }: Leaks): string {
  const [group] = groups;
  const example = candidates.find(({ address }) => address === group?.example);
  if (example === undefined) return '';
  const parts = [`${example.address}, ${counted(example.size, 'byte')}`];
  parts.push(example.cache ?? KIND_TEXT[example.kind]);
  if (example.allocatedNs !== null && example.ageSec !== null) {
    parts.push(`allocated at ${moment(example.allocatedNs, 6)}`);
  }
  return wrapped('  example of 1: ', parts.join(', '));
}

function renderObjects(candidates: readonly LeakCandidate[], top: number): string {
  const columns: Column[] = [
    { title: 'address' },
    { title: 'size', format: formatCount },
    { title: 'cache' },
    { title: 'allocated at' },
    { title: 'task' },
    { title: 'age', format: formatSeconds },
  ];
  const table = renderTable(
    columns,
    cutRows(candidates, top).map((c) => [
      c.address,
      c.size,
      c.cache ?? KIND_TEXT[c.kind],
      leakSite(c.symbol, c.module, c.callSite),
      c.comm === null ? '-' : `${c.comm}-${c.pid ?? '?'}`,
      c.ageSec,
    ]),
  );
  return table + moreRows(candidates.length, top);
}

function renderNotReported({ notReported, minAgeSec }: Leaks): string {
  if (notReported === null) return '';
  const { tooYoung, uncertain, annotated, suppressed, inBaseline, notConfirmed, filtered } =
    notReported;
  const parts = [
    [tooYoung, `younger than ${formatDuration(minAgeSec * 1e9)}`],
    [uncertain, 'perhaps freed without an event'],
    [notConfirmed, 'referenced in another snapshot'],
    [inBaseline, 'in the baseline already'],
    [annotated, 'by annotation'],
    [suppressed, 'by suppression'],
    [filtered, 'not selected'],
  ] as const;
  const told = parts.filter(([n]) => n > 0).map(([n, why]) => `${formatCount(n)} ${why}`);
  return told.length === 0 ? '' : `\n${wrapped('Not reported: ', told.join(', '))}`;
}

function renderNext({ candidates, groups }: Leaks, { source, vmcores }: LeaksTextOptions): string {
  if (candidates.length === 0) return '';
  const address = groups[0]?.example ?? '';
  const name = [source, ...vmcores.flatMap((path) => ['--vmcore', path])].map(shellWord).join(' ');
  return (
    `\nNext:  slabreplay leaks ${name} --all\n` +
    `       slabreplay leaks ${name} --who-points-to ${address}\n` +
    `       slabreplay leaks ${name} --format kmemleak\n`
  );
}

const KIND_OF_HOLDER: Readonly<Record<string, string>> = {
  white: 'unreferenced',
  gray: 'object',
  black: 'ignored object',
  'everything else': 'memory',
};

/** `--who-points-to` */
export function renderReferrers(result: LeakReferrers, top: number): string {
  const { object, referrers } = result;
  const cache = object.cache === null ? '' : ` of ${escapeText(object.cache)}`;
  const site = object.site === null ? '' : `, allocated at ${escapeText(object.site)}`;
  let text =
    `${runLine(result.run)}` +
    wrapped('', `${object.address} (${counted(object.size, 'byte')}${cache})${site}`);
  const meaning = {
    white: 'referenced from nowhere',
    gray: 'referenced',
    black: 'not looked at: ignored by annotation, or waiting for kfree_rcu()',
  }[object.colour];
  text += `${meaning}; ${counted(referrers.length, 'word points', 'words point')} to it\n`;
  const shown = cutRows(referrers, top);
  if (shown.length === 0) return text;
  const table = renderTable(REFERRER_COLUMNS, shown.map(referrerRow));
  return `${text}\n${table}${moreRows(referrers.length, top)}`;
}

/** As CSV: one row for each word that points to the object. */
export function renderReferrersCsv({ referrers }: LeakReferrers): string {
  return renderCsv(REFERRER_COLUMNS, referrers.map(referrerRow));
}

const REFERRER_COLUMNS: readonly Column[] = [
  { title: 'word at', name: 'address' },
  { title: 'kind' },
  { title: 'held by', name: 'holder' },
  { title: 'allocated at', name: 'allocated_at' },
];

function referrerRow({ address, kind, holder, allocatedAt }: LeakReferrer): Cell[] {
  return [address, KIND_OF_HOLDER[kind] ?? kind, holder, allocatedAt ?? ''];
}
