// Traces in every form, each with an allocation of 60 bytes and its free, but where nothing can be read.

import { deflateSync, gzipSync } from 'node:zlib';
import { ToolError } from '../../../src/base/errors.ts';
import { analyseRun } from '../../../src/commands/analyze/analyse-run.ts';
import {
  headerPage,
  kfreeRecord,
  kmallocRecord,
  kmemFormats,
  PageBuilder,
  X86_64,
} from '../../helpers/builders-ring-buffer.ts';
import { buildDatV6, buildDatV7, type DatContents } from '../../helpers/builders-trace-dat.ts';
import {
  type Attr,
  Bytes,
  type PerfFile,
  perfFile,
  perfPipe,
  Records,
  tracingData,
  USUAL,
} from '../../helpers/perf-file.ts';
import {
  alloc,
  bundle,
  free,
  type Message,
  perfettoFile,
  schedSwitch,
} from '../../helpers/perfetto-file.ts';
import type { Examples } from './example.ts';

/** The format, or the error without the name of the file. */
export async function answerOfTrace(source: string): Promise<string> {
  try {
    const { run, events } = await analyseRun({ source }, false);
    const got = `${events.kmalloc} and ${events.kfree}`;
    return got === '1 and 1' ? run.format : `${run.format}, but ${got} events`;
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const why = error.message.replace(/^\S+: /, '');
    return `error ${error.exitCode}: ${why.replace(/^line \d+: /, '')}`;
  }
}

// Binary recordings

const PTR = 0xffff888004c12340n;
const SITE = 0xffffffff81000010n;
const MACHINE = X86_64;

const PAGE = new PageBuilder(MACHINE)
  .record(0, kmallocRecord(MACHINE, { site: SITE, ptr: PTR, req: 60, alloc: 64, gfp: 0xcc0 }))
  .record(5, kfreeRecord(MACHINE, { site: SITE, ptr: PTR }))
  .build(5_000_000_000n);

const DAT: DatContents = { machine: MACHINE, buffers: [{ name: '', cpus: [PAGE] }] };

const tracingEvents: Record<string, string> = {
  'tracing/events/header_page': headerPage(MACHINE),
};
for (const text of kmemFormats(MACHINE)) {
  const name = /name: (\S+)/.exec(text)?.[1] ?? '';
  const system = name === 'kernel_stack' ? 'ftrace' : 'kmem';
  tracingEvents[`tracing/events/${system}/${name}/format`] = text;
}

const ATTR: Attr = { sampleType: USUAL, ids: [11, 12] };
const records = new Records(ATTR);
const KMALLOC = records.kmalloc({ id: 11, time: 5_000_000_000n }, { ptr: PTR, req: 60, alloc: 64 });
const KFREE = records.kfree({ id: 12, time: 5_000_001_000n }, { ptr: PTR });
const PERF: PerfFile = { attrs: [ATTR], records: [KMALLOC, KFREE] };
/** The format of a probe with fields of 8 bytes. */
const probeFormat = (id: number, name: string, fields: readonly string[]): string =>
  `name: ${name}\nID: ${id}\nformat:\n${fields
    .map((field, i) => `\tfield:u64 ${field};\toffset:${8 + 8 * i};\tsize:8;\tsigned:0;\n`)
    .join('')}\nprint fmt: "", 0\n`;
const probeRecord = (time: bigint, id: number, values: readonly bigint[]): Buffer => {
  const raw = new Bytes().u16(id).u8(0, 0).u32(710);
  for (const value of values) raw.u64(value);
  return records.sample({ time, tid: 710 }, raw.buffer);
};
const PERF_PROBES = perfFile({
  attrs: [ATTR],
  records: [
    probeRecord(5_000n, 901, [SITE, 60n]),
    probeRecord(6_000n, 902, [SITE, SITE, PTR]),
    probeRecord(7_000n, 903, [SITE, PTR]),
  ],
  features: {
    1: tracingData(
      true,
      '',
      [
        probeFormat(901, 'kmalloc', ['__probe_ip', 'size']),
        probeFormat(902, 'kmalloc__return', ['__probe_func', '__probe_ret_ip', 'ret']),
        probeFormat(903, 'kfree', ['__probe_ip', 'ptr']),
      ],
      [],
    ),
  },
});
const perfThreads = perfFile({
  attrs: [ATTR],
  records: [records.finishedRound()],
  features: { 24: Buffer.alloc(8) },
});

const PERFETTO: readonly Message[] = [
  bundle(1, [
    alloc(61_000_100_000n, 710, 299, PTR, { req: 60, alloc: 64 }),
    free(61_000_200_000n, 710, 298, PTR),
  ]),
];
const PERFETTO_SCHED = perfettoFile([
  bundle(0, [schedSwitch(61_000, [7, 'sh'], [0, 'swapper/0'])]),
]);

// CTF 1.8.3, by hand
const CTF_METADATA = `/* CTF 1.8 */
typealias integer { size = 32; align = 8; signed = false; } := u32;
typealias integer { size = 64; align = 8; signed = false; } := u64;
typealias integer { size = 64; align = 8; signed = false; base = 16; } := pointer;
trace { major = 1; minor = 8; byte_order = le; packet.header := struct { u32 magic; u32 stream_id; }; };
clock { name = monotonic; freq = 1000000000; offset = 0; };
typealias integer { size = 64; align = 8; signed = false; map = clock.monotonic.value; } := stamp;
stream { id = 0; event.header := struct { u32 id; stamp timestamp; }; packet.context := struct { u32 cpu_id; }; };
event { id = 1; name = "kmem_kmalloc"; stream_id = 0; fields := struct { pointer call_site; pointer ptr; u64 bytes_req; u64 bytes_alloc; u32 gfp_flags; }; };
event { id = 2; name = "kmem_kfree"; stream_id = 0; fields := struct { pointer call_site; pointer ptr; }; };
`;

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
};
const CTF_STREAM = Buffer.concat([
  ...[u32(0xc1fc1fc1), u32(0), u32(0)],
  ...[u32(1), u64(1000n), u64(SITE), u64(PTR), u64(60n), u64(64n), u32(0xcc0)],
  ...[u32(2), u64(2000n), u64(SITE), u64(PTR)],
]);

// Texts

const ALLOC =
  'kmalloc: call_site=lamp_new+0x1a/0x60 ptr=ffff888004c12340 bytes_req=60 bytes_alloc=64 gfp_flags=GFP_KERNEL';
const FREE = 'kfree: call_site=lamp_drop+0x1a/0x60 ptr=ffff888004c12340';

/** Both events, each behind what `before` makes of its time. */
const both = (before: (time: string) => string, alloc = ALLOC, free = FREE): string =>
  `${before('61.000100')}${alloc}\n${before('61.000200')}${free}\n`;

const ftrace = (alloc = ALLOC, free = FREE): string =>
  both((time) => `           lampd-710     [001] .....    ${time}: `, alloc, free);
const NOP = '# tracer: nop\n#\n';

/** trace-cmd and perf print addresses with 0x. */
const with0x = (event: string): string => event.replace('ptr=', 'ptr=0x');
const PERF_SCRIPT = both(
  (time) => `lampd   710 [001]    ${time}: kmem:`,
  with0x(ALLOC),
  with0x(FREE),
);
const LTTNG_ALLOC =
  '{ call_site = 0xFFFFFFFF81000010, ptr = 0xFFFF888004C12340, bytes_req = 60, bytes_alloc = 64, gfp_flags = 3264 }';
const LTTNG_FREE = '{ call_site = 0xFFFFFFFF81000020, ptr = 0xFFFF888004C12340 }';
const PERF_CTF = 'perf_ip = 0xFFFFFFFF81200000, perf_tid = 710, perf_pid = 710, perf_period = 1, ';
const CSV =
  'ts,cpu,pid,event,ptr,bytes_req,bytes_alloc\n1.0,0,7,kmalloc,0xffff888004c12340,60,64\n1.1,0,7,kfree,0xffff888004c12340,,\n';

const JSON_EVENTS: readonly object[] = [
  { ts: 1.5, cpu: 0, pid: 7, event: 'kmalloc', ptr: '0xffff888004c12340', bytes_req: 60 },
  { ts: 1.75, cpu: 0, pid: 7, event: 'kfree', ptr: '0xffff888004c12340' },
];
const LATENCY_HEAD = `# tracer: nop
#
# nop latency trace v1.1.5 on 6.1.0
# --------------------------------------------------------------------
`;
const COMMENT_HEAD = '# tracer: function_graph\n#\n';
const SYSTRACE_PAGE = `<!DOCTYPE html>
<html><head><script>
${'var trace = function(line) { return line[0] / 2; };\n'.repeat(2000)}</script></head>
<body><script class="trace-data" type="application/text">
${NOP}${ftrace()}</script></body></html>
`;
const SLUB_TRACE = `[   61.000100] TRACE kmalloc-64 alloc 0xffff888004c12340 inuse=25 fp=0x0000000000000000
[   61.000101] CPU: 1 PID: 710 Comm: lampd Not tainted 6.1.0 #1
[   61.000102] Call Trace:
[   61.000103]  __kmalloc+0x284/0x2e0
[   61.000104]  lamp_new+0x1a/0x60
[   61.000200] TRACE kmalloc-64 free 0xffff888004c12340 inuse=25 fp=0x0000000000000000
[   61.000201] CPU: 1 PID: 710 Comm: lampd Not tainted 6.1.0 #1
[   61.000202] Call Trace:
[   61.000203]  kfree+0x106/0x140
[   61.000204]  lamp_drop+0x1a/0x60
`;
const lttng = (alloc: string, free: string, contexts = ''): string =>
  `[10:04:11.000000100] (+?.?????????) host kmem_kmalloc: { cpu_id = 1 }, ${contexts}${alloc}\n` +
  `[10:04:11.000000200] (+0.000000100) host kmem_kfree: { cpu_id = 1 }, ${contexts}${free}\n`;

export const TRACES: Examples = {
  'trace-cmd record, version 6': buildDatV6(DAT).bytes,
  'trace-cmd record, version 7': buildDatV7(DAT).bytes,
  'trace-cmd record, version 7, compressed': buildDatV7({ ...DAT, compression: 'zlib' }).bytes,
  'a trace.dat without kmem events': buildDatV6({
    ...DAT,
    buffers: [{ name: '', cpus: [Buffer.alloc(0)] }],
  }).bytes,
  'perf record': perfFile(PERF),
  'perf record to a pipe': perfPipe(PERF),
  'perf record of probes (perf probe)': PERF_PROBES,
  'perf record --kcore (a folder)': {
    files: { 'perf.data/data': perfFile(PERF), 'perf.data/kcore_dir/kcore': '' },
  },
  'perf record --threads (a folder)': {
    files: { data: perfThreads, 'data.0': KMALLOC, 'data.1': KFREE },
  },
  'perfetto (protobuf)': perfettoFile(PERFETTO),
  'perfetto, with packed packets (compression_type)': perfettoFile([
    [[50, deflateSync(perfettoFile(PERFETTO))]],
  ]),
  'perfetto without kmem events': PERFETTO_SCHED,
  'trace_pipe_raw.cpuN beside tracing/events': {
    files: { ...tracingEvents, 'trace_pipe_raw.cpu0': PAGE, 'trace_pipe_raw.cpu1': '' },
  },
  'trace_pipe_raw.cpuN beside head.dat': {
    files: {
      'head.dat': buildDatV6({ machine: MACHINE, buffers: [] }).bytes,
      'trace_pipe_raw.cpu0': PAGE,
    },
  },
  'CTF of LTTng (a folder)': {
    files: { 'kernel/metadata': CTF_METADATA, 'kernel/channel0_0': CTF_STREAM },
    tools: ['babeltrace2'],
  },
  CSV: CSV,
  'JSON, an object a line': JSON_EVENTS.map((each) => `${JSON.stringify(each)}\n`).join(''),
  'JSON, an array of objects': JSON.stringify(JSON_EVENTS, null, 2),
  '/sys/kernel/tracing/trace': NOP + ftrace(),
  trace_pipe: ftrace(),
  'with TGID (options/record-tgid)': both(
    (time) => `  lampd-710   (    710) [001] .....    ${time}: `,
  ),
  'without flags (options/irq-info off)': both(
    (time) => `           lampd-710   [001]    ${time}: `,
  ),
  'latency-format':
    LATENCY_HEAD + both((time) => `   lampd-710       1..... ${time.slice(3)}us : `),
  'latency-format with verbose':
    LATENCY_HEAD +
    both(
      (time) =>
        `   lampd     710   1 0 00000000 0000000e [00cd6${time.slice(-3)}] 27.927ms (+0.003ms): `,
    ),
  'with addresses behind names (options/sym-addr)': ftrace(
    ALLOC.replace('0x60', '0x60 <ffffffffc0001010>'),
  ),
  'options/fields': ftrace(
    'kmalloc: call_site=0xffffffffada69076 (-1381592970) ptr=0xffff888004c12340 (-131391560179904) bytes_req=0x3c (60) bytes_alloc=0x40 (64) gfp_flags=0xcc0 (3264) node=0xffffffff (-1)',
    'kfree: call_site=0xffffffffada69076 (-1381592970) ptr=0xffff888004c12340 (-131391560179904)',
  ),
  'with stacks (options/stacktrace, triggers)': ftrace().replace(
    '\n',
    '\n           lampd-710     [001] .....    61.000101: <stack trace>\n => __kmalloc\n => lamp_new\n',
  ),
  'times without task and CPU': both((time) => `    ${time}: `),
  'the comments of function_graph': both(
    (time) => ` ${time} |   1)               |  /* `,
    `${ALLOC} */`,
    `${FREE} */`,
  ).replace(/^/, COMMENT_HEAD),
  'in a kernel log (ftrace_dump_on_oops)': both(
    (time) => `[   99.200000] lampd-710     1.....  ${time.replace('.', '')}us : `,
  ),
  'in a kernel log (tp_printk)': both((time) => `[   ${time}] `),
  'in syslog': both(
    (time) => `May  8 10:39:46 host1 kernel: [   ${time}] lampd-710  [001] ..... ${time}: `,
  ),
  'quoted in a mail': ftrace().replace(/^/gm, '> > '),
  'a mail in quoted-printable': ftrace()
    .replaceAll('=', '=3D')
    .replaceAll(' bytes_alloc', '=\n bytes_alloc'),
  'between lines of prose': `I traced it:\n...\n${ftrace()}...\nand that was all.\n`,
  'Android (atrace, adb)': both((time) => `          lampd-710   (  710) [001] ...1    ${time}: `),
  'a page of systrace': SYSTRACE_PAGE,
  'options/hex': `${NOP}00000001 00000001 000000032234a85c type: 550\n`,
  'options/raw': `${NOP}1 1 13458778204 type: 550\n`,
  'trace-cmd report': `cpus=2\n${ftrace(with0x(ALLOC), with0x(FREE))}`,
  'trace-cmd report -R': `cpus=2\n${ftrace(with0x(ALLOC).replace('GFP_KERNEL', '0xcc0'), with0x(FREE))}`,
  'trace-cmd report -l': `cpus=2\n${both((time) => `   lampd-710     1.....    ${time}: `, with0x(ALLOC), with0x(FREE))}`,
  'perf script': PERF_SCRIPT,
  'perf script --ns': PERF_SCRIPT.replaceAll('00:', '00123:'),
  'perf script -g': PERF_SCRIPT.replaceAll(
    '\n',
    '\n\tffffffffb1a4c2d1 lamp_new+0x1a ([kernel.kallsyms])\n\n',
  ),
  'perf script -F without trace': PERF_SCRIPT.replace(/: call_site.*/gm, ': '),
  'perf script --deltatime': [0, 6, 1, 2, 0, 5, 1, 3]
    .map(
      (us) => `lampd   710 [001]     0.00000${us}: kmem:${with0x(us % 2 === 0 ? ALLOC : FREE)}\n`,
    )
    .join(''),
  "SLUB's TRACE lines in a kernel log": SLUB_TRACE,
  'babeltrace of LTTng': lttng(LTTNG_ALLOC, LTTNG_FREE),
  'babeltrace of LTTng, with contexts': lttng(
    LTTNG_ALLOC,
    LTTNG_FREE,
    '{ procname = "lampd", tid = 710 }, ',
  ),
  'babeltrace of perf data convert': lttng(LTTNG_ALLOC, LTTNG_FREE)
    .replaceAll('host kmem_k', 'kmem:k')
    .replaceAll('{ call_site', `{ ${PERF_CTF}call_site`),
  'babeltrace2 --names=none':
    '[10:04:11.000000100] (+?.?????????) host kmem_kmalloc: { 1 }, { 0xBF083A6C, 0xCDEB5C00, 712, 1024, 208 }\n' +
    '[10:04:11.000000200] (+0.000000100) host kmem_kfree: { 1 }, { 0xBF083B00, 0xCDEB5C00 }\n',
  'any of them, packed with gzip': gzipSync(NOP + ftrace()),
};
