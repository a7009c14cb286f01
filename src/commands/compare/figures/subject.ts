// What is compared: the total, a cache, or a call site, with what it measured in every run.

import { siteText } from '../../../render/site-text.ts';

/** `offset`: by symbol, offset and module; `function`: by symbol and module only. */
export type SiteMatch = 'offset' | 'function';

export type SubjectKind = 'total' | 'cache' | 'site';

/** What a row is about. */
export interface SubjectName {
  readonly subject: SubjectKind;
  /** The cache of a cache's row; null where nothing names it, and in other rows. */
  readonly cache: string | null;
  /** The site of a site's row: `name+0xoff`, or `name` where builds differ. */
  readonly symbol: string | null;
  readonly module: string | null;
  /** The address, where nothing names it. */
  readonly site: string | null;
}

/** What one subject measured in one run. Bytes are bytes_alloc unless said. */
export interface Measures {
  allocs: number;
  bytesAlloc: number;
  /** Objects that are live for certain, at sites that no run marks; their bytes. */
  live: number;
  liveBytes: number;
  waste: number;
  /** Objects that may be freed already: of sites that some run marks. */
  uncertain: number;
  uncertainBytes: number;
  /** Bytes of sites that no run marks which are uncertain because events were lost. */
  lostBytes: number;
  /** Sum over the certain sites of inFlight times the squared size of an object, and of its waste. */
  liveVariance: number;
  wasteVariance: number;
  peakLow: number;
  peakHigh: number;
  slabs: number | null;
  slabBytes: number;
  /** Slabs that the kernel may keep without need. */
  slabsSpare: number;
  /** Errors and warnings. */
  findings: number;
}

export interface Subject extends SubjectName {
  /** True for caches whose name is a guess in some run. */
  readonly inferred: boolean;
  /** Base runs, then new ones. */
  readonly runs: readonly Measures[];
  /** Site rows: the caches of its objects, and the size asked for where it is one. */
  readonly caches: readonly string[];
  readonly bytesReqEach: number | null;
}

/** What a row is about, as gates and tables name it: `total`, the cache, the site. */
export function subjectText(name: SubjectName): string {
  if (name.subject === 'total') return 'total';
  return name.subject === 'cache' ? (name.cache ?? '?') : siteText(name);
}
