// Allocations and frees by probes, against the tracepoints recorded beside them.

import { isDeepStrictEqual } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { describeWithData, recordedText, recording } from '../helpers/data.ts';
import { type PlainEvent, readTraceBytes, readTraceFile } from '../helpers/read-trace.ts';

const TRACEPOINT = / (?:kmalloc|kmem_cache_alloc|kfree|kmem_cache_free): /;

interface Counts {
  readonly kmalloc: number;
  readonly kmem_cache_alloc: number;
  readonly kfree: number;
  readonly kmem_cache_free: number;
}

/** Returns of probed functions and hits of probed frees, counted with grep. */
const PROBED: Readonly<Record<string, Counts>> = {
  'debian-variants': { kmalloc: 416, kmem_cache_alloc: 1763, kfree: 902, kmem_cache_free: 1779 },
  'debian-variants-612': {
    kmalloc: 505,
    kmem_cache_alloc: 1883,
    kfree: 1316,
    kmem_cache_free: 1986,
  },
};

/** Frees that the probes missed (kprobe_profile counts such hits): none on 6.1. */
const MISSED_FREES: Readonly<Record<string, number>> = { 'debian-variants-612': 42 };

/** What probe and tracepoint both tell. A probe knows the size of a kmalloc only. */
const told = ({ event, pid, cpu, ptr, bytesReq, bytesAlloc, gfp }: PlainEvent): unknown => ({
  event,
  pid,
  cpu,
  ptr,
  ...(event === 'kmalloc' ? { bytesReq, bytesAlloc } : {}),
  ...(event === 'kmalloc' || event === 'kmem_cache_alloc' ? { gfp } : {}),
});

/** Events in the order of one CPU; between CPUs a probe and a tracepoint may change places. */
function byCpu(events: readonly PlainEvent[], kinds: RegExp): unknown[] {
  return events
    .filter(({ event }) => kinds.test(event))
    .sort((a, b) => a.cpu - b.cpu)
    .map(told);
}

/** How many of `all` have no partner in `some`, which holds nothing else and in the same order. */
function missing(some: readonly unknown[], all: readonly unknown[]): number {
  let at = 0;
  for (const event of all) if (isDeepStrictEqual(event, some[at])) at++;
  expect(at).toBe(some.length);
  return all.length - at;
}

for (const [name, counts] of Object.entries(PROBED)) {
  describeWithData(name, 'probes beside tracepoints', () => {
    const file = (part: string): string => recording(name, 'g-kprobe', part);
    let lines: string[] = [];
    let sidecars: Record<string, string> = {};
    beforeAll(() => {
      lines = recordedText(name, 'g-kprobe', 'kp-and-tp.report.txt').split('\n');
      sidecars = { 'version.txt': recordedText(name, 'version.txt') };
    });
    const read = async (wanted: (line: string) => boolean): Promise<PlainEvent[]> =>
      (await readTraceBytes(lines.filter(wanted).join('\n'), { sidecars })).events();

    test('give the allocations that pass through the probed functions, and all frees', async () => {
      const tracepoints = await read((line) => TRACEPOINT.test(line) || line.startsWith('cpus='));
      const probes = await read((line) => !TRACEPOINT.test(line));
      const count = (event: string): number => probes.filter((e) => e.event === event).length;
      for (const [event, number] of Object.entries(counts)) expect(count(event)).toBe(number);
      // A probed caller is the one that the tracepoint does not know.
      const passed = tracepoints.filter(({ event, site }) => site === '' || /free/.test(event));
      expect(byCpu(probes, /alloc/)).toEqual(byCpu(passed, /alloc/));
      const frees = byCpu(passed, /free/);
      expect(missing(byCpu(probes, /free/), frees)).toBe(MISSED_FREES[name] ?? 0);
    });

    test('name the callers that the tracepoints lack', async () => {
      const both = await read(() => true);
      const tracepoints = await read((line) => TRACEPOINT.test(line) || line.startsWith('cpus='));
      expect(both.map(told)).toEqual(tracepoints.map(told));
      expect(tracepoints.filter((e) => e.site === '').length).toBeGreaterThan(2000);
      expect(both.filter((e) => e.site === '')).toEqual([]);
      expect(both.filter((e) => e.site.includes('trampoline'))).toEqual([]);
    });

    test.each(['kp', 'kp-and-tp'])('%s.dat and its report are the same', async (part) => {
      const dat = await readTraceFile(file(`${part}.dat.gz`));
      const report = await readTraceFile(file(`${part}.report.txt.gz`), {
        folders: [recording(name)],
      });
      const rounded = ({ ns, ...e }: PlainEvent): unknown => ({
        ...(told(e as PlainEvent) as object),
        micros: (ns + 500n) / 1000n,
      });
      expect(dat.count).toBeGreaterThan(1000);
      expect(dat.events().map(rounded)).toEqual(report.events().map(rounded));
      expect(dat.stats).toEqual(report.stats);
    });
  });
}
