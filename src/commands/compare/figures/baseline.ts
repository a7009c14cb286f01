// Figures of runs ↔ a baseline file: the base side of a comparison, small enough for a repository.
// JSON with a version; sums by call site are rows under one list of columns. Whatever is read
// is checked field by field, so that a file that was cut or edited is refused with the place.

import {
  asBool,
  asCount,
  asNumber,
  asText,
  type Check,
  checkedList,
  checkedObject,
  isObject,
  nullable,
  oneOf,
  optional,
  recordOf,
} from '../../../base/checked-json.ts';
import { StoreError, TraceFormatError } from '../../../base/errors.ts';
import { keysOf } from '../../../base/keyed.ts';
import type { Completeness, LateEvent, RunSummary } from '../../../run/run-summary.ts';
import type {
  CacheFigures,
  FindingFigures,
  PairFigures,
  RunFigures,
  SitePeak,
} from './run-figures.ts';

const TYPE = 'slabreplay-baseline';
/** Of the layout (CHANGELOG-formats.md). */
const VERSION = 1;

const PEAK_COLUMNS = { symbol: nullable(asText), module: nullable(asText), site: nullable(asText) };

const PAIR: Columns<PairFigures> = {
  ...PEAK_COLUMNS,
  cache: nullable(asText),
  allocs: asCount,
  bytesReq: asCount,
  bytesAlloc: asCount,
  live: asCount,
  liveBytesReq: asCount,
  liveBytesAlloc: asCount,
  liveUncertain: asCount,
  liveUncertainBytesAlloc: asCount,
  marked: asBool,
  inFlight: asCount,
};

const CACHE: Columns<FlatPeak<CacheFigures>> = {
  name: nullable(asText),
  inferred: asBool,
  slabs: nullable(asCount),
  slabsReplayed: nullable(asCount),
  slabBytes: nullable(asCount),
  slabSize: nullable(asCount),
  low: asCount,
  high: asCount,
};

const SITE_PEAK: Columns<FlatPeak<SitePeak>> = { ...PEAK_COLUMNS, low: asCount, high: asCount };

const FINDING: Columns<FindingFigures> = {
  rule: asText,
  severity: oneOf('error', 'warning', 'note'),
  count: asCount,
  symbol: nullable(asText),
  module: nullable(asText),
  site: nullable(asText),
  cache: nullable(asText),
};

const RUN: Columns<RunSummary> = {
  label: asText,
  sources: (value, at) => checkedList(value, at, asText),
  format: asText,
  kernelRelease: nullable(asText),
  cpus: nullable(asCount),
  pageSize: asCount,
  clock: nullable(asText),
  clockUnit: oneOf('ns', 'tick', 'count'),
  firstNs: nullable(asText),
  lastNs: nullable(asText),
  durationSec: nullable(asNumber),
};

const asFreeEvent = oneOf('kfree', 'kmem_cache_free');

const LATE_EVENT: Columns<LateEvent> = {
  event: oneOf('kmalloc', 'kfree', 'kmem_cache_alloc', 'kmem_cache_free'),
  afterSec: nullable(asNumber),
};
const asLateEvent = (value: unknown, at: string): LateEvent => checkedObject(value, at, LATE_EVENT);

const COMPLETENESS: Columns<Completeness> = {
  lostEvents: asCount,
  badRecords: asCount,
  hashedPointers: asBool,
  sampled: optional(asBool, false),
  someTasksOnly: optional(asBool, false),
  startsAtBoot: asBool,
  lateEvents: optional((value, at) => checkedList(value, at, asLateEvent), []),
  freesOfUnknown: asCount,
  unrecordedFrees: optional((value, at) => checkedList(value, at, asFreeEvent), []),
  allocsOfLive: asCount,
  duplicateEvents: asCount,
  unresolvedCacheEvents: asCount,
  otherStats: recordOf(asCount),
  empty: optional(nullable(asText), null),
  notes: (value, at) => checkedList(value, at, asText),
};

const FIGURES: Columns<RunFigures> = {
  run: (value, at) => checkedObject(value, at, RUN),
  completeness: (value, at) => checkedObject(value, at, COMPLETENESS),
  build: nullable(asText),
  slubDebug: asBool,
  filter: asText,
  events: recordOf(asCount),
  peak: (value, at) => checkedObject(value, at, { low: asCount, high: asCount }),
  pairs: table(PAIR),
  caches: (value, at) => table(CACHE)(value, at).map(withPeak),
  sitePeaks: (value, at) => table(SITE_PEAK)(value, at).map(withPeak),
  functionPeaks: (value, at) => table(SITE_PEAK)(value, at).map(withPeak),
  findings: table(FINDING),
};

export function renderBaseline(runs: readonly RunFigures[]): string {
  const plain = runs.map((figures) => ({
    ...figures,
    pairs: asTable(PAIR, figures.pairs),
    caches: asTable(CACHE, figures.caches.map(withoutPeak)),
    sitePeaks: asTable(SITE_PEAK, figures.sitePeaks.map(withoutPeak)),
    functionPeaks: asTable(SITE_PEAK, figures.functionPeaks.map(withoutPeak)),
    findings: asTable(FINDING, figures.findings),
  }));
  return `${JSON.stringify({ type: TYPE, version: VERSION, runs: plain })}\n`;
}

/** True where a file begins as a baseline does; its events need not be looked for then. */
export function isBaseline(head: string): boolean {
  return new RegExp(`^\\s*\\{\\s*"type"\\s*:\\s*"${TYPE}"`).test(head);
}

/**
 * @param path the file, for messages
 * @throws TraceFormatError where the file is damaged, StoreError where it is of another version
 */
export function parseBaseline(content: string, path: string): RunFigures[] {
  let json: unknown;
  try {
    json = JSON.parse(content);
  } catch (error) {
    throw damaged(path, error instanceof Error ? error.message : String(error), error);
  }
  const version = isObject(json) ? json['version'] : undefined;
  if (version !== VERSION) {
    throw new StoreError(
      `${path}: baseline of version ${String(version)}, this slabreplay reads ${VERSION}`,
      { hint: 'Make it again with: slabreplay compare BASE... --save-baseline FILE' },
    );
  }
  try {
    const { runs } = checkedObject(json, 'the baseline', {
      type: oneOf(TYPE),
      version: asCount,
      runs: (value, at) =>
        checkedList(value, at, (run, place) => checkedObject(run, place, FIGURES)),
    });
    if (runs.length === 0) throw new TypeError('runs: there is none');
    return runs as RunFigures[];
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw damaged(path, error.message, error);
  }
}

function damaged(path: string, what: string, cause: unknown): TraceFormatError {
  return new TraceFormatError(`${path}: a damaged baseline: ${what}`, {
    hint: 'Make it again with: slabreplay compare BASE... --save-baseline FILE',
    cause,
  });
}

type Columns<T> = { readonly [K in keyof T]-?: Check<T[K]> };

interface PeakHolder {
  readonly peak: { readonly low: number; readonly high: number };
}

type FlatPeak<T extends PeakHolder> = Omit<T, 'peak'> & PeakHolder['peak'];

function withoutPeak<T extends PeakHolder>({ peak, ...rest }: T): FlatPeak<T> {
  return { ...rest, ...peak };
}

function withPeak<T extends { readonly low: number; readonly high: number }>({
  low,
  high,
  ...rest
}: T): Omit<T, 'low' | 'high'> & PeakHolder {
  return { ...rest, peak: { low, high } };
}

interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

function asTable<T>(columns: Columns<T>, rows: readonly T[]): Table {
  const names = keysOf(columns);
  return { columns: names, rows: rows.map((row) => names.map((name) => row[name])) };
}

/** Reads what `asTable` made. */
function table<T>(columns: Columns<T>): Check<T[]> {
  const names = Object.keys(columns);
  return (value, at) => {
    const { rows } = checkedObject(value, at, {
      columns: (list, place) => {
        const found = checkedList(list, place, asText);
        if (found.join() !== names.join()) throw new TypeError(`${place}: not ${names.join(', ')}`);
        return found;
      },
      rows: (list, place) =>
        checkedList(list, place, (row, spot) => {
          const cells = checkedList(row, spot, (cell) => cell);
          const object = Object.fromEntries(names.map((name, i) => [name, cells[i]]));
          return checkedObject(object, spot, columns);
        }),
    });
    return rows as T[];
  };
}
