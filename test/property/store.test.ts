// Laws of the store: what goes in comes out, to the bit; a range of time is what the whole has in it;
// and an analysis of a database is that of its trace.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Analysis, buildAnalysis } from '../../src/analysis/overview.ts';
import type { Dictionary } from '../../src/kernel/events/dictionary.ts';
import { createBatch, type EventBatch } from '../../src/kernel/events/event-batch.ts';
import { LiveSeries } from '../../src/pairing/live-series.ts';
import { RunTracker } from '../../src/pairing/run-tracker.ts';
import { resolveRun } from '../../src/run/resolved-run.ts';
import { RunDatabase } from '../../src/store/run-database.ts';
import { RunQuery } from '../../src/store/sql-query.ts';
import { TestTrace } from '../helpers/builders.ts';
import { ANY_TIMES, SEED, traceLines } from '../helpers/random-traces.ts';
import { plainRows, storeTrace, tablesOf } from '../helpers/stored.ts';
import { kernelFacts, ORIGIN, resolve } from '../helpers/tracked.ts';

let folder = '';
let files = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slabreplay-laws-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const freshPath = (): string => join(folder, `${files++}.db`);

const word = fc.oneof(
  fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff),
  fc.nat(0xffffffff),
);
const small = fc.oneof(fc.constantFrom(0, 0xffff), fc.nat(0xffff));
const time = fc.oneof(
  fc.constantFrom(0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  fc.maxSafeInteger(),
);
const size = fc.oneof(
  fc.constantFrom(0, 1, 2 ** 32, 2 ** 53, 2 ** 63, 2 ** 64 - 2048),
  fc.nat(),
  fc.bigInt(0n, 2n ** 64n - 2048n).map(Number),
);

/** A trace of one event whose every field is arbitrary, added to another. */
const fields = fc.record({
  ts: time,
  ptrLo: word,
  ptrHi: word,
  cpu: small,
  flags: small,
  pid: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  comm: fc.string({ unit: 'grapheme' }),
  siteLo: word,
  siteHi: word,
  kind: fc.nat(15),
  bytesReq: size,
  bytesAlloc: size,
  gfp: word,
  gfpKnown: fc.boolean(),
  node: fc.integer({ min: -2, max: 1023 }),
  accounted: fc.nat(2),
  frames: fc.array(word, { maxLength: 5 }),
});

/** Any events, as a trace that stores like another. */
class AnyTrace extends TestTrace {
  private readonly batch: EventBatch;

  constructor(events: readonly (typeof fields extends fc.Arbitrary<infer T> ? T : never)[]) {
    super('');
    const { strings, sites, calls, tasks, stacks } = this.dictionary;
    this.batch = createBatch();
    for (const e of events) {
      const i = this.batch.length++;
      const frames = Uint32Array.from(e.frames, (lo) => sites.internAddress(lo, 0xffffffff));
      this.batch.ts[i] = e.ts;
      this.batch.ptrLo[i] = e.ptrLo;
      this.batch.ptrHi[i] = e.ptrHi;
      this.batch.cpu[i] = e.cpu;
      this.batch.flags[i] = e.flags;
      this.batch.task[i] = tasks.intern(e.pid, strings.intern(e.comm));
      this.batch.stack[i] = stacks.intern(frames, frames.length);
      const site = sites.internAddress(e.siteLo, e.siteHi);
      this.batch.call[i] = calls.intern({ ...e, site, cache: strings.intern(`${e.comm} cache`) });
    }
  }

  override *batches(): Generator<EventBatch> {
    yield this.batch;
  }
}

/** Everything in a dictionary. */
function contents({ strings, sites, calls, tasks, stacks }: Dictionary): unknown {
  const ids = (table: { readonly length: number }): number[] =>
    Array.from({ length: table.length }, (_, id) => id);
  return {
    strings: strings.values,
    sites: ids(sites).map((id) => [sites.lo(id), sites.hi(id), sites.text(id)]),
    calls: ids(calls).map((id) => calls.get(id)),
    tasks: ids(tasks).map((id) => [tasks.pid(id), tasks.comm(id)]),
    stacks: ids(stacks).map((id) => [...stacks.frames(id)]),
  };
}

test('what goes in comes out, over the full range of every field', () => {
  fc.assert(
    fc.property(
      fc.array(fields, { maxLength: 12 }),
      fc.bigInt(0n, 2n ** 62n),
      (events, originNs) => {
        const trace = new AnyTrace(events);
        const database = new RunDatabase(
          storeTrace(trace, { path: freshPath(), info: { originNs } }),
        );
        try {
          expect(plainRows(database.batches())).toEqual(plainRows(trace.batches()));
          expect(contents(database.dictionary)).toEqual(contents(trace.dictionary));
          expect(database.info.originNs).toBe(originNs);
        } finally {
          database.close();
        }
      },
    ),
    { seed: SEED, numRuns: 60 },
  );
});

test('the table `event` shows whatever was stored', () => {
  fc.assert(
    fc.property(fc.array(fields, { minLength: 1, maxLength: 12 }), (events) => {
      const path = storeTrace(new AnyTrace(events), { path: freshPath() });
      const query = new RunQuery(path, tablesOf(path));
      try {
        const rows = Array.from(query.run('SELECT ts_ns, ptr, cpu, pid, comm FROM event').rows);
        expect(rows).toEqual(
          events.map((e) => [
            e.ts,
            `0x${((BigInt(e.ptrHi) << 32n) | BigInt(e.ptrLo)).toString(16).padStart(16, '0')}`,
            e.cpu,
            e.pid,
            e.comm,
          ]),
        );
        expect(Array.from(query.run('SELECT * FROM event').rows)).toHaveLength(events.length);
      } finally {
        query.close();
      }
    }),
    { seed: SEED, numRuns: 60 },
  );
});

test('event_range is what `event` has in that time', () => {
  const bound = fc.integer({ min: -10_000, max: 70_000 });
  fc.assert(
    fc.property(
      traceLines([0, 1, 1000]),
      bound,
      bound,
      fc.constantFrom(1, 5, 100),
      (lines, from, to, batchSize) => {
        const path = storeTrace(lines, { path: freshPath(), batchSize });
        const query = new RunQuery(path, tablesOf(path));
        const rows = (sql: string): unknown[] => Array.from(query.run(sql).rows);
        try {
          expect(rows(`SELECT * FROM event_range(${from}, ${to})`)).toEqual(
            rows(`SELECT * FROM event WHERE ts_ns BETWEEN ${from} AND ${to}`),
          );
          const count = rows('SELECT count(*) FROM event');
          expect(count).toEqual([[new TestTrace(lines).events.length]]);
        } finally {
          query.close();
        }
      },
    ),
    { seed: SEED, numRuns: 40 },
  );
});

/** The analysis of what a database holds. */
function analyseStored(path: string, batchSize: number): Analysis {
  const database = new RunDatabase(path);
  try {
    const { dictionary, info, stats } = database;
    const tracker = new RunTracker(dictionary, { clockUnit: info.clockUnit });
    const series = new LiveSeries(tracker.tallies, batchSize);
    for (const batch of database.batches()) {
      tracker.add(batch);
      series.add(batch);
    }
    const facts = kernelFacts();
    const run = resolveRun({ tracker, info, stats, facts, symbols: undefined });
    return buildAnalysis(run, series, ORIGIN);
  } finally {
    database.close();
  }
}

test('an analysis of a database is that of its trace', () => {
  fc.assert(
    fc.property(traceLines(ANY_TIMES), fc.constantFrom(3, 100), (lines, batchSize) => {
      const { run, series } = resolve(lines, { batchSize, onlyLines: true });
      const path = storeTrace(lines, { path: freshPath(), batchSize });
      expect(analyseStored(path, batchSize)).toEqual(buildAnalysis(run, series, ORIGIN));
    }),
    { seed: SEED, numRuns: 60 },
  );
});
