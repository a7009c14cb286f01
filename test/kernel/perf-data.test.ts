// perf.data recorded from real kernels against what perf itself printed of it: perf script (which cuts
// times to microseconds unless it is given --ns), perf kmem stat, and the counts of perf report -D.

import { expect, test } from 'vitest';
import { perfKmemRun } from '../../src/commands/perfkmem/perf-kmem-run.ts';
import { readEvents } from '../../src/ingest/read-events.ts';
import { Dictionary } from '../../src/kernel/events/dictionary.ts';
import { createBatch } from '../../src/kernel/events/event-batch.ts';
import { formatGfpFlags } from '../../src/kernel/events/gfp-flags.ts';
import { ModuleMap } from '../../src/kernel/symbols/module-map.ts';
import { SymbolTable } from '../../src/kernel/symbols/symbols.ts';
import { describeWithData, recordedBytes, recording } from '../helpers/data.ts';
import { type PlainEvent, readTraceFile, type TraceRead } from '../helpers/read-trace.ts';

/** Names addresses `ADDRESS symbol+0xoff`, by the recording's kallsyms. */
function siteNamer(name: string): (hi: number, lo: number) => string {
  const symbols = new SymbolTable(recordedBytes(name, 'kallsyms.txt'));
  return (hi, lo) => {
    const found = symbols.resolve(hi, lo);
    const name = found === undefined ? '' : `${found.name}+0x${found.offset.toString(16)}`;
    return `${hi.toString(16)}${lo.toString(16).padStart(8, '0')} ${name}`;
  };
}

/** One event as perf script prints it. */
interface Printed {
  readonly task: string;
  readonly cpu: number;
  readonly time: string;
  readonly event: string;
  readonly fields: string;
  /** Addresses of the kernel's frames; of several names of one address perf prints another. */
  readonly frames: string[];
}

//             perf  1002 [000]   144.249187:          kmem:kmalloc: call_site=f+0x1b ptr=0xffff8c83c92b00e8 …
//             perf  1002 [000]   144.249187862:          kmem:kmalloc: … ffffffffa48b95b7 __kmalloc_node+0xa7
const EVENT =
  /^\s*(.+?\s+-?\d+)\s+\[(\d+)\]\s+([\d.]+):\s+kmem:(\w+): (.*?)(?: ffff[0-9a-f]{12} \S+)?$/;
// \tffffffffa48b95b7 __kmalloc_node+0xa7 ([kernel.kallsyms])
const FRAME = /^\t(ffff[0-9a-f]{12}) .* \(\[.*\]\)$/;

function readScript(...path: string[]): Printed[] {
  const events: Printed[] = [];
  for (const line of recordedBytes(...path)
    .toString()
    .split('\n')) {
    const [, task, cpu, time = '', event = '', fields = ''] = EVENT.exec(line) ?? [];
    if (task !== undefined) {
      events.push({ task, cpu: Number(cpu), time, event, fields, frames: [] });
      continue;
    }
    const frame = FRAME.exec(line)?.[1];
    if (frame !== undefined) events.at(-1)?.frames.push(frame);
  }
  return events;
}

/** An event as perf script would print it. */
function print(e: PlainEvent, trace: TraceRead, timeDigits: number): Printed {
  const ns = (e.ns % 1000000000n).toString().padStart(9, '0');
  const words = [
    `call_site=${e.site.split(' ')[1]}`,
    `ptr=${e.ptr === 0n ? '(nil)' : `0x${e.ptr.toString(16)}`}`,
  ];
  if (e.gfp !== null) {
    words.push(`bytes_req=${e.bytesReq}`, `bytes_alloc=${e.bytesAlloc}`);
    words.push(`gfp_flags=${formatGfpFlags(e.gfp, trace.info.gfpNames ?? [])}`);
    words.push(`node=${e.node}`, `accounted=${e.accounted}`);
  } else if (e.event === 'kmem_cache_free') words.push(`name=${e.cache}`);
  return {
    task: `${e.comm} ${e.pid}`,
    cpu: e.cpu,
    time: `${e.ns / 1000000000n}.${ns.slice(0, timeDigits)}`,
    event: e.event,
    fields: words.join(' '),
    frames: e.stack.map((frame) => frame.split(' ')[0] ?? ''),
  };
}

/** Positions and contents of what differs. */
function differences(ours: readonly Printed[], perfs: readonly Printed[]): unknown[] {
  const different: unknown[] = [];
  for (let i = 0; i < Math.max(ours.length, perfs.length); i++) {
    const a = ours[i];
    const b = perfs[i];
    if (a === undefined || b === undefined) {
      different.push({ i, a, b });
      continue;
    }
    // perf has no number for a thread that has ended; the tracepoint's record still has it.
    const task = /^:-1\s+-1$/.test(b.task) ? a.task : b.task.replace(/\s+(\d+)$/, ' $1');
    const same = { ...b, task };
    if (JSON.stringify(a) !== JSON.stringify(same)) different.push({ i, a, b });
  }
  return different.slice(0, 3);
}

const CASES = [
  ['debian-variants', 'plain', 'plain.script', 47950],
  ['debian-variants', 'plain', 'plain.script-ns', 47950],
  ['debian-variants', 'kmem', 'kmem.script', 45422],
  ['debian-variants', 'g', 'g.script', 3079],
  ['debian-variants', 'z', 'z.script', 4145],
  ['debian-variants', 'lost', 'lost.script', 8033],
  ['debian-variants-612', 'plain', 'plain.script', 49402],
  ['debian-variants-612', 'plain', 'plain.script-ns', 49402],
  ['debian-variants-612', 'g', 'g.script', 3479],
  ['debian-variants-612', 'z', 'z.script', 4261],
  ['debian-variants-612', 'lost', 'lost.script', 10372],
] as const;

for (const name of ['debian-variants', 'debian-variants-612']) {
  describeWithData(name, 'perf.data against perf script', () => {
    test.each(CASES.filter((one) => one[0] === name))(
      '%s %s.data: the events of %s',
      async (_, file, script, count) => {
        const nameSite = siteNamer(name);
        const trace = await readTraceFile(recording(name, 'f-perf', `${file}.data.gz`), {
          nameSite,
        });
        const perfs = readScript(name, 'f-perf', `${script}.txt`);
        const events = trace.events().filter((e) => e.event !== 'lost');
        const digits = perfs[0]?.time.split('.')[1]?.length ?? 0;
        const ours = events.map((e) => print(e, trace, digits));
        expect(trace.format).toBe('perf-data');
        expect(events.length).toBe(count);
        // The text with nanoseconds was cut after 20,000 lines.
        expect(perfs.length).toBe(digits === 9 ? 20000 : count);
        expect(differences(ours.slice(0, perfs.length), perfs)).toEqual([]);
        expect(trace.stats['bad_record']).toBeUndefined();
        expect(trace.stats['backward_steps']).toBeUndefined();
      },
    );
  });
}

describeWithData('debian-variants', 'what perf.data says beside events', () => {
  test('the machine and its clock', async () => {
    const { info, stats } = await readTraceFile(
      recording('debian-variants', 'f-perf', 'plain.data.gz'),
    );
    expect(info.kernelRelease).toBe('6.1.0-56-amd64');
    expect(info.cpus).toBe(2);
    expect(info.clock).toBe('perf');
    expect(info.pageSize).toBe(4096);
    expect(info.originNs).toBe(144249187862n);
    expect(stats).toEqual({});
  });

  // 1 153310812313 0xa168 [0x38]: PERF_RECORD_LOST: id:81: lost:139
  // 1 153451529856 0xd64d0 [0x38]: PERF_RECORD_LOST: id:77: lost:83
  // and LOST_SAMPLES that count the same 222 once more
  test('lost events stand where they were lost, and count once', async () => {
    const trace = await readTraceFile(recording('debian-variants', 'f-perf', 'lost.data.gz'));
    const lost = trace.events().filter((e) => e.event === 'lost');
    expect(lost.map((e) => [e.ns, e.cpu, e.bytesReq, e.pid])).toEqual([
      [153310812313n, 1, 139, null],
      [153451529856n, 1, 83, null],
    ]);
    expect(trace.stats).toEqual({ lost_events: 222 });
  });

  // In the file 45,650 depths are 1, 2,082 are 2, 216 are 3, and one each 4 and 5: perf leaves the
  // tracepoint's own preempt_disable() in.
  test('preempt depths are those of the callers', async () => {
    const trace = await readTraceFile(recording('debian-variants', 'f-perf', 'plain.data.gz'));
    const counts = new Map<number, number>();
    for (const { flags } of trace.events()) {
      const depth = ((flags ?? -1) >> 8) & 0xf;
      counts.set(depth, (counts.get(depth) ?? 0) + 1);
    }
    expect([...counts].sort()).toEqual([
      [0, 45650],
      [1, 2082],
      [2, 216],
      [3, 1],
      [4, 1],
    ]);
  });

  test('places of the kernel and its modules', async () => {
    const { sidecars } = await readEvents(
      {
        path: recording('debian-variants', 'f-perf', 'plain.data.gz'),
        format: undefined,
        sidecarFolders: [],
        buffer: undefined,
        tmp: undefined,
      },
      new Dictionary(),
      {
        emit: () => undefined,
        obtain: () => createBatch(),
        progress: () => undefined,
        stopped: false,
        opened: () => undefined,
      },
    );
    const map = ModuleMap.parse(sidecars.text('kernel_maps.txt') ?? '');
    // [0xffffffffa4600000(0xe01d32) @ 0xffffffffa4600000]: x [kernel.kallsyms]_text
    // [0xffffffffc056b000(0xc000) @ 0]: x [virtio_ring]
    expect(map.length).toBe(12);
    expect(map.find(0xffffffff, 0xa48b95b7)).toEqual({
      name: 'kernel',
      start: 0xffffffffa4600000n,
      size: 0xe01d32,
      buildId: 'eb4fbcd037e7253717950bf2b93bd5566f47c56f',
    });
    expect(map.find(0xffffffff, 0xc0570000)?.name).toBe('virtio_ring');
    expect(map.find(0xffffffff, 0xc0577000)).toBeUndefined();
  });
});

describeWithData('debian-variants', 'perf.data through perf kmem', () => {
  test('the summary of perf kmem stat', async () => {
    const text = recordedBytes('debian-variants', 'f-perf', 'kmem-stat.txt').toString();
    expect(text).toContain('Total bytes requested: 43568427\n');
    const { result } = await perfKmemRun(
      { source: recording('debian-variants', 'f-perf', 'kmem.data.gz') },
      { callerSort: null, allocSort: null },
    );
    // Total bytes requested: 43568427 … Cross CPU allocations: 0/20535
    expect(result.summary).toMatchObject({
      bytesReq: 43568427,
      bytesAlloc: 43702384,
      bytesFreed: 44065896,
      allocs: 20535,
      crossCpuAllocs: 0,
    });
  });
});
