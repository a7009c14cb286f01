// Live bytes over time as bands that can be stacked: the caches that held most, and all others as one,
// at common moments.

import type { CacheCurves } from '../../analysis/cache-curves.ts';

type CacheCurve = CacheCurves['curves'][number];

/** More colours than this look alike. */
const MAX_BANDS = 8;

export interface LiveBands {
  /** Moments, in nanoseconds (or units of the trace's clock) from the first one on. */
  readonly times: readonly number[];
  /** The first moment, as the trace has it, in decimal digits. */
  readonly originNs: string;
  /** The largest first. */
  readonly bands: readonly LiveBand[];
}

interface LiveBand {
  /** Null where nothing names it. */
  readonly cache: string | null;
  /** How many caches it stands for; above 1 its `cache` is null. */
  readonly caches: number;
  /** Live bytes at each moment. */
  readonly bytes: readonly number[];
}

/**
 * @param curves the largest first; points where they changed
 * @returns undefined where nothing was ever live
 */
export function buildLiveBands(curves: readonly CacheCurve[]): LiveBands | undefined {
  const moments = [...new Set(curves.flatMap(({ points }) => points.map(({ time }) => time)))];
  moments.sort((a, b) => (a < b ? -1 : 1));
  const [origin] = moments;
  if (origin === undefined) return undefined;
  const shown = curves.length > MAX_BANDS + 1 ? MAX_BANDS : curves.length;
  const bands: LiveBand[] = curves.slice(0, shown).map((curve) => ({
    cache: curve.cache,
    caches: 1,
    bytes: bytesAt(curve, moments),
  }));
  const others = curves.slice(shown);
  if (others.length > 0) {
    const bytes = moments.map(() => 0);
    for (const curve of others) {
      bytesAt(curve, moments).forEach((own, i) => {
        bytes[i] = (bytes[i] ?? 0) + own;
      });
    }
    bands.push({ cache: null, caches: others.length, bytes });
  }
  return {
    times: moments.map((time) => Number(time - origin)),
    originNs: origin.toString(),
    bands,
  };
}

/** The bytes of a curve at each moment: what it had at its latest point. */
function bytesAt({ points }: CacheCurve, moments: readonly bigint[]): number[] {
  let next = 0;
  let bytes = 0;
  return moments.map((moment) => {
    for (let point = points[next]; point !== undefined && point.time <= moment; ) {
      bytes = point.bytes;
      point = points[++next];
    }
    return bytes;
  });
}
