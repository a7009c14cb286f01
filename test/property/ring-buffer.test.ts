// Laws of the readers of the kernel's ring buffer: pages that are rendered are read back, whatever the
// machine, the file around them and the number of CPUs; and whatever the bytes, a reader ends, throws
// nothing but a ToolError, and counts what it could not read.

import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { ToolError } from '../../src/base/errors.ts';
import { cutPage, PageRecords } from '../../src/ingest/ring-buffer/page.ts';
import {
  ARM32,
  headerPage,
  kfreeRecord,
  kmallocRecord,
  kmemFormats,
  type Machine,
  PageBuilder,
  PPC32,
  S390X,
  X86_64,
} from '../helpers/builders-ring-buffer.ts';
import { buildDatV6, buildDatV7 } from '../helpers/builders-trace-dat.ts';
import { SEED } from '../helpers/random-traces.ts';
import { type PlainEvent, readTraceBytes, type TraceRead } from '../helpers/read-trace.ts';

vi.setConfig({ testTimeout: 60_000 });

type What = 'record' | 'long' | 'extend' | 'absolute' | 'discarded';
interface Item {
  readonly what: What;
  /** How far it moves the clock. */
  readonly delta: number;
}
interface PageContent {
  readonly items: readonly Item[];
  readonly missed: number;
  readonly unused: boolean;
}

const itemOf = (what: What, delta: fc.Arbitrary<number>): fc.Arbitrary<Item> =>
  fc.record({ what: fc.constant(what), delta });
const item: fc.Arbitrary<Item> = fc.oneof(
  { weight: 6, arbitrary: itemOf('record', fc.nat(1000)) },
  { weight: 2, arbitrary: itemOf('long', fc.nat(2 ** 27 - 1)) },
  { weight: 1, arbitrary: itemOf('extend', fc.nat(2 ** 40)) },
  { weight: 1, arbitrary: itemOf('absolute', fc.nat(2 ** 31)) },
  { weight: 1, arbitrary: itemOf('discarded', fc.integer({ min: 1, max: 999 })) },
);
const pageContent: fc.Arbitrary<PageContent> = fc.record({
  items: fc.array(item, { maxLength: 25 }),
  missed: fc.constantFrom(0, 0, 0, 1, 4711, -1),
  unused: fc.boolean(),
});
/** Per CPU its pages. */
const cpusContent = fc.array(fc.array(pageContent, { maxLength: 4 }), {
  minLength: 1,
  maxLength: 4,
});
const machine = fc.constantFrom(X86_64, S390X, PPC32, ARM32);
const form = fc.constantFrom('v6', 'v7', 'v7 zlib');

interface Expected {
  readonly ns: bigint;
  readonly cpu: number;
  /** The object's address, of lost events their number. */
  readonly text: string;
}

/** Renders the pages of one CPU and writes down what must be read of them. */
class CpuRenderer {
  readonly events: Expected[] = [];
  private readonly machine: Machine;
  private readonly cpu: number;
  private now = 1_000_000_007n;
  /** A loss that is told with the next event. */
  private lost: string | undefined;

  constructor(of: Machine, cpu: number) {
    this.machine = of;
    this.cpu = cpu;
  }

  page({ items, missed, unused }: PageContent): Buffer {
    const stamp = this.now;
    const builder = new PageBuilder(this.machine);
    // Losses of pages without records are told together, an unknown number swallows the others.
    if (missed !== 0) this.lost = mergeLost(this.lost, missed);
    for (const one of items) this.add(builder, one);
    if (unused) builder.unused();
    return builder.build(stamp, missed);
  }

  /** What was lost behind the last event; nobody tells it where there is none. */
  end(): void {
    const last = this.events.at(-1);
    if (last !== undefined) this.tellLost(last.ns);
  }

  private add(builder: PageBuilder, { what, delta }: Item): void {
    this.now += BigInt(delta);
    const ptr = BigInt(this.cpu * 1_000_000 + this.events.length * 16 + 16);
    const event = { site: 0x81000020n, ptr };
    switch (what) {
      case 'record':
        builder.record(delta, kfreeRecord(this.machine, event));
        break;
      case 'long':
        builder.longRecord(delta, kmallocRecord(this.machine, { ...event, req: 9, alloc: 16 }));
        break;
      case 'extend':
        builder.extend(delta);
        return;
      case 'absolute':
        builder.absolute(this.now);
        return;
      default:
        builder.discarded(delta, 20);
        return;
    }
    this.tellLost(this.now);
    this.events.push({ ns: this.now, cpu: this.cpu, text: `${ptr}` });
  }

  private tellLost(ns: bigint): void {
    if (this.lost !== undefined) this.events.push({ ns, cpu: this.cpu, text: this.lost });
    this.lost = undefined;
  }
}

interface Rendered {
  readonly cpus: Buffer[];
  readonly events: readonly Expected[];
}

function render(of: Machine, cpus: readonly (readonly PageContent[])[]): Rendered {
  const events: Expected[] = [];
  const buffers = cpus.map((pages, cpu) => {
    const renderer = new CpuRenderer(of, cpu);
    const bytes = Buffer.concat(pages.map((content) => renderer.page(content)));
    renderer.end();
    events.push(...renderer.events);
    return bytes;
  });
  return { cpus: buffers, events };
}

function mergeLost(before: string | undefined, missed: number): string {
  const count = before === undefined ? 0 : Number(before.slice(5));
  return `lost ${before === 'lost 0' || missed < 0 ? 0 : count + missed}`;
}

const textOf = (e: PlainEvent): string => (e.event === 'lost' ? `lost ${e.bytesReq}` : `${e.ptr}`);
const lines = (trace: TraceRead): string[] =>
  trace.events().map((e) => `${e.ns} ${e.cpu} ${textOf(e)}`);

/** By time; of equal times the lower CPU first. */
const inOrder = ({ events }: Rendered): string[] =>
  events
    .toSorted((a, b) => (a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : a.cpu - b.cpu))
    .map(({ ns, cpu, text }) => `${ns} ${cpu} ${text}`);

function file(of: Machine, as: string, cpus: readonly Buffer[]): Buffer {
  const contents = { machine: of, buffers: [{ name: '', cpus }] };
  if (as === 'v6') return buildDatV6(contents).bytes;
  return buildDatV7({ ...contents, compression: as === 'v7' ? 'none' : 'zlib' }).bytes;
}

test('what is rendered into a trace.dat is read back, in the order of its times', async () => {
  await fc.assert(
    fc.asyncProperty(machine, form, cpusContent, async (of, as, content) => {
      const rendered = render(of, content);
      const trace = await readTraceBytes(file(of, as, rendered.cpus));
      expect(lines(trace)).toEqual(inOrder(rendered));
      const { lost_events: _, lost_events_unknown: __, ...others } = trace.stats;
      expect(others).toEqual({});
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test('what is rendered into raw pages is read back', async () => {
  await fc.assert(
    fc.asyncProperty(machine, fc.array(pageContent, { maxLength: 6 }), async (of, content) => {
      const rendered = render(of, [content]);
      const sidecars: Record<string, string> = { 'tracing/events/header_page': headerPage(of) };
      for (const [i, text] of kmemFormats(of).entries()) {
        const name = ['kmalloc', 'kfree', 'kmem_cache_free', 'kernel_stack'][i] ?? '';
        sidecars[`tracing/events/kmem/${name}/format`] = text;
      }
      // That the bytes are little-endian can only be seen in a page with records.
      fc.pre(rendered.events.length > 0 && (content[0]?.items.length ?? 0) > 0);
      const [bytes] = rendered.cpus;
      const trace = await readTraceBytes(bytes ?? '', { sidecars, format: 'raw-pages' });
      expect(lines(trace)).toEqual(inOrder(rendered));
    }),
    { seed: SEED, numRuns: 150 },
  );
});

test('any bytes as a page: records lie inside its data, one behind the other', () => {
  const out = new PageRecords();
  fc.assert(
    fc.property(
      machine,
      fc.uint8Array({ minLength: 0, maxLength: 600 }),
      fc.option(fc.nat(600)),
      (of, bytes, length) => {
        const small = { ...of, pageSize: 512 };
        if (length !== null && bytes.length >= 16) bytes.fill(0, 8, 8 + of.longSize);
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        // A length that may be true, so that the data are looked at.
        if (length !== null && bytes.length >= 16) {
          view.setUint32(of.littleEndian || of.longSize === 4 ? 8 : 12, length, of.littleEndian);
        }
        cutPage(view, 0, small, { lo: 0, hi: 0 }, out);
        let end = 8 + of.longSize;
        for (let i = 0; i < out.length; i++) {
          expect(out.offset[i]).toBeGreaterThanOrEqual(end + 4);
          end = (out.offset[i] ?? 0) + (out.size[i] ?? 0);
        }
        if (out.length > 0) expect(end).toBeLessThanOrEqual(Math.min(512, bytes.length));
      },
    ),
    { seed: SEED, numRuns: 2000 },
  );
});

/** Events that were read; -1 where a ToolError says why there are none. */
async function answer(bytes: Buffer): Promise<{ count: number; stats: TraceRead['stats'] }> {
  try {
    return await readTraceBytes(bytes, { format: 'trace-dat' });
  } catch (error) {
    if (error instanceof ToolError && error.exitCode === 65) return { count: -1, stats: {} };
    throw error;
  }
}

const KINDS: readonly What[] = ['record', 'long', 'record', 'extend', 'discarded', 'absolute'];
const SAMPLE: readonly PageContent[][] = [0, 1, 2].map((cpu) =>
  [0, 1, 2, 3].map((n) => ({
    items: Array.from({ length: 20 }, (_, i) => ({
      what: KINDS[(i + cpu) % 6] ?? 'record',
      delta: 1 + i + n,
    })),
    missed: n === 2 ? 5 : 0,
    unused: n === 1,
  })),
);

const mutation = fc.record({
  at: fc.nat(),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 8 }),
    fc.constantFrom(...[0, 0xff].map((fill) => new Uint8Array(8).fill(fill))),
  ),
});

for (const as of ['v6', 'v7', 'v7 zlib']) {
  for (const [name, of] of Object.entries({ X86_64, PPC32 })) {
    const rendered = render(of, SAMPLE);
    const whole = file(of, as, rendered.cpus);
    const total = rendered.events.length;

    test(`mutated files end in events, counts or a ToolError (${as}, ${name})`, async () => {
      expect(await answer(whole)).toMatchObject({ count: total, stats: { lost_events: 15 } });
      await fc.assert(
        fc.asyncProperty(
          fc.array(mutation, { minLength: 1, maxLength: 4 }),
          fc.integer({ min: 1, max: 12 }),
          async (mutations, spread) => {
            const bytes = Buffer.from(whole);
            for (const { at, bytes: patch } of mutations) {
              // Most of a file are pages: look at the head as often.
              const from = at % Math.floor(bytes.length / spread);
              bytes.set(patch.subarray(0, bytes.length - from), from);
            }
            const { count } = await answer(bytes);
            expect(count).toBeLessThan(600);
          },
        ),
        { seed: SEED, numRuns: 150 },
      );
    });

    test(`a file cut off anywhere never gives more than the whole (${as}, ${name})`, async () => {
      for (let length = 12; length < whole.length; length += 331) {
        const { count, stats } = await answer(whole.subarray(0, length));
        const gaps = stats['truncated'] ?? 0;
        expect(count).toBeLessThanOrEqual(total + gaps);
        if (count >= 0 && count < total) expect(gaps).toBeGreaterThan(0);
      }
    });
  }
}

// Without checksums a damage inside a record is not seen; one in a page's length is, and must be counted.
test('a page whose length is damaged is counted, and leaves a gap', async () => {
  const rendered = render(X86_64, SAMPLE);
  const built = buildDatV6({ buffers: [{ name: '', cpus: rendered.cpus }] });
  await fc.assert(
    fc.asyncProperty(
      fc.nat(2),
      fc.nat(3),
      fc.bigInt({ min: 4081n, max: 2n ** 30n - 1n }),
      async (cpu, page, length) => {
        const bytes = Buffer.from(built.bytes);
        const at = (built.places.get(`data  ${cpu}`) ?? 0) + page * 4096;
        bytes.writeBigUInt64LE(length, at + 8);
        const trace = await readTraceBytes(bytes);
        expect(trace.stats['bad_page']).toBe(1);
        expect(trace.positions['bad_page']).toBe(`byte ${at}`);
        const lost = trace.events().filter((e) => e.event === 'lost' && e.cpu === cpu);
        // The loss that the third page tells of, and the damage; both in one where they meet.
        expect(lost).toHaveLength(page === 1 || page === 2 ? 1 : 2);
      },
    ),
    { seed: SEED, numRuns: 40 },
  );
});
