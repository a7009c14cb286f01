// Raw pages as `cat per_cpu/cpuN/trace_pipe_raw` keeps them: a file for each CPU, described by the
// files beside them.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { detectFormat } from '../../../../src/ingest/formats.ts';
import { cpuFiles, isCpuFileName } from '../../../../src/ingest/raw-pages/cpu-files.ts';
import { guessLayout } from '../../../../src/ingest/raw-pages/page-guess.ts';
import {
  ARM32,
  headerPage,
  kfreeRecord,
  kmemFormats,
  type Machine,
  PageBuilder,
  PPC32,
  packed,
  S390X,
  X86_64,
} from '../../../helpers/builders-ring-buffer.ts';
import { buildDatV6, buildDatV7 } from '../../../helpers/builders-trace-dat.ts';
import {
  type PlainEvent,
  readTraceBytes,
  readTraceFile,
  type TraceRead,
} from '../../../helpers/read-trace.ts';

const MACHINES = { X86_64, S390X, PPC32, ARM32 };

function page(stamp: number, machine: Machine = X86_64, missed = 0): Buffer {
  const record = kfreeRecord(machine, { site: 0x81000020n, ptr: BigInt(stamp) });
  return new PageBuilder(machine).record(0, record).record(1, record).build(BigInt(stamp), missed);
}

/** tracing/events as the folder of a recording has it. */
function described(machine: Machine): Record<string, string> {
  const files: Record<string, string> = { 'tracing/events/header_page': headerPage(machine) };
  for (const text of kmemFormats(machine)) {
    const name = /name: (\S+)/.exec(text)?.[1] ?? '';
    files[`tracing/events/${name === 'kernel_stack' ? 'ftrace' : 'kmem'}/${name}/format`] = text;
  }
  return files;
}

const head = (machine: Machine): Buffer =>
  buildDatV6({
    machine,
    cmdlines: '1 first\n',
    kallsyms: 'ffffffff81000000 T _stext\n',
    buffers: [],
  }).bytes;

const brief = (events: readonly PlainEvent[]): string[] =>
  events.map((e) => `${e.ns} ${e.cpu} ${e.event} ${e.comm}`);

describe.each(Object.entries(MACHINES))('%s', (_, machine) => {
  const bytes = Buffer.concat([page(100, machine), page(200, machine, 17)]);
  const expected = (comm: string): string[] => [
    `100 0 kfree ${comm}`,
    `101 0 kfree ${comm}`,
    '200 0 lost ',
    `200 0 kfree ${comm}`,
    `201 0 kfree ${comm}`,
  ];

  test('described by tracing/events', async () => {
    const trace = await readTraceBytes(bytes, { sidecars: described(machine) });
    expect(trace.format).toBe('raw-pages');
    expect(brief(trace.events())).toEqual(expected('<...>'));
    expect(trace.stats).toEqual({ lost_events: 17 });
    expect(trace.info).toMatchObject({ clock: null, cpus: 1, pointerBytes: machine.longSize });
  });

  test('described by formats alone: the layout is seen in the pages', async () => {
    const { 'tracing/events/header_page': _header, ...formats } = described(machine);
    expect(brief((await readTraceBytes(bytes, { sidecars: formats })).events())).toEqual(
      expected('<...>'),
    );
  });

  test('described by head.dat', async () => {
    const trace = await readTraceBytes(bytes, { sidecars: { 'head.dat': head(machine) } });
    expect(brief(trace.events())).toEqual(expected('first'));
  });

  test('what is beside them tells clock, tasks and losses', async () => {
    const sidecars = {
      ...described(machine),
      trace_clock: 'local global [boot]\n',
      saved_cmdlines: '1 second name\n',
      'cpu0.stats': 'overrun: 17\ncommit overrun: 2\ndropped events: 3\n',
    };
    const trace = await readTraceBytes(bytes, { sidecars });
    expect(trace.info.clock).toBe('boot');
    expect(trace.event(0).comm).toBe('second name');
    expect(trace.events().at(-1)).toMatchObject({ event: 'lost', bytesReq: 3 });
    expect(trace.stats).toEqual({ lost_events: 17 + 2 + 3 });
  });

  test('the layout is guessed from the pages', () => {
    expect(guessLayout(bytes)).toEqual(machine);
    const large = { ...machine, pageSize: 16384 };
    expect(guessLayout(Buffer.concat([page(1, large), page(2, large)]))).toEqual(large);
  });
});

test('the head of a version 7 describes pages too', async () => {
  const sidecars = { 'head.dat': buildDatV7({ buffers: [] }).bytes };
  expect((await readTraceBytes(page(5), { sidecars })).count).toBe(2);
});

describe('what is no page of a ring buffer', () => {
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a few bytes', Buffer.alloc(12)],
    ['zeros', Buffer.alloc(65536)],
    ['ones', Buffer.alloc(65536, 0xff)],
    ['text', Buffer.from('kfree: call_site=foo ptr=1\n'.repeat(1000))],
    ['an event without a number', new PageBuilder().record(0, Buffer.alloc(16)).build(1n)],
  ])('%s', (_, bytes) => expect(guessLayout(bytes)).toBeUndefined());

  test('a first page that has no records, as a CPU may have it, is passed over', () => {
    const empty = new PageBuilder().build(50n);
    expect(guessLayout(Buffer.concat([empty, page(100)]))).toEqual(X86_64);
  });
});

describe('errors', () => {
  test('nothing that describes the pages', async () => {
    await expect(readTraceBytes(page(1))).rejects.toMatchObject({
      exitCode: 65,
      message: 'test-input: raw ring-buffer pages, and nothing that describes them',
      hint: expect.stringContaining('head.dat'),
    });
  });

  test('a header_page of another kernel', async () => {
    const other = headerPage({ ...X86_64, pageSize: 8192 });
    const sidecars = { ...described(X86_64), 'tracing/events/header_page': other };
    const bytes = Buffer.concat([page(1), Buffer.alloc(4096, 0xff)]);
    await expect(readTraceBytes(bytes, { sidecars, format: 'raw-pages' })).resolves.toBeDefined();
    const damaged = Buffer.from(bytes);
    packed(X86_64, [8, 8190]).copy(damaged, 8);
    await expect(readTraceBytes(damaged, { sidecars, format: 'raw-pages' })).rejects.toMatchObject({
      exitCode: 65,
      hint: expect.stringContaining('same kernel'),
    });
  });

  test('a damaged head.dat', async () => {
    const sidecars = { 'head.dat': head(X86_64).subarray(0, 300) };
    await expect(readTraceBytes(page(1), { sidecars })).rejects.toMatchObject({
      exitCode: 65,
      message: expect.stringContaining('the file ends after 300 bytes inside '),
    });
  });

  test('raw pages have no buffers', async () => {
    const options = { sidecars: described(X86_64), buffer: 'in' };
    await expect(readTraceBytes(page(1), options)).rejects.toMatchObject({ exitCode: 2 });
  });
});

describe('a folder', () => {
  let folder = '';
  const path = (name: string): string => join(folder, name);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'slabreplay-raw-'));
    writeFileSync(path('head.dat'), head(X86_64));
    return () => rmSync(folder, { recursive: true, force: true });
  });

  const read = (name: string): Promise<TraceRead> =>
    readTraceFile(path(name), { folders: [folder] });

  test('the files of all CPUs are read, whichever is named', async () => {
    writeFileSync(path('trace_pipe_raw.cpu0'), page(100));
    writeFileSync(path('trace_pipe_raw.cpu1.gz'), gzipSync(page(50)));
    writeFileSync(path('trace_pipe_raw.cpu10'), Buffer.concat([page(75), page(150)]));
    writeFileSync(path('trace_pipe_raw.cpu2'), Buffer.alloc(0));
    writeFileSync(path('other.cpu3'), page(1));
    const expected = [50, 75, 100, 150].flatMap((ns, i) =>
      [0, 1].map((n) => `${ns + n} ${[1, 10, 0, 10][i]} kfree first`),
    );
    for (const name of ['cpu0', 'cpu1.gz', 'cpu10', 'cpu2']) {
      const trace = await read(`trace_pipe_raw.${name}`);
      expect(brief(trace.events())).toEqual(expected);
      expect(trace.info.cpus).toBe(4);
      expect(trace.stats).toEqual({});
    }
  });

  test('a file that ends inside a page is read up to there; the place names the file', async () => {
    writeFileSync(path('trace_pipe_raw.cpu0'), page(100));
    const cut = Buffer.concat([page(50), page(60)]).subarray(0, 4096 + 45);
    writeFileSync(path('trace_pipe_raw.cpu1'), cut);
    const trace = await read('trace_pipe_raw.cpu0');
    expect(brief(trace.events())).toEqual([
      '50 1 kfree first',
      '51 1 kfree first',
      '60 1 kfree first',
      '60 1 lost ',
      '100 0 kfree first',
      '101 0 kfree first',
    ]);
    expect(trace.stats).toEqual({ truncated: 1 });
    expect(trace.positions['truncated']).toBe('trace_pipe_raw.cpu1 byte 4141');
  });

  test('the same pages give the same events as the trace.dat that holds them', async () => {
    const cpus = [Buffer.concat([page(100), page(200, X86_64, 3)]), page(150)];
    for (const [cpu, bytes] of cpus.entries())
      writeFileSync(path(`trace_pipe_raw.cpu${cpu}`), bytes);
    const dat = buildDatV7({ cmdlines: '1 first\n', buffers: [{ name: '', cpus }] }).bytes;
    const raw = await read('trace_pipe_raw.cpu1');
    const expected = await readTraceBytes(dat);
    expect(raw.events()).toEqual(expected.events());
    expect(raw.count).toBe(7);
    expect(raw.stats).toEqual(expected.stats);
  });

  test('of a file that is there twice the named one is taken', () => {
    for (const name of ['x.cpu0', 'x.cpu0.gz', 'x.cpu1', 'x.cpu99999', 'y.cpu0', 'x.cpu']) {
      writeFileSync(path(name), '');
    }
    const names = (name: string): string[] =>
      cpuFiles(path(name)).map((file) => `${file.cpu} ${file.path.slice(folder.length + 1)}`);
    expect(names('x.cpu1')).toEqual(['0 x.cpu0', '1 x.cpu1']);
    expect(names('x.cpu0.gz')).toEqual(['0 x.cpu0.gz', '1 x.cpu1']);
    expect(names('pages')).toEqual(['0 pages']);
    expect(isCpuFileName(path('trace.dat.cpu3.gz'))).toBe(true);
    expect(isCpuFileName(path('trace.dat'))).toBe(false);
  });
});

test('an empty file of a CPU is raw pages by its name', async () => {
  const none = Buffer.alloc(0);
  expect((await detectFormat(none, 'trace_pipe_raw.cpu0')).name).toBe('raw-pages');
  await expect(detectFormat(none, 'trace_pipe')).rejects.toThrow('the file is empty');
});
