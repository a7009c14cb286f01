// The readers of the kernel's ring buffer on recordings of real kernels: the same pages in every file
// that holds them, what the tracer lost, clocks and kernels.

import { expect, test } from 'vitest';
import { describeWithData, recording } from '../helpers/data.ts';
import { type PlainEvent, readTraceFile, type TraceRead } from '../helpers/read-trace.ts';

const VARIANTS = 'debian-variants';

/** `time cpu number` of each loss. */
const losses = (trace: TraceRead): string[] =>
  trace
    .events()
    .filter((e) => e.event === 'lost')
    .map((e) => `${e.ns} ${e.cpu} ${e.bytesReq}`);

describeWithData(VARIANTS, 'raw pages, a trace.dat made of them, and its conversions', () => {
  const inFolder = (folder: string, file: string): Promise<TraceRead> =>
    readTraceFile(recording(VARIANTS, folder, `${file}.gz`), {
      folders: [recording(VARIANTS, folder), recording(VARIANTS)],
    });

  test.each([
    ['a-text-hashed', 70942, 'global', []],
    ['b6-text-overrun', 2621, 'global', ['18497199536 1 11523', '18508064710 0 36103']],
    ['e2-stackoption', 1170, 'local', []],
  ])('%s: the pages give the events of its trace.dat', async (folder, count, clock, lost) => {
    const dat = await inFolder(folder, 'trace.dat');
    for (const name of ['trace_pipe_raw.cpu0', 'trace_pipe_raw.cpu1']) {
      const raw = await inFolder(folder, name);
      expect([raw.format, dat.format]).toEqual(['raw-pages', 'trace-dat']);
      expect([raw.count, raw.info.clock, losses(raw)]).toEqual([count, clock, lost]);
      expect(raw.events()).toEqual(dat.events());
      expect(raw.stats).toEqual(dat.stats);
      expect(raw.info).toMatchObject({ cpus: 2, pageSize: 4096, clockUnit: 'ns' });
    }
  });

  test('trace-cmd convert keeps every event: version 6, and 7 packed with zstd', async () => {
    const [six, seven] = [
      await inFolder('d-tracecmd', 'v6.dat'),
      await inFolder('d-tracecmd', 'v6-to-v7.dat'),
    ];
    expect(six.count).toBe(53726);
    expect(seven.events()).toEqual(six.events());
    expect(seven.info).toEqual(six.info);
  });

  // What trace-cmd report prints (CPU:1 [201 EVENTS DROPPED]), and what the tracer counted (overrun:
  // 201, 11523, 36103 in the CPUs' stats): a page tells how the counter has grown since the page before
  // (rb_get_reader_page(), kernel/trace/ring_buffer.c), so the two are one loss, not two.
  test('the number of lost events is the one that the tracer counted', async () => {
    const lost = await inFolder('d-tracecmd', 'v6-lost.dat');
    expect(losses(lost)).toEqual(['50287160444 1 201']);
    expect(lost.stats).toEqual({ lost_events: 201, other_events: 1931 });
    const overrun = await inFolder('b6-text-overrun', 'trace.dat');
    expect(overrun.stats).toEqual({ lost_events: 11523 + 36103 });
  });

  test.each([
    ['default', 'global', '6.1.0-56-amd64', 52440, { other_events: 5235 }],
    ['v7-zstd', 'global', '6.1.0-56-amd64', 48813, {}],
    ['v7-none', 'global', '6.1.0-56-amd64', 48907, {}],
    ['v6-mono-mixed', 'mono', '6.1.0-56-amd64', 1058, { other_events: 201 }],
    ['v6-stack', 'global', '6.1.0-56-amd64', 452, {}],
    ['v6-instance', 'global', '6.1.0-56-amd64', 589, {}],
    ['v7-instance', 'global', '6.1.0-56-amd64', 990, {}],
  ])('%s: clock %s, kernel %s, %d events', async (name, clock, kernelRelease, count, stats) => {
    const trace = await inFolder('d-tracecmd', `${name}.dat`);
    expect(trace.info).toMatchObject({ clock, clockUnit: 'ns', kernelRelease, cpus: 2 });
    expect([trace.count, trace.stats]).toEqual([count, stats]);
  });

  test('an instance is found without its name, and has one', async () => {
    const path = recording(VARIANTS, 'd-tracecmd', 'v7-instance.dat.gz');
    expect((await readTraceFile(path, { buffer: 'inst2' })).count).toBe(990);
    expect((await readTraceFile(path, { buffer: 'top' })).count).toBe(0);
    await expect(readTraceFile(path, { buffer: 'inst1' })).rejects.toMatchObject({
      exitCode: 2,
      hint: 'Its buffers: top, inst2.',
    });
  });
});

const first = (trace: TraceRead, event: string): PlainEvent | undefined =>
  Array.from({ length: 5000 }, (_, i) => trace.event(i)).find((e) => e.event === event);

// The events' own shapes: kernels before 6.1 have *_node events and no `node`, `accounted` or name.
describeWithData('debian-plain-510', '5.10', () => {
  test('every record is read by the formats in the file', async () => {
    const trace = await readTraceFile(recording('debian-plain-510', 'trace.dat.gz'), {
      folders: [recording('debian-plain-510')],
    });
    expect(Object.keys(trace.stats)).toEqual(['other_events']);
    expect(first(trace, 'kmalloc')).toMatchObject({ node: null, accounted: null, cache: '' });
    expect(first(trace, 'kmem_cache_alloc_node')?.node).not.toBeNull();
    expect(first(trace, 'kmem_cache_free')).toMatchObject({ cache: '' });
  });
});

describeWithData('debian-plain-7x', '7.2', () => {
  test('allocations carry the name of their cache', async () => {
    const trace = await readTraceFile(recording('debian-plain-7x', 'trace.dat.gz'), {
      folders: [recording('debian-plain-7x')],
    });
    expect(Object.keys(trace.stats)).toEqual(['other_events']);
    expect(first(trace, 'kmem_cache_alloc')?.cache).toMatch(/^\w/);
  });
});
