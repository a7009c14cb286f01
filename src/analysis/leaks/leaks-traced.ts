// A run's live objects → the columns that a reference scan takes. All of them, whatever the options
// select: an object that is not asked for still holds others.

import { joinHalves } from '../../base/address.ts';
import { isKmalloc } from '../../kernel/events/event-kind.ts';
import type { Call } from '../../kernel/indices.ts';
import { objectBytes } from '../../run/object-size.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import { VERDICT } from '../../run/verdicts/live-verdicts.ts';
import { type Annotation, annotationOf } from '../../snapshot/scan/annotations.ts';
import type { OtherObject } from '../../snapshot/scan/build-scan.ts';
import type { TracedObjects } from '../../snapshot/scan/traced-objects.ts';
import { isKnownSite, type LeakSites, leakSiteLabel } from './leaks-sites.ts';

export interface LiveTrace extends TracedObjects {
  /** By index of the columns: row of `run.live`. */
  readonly rows: Uint32Array;
}

/** @param caches of the snapshot: what an object that is older than the trace is of */
export function traceColumns(
  run: ResolvedRun,
  sites: LeakSites,
  annotations: readonly Annotation[],
  caches: readonly { readonly name: string }[],
): LiveTrace {
  const { live, dictionary, verdicts } = run;
  const { calls } = dictionary;
  const rows = live.inOrder().filter((row) => verdicts.ofRow[row] !== VERDICT.gone);
  const count = rows.length;
  const trace = {
    count,
    rows,
    hi: new Uint32Array(count),
    lo: new Uint32Array(count),
    bytesAlloc: new Uint32Array(count),
    bytesReq: new Uint32Array(count),
    objectSize: new Float64Array(count),
    annotation: new Int32Array(count).fill(-1),
    annotations,
    annotationOfOther: (object: OtherObject, address: bigint): Annotation | undefined => {
      const site = sites.ofOther(object);
      return annotationOf(annotations, {
        address,
        site: isKnownSite(site) ? leakSiteLabel(site) : undefined,
        cache: object.kind === 'older' ? caches[object.cache]?.name : undefined,
      });
    },
  };
  const byAddress = annotations.some((a) => a.address !== undefined);
  /** By site and cache: its annotation. */
  const known = new Map<string, number>();
  const indexes = new Map(annotations.map((a, i) => [a, i]));
  for (const [i, row] of rows.entries()) {
    const call = live.call(row);
    trace.hi[i] = live.ptrHi(row);
    trace.lo[i] = live.ptrLo(row);
    trace.bytesAlloc[i] = calls.bytesAlloc(call);
    trace.bytesReq[i] = calls.bytesReq(call);
    trace.objectSize[i] = kmemleakSize(run, call);
    const cache = run.cacheOfRow(row);
    const siteIndex = sites.siteOfRow(row);
    const key = `${siteIndex} ${cache ?? ''}`;
    let index = byAddress ? undefined : known.get(key);
    if (index === undefined) {
      const address = joinHalves(live.ptrHi(row), live.ptrLo(row));
      const site = sites.label(siteIndex);
      const found = annotationOf(annotations, { address, site, cache });
      index = found === undefined ? -1 : (indexes.get(found) ?? -1);
      known.set(key, index);
    }
    trace.annotation[i] = index;
  }
  return trace;
}

/** Bytes of an object of a call as kmemleak counts them: object_size, of large kmallocs the request. */
export function kmemleakSize(run: ResolvedRun, call: number): number {
  const { requested, rounding } = objectBytes(run.dictionary, run.facts, call);
  return isPageBacked(run, call) ? requested : requested + rounding;
}

/** kmalloc beyond the largest size class (KMALLOC_MAX_CACHE_SIZE). */
function isPageBacked({ dictionary, facts }: ResolvedRun, call: Call): boolean {
  const { calls } = dictionary;
  return isKmalloc(calls.kind(call)) && calls.bytesReq(call) > facts.kmalloc.maxCacheSize;
}
