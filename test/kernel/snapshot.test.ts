// Snapshots of real kernels, held to what the kernels themselves said at that instant: every slot of
// every slab, every cache's fields, registers, vmalloc areas, symbols, structure layouts, planted bytes.

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hiOf, joinHalves, loOf } from '../../src/base/address.ts';
import { SymbolTable } from '../../src/kernel/symbols/symbols.ts';
import { Findings } from '../../src/snapshot/findings.ts';
import { readImageSymbols } from '../../src/snapshot/kernel/image-symbols.ts';
import {
  type KernelImage,
  openKernel,
  openSharedKernel,
  shareKernel,
} from '../../src/snapshot/kernel/kernel-image.ts';
import { readCpus } from '../../src/snapshot/kernel/per-cpu.ts';
import { readTasks } from '../../src/snapshot/kernel/tasks.ts';
import { openSnapshot, type Snapshot } from '../../src/snapshot/memory/open-snapshot.ts';
import type { PhysicalMemory } from '../../src/snapshot/memory/physical-memory.ts';
import { SlabIndex } from '../../src/snapshot/slub-walk/slab-index.ts';
import { openSlub, type SlubImage, walkSlabs } from '../../src/snapshot/slub-walk/walk-slabs.ts';
import { countOccupancy } from '../helpers/count-occupancy.ts';
import { describeWithData, recordedBytes, recording } from '../helpers/data.ts';
import { describeWithTools } from '../helpers/tools.ts';

interface Truth {
  readonly name: string;
  readonly release: string;
  readonly cpus: number;
  /** Free objects that planted damage cut off their freelist: the walk sees them as allocated. */
  readonly cutOff: number;
}

const RECORDINGS: readonly Truth[] = [
  { name: 'kmemleak-1cpu', release: '6.1.192-lab', cpus: 1, cutOff: 0 },
  { name: 'kmemleak-612', release: '6.12.117-lab612', cpus: 2, cutOff: 0 },
  { name: 'latent-slub', release: '6.1.0-56-amd64', cpus: 2, cutOff: 5 },
];

function text(name: string, file: string): string {
  return recordedBytes(name, file).toString('latin1');
}

/** Rows of a table with a header line, by column name. */
function table(tsv: string): Record<string, string>[] {
  const [head = '', ...lines] = tsv.split('\n').filter((l) => l !== '');
  const names = head.replace('# ', '').split('\t');
  return lines
    .filter((l) => !l.startsWith('#'))
    .map((l) => Object.fromEntries(l.split('\t').map((v, i) => [names[i] ?? '', v])));
}

async function openRecording(name: string): Promise<KernelImage> {
  const snapshot = await openSnapshot(recording(name, 'vmcore.elf.gz'));
  return openWith(name, snapshot);
}

function openWith(name: string, snapshot: Snapshot): Promise<KernelImage> {
  const kallsyms = new SymbolTable(recordedBytes(name, 'kallsyms.txt'));
  const files = { kallsyms, release: undefined, btfPath: undefined, structOffsets: undefined };
  return openKernel(snapshot, files);
}

function slubOf(kernel: KernelImage): SlubImage {
  const slub = openSlub(kernel);
  if ('reason' in slub) throw new Error(slub.reason);
  return slub;
}

function memoryOf({ snapshot }: KernelImage): PhysicalMemory {
  if (snapshot.kind !== 'physical') throw new Error('printed words');
  return snapshot.memory;
}

/** slub_truth.tsv: cache, object, state, slab, where, index. */
function slotTruth(name: string): Map<string, string> {
  const slots = new Map<string, string>();
  for (const line of text(name, 'slub_truth.tsv').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [cache, object = '', ...rest] = line.split('\t');
    slots.set(object, [cache, ...rest].join(' '));
  }
  return slots;
}

for (const { name, release, cpus, cutOff } of RECORDINGS) {
  describeWithData(name, 'a snapshot of a real kernel', () => {
    let kernel: KernelImage;
    beforeAll(async () => {
      kernel = await openRecording(name);
    });
    afterAll(() => kernel.snapshot.close());

    test('is found to be what it is', () => {
      expect(kernel.snapshot.format).toBe('ELF core');
      expect(kernel.release).toBe(release);
      expect(kernel.symbols.agreement).toBe('same');
      expect(kernel.layout?.source).toMatch(/^BTF in the image/);
      expect(readCpus(kernel).map((c) => c.cpu)).toEqual([...Array(cpus).keys()]);
      expect(kernel.snapshot.findings.list()).toEqual([]);
    });

    test('every slot of every slab is as the kernel’s lists had it', () => {
      const slots = slotTruth(name);
      const total = slots.size;
      let equal = 0;
      let cut = 0;
      const others: string[] = [];
      const findings = new Findings();
      walkSlabs(
        slubOf(kernel),
        (slab) => {
          const { size, redLeftPad } = slab.cache;
          const base = joinHalves(slab.hi, slab.lo);
          const number = slab.placeNumber;
          const where = { cpu: `cpu${number}`, 'cpu-partial': `cpupartial${number}` }[
            slab.place as string
          ];
          for (const [i, state] of slab.states.entries()) {
            const object = (base + BigInt(redLeftPad + i * size)).toString(16);
            const tail = `${base.toString(16)} ${where ?? slab.place} ${i}`;
            const mine = `${slab.cache.name} ${'AFC'[state]} ${tail}`;
            const truth = slots.get(object);
            slots.delete(object);
            if (truth === mine) equal++;
            else if (truth === `${slab.cache.name} X ${tail}` && state === 0) cut++;
            else others.push(`${object} ${mine}, in truth ${truth}`);
          }
        },
        findings,
      );
      expect(others.slice(0, 5)).toEqual([]);
      expect([...slots.keys()].slice(0, 5)).toEqual([]);
      expect(cut).toBe(cutOff);
      expect(equal).toBe(total - cutOff);
      // Four planted free pointers are damaged; one of the slabs is found by its count alone.
      const expected = cutOff === 0 ? [] : ['freelist_broken', 'freelist_count'];
      expect(
        findings
          .list()
          .map((f) => f.name)
          .sort(),
      ).toEqual(expected);
    });

    test('every cache has its fields, and its counts by list', () => {
      const slub = slubOf(kernel);
      const counts = countOccupancy(slub, new Findings());
      const truth = table(text(name, 'slub_caches.tsv'));
      expect(slub.caches.length).toBe(truth.length);
      const rows = new Map(truth.map((row) => [row['addr'], row]));
      for (const [i, cache] of slub.caches.entries()) {
        const row = rows.get(cache.address.toString(16));
        const count = counts[i];
        const lost = row?.['cache']?.startsWith('lp_f') ? Number(row['total']) : 0;
        expect(row?.['cache']).toBe(cache.name);
        const mine = {
          flags: `0x${cache.flags.toString(16)}`,
          size: cache.size,
          object_size: cache.objectSize,
          inuse: cache.inuse,
          offset: cache.offset,
          align: cache.align,
          red_left_pad: cache.redLeftPad,
          order: cache.oo.order,
          objperslab: cache.oo.objects,
          min_order: cache.min.order,
          refcount: cache.refcount,
          cpu_partial: cache.cpuPartial,
          cpu_partial_slabs: cache.cpuPartialSlabs,
          min_partial: cache.minPartial,
          slabs_cpu: count?.slabsOnCpu,
          slabs_cpupartial: count?.slabsOnCpuPartial,
          slabs_nodepartial: count?.slabsOnPartial,
          slabs_full: count?.slabsFull,
          nr_slabs: count?.slabs,
          total: count?.objects,
          ...(lost > 0
            ? {}
            : {
                allocated: count?.allocated,
                free_on_cpu_freelist: count?.freeOnCpuFreelist,
                free_cpu_slab: count?.freeOnCpuSlab,
                free_cpupartial: count?.freeOnCpuPartial,
                free_node_partial: count?.freeOnPartial,
              }),
        };
        const theirs = Object.fromEntries(Object.keys(mine).map((k) => [k, row?.[k]]));
        expect([cache.name, theirs]).toEqual([
          cache.name,
          Object.fromEntries(Object.entries(mine).map(([k, v]) => [k, String(v)])),
        ]);
      }
    });

    test('registers are those that QEMU’s monitor printed', () => {
      if (kernel.snapshot.kind !== 'physical') throw new Error('printed words');
      const printed = text(name, 'hmp-registers.txt')
        .split(/^CPU#\d+$/m)
        .slice(1);
      expect(kernel.snapshot.notes.registers.length).toBe(cpus);
      expect(printed.length).toBe(cpus);
      for (const [i, dump] of printed.entries()) {
        const hex = (register: string): bigint =>
          BigInt(`0x${new RegExp(`\\b${register} ?=([0-9a-f]+)`).exec(dump)?.[1]}`);
        const cpu = kernel.snapshot.notes.registers[i];
        for (const register of ['RIP', 'RSP', 'RAX', 'RBX', 'RDI', 'R8', 'R15']) {
          expect([register, cpu?.general[register.toLowerCase()]]).toEqual([
            register,
            hex(register),
          ]);
        }
        for (const register of ['CR0', 'CR2', 'CR3', 'CR4']) {
          expect(cpu?.control?.[register.toLowerCase()]).toBe(hex(register));
        }
      }
    });

    test('vmalloc areas are mapped with as many pages as vmallocinfo says, and to where', () => {
      let areas = 0;
      let ioremaps = 0;
      for (const line of text(name, 'vmallocinfo.txt').split('\n')) {
        const [, from, to] = /^0x([0-9a-f]+)-0x([0-9a-f]+) /.exec(line) ?? [];
        if (from === undefined || to === undefined) continue;
        const start = BigInt(`0x${from}`);
        const pages = /pages=(\d+) vmalloc/.exec(line)?.[1];
        const phys = /phys=0x([0-9a-f]+) ioremap/.exec(line)?.[1];
        if (phys !== undefined) {
          const at = kernel.space.translate(hiOf(start), loOf(start));
          expect([line, at]).toEqual([line, Number.parseInt(phys, 16)]);
          ioremaps++;
        }
        if (pages === undefined) continue;
        let mapped = 0;
        for (let va = start; va < BigInt(`0x${to}`); va += 4096n) {
          if (kernel.space.translate(hiOf(va), loOf(va)) >= 0) mapped++;
        }
        expect([line, mapped]).toEqual([line, Number(pages)]);
        areas++;
      }
      expect(areas).toBeGreaterThan(30);
      expect(ioremaps).toBeGreaterThan(5);
    });

    test('tasks are allocated task_structs, their stacks areas of vmallocinfo', () => {
      const tasks = readTasks(kernel) ?? [];
      const index = new SlabIndex(slubOf(kernel));
      const stacks = new Set(
        [
          ...text(name, 'vmallocinfo.txt').matchAll(
            /^0x([0-9a-f]+)-\S+ +20480 .*pages=4 vmalloc/gm,
          ),
        ].map((m) => BigInt(`0x${m[1]}`)),
      );
      for (const task of tasks) {
        const place = index.find(hiOf(task.address), loOf(task.address));
        expect([task.comm, place?.cache.name, place?.offset, place?.allocated]).toEqual([
          task.comm,
          'task_struct',
          0,
          true,
        ]);
        expect([task.comm, stacks.has(task.stack)]).toEqual([task.comm, true]);
      }
      expect(tasks[0]).toMatchObject({ pid: 1, comm: 'init' });
      expect(tasks[1]).toMatchObject({ pid: 2, comm: 'kthreadd' });
      expect(new Set(tasks.map((t) => t.pid)).size).toBe(tasks.length);
      // Beside them only the idle tasks of the other CPUs, and tasks that are dead and not yet freed.
      const row = table(text(name, 'slub_caches.tsv')).find((r) => r['cache'] === 'task_struct');
      const rest = Number(row?.['allocated']) - tasks.length - (cpus - 1);
      expect(rest).toBeGreaterThanOrEqual(0);
      expect(rest).toBeLessThanOrEqual(2);
    });

    test('the kernel’s own BTF says what pahole printed', () => {
      const pahole = text(name, 'struct-offsets.txt');
      let compared = 0;
      for (const part of pahole.split(/^(?=struct \w+ \{$)/m)) {
        const struct = /^struct (\w+) \{/.exec(part)?.[1];
        if (struct === undefined) continue;
        expect(kernel.layout?.sizeOf(struct)).toBe(Number(/size: (\d+),/.exec(part)?.[1]));
        // Plain fields: `type name;  /* offset size */`, with arrays, without bit fields.
        for (const m of part.matchAll(/[ *](\w+)(?:\[\d+\])?; +\/\* +(\d+) +(\d+) \*\/$/gm)) {
          const [, field = '', offset, size] = m;
          expect([struct, field, kernel.layout?.field(struct, field)]).toEqual([
            struct,
            field,
            { offset: Number(offset), size: Number(size) },
          ]);
          compared++;
        }
      }
      expect(compared).toBeGreaterThan(40);
    });

    test('kallsyms out of the image is the kernel’s own, to the byte', () => {
      if (kernel.vmcoreinfo === undefined) throw new Error('no VMCOREINFO');
      const mine = readImageSymbols(kernel.reader, kernel.vmcoreinfo)?.toString('latin1');
      const own = text(name, 'kallsyms.txt').replace(/^.*\t\[\w+\]\n/gm, '');
      expect(mine === own).toBe(true);
    });

    test('an image alone is enough to find the caches', async () => {
      const files = {
        kallsyms: undefined,
        release: undefined,
        btfPath: undefined,
        structOffsets: undefined,
      };
      const alone = await openKernel(kernel.snapshot, files);
      expect(slubOf(alone).caches.length).toBe(slubOf(kernel).caches.length);
    });

    test('what a worker opens of it gives the same memory', () => {
      const shared = shareKernel(kernel);
      if (shared === undefined) throw new Error('nothing to share');
      // As a message to a worker would carry it.
      const space = openSharedKernel(structuredClone(shared));
      let compared = 0;
      for (const run of kernel.space.kernelRuns()) {
        const length = Math.min(run.length, 65536);
        const mine = Buffer.alloc(length);
        const theirs = Buffer.alloc(length);
        if (!kernel.space.readRun(run, 0, theirs) || !space.read(run.hi, run.lo, mine)) break;
        if (mine.equals(theirs)) compared++;
      }
      expect(compared).toBe([...kernel.space.kernelRuns()].length);
    });
  });
}

describeWithData('latent-slub', 'planted damage', () => {
  test('every planted byte is read where it was planted', async () => {
    const kernel = await openRecording('latent-slub');
    const rows = table(text('latent-slub', 'planted.tsv'));
    expect(rows.length).toBe(54);
    let read = 0;
    for (const row of rows) {
      const wanted = row['bytes_in_dump'] ?? '';
      const bytes = Buffer.alloc(wanted.length / 2);
      const address = BigInt(`0x${row['addr']}`);
      expect(kernel.space.read(hiOf(address), loOf(address), bytes)).toBe(true);
      expect([row['n'], bytes.toString('hex')]).toEqual([row['n'], wanted]);
      read++;
    }
    expect(read).toBe(54);
    kernel.snapshot.close();
  });
});

describeWithData('kmemleak-1cpu', 'the same memory in every form', () => {
  const name = 'kmemleak-1cpu';
  let folder = '';
  let core = '';
  let original: KernelImage;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'slabreplay-test-'));
    core = join(folder, 'vmcore.elf');
    const fd = openSync(core, 'w');
    writeSync(fd, recordedBytes(name, 'vmcore.elf'));
    closeSync(fd);
    original = await openRecording(name);
  });
  afterAll(() => {
    original.snapshot.close();
    rmSync(folder, { recursive: true });
  });

  /** Every page of `path` is the original's; returns how many. */
  async function compare(
    path: string,
    iomem?: string,
  ): Promise<{ pages: number; kernel: KernelImage }> {
    const snapshot = await openSnapshot(path, iomem === undefined ? {} : { iomem });
    const kernel = await openWith(name, snapshot);
    const memory = memoryOf(kernel);
    const mine = Buffer.alloc(4096);
    const theirs = Buffer.alloc(4096);
    let pages = 0;
    for (const range of memory.ranges()) {
      for (let at = range.start; at + 4096 <= range.start + range.length; at += 4096) {
        if (!memoryOf(original).read(at, theirs)) continue;
        const same = memory.read(at, mine) && mine.equals(theirs);
        if (!same) expect(`page at ${at.toString(16)} differs`).toBe('');
        pages++;
      }
    }
    return { pages, kernel };
  }

  const forms: [string, string, string[], string][] = [
    ['zlib', 'kdump-compressed', ['-c', '-d', '31'], 'z.kdump'],
    ['lzo', 'kdump-compressed', ['-l', '-d', '31'], 'l.kdump'],
    ['not packed', 'kdump-compressed', ['-d', '31'], 'n.kdump'],
    ['an ELF core', 'ELF core', ['-E', '-d', '31'], 'e.elf'],
  ];

  describeWithTools(['makedumpfile'], 'as makedumpfile writes it', () => {
    test.each(forms)('%s', async (_, format, args, file) => {
      const path = join(folder, file);
      execFileSync('makedumpfile', [...args, core, path], { stdio: 'ignore' });
      const { pages, kernel } = await compare(path);
      expect(kernel.snapshot.format).toBe(format);
      expect(pages).toBeGreaterThan(30_000);
      expect(slubOf(kernel).caches.length).toBe(119);
      expect(countOccupancy(slubOf(kernel)).reduce((n, c) => n + c.objects, 0)).toBe(142_297);
      expect(kernel.findings.list()).toEqual([]);
      kernel.snapshot.close();
    });

    test('flattened', async () => {
      const path = join(folder, 'flat');
      const out = openSync(path, 'w');
      const args = ['-F', '-c', '-d', '31', core];
      execFileSync('makedumpfile', args, { stdio: ['ignore', out, 'ignore'] });
      closeSync(out);
      const { pages, kernel } = await compare(path);
      expect(kernel.snapshot.format).toBe('kdump-compressed, flattened');
      expect(pages).toBeGreaterThan(30_000);
      expect(countOccupancy(slubOf(kernel)).reduce((n, c) => n + c.objects, 0)).toBe(142_297);
      kernel.snapshot.close();
    });
  });

  test('LiME: the kernel is found by the VMCOREINFO page in memory', async () => {
    const path = join(folder, 'image.lime');
    const out = openSync(path, 'w');
    let bytes = 0;
    for (const range of memoryOf(original).ranges()) {
      const head = Buffer.alloc(32);
      head.writeUInt32LE(0x4c694d45, 0);
      head.writeUInt32LE(1, 4);
      head.writeBigUInt64LE(BigInt(range.start), 8);
      head.writeBigUInt64LE(BigInt(range.start + range.length - 1), 16);
      const data = Buffer.alloc(range.length);
      expect(memoryOf(original).read(range.start, data)).toBe(true);
      writeSync(out, head);
      writeSync(out, data);
      bytes += range.length;
    }
    closeSync(out);
    const { pages, kernel } = await compare(path);
    expect(kernel.snapshot.format).toBe('LiME');
    expect(kernel.release).toBe('6.1.192-lab');
    expect(pages).toBe(bytes / 4096);
    kernel.snapshot.close();
  });

  test('raw, by iomem.txt', async () => {
    const path = join(folder, 'image.raw');
    const out = openSync(path, 'w');
    const size = 0x0ffe0000;
    const data = Buffer.alloc(size);
    for (const range of memoryOf(original).ranges()) {
      if (range.start + range.length > size) continue;
      memoryOf(original).read(range.start, data.subarray(range.start, range.start + range.length));
    }
    writeSync(out, data);
    closeSync(out);
    const { kernel } = await compare(path, text(name, 'iomem.txt'));
    expect(kernel.snapshot.format).toBe('raw physical memory');
    expect(countOccupancy(slubOf(kernel)).reduce((n, c) => n + c.objects, 0)).toBe(142_297);
    kernel.snapshot.close();
  });
});
