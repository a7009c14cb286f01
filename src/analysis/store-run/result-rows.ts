// What the analysis found, as rows of the tables of schema.sql.

import { EVENT_NAMES } from '../../kernel/events/event-kind.ts';
import { STAT_KINDS } from '../../kernel/events/trace-stats.ts';
import type { PairTally } from '../../pairing/pair-tally.ts';
import type { RateBins } from '../../pairing/rate-bins.ts';
import type { TaskTally } from '../../pairing/task-tally.ts';
import { groupLive } from '../../run/group-calls.ts';
import type { ResolvedRun } from '../../run/resolved-run.ts';
import { taskTotals } from '../../run/task-totals.ts';
import { dictionaryRows, signedAddress } from '../../store/dictionary-rows.ts';
import { encodeInfo } from '../../store/run-info.ts';
import type { SqlValue } from '../../store/sql-value.ts';
import type { Analysis } from '../overview.ts';

type Rows = Iterable<readonly SqlValue[]>;

/** Counts that the common pass does not keep. */
export interface ExtraTallies {
  readonly tasks?: TaskTally;
  readonly pairs?: PairTally;
  readonly bins?: RateBins;
}

/** Every row but segments and sidecars, by table. */
export function* resultRows(
  run: ResolvedRun,
  analysis: Analysis,
  extra: ExtraTallies,
): Generator<{ table: string; rows: Rows }> {
  yield { table: 'run', rows: runRows(run, analysis) };
  yield {
    table: 'ingest_stat',
    rows: run.stats.list().map(({ name, count, firstPosition }) => {
      const { severity, source } = STAT_KINDS[name];
      return [name, severity, source, count, firstPosition];
    }),
  };
  yield { table: 'event_kind', rows: EVENT_NAMES.map((name, id) => [id, name]) };
  yield* dictionaryRows(run.dictionary, {
    symbolOf: (site) => (site === 0 ? { symbol: null, module: null } : run.sites.get(site)),
    cacheOf: (call) => ({
      name: run.names.ofCall[call] ?? null,
      inferred: run.names.inferred[call] === true,
    }),
  });
  yield { table: 'cache', rows: analysis.caches.map(cacheRow) };
  yield { table: 'call_site', rows: analysis.callSites.map(callSiteRow) };
  yield { table: 'free_site', rows: analysis.freeSites.map(freeSiteRow) };
  yield { table: 'kernel_cache', rows: kernelCacheRows(run) };
  yield { table: 'live_row', rows: liveRows(run) };
  yield {
    table: 'finding',
    rows: analysis.findings.map((f) => [
      f.rule,
      f.severity,
      f.count,
      f.site,
      f.symbol,
      f.module,
      f.cache,
      f.message,
    ]),
  };
  if (extra.pairs !== undefined) yield { table: 'free_pair', rows: pairRows(extra.pairs) };
  if (extra.tasks !== undefined) yield { table: 'task_total', rows: taskRows(run, extra.tasks) };
  if (extra.bins !== undefined) yield { table: 'rate_bin', rows: rateRows(run, extra.bins) };
}

function* runRows({ info }: ResolvedRun, { run, completeness, events, totals }: Analysis): Rows {
  const values: Record<string, unknown> = {
    ...run,
    startsAtBoot: completeness.startsAtBoot,
    events: events.total,
    peakAtNs: totals.peakAtNs,
    peakLiveBytesAlloc: totals.peakLiveBytesAlloc,
  };
  for (const [key, value] of Object.entries(values)) {
    const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (value === null) yield [name, null];
    else yield [name, typeof value === 'object' ? JSON.stringify(value) : String(value)];
  }
  yield ['origin_ns', info.originNs.toString()];
  yield ['info', encodeInfo(info)];
}

function cacheRow(c: Analysis['caches'][number]): SqlValue[] {
  return [
    c.name,
    c.inferred ? 1 : 0,
    c.objectSize,
    c.slabSize,
    c.objsPerSlab,
    c.order,
    c.allocs,
    c.frees,
    BigInt(c.bytesReq),
    BigInt(c.bytesAlloc),
    BigInt(c.bytesWasted),
    c.live,
    c.liveUncertain,
    BigInt(c.liveBytesReq),
    BigInt(c.liveBytesAlloc),
    BigInt(c.liveBytesWasted),
    c.allocsPerSec,
    c.bytesPerSec,
    c.peakLive,
    c.kernelSlabs,
  ];
}

function callSiteRow(s: Analysis['callSites'][number]): SqlValue[] {
  return [
    s.site,
    s.symbol,
    s.module,
    s.cache,
    s.allocs,
    s.frees,
    s.untracedFrees,
    s.live,
    s.liveUncertain,
    BigInt(s.bytesReq),
    BigInt(s.bytesAlloc),
    BigInt(s.bytesWasted),
    BigInt(s.liveBytesAlloc),
    BigInt(s.liveBytesWasted),
    s.oldestNs,
    s.crossCpuFrees,
    s.meanLifetimeNs === null ? null : BigInt(s.meanLifetimeNs),
    s.peakLive,
  ];
}

function freeSiteRow(s: Analysis['freeSites'][number]): SqlValue[] {
  return [
    s.site,
    s.symbol,
    s.module,
    s.event,
    s.frees,
    BigInt(s.bytesAlloc),
    s.nullFrees,
    s.unknownFrees,
  ];
}

function* kernelCacheRows({ facts }: ResolvedRun): Rows {
  for (const c of facts.caches?.all ?? []) {
    yield [
      c.name,
      c.aliases.join(','),
      c.objectSize,
      c.slabSize,
      c.objsPerSlab,
      c.order,
      c.slabs,
      c.activeObjects,
      c.totalObjects,
    ];
  }
}

function* liveRows(run: ResolvedRun): Rows {
  const { live, dictionary, info, verdicts } = run;
  const { calls } = dictionary;
  for (const row of run.rows) {
    const call = live.call(row);
    const reason = run.reasonOf(verdicts.ofRow[row]!);
    yield [
      signedAddress(live.ptrHi(row), live.ptrLo(row)),
      run.cacheOfRow(row) ?? null,
      BigInt(calls.bytesReq(call)),
      BigInt(calls.bytesAlloc(call)),
      calls.site(call),
      live.task(row),
      live.cpu(row),
      live.stack(row),
      BigInt.asIntN(64, info.originNs + BigInt(live.ts(row))),
      reason === null ? 1 : 0,
      reason,
    ];
  }
}

function* pairRows(pairs: PairTally): Rows {
  for (let i = 0; i < pairs.length; i++) {
    yield [pairs.alloc[i]!, pairs.free[i]!, pairs.count[i]!];
  }
}

function* taskRows(run: ResolvedRun, tally: TaskTally): Rows {
  const liveOf = new Map(
    groupLive(run, (row) => ({ id: `${run.live.task(row)}`, key: run.live.task(row) })).map(
      (group) => [group.key, group],
    ),
  );
  for (const { task, allocs, bytesReq, bytesAlloc, frees, atPeak } of taskTotals(run, tally)) {
    const alive = liveOf.get(task);
    yield [
      task,
      allocs,
      BigInt(bytesReq),
      BigInt(bytesAlloc),
      frees,
      alive?.live ?? 0,
      BigInt(alive?.liveBytesAlloc ?? 0),
      BigInt(atPeak.allocated),
    ];
  }
}

function* rateRows(run: ResolvedRun, bins: RateBins): Rows {
  for (let i = 0; i < bins.length; i++) {
    const start = run.info.originNs + BigInt(bins.bin[i]! * bins.interval);
    yield [BigInt.asIntN(64, start), bins.call[i]!, bins.allocs[i]!, bins.frees[i]!];
  }
}
