// CSV: what is written is read back as it was, whatever an event holds; and reading is the same
// however the bytes come.

import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventCsv } from '../../src/commands/export/event-csv.ts';
import { BatchWriter } from '../../src/ingest/events/batch-writer.ts';
import { DEFAULT_CSV, type TraceInput } from '../../src/ingest/format.ts';
import { detectFormat } from '../../src/ingest/formats.ts';
import { openInput } from '../../src/ingest/open-input.ts';
import { ACCOUNTED, Dictionary } from '../../src/kernel/events/dictionary.ts';
import {
  createBatch,
  type EventBatch,
  FLAGS_UNKNOWN,
} from '../../src/kernel/events/event-batch.ts';
import { EVENT_KIND, isAlloc } from '../../src/kernel/events/event-kind.ts';
import { gfpNamesOf } from '../../src/kernel/events/gfp-flags.ts';
import { emptyTraceInfo, type TraceInfo } from '../../src/kernel/events/trace-info.ts';
import { TraceStats } from '../../src/kernel/events/trace-stats.ts';
import { FolderSidecars } from '../../src/recording/sidecar-files.ts';
import { SiteNames } from '../../src/run/site-names.ts';
import { ROOT } from '../helpers/run-cli.ts';

interface Held {
  readonly info: TraceInfo;
  readonly stats: TraceStats;
  readonly dictionary: Dictionary;
  readonly batches: readonly EventBatch[];
}

/** @param most batches to read */
async function hold(input: TraceInput, most = Infinity): Promise<Held> {
  const dictionary = new Dictionary();
  const stats = new TraceStats();
  const format = await detectFormat(input.head, input.path);
  const info = emptyTraceInfo(format.name);
  const batches: EventBatch[] = [];
  const outlet = {
    emit: (batch: EventBatch) => batches.push(batch),
    obtain: () => createBatch(),
  };
  const writer = new BatchWriter(dictionary, stats, outlet, info);
  const reader = await format.open(input, writer, info);
  while (batches.length < most && (await reader.step()));
  reader.close();
  writer.finish();
  return { info, stats, dictionary, batches };
}

function toCsv({ dictionary, info, batches }: Omit<Held, 'stats'>): string[] {
  const names = new SiteNames(dictionary, undefined);
  const siteLabels = Array.from({ length: dictionary.sites.length }, (_, site) =>
    site === 0 ? null : names.label(site),
  );
  const csv = new EventCsv({ dictionary, info, gfpNames: gfpNamesOf(null), siteLabels });
  return [csv.begin(), ...batches.map((batch) => csv.rows(batch))];
}

function textInput(texts: readonly string[], chunkBytes: number): TraceInput {
  return {
    path: 'events.csv',
    head: Buffer.from(texts.join('').slice(0, 65536)),
    sidecars: new FolderSidecars([]),
    buffer: undefined,
    csv: DEFAULT_CSV,
    maps: [],
    share: () => 0,
    async *chunks() {
      for (const text of texts) {
        const bytes = Buffer.from(text);
        for (let at = 0; at < bytes.length; at += chunkBytes) {
          yield await Promise.resolve(bytes.subarray(at, at + chunkBytes));
        }
      }
    },
    open: () => Promise.reject(new Error('only bytes in a row')),
  };
}

describe('a bundled recording (its first 200,000 events), written and read back, is the same', () => {
  test.each(['debian-6.1-boot/trace.dat.gz', 'debian-6.12-stacks/trace.txt.gz'])(
    '%s',
    async (name) => {
      const { input } = await openInput({
        path: join(ROOT, 'traces', name),
        format: undefined,
        sidecarFolders: [],
        buffer: undefined,
        tmp: undefined,
      });
      const first = toCsv(await hold(input, 12));
      const read = await hold(textInput(first, 1 << 19));
      expect(read.stats.list().filter((s) => s.name !== 'backward_steps')).toEqual([]);
      const second = toCsv(read);
      expect(second.length).toBe(first.length);
      for (const [i, text] of second.entries()) if (text !== first[i]) expect(text).toBe(first[i]);
    },
  );
});

const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ minLength: 1, maxLength, unit: fc.constantFrom(...'ab,"\n\r;# \u00e9/-[') });
const site = fc.oneof(
  fc.constantFrom('foo+0x10', 'bar.part.0+0x2b [mod]', ''),
  fc.bigInt({ min: 0xffffffff80000000n, max: 2n ** 64n - 1n }).map((a) => `0x${a.toString(16)}`),
);
const word = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const size = fc.integer({ min: 1, max: 2 ** 40 });

const event = fc.record({
  kind: fc.constantFrom(...Object.values(EVENT_KIND).filter((kind) => kind !== EVENT_KIND.none)),
  delta: fc.bigInt({ min: 0n, max: 10n ** 12n }),
  cpu: fc.integer({ min: 0, max: 0xffff }),
  task: fc.option(fc.tuple(fc.integer({ min: 0, max: 0x7fffffff }), text(15))),
  ptr: word,
  site,
  bytesReq: size,
  bytesAlloc: size,
  gfp: fc.option(fc.constantFrom(0, 0xcc0, 0xdc0, 0x400cc0, 0x1000000)),
  node: fc.integer({ min: -2, max: 1023 }),
  cache: text(12),
  accounted: fc.constantFrom(...Object.values(ACCOUNTED)),
  flags: fc.option(fc.integer({ min: 0, max: 0xffff }).map((f) => f & ~0x40 & 0xfff7)),
  stack: fc.array(
    site.filter((s) => s !== ''),
    { maxLength: 4 },
  ),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }),
});
type Made = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** What the readers would have made of these events. */
function made(events: readonly Made[], start: bigint): Omit<Held, 'stats'> {
  const dictionary = new Dictionary();
  const { strings, sites, calls, tasks, stacks } = dictionary;
  const internSite = (name: string): number => {
    if (name === '') return 0;
    if (!name.startsWith('0x')) return sites.internText(strings.intern(name));
    const address = BigInt(name);
    return sites.internAddress(Number(address & 0xffffffffn), Number(address >> 32n));
  };
  const batch = createBatch();
  let ns = start;
  for (const e of events) {
    const i = batch.length++;
    const isLost = e.kind === EVENT_KIND.lost;
    const isWrite = e.kind === EVENT_KIND.write;
    const hasSizes = isAlloc(e.kind) || e.kind === EVENT_KIND.cache_create;
    batch.ts[i] = Number(ns - start);
    ns += e.delta;
    batch.call[i] = calls.intern(
      isLost
        ? { kind: e.kind, bytesReq: e.bytesReq }
        : {
            kind: e.kind,
            site: internSite(e.site),
            bytesReq: hasSizes ? e.bytesReq : 0,
            bytesAlloc: hasSizes ? e.bytesAlloc : 0,
            gfp: e.gfp ?? 0,
            gfpKnown: e.gfp !== null,
            node: e.node,
            cache: strings.intern(e.cache),
            accounted: e.accounted,
            data: isWrite ? strings.intern(Buffer.from(e.bytes).toString('hex')) : 0,
          },
    );
    batch.task[i] = e.task === null ? 0 : tasks.intern(e.task[0], strings.intern(e.task[1]));
    batch.ptrLo[i] = Number(e.ptr & 0xffffffffn);
    batch.ptrHi[i] = Number(e.ptr >> 32n);
    batch.cpu[i] = e.cpu;
    batch.flags[i] = e.flags ?? FLAGS_UNKNOWN;
    const frames = Uint32Array.from(e.stack, internSite);
    batch.stack[i] = stacks.intern(frames, frames.length);
  }
  const info = { ...emptyTraceInfo('csv'), originNs: start };
  return { info, dictionary, batches: [batch] };
}

test('any event, written and read back, is the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 1, maxLength: 30 }),
      fc.bigInt({ min: 0n, max: 10n ** 18n }),
      fc.integer({ min: 1, max: 400 }),
      async (events, start, chunkBytes) => {
        const first = toCsv(made(events, start));
        const read = await hold(textInput(first, chunkBytes));
        expect(read.stats.get('bad_row')).toBe(0);
        expect(toCsv(read)).toEqual(first);
      },
    ),
    { seed: 7, numRuns: 200 },
  );
});

test('any bytes below a header are rows or counted, and nothing throws', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...'0123456789abcdefx.,"\n\r-#; ', 'kfree', '0xffff888', ',,,'), {
        maxLength: 200,
      }),
      fc.integer({ min: 1, max: 50 }),
      async (parts, chunkBytes) => {
        const texts = ['ts,cpu,pid,event,ptr,comm\n', parts.join('')];
        const whole = await hold(textInput(texts, 1 << 20));
        const pieces = await hold(textInput(texts, chunkBytes));
        expect(toCsv(pieces)).toEqual(toCsv(whole));
        expect(pieces.stats.list()).toEqual(whole.stats.list());
      },
    ),
    { seed: 8, numRuns: 200 },
  );
});
