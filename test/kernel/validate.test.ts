// `validate` on snapshots of real kernels: every report that the kernel itself printed when it
// validated the same memory, line for line; on kernels without damage none.

import { expect, test } from 'vitest';
import { type Validation, validateRun } from '../../src/commands/validate/validate-run.ts';
import { tracedSlabs } from '../../src/commands/validate/validate-traced.ts';
import { SLAB } from '../../src/kernel/slub/slab-flags.ts';
import { openRun } from '../../src/run/open-run.ts';
import { openVmcore } from '../../src/run/open-vmcore.ts';
import type { KernelImage } from '../../src/snapshot/kernel/kernel-image.ts';
import type { SlubCache } from '../../src/snapshot/slub-walk/caches.ts';
import { snapshotCaches } from '../../src/snapshot/validate/checked-cache.ts';
import { validateTraced } from '../../src/snapshot/validate/traced-slabs.ts';
import { describeWithData, isRecorded, recordedBytes, recording } from '../helpers/data.ts';

function text(...parts: string[]): string {
  return recordedBytes(...parts).toString('latin1');
}

/** Rows of a table with a header line, by column name; `#` begins a comment. */
function table(tsv: string): Record<string, string>[] {
  const [head = '', ...lines] = tsv.split('\n').filter((l) => l !== '' && !l.startsWith('#'));
  const names = head.split('\t');
  return lines.map((l) => Object.fromEntries(l.split('\t').map((v, i) => [names[i] ?? '', v])));
}

/** What differs without being a difference: jiffies go on, and the first report taints the kernel. */
function comparable(lines: readonly string[]): string {
  return lines
    .map((line) =>
      line
        .trimEnd()
        .replace(/ \((?:Tainted: [A-Z ]*|Not tainted)\)/, '')
        .replace(/ age=\d+ /, ' age=N '),
    )
    .join('\n');
}

/** The reports of a kernel log, without their call traces. */
function kernelReports(log: string): string[] {
  const reports: string[][] = [];
  let isOpen = false;
  let isTrace = false;
  for (const raw of log.slice(log.indexOf('LAB plan done')).split('\n')) {
    const line = raw.replace(/^\[ *\d+\.\d+\] ?/, '');
    if (line.startsWith('=====')) {
      reports.push([]);
      isOpen = true;
    }
    if (line.startsWith('LAB validate')) isOpen = false;
    if (line.startsWith('CPU: ')) isTrace = true;
    const skipped = isTrace || line === 'Disabling lock debugging due to kernel taint';
    if (line === ' </TASK>') isTrace = false;
    if (isOpen && !skipped) reports.at(-1)?.push(line);
  }
  return reports.map((lines) => comparable(lines));
}

function ourText({ text }: Validation['reports'][number]): string {
  return comparable(text.split('\n').filter((line) => !line.startsWith('[not in the snapshot')));
}

const results = new Map<string, Promise<Validation>>();

/** Without the events; made once for all tests. */
function validate(name: string): Promise<Validation> {
  const result = results.get(name) ?? validateRun({ source: recording(name), history: false });
  results.set(name, result);
  return result;
}

for (const name of ['kmemleak-1cpu', 'kmemleak-612']) {
  describeWithData(name, 'validate', () => {
    test('finds nothing in a kernel without damage, and counts as the kernel’s lists do', async () => {
      const validation = await validate(name);
      expect(validation.reports).toEqual([]);
      expect(validation.notes).toEqual([]);
      expect(validation.objectsUnchecked).toBe(0);
      expectOccupancy(name, validation);
    });
  });
}

/** slub_caches.tsv: walked out of the same image. */
function expectOccupancy(name: string, { caches, slabsChecked }: Validation): void {
  const truth = table(text(name, 'slub_caches.tsv'));
  expect(caches.length).toBe(truth.length);
  const figures = (row: Record<string, string>): unknown => [
    row['cache'],
    Number(row['nr_slabs']),
    Number(row['total']),
    Number(row['allocated']),
    Number(row['free_on_cpu_freelist']),
    Number(row['free_node_partial']),
  ];
  const byName = (a: string, b: string): number => (a < b ? -1 : 1);
  const sorted = [...caches].sort((a, b) => byName(a.name, b.name));
  expect(
    sorted.map((c) => [
      c.name,
      c.slabs,
      c.objects,
      c.allocated,
      c.freeOnCpuFreelist,
      c.freeOnPartial,
    ]),
  ).toEqual(truth.sort((a, b) => byName(a['cache'] ?? '', b['cache'] ?? '')).map(figures));
  expect(slabsChecked).toBe(truth.reduce((sum, row) => sum + Number(row['nr_slabs']), 0));
}

describeWithData('latent-slub', 'validate', () => {
  test('every report of the kernel’s four passes, line for line, and no other', async () => {
    const { reports, notes } = await validate('latent-slub');
    const kernel = kernelReports(text('latent-slub', 'validate.dmesg.txt'));
    expect(kernel.length).toBe(64);
    const ours = reports.filter(({ kind, note }) => kind !== 'track' && !isSecondEntry(note));
    expect(ours.map(ourText).sort()).toEqual([...kernel].sort());
    expect(notes).toEqual([]);
    // The kernel does not look at tracks: one was planted.
    const rest = reports.filter(({ kind }) => kind === 'track');
    expect(rest.map(({ address }) => address)).toEqual(['0xffff8b79156b9640']);
    // The first that was made finds the kernel as it was, the others find it tainted by that one.
    const taints = ours.map(({ text }) => /\(Tainted: ([^)]*)\)/.exec(text)?.[1]);
    expect(taints.filter((taint) => taint === 'G           OE     ').length).toBe(1);
    expect(taints.filter((taint) => taint === 'G    B      OE     ').length).toBe(63);
  });

  test('which reports are consequences, as the recording’s own list has it', async () => {
    const { reports } = await validate('latent-slub');
    const findings = table(text('latent-slub', 'validate_findings.tsv'));
    const key = (title: string, object: bigint, first: bigint): string =>
      `${title} ${object.toString(16)} ${first.toString(16)}`;
    const mine = reports
      .filter(({ kind, note }) => kind !== 'track' && !isSecondEntry(note))
      .map((r) => {
        const isOfSlab = /^(?:Wrong object count|Padding)/.test(r.title);
        const object = isOfSlab ? 0n : BigInt(r.address ?? 0);
        return `${key(r.title, object, BigInt(r.firstByte ?? 0))} ${r.consequence}`;
      });
    const theirs = findings.map((row) => {
      const object = BigInt(`0x${row['object']}`);
      const first = BigInt(`0x${row['first']}`);
      const title = row['title']?.trim() ?? '';
      return `${key(title, object, first)} ${row['planted'] === 'consequence'}`;
    });
    expect(mine.sort()).toEqual(theirs.sort());
  });

  test('a wrong count names the object whose free pointer was planted', async () => {
    const { reports } = await validate('latent-slub');
    const planted = table(text('latent-slub', 'planted.tsv')).filter(({ kind }) =>
      ['freeptr_null', 'freeptr_skip'].includes(kind ?? ''),
    );
    expect(planted.length).toBe(2);
    for (const { object, cache } of planted) {
      const report = reports.find((r) => r.cache === cache);
      expect([cache, report?.address]).toEqual([cache, `0x${object}`]);
      expect(report?.note).toMatch(`fell off the freelist at 0x${object}: `);
    }
  });

  test('counts every cache as the kernel’s lists do, damaged lists included', async () => {
    expectOccupancy('latent-slub', await validate('latent-slub'));
  });

  test('the trace says who allocated and who freed a damaged object', async () => {
    const { reports, run, evidence } = await validateRun({
      source: recording('latent-slub'),
      history: true,
    });
    expect(run.format).toBe('trace-dat');
    expect(evidence.join('\n')).toMatch(/of \d+ objects that are live in the trace are allocated/);
    const report = reports.find(({ address }) => address === '0xffff8b792fdfc540');
    expect(report?.history?.[0]).toMatchObject({
      relation: 'object',
      bytesReq: 64,
      alloc: { comm: 'init', pid: 1, cpu: 0, symbol: 'lay+0xd2', module: 'labplant' },
      free: { comm: 'cap2', pid: 321, cpu: 1, symbol: 'docmd+0x2a7', module: 'labplant' },
    });
    // SLUB's own tracks in the image say the same of all that were ever allocated by an event.
    let compared = 0;
    for (const { history, text } of reports) {
      const [own] = history ?? [];
      const track = /^Allocated in (\S+)\/\S+ \[(\w+)\] age=\d+ cpu=(\d+) pid=(\d+)$/m.exec(text);
      if (own?.relation !== 'object' || own.alloc === null || track === null) continue;
      const { symbol, module, cpu, pid } = own.alloc;
      expect([symbol, module, String(cpu), String(pid)]).toEqual(track.slice(1));
      compared++;
    }
    expect(compared).toBeGreaterThan(40);
  });
});

describeWithData('latent-slub', 'slabs by the trace alone', () => {
  test('the same damage of bytes, in the slabs that live objects lie in, and no other', async () => {
    const source = recording('latent-slub');
    const opened = await openVmcore(recording('latent-slub', 'vmcore.elf.gz'), { source });
    const slabs = tracedSlabs(await openRun({ source }), () => true);
    const traced = validateTraced(opened.kernel, slabs);
    opened.kernel.snapshot.close();
    expect(traced.slabs).toBeGreaterThan(2500);
    const key = (kind: string, first: bigint, last: bigint): string => `${kind} ${first}-${last}`;
    const mine = traced.reports.map(({ kind, damaged }) =>
      key(kind, damaged?.first ?? 0n, damaged?.last ?? 0n),
    );
    const { reports } = await validate('latent-slub');
    const known = new Set(slabs.map(({ base }) => base));
    const expected = reports
      .filter((r) => r.firstByte !== null && !r.consequence && known.has(BigInt(r.slab ?? 0)))
      .map((r) => key(r.kind, BigInt(r.firstByte ?? 0), BigInt(r.lastByte ?? 0)));
    expect(mine.sort()).toEqual(expected.sort());
    expect(mine.length).toBeGreaterThan(40);
  });
});

/** A left red zone lies between two objects; its first byte has an entry of its own. */
function isSecondEntry(note: string | null): boolean {
  return note?.startsWith('this lies between two objects') ?? false;
}

// Both kernels ran with slub_debug=FZPU; what their caches are like was read out of their memory.
for (const [name, release] of [
  ['debug-slub', '6.1.0-56-amd64'],
  ['debug-slub-612', '6.12.117+deb12-amd64'],
  ['debug-slub-some', '6.1.0-56-amd64'],
  ['latent-slub', '6.1.0-56-amd64'],
] as const) {
  describeWithData(name, 'layouts of objects', () => {
    test.skipIf(!isRecorded(name, 'slub_caches.tsv'))(
      'every cache has the sizes that its flags ask for',
      () => {
        const rows = table(text(name, 'slub_caches.tsv'));
        const kernel = { release, layout: undefined } as unknown as KernelImage;
        const caches = snapshotCaches(kernel, rows.map(cacheOf));
        expect(caches.length).toBeGreaterThan(100);
        expect(caches.filter((c) => !c.isUnderstood).map((c) => c.cache.name)).toEqual([]);
        const withRedZone = caches.filter((c) => c.cache.redLeftPad > 0).length;
        const flagged = caches.filter((c) => (c.checked.geometry.flags & SLAB.RED_ZONE) !== 0);
        expect(flagged.length).toBe(withRedZone);
        if (name !== 'debug-slub-some') expect(withRedZone).toBeGreaterThan(100);
      },
    );
  });
}

function cacheOf(row: Record<string, string>): SlubCache {
  const number = (field: string): number => Number(row[field]);
  return {
    name: row['cache'],
    flags: number('flags'),
    size: number('size'),
    objectSize: number('object_size'),
    inuse: number('inuse'),
    offset: number('offset'),
    align: number('align'),
    redLeftPad: number('red_left_pad'),
    hasCtor: !/^0*$/.test(row['ctor'] ?? ''),
  } as SlubCache;
}
