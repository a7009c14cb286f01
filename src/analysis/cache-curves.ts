// How many bytes of each cache were live over the trace: one curve for each cache, points where it
// changed. The names of caches are known only behind the pass, so the moments hold counts by call.

import { type Column, column } from '../kernel/column.ts';
import type { Call } from '../kernel/indices.ts';
import type { LiveSample } from '../pairing/live-series.ts';
import { objectBytes } from '../run/object-size.ts';
import type { ResolvedRun } from '../run/resolved-run.ts';
import { absoluteTime, type RunOrigin, type RunSummary, summarizeRun } from '../run/run-summary.ts';

interface CurvePoint {
  /** Nanoseconds (or units of the trace's clock), as the trace has them. */
  readonly time: bigint;
  readonly bytes: number;
}

interface CacheCurve {
  readonly cache: string | null;
  readonly points: readonly CurvePoint[];
}

export interface CacheCurves {
  readonly run: RunSummary;
  /** The largest first. */
  readonly curves: readonly CacheCurve[];
}

export function buildCacheCurves(
  run: ResolvedRun,
  samples: readonly LiveSample[],
  origin: RunOrigin,
): CacheCurves {
  const { calls } = run.dictionary;
  const groupOf: Column<Call, Int32Array> = column(new Int32Array(calls.length).fill(-1));
  const bytesOf: Column<Call, Float64Array> = column(new Float64Array(calls.length));
  const numbers = new Map<string | null, number>();
  for (const call of run.columns.calls) {
    const cache = run.names.ofCall[call] ?? null;
    const group = numbers.get(cache) ?? numbers.size;
    numbers.set(cache, group);
    groupOf[call] = group;
    bytesOf[call] = objectBytes(run.dictionary, run.facts, call).allocated;
  }
  const points: CurvePoint[][] = Array.from({ length: numbers.size }, () => []);
  const now = new Float64Array(numbers.size);
  for (const { ts, live } of samples) {
    now.fill(0);
    for (let call: Call = 1; call < live.length; call++) {
      const group = groupOf[call];
      if (group >= 0) now[group]! += live[call] * bytesOf[call];
    }
    const time = BigInt(absoluteTime(run, ts));
    points.forEach((own, group) => {
      const bytes = now[group]!;
      if ((own.at(-1)?.bytes ?? 0) !== bytes) own.push({ time, bytes });
    });
  }
  const curves = [...numbers].map(([cache, group]) => ({ cache, points: points[group] ?? [] }));
  const most = ({ points: own }: CacheCurve): number =>
    own.reduce((max, { bytes }) => Math.max(max, bytes), 0);
  return {
    run: summarizeRun(run, origin),
    curves: curves.filter((curve) => curve.points.length > 0).sort((a, b) => most(b) - most(a)),
  };
}
