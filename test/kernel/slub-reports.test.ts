// Bugs that were planted on real kernels, replayed from the same allocations, frees and writes: the
// reports are those that the kernel printed, line for line.

import { readdirSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { SLAB } from '../../src/kernel/slub/slab-flags.ts';
import { describeWithData, recordedText, recording } from '../helpers/data.ts';
import {
  cachesOf,
  type DebugEvent,
  type DebugMachine,
  type NamedCache,
  replayWithDebug,
} from '../helpers/debug-replay.ts';

const CACHES: readonly NamedCache[] = [
  { name: 'labbug_a', objectSize: 120 },
  { name: 'labbug_b', objectSize: 200, align: 64 },
  { name: 'labbug_c', objectSize: 152, hasCtor: true },
  { name: 'labbug_rcu', objectSize: 96, flags: SLAB.TYPESAFE_BY_RCU },
];

const MS = 1e6;
/** The first line of a report. */
const HEAD = '='.repeat(77);
/** A jiffy of the recorded kernels (CONFIG_HZ=250). */
const JIFFY = 4 * MS;
const NOW = 1000 * JIFFY;

interface PlantedBug {
  readonly name: string;
  readonly kind: string;
  readonly cache: string;
  readonly values: ReadonlyMap<string, string>;
  /** What the kernel printed between the bug and the end of its case. */
  readonly printed: readonly string[];
  /** What it printed when the cache was validated afterwards. */
  readonly validated: readonly string[];
}

function readBug(folder: string, file: string): PlantedBug | undefined {
  const lines = recordedText(folder, 'cases', file)
    .split('\n')
    .map((line) => line.replace(/^\[ *[\d.]+\] ?/, ''));
  const begin = lines.findIndex((line) => line.startsWith('labbug: case='));
  const end = lines.findIndex((line) => line.startsWith('labbug: end case='));
  if (begin < 0 || end < 0) return undefined;
  const head = lines[begin] ?? '';
  const values = new Map(
    [...head.matchAll(/(\w+)=(\S+)/g)].map(([, key, value]) => [key ?? '', value ?? '']),
  );
  const plain = /case=\w+ (kmalloc|labbug_\w+) /.exec(head)?.[1];
  const size = Number(values.get('size') ?? 0);
  const cache = values.get('cache') ?? plain ?? '';
  return {
    name: file.replace('.dmesg', ''),
    kind: values.get('case') ?? '',
    cache: cache === 'kmalloc' ? kmallocName(size) : cache,
    values,
    printed: reportLines(lines.slice(begin + 1, end)),
    validated: reportLines(lines.slice(end + 1)),
  };
}

function kmallocName(size: number): string {
  const classes = [64, 96, 128, 192, 256, 512, 1024];
  const found = classes.find((objectSize) => objectSize >= size) ?? 0;
  return found === 1024 ? 'kmalloc-1k' : `kmalloc-${found}`;
}

/** The lines of SLUB's reports without what stands in no trace: taint, Slab line, call trace. */
function reportLines(lines: readonly string[]): string[] {
  const kept: string[] = [];
  let inStack = false;
  for (const line of lines) {
    if (inStack && /^ \S/.test(line)) {
      kept.push(line);
      continue;
    }
    inStack = /^(Allocated|Freed) in /.test(line);
    if (isReportLine(line)) kept.push(line.replace(/ \((Tainted|Not tainted)[^)]*\)/, ''));
  }
  return kept;
}

function isReportLine(line: string): boolean {
  return /^(=+$|-+$|BUG |\[.* overwritten\]|0x[0-9a-f]+-0x|Allocated|Freed|Object |Redzone|Padding|FIX |cache_from_obj|kmem_cache_destroy)/.test(
    line,
  );
}

/** Our reports as one text, compared in the same way. */
function ourLines(machine: DebugMachine, events: readonly DebugEvent[]): string[] {
  const { reports } = replayWithDebug(machine, events);
  return reportLines(reports.flatMap(({ text }) => text.split('\n')));
}

interface Track {
  readonly site: string;
  readonly stack: readonly string[];
  readonly ts: number;
  readonly cpu: number;
  readonly pid: number;
}

/** Who allocated and freed the object, as the kernel printed it. */
function tracksOf(lines: readonly string[], which: 'Allocated' | 'Freed'): Track[] {
  const tracks: Track[] = [];
  for (const [i, line] of lines.entries()) {
    const [, word, site = '', age, cpu, pid] =
      /^(Allocated|Freed) in (.+) age=(\d+) cpu=(\d+) pid=(\d+)$/.exec(line) ?? [];
    if (word !== which) continue;
    const rest = lines.slice(i + 1);
    const end = rest.findIndex((next) => !next.startsWith(' '));
    const stack = rest.slice(0, end < 0 ? rest.length : end).map((frame) => frame.slice(1));
    const ts = NOW - (Number(age) + 0.5) * JIFFY;
    tracks.push({ site, stack, ts, cpu: Number(cpu), pid: Number(pid) });
  }
  return tracks;
}

const UNKNOWN: Track = { site: 'somewhere', stack: [], ts: NOW - JIFFY / 2, cpu: 0, pid: 1 };

/** The events that end in the planted bug. */
class Scene {
  readonly machine: DebugMachine;
  readonly bug: PlantedBug;
  readonly lines: readonly string[];
  readonly ptr: bigint;
  readonly size: number;
  /** Objects of a new slab, each with the one that comes after it. */
  readonly steps: [bigint, bigint][] = [];
  private readonly events: DebugEvent[] = [];

  constructor(machine: DebugMachine, bug: PlantedBug, lines: readonly string[]) {
    this.machine = machine;
    this.bug = bug;
    this.lines = lines;
    this.ptr = BigInt(`0x${bug.values.get('ptr') ?? '0'}`);
    const planned = cachesOf(machine).find(({ name }) => name === bug.cache);
    this.size = Number(bug.values.get('size') ?? planned?.geometry.objectSize ?? 0);
  }

  /** Our lines for the events, each at its time. */
  play(): string[] {
    const events = this.events.toSorted((a, b) => (a.ts ?? 0) - (b.ts ?? 0));
    const next = this.behind();
    if (next !== undefined) this.steps.push([this.ptr, next]);
    const order = { cache: this.bug.cache, steps: this.steps };
    return ourLines({ ...this.machine, ...(this.steps.length > 0 && { order }) }, events);
  }

  at(event: Omit<DebugEvent, 'ts'>, ts: number): this {
    this.events.push({ ...event, ts });
    return this;
  }

  alloc(track: Track, ptr = this.ptr): this {
    const { cache } = this.bug;
    const event = cache.startsWith('kmalloc') ? 'kmalloc' : 'kmem_cache_alloc';
    const { ts, ...by } = track;
    // Which cache an object is from is not in the events before 6.18; it is where that matters.
    const isNamed = this.bug.kind === 'wrong_cache2';
    return this.at({ event, ptr, bytesReq: this.size, cache, isNamed, ...by }, ts);
  }

  free(track: Track, ptr = this.ptr): this {
    const { cache } = this.bug;
    const isKmalloc = cache.startsWith('kmalloc');
    const event = isKmalloc ? 'kfree' : 'kmem_cache_free';
    const { ts, ...by } = track;
    return this.at({ event, ptr, ...(isKmalloc ? {} : { cache }), ...by }, ts);
  }

  write(offset: number, bytes: string, ts: number): this {
    return this.at({ event: 'write', ptr: this.ptr + BigInt(offset), data: bytes }, ts);
  }

  /** The object's life up to its last allocation: freed once where the kernel knows by whom. */
  allocated(hasEarlierLife = true): this {
    const [made = UNKNOWN] = tracksOf(this.lines, 'Allocated');
    const [freed] = hasEarlierLife ? tracksOf(this.lines, 'Freed') : [];
    if (freed !== undefined) {
      this.alloc({ ...UNKNOWN, ts: 2 });
      this.free(freed);
    }
    return this.alloc({ ...made, ts: made.ts + 1000 });
  }

  /** The object that the printed free pointer points to; undefined where there is none. */
  behind(): bigint | undefined {
    const line = this.lines.find((text) => text.startsWith('Object 0x')) ?? '';
    const pointer = BigInt(/ fp=(0x[0-9a-f]+)$/.exec(line)?.[1] ?? 0);
    // No slab of the planted bugs is larger.
    return pointer !== 0n && pointer >> 15n === this.ptr >> 15n ? pointer : undefined;
  }
}

/** The byte that was planted, where the kernel found it. */
function plantedByte(lines: readonly string[]): string {
  const line = lines.find((text) => text.includes('First byte')) ?? '';
  const [, byte = 'a5'] = /First byte 0x([0-9a-f]+)/.exec(line) ?? [];
  return byte.padStart(2, '0');
}

const DONE: Track = { ...UNKNOWN, ts: NOW };

/** Kinds of bugs that show in the case itself: how many were planted, and what happened in each. */
const SHOWN: readonly (readonly [string, number, (scene: Scene) => Scene])[] = [
  ['oob_right', 8, overwritten],
  ['oob_right_alloc', 1, overwritten],
  ['oob_left', 3, overwritten],
  ['padding', 2, overwritten],
  ['slab_padding', 2, overwrittenPadding],
  ['uaf_write', 6, writtenAfterFree],
  ['double_free', 3, freedTwice],
  [
    'invalid_free',
    2,
    (scene) => scene.allocated().free(DONE, BigInt(`0x${scene.bug.values.get('free_ptr')}`)),
  ],
  ['wrong_cache', 2, freedIntoWrongCache],
  ['wrong_cache2', 1, freedIntoWrongCache],
];

function overwrittenPadding(scene: Scene): Scene {
  const end = BigInt(`0x${scene.bug.values.get('write_ptr')}`);
  return scene
    .allocated()
    .write(Number(end - scene.ptr), 'aa', NOW - 10)
    .free(DONE);
}

function writtenAfterFree(scene: Scene): Scene {
  const [freed = UNKNOWN] = tracksOf(scene.lines, 'Freed');
  const offset = Number(scene.bug.values.get('write_off'));
  return scene
    .allocated(false)
    .free({ ...freed, ts: freed.ts + 2000 })
    .write(offset, 'a8', NOW - 10)
    .alloc(DONE);
}

function freedTwice(scene: Scene): Scene {
  const [made = UNKNOWN] = tracksOf(scene.lines, 'Allocated');
  const [freed = UNKNOWN] = tracksOf(scene.lines, 'Freed');
  // Other objects of the slab are allocated, unless the kernel says that none is.
  const isAlone = scene.lines.some((line) => line.includes('has 0 allocated'));
  if (!isAlone) {
    const other = neighbour(scene);
    scene.steps.push([other, scene.ptr]);
    scene.alloc({ ...UNKNOWN, ts: 1 }, other);
  }
  return scene
    .alloc(made)
    .free({ ...freed, ts: freed.ts + 2000 })
    .free(DONE);
}

function overwritten(scene: Scene): Scene {
  const offset = Number(scene.bug.values.get('write_off'));
  return scene
    .allocated()
    .write(offset, plantedByte(scene.lines), NOW - 10)
    .free(DONE);
}

/** As whoever made the mistake knows it: the event carries the cache that was meant. */
function freedIntoWrongCache(scene: Scene): Scene {
  const cache = scene.bug.values.get('freed_into') ?? '';
  return scene
    .allocated()
    .at({ event: 'kmem_cache_free', ptr: scene.ptr, cache, site: 'somewhere' }, NOW);
}

/** Another object of the same slab, but not the one that follows. */
function neighbour(scene: Scene): bigint {
  const { machine, bug, ptr } = scene;
  const geometry = cachesOf(machine).find(({ name }) => name === bug.cache)?.geometry;
  const { order = 0, redLeftPad = 0, slabSize = 0 } = geometry ?? {};
  const first = ptr - (ptr % BigInt(4096 * 2 ** order)) + BigInt(redLeftPad);
  const others = [0, 1, 2].map((i) => first + BigInt(i * slabSize));
  return others.find((other) => other !== ptr && other !== scene.behind()) ?? first;
}

/** Each object with the one behind it. */
function steps(objects: readonly bigint[]): [bigint, bigint][] {
  return objects.slice(1).map((object, i) => [objects[i] ?? 0n, object]);
}

/** Objects that lie in another cache than the one that the case names. */
function ownCache(bug: PlantedBug): PlantedBug {
  if (bug.kind === 'wrong_cache') return { ...bug, cache: kmallocName(sizeOf(bug)) };
  return bug.kind === 'wrong_cache2' ? { ...bug, cache: 'labbug_a' } : bug;
}

function sizeOf({ values }: PlantedBug): number {
  return Number(values.get('size'));
}

for (const { folder, release } of [
  { folder: 'debug-slub', release: '6.1' },
  { folder: 'debug-slub-612', release: '6.12' },
]) {
  describeWithData(folder, 'planted bugs', () => {
    // A scene has the events of one bug, with long silences between them.
    const machine: DebugMachine = {
      release,
      slubDebug: 'FZPU',
      caches: CACHES,
      longGap: Number.POSITIVE_INFINITY,
    };
    let bugs: readonly PlantedBug[] = [];
    beforeAll(() => {
      bugs = readdirSync(recording(folder, 'cases'))
        .filter((file) => file.endsWith('.dmesg'))
        .flatMap((file) => readBug(folder, file) ?? []);
    });

    /** The bugs of a kind; as many as were planted. */
    function planted(kind: string, count: number): PlantedBug[] {
      const found = bugs.filter((bug) => bug.kind === kind);
      expect(found.length).toBe(count);
      return found;
    }

    test.each(SHOWN)('%s', (kind, count, happened) => {
      for (const bug of planted(kind, count).map(ownCache)) {
        // What a constructor wrote is in no trace.
        const printed = bug.printed.filter(
          (line) => bug.cache !== 'labbug_c' || !line.startsWith('Object   '),
        );
        expect(happened(new Scene(machine, bug, printed)).play(), bug.name).toEqual(printed);
      }
    });

    test('freeptr, found later', () => {
      for (const bug of planted('freeptr', 3)) {
        const second = bug.validated.indexOf(HEAD, 1);
        const report = bug.validated.slice(0, second < 0 ? undefined : second);
        const [freed = UNKNOWN] = tracksOf(report, 'Freed');
        const offset = Number(bug.values.get('write_off'));
        const scene = new Scene(machine, bug, report)
          .allocated(false)
          .free({ ...freed, ts: freed.ts + 2000 })
          .write(offset, '1122334455667788', NOW - 10);
        // The third was found by the next allocation.
        const isFoundByAlloc = report.some((line) => line.includes('Marking all objects used'));
        if (isFoundByAlloc) scene.alloc(DONE);
        else scene.at({ event: 'validate', ptr: 0n }, NOW);
        expect(scene.play().slice(0, report.length), bug.name).toEqual(
          report.map((line) => line.replace(/ fp=0x[0-9a-f]{16}$/, '')),
        );
      }
    });

    test('destroy', () => {
      for (const bug of planted('destroy', 1)) {
        const scene = new Scene(machine, bug, bug.printed);
        const tracks = tracksOf(bug.printed, 'Allocated');
        const objects = bug.printed.flatMap((line) => /^Object (0x\w+) /.exec(line)?.[1] ?? []);
        expect(objects.length).toBe(tracks.length);
        for (const [i, ptr] of objects.entries()) scene.alloc(tracks[i] ?? UNKNOWN, BigInt(ptr));
        // The others are free: they come after all of these.
        const made = objects.map((ptr, i) => ({ ptr: BigInt(ptr), ts: tracks[i]?.ts ?? 0 }));
        const inTime = made.toSorted((x, y) => x.ts - y.ts).map(({ ptr }) => ptr);
        scene.steps.push(...steps([...inTime, (made[0]?.ptr ?? 0n) - 384n]));
        const site = / when called from (.+)$/.exec(bug.printed.at(-1) ?? '')?.[1] ?? '';
        scene.at({ event: 'cache_destroy', ptr: 0n, cache: bug.cache, site }, NOW);
        expect(scene.play(), bug.name).toEqual(bug.printed);
      }
    });
  });
}
