// `replay` as a user runs it: state and fidelity, what-if, slab maps, and what it refuses.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { jsonOf, outputOf, ROOT, runCli, STACKS, temporaryFolder } from '../helpers/run-cli.ts';

const FIDELITY =
  'passes allocations undetermined slotMatches slabMatches cpuSlabHits mismatches leftOut impossible';
const CACHE =
  'name slabSize objectSize order objsPerSlab slabs totalObjects activeObjects allocated partial ' +
  'cpuSlabs cpuPartialSlabs cpuPartial minPartial align bytes kernel';
const KERNEL = 'slabs totalObjects activeObjects partial cpuSlabs';
const WHAT_IF_CACHE = 'name objects baseline changed deltaBytes peakDeltaBytes merged geometry';

interface ReplayJson {
  readonly formatVersion: number;
  readonly type: string;
  readonly model: Readonly<Record<string, unknown>>;
  readonly fidelity: Readonly<Record<string, number>> & {
    readonly mismatches: Readonly<Record<string, number>>;
    readonly leftOut: Readonly<Record<string, number>>;
  };
  readonly caches: readonly (Readonly<Record<string, number>> & {
    readonly kernel: Readonly<Record<string, number>> | null;
  })[];
  readonly reports: readonly unknown[];
  readonly whatIf:
    | (Readonly<Record<'end' | 'peak' | 'older', Readonly<Record<string, number>>>> & {
        readonly caches: readonly Readonly<Record<string, unknown>>[];
      })
    | null;
  readonly maps: readonly { readonly cache: string; readonly slabs: readonly unknown[] }[];
  readonly digest: string;
}

const replayJson = (...args: string[]): Promise<ReplayJson> => jsonOf(['replay', ...args]);

function expectKeys(value: object | null | undefined, keys: string): void {
  expect(Object.keys(value ?? {})).toEqual(expect.arrayContaining(keys.split(' ')));
}

describe('replay --json', () => {
  test('has the promised keys, and counts that add up', async () => {
    const result = await replayJson(STACKS);
    expect(Object.keys(result).slice(0, 2)).toEqual(['formatVersion', 'type']);
    expect(result).toMatchObject({ formatVersion: 1, type: 'replay', reports: [], whatIf: null });
    expect(result.model).toMatchObject({ kernel: '6.12.117+deb12-amd64', slubDebug: '', cpus: 2 });
    const { fidelity, caches, digest } = result;
    expectKeys(fidelity, FIDELITY);
    expect(fidelity['passes']).toBe(2);
    expectKeys(fidelity.leftOut, 'large unknownCache');
    for (const cache of caches) {
      expectKeys(cache, CACHE);
      if (cache.kernel !== null) expectKeys(cache.kernel, KERNEL);
      const { slabs = 0, objsPerSlab = 0, totalObjects = 0, allocated = 0 } = cache;
      expect(totalObjects).toBe(slabs * objsPerSlab);
      expect(allocated).toBeLessThanOrEqual(totalObjects);
      expect(cache['bytes']).toBe(slabs * 4096 * 2 ** (cache['order'] ?? 0));
    }
    const bytes = caches.map((cache) => cache['bytes'] ?? 0);
    expect(bytes).toEqual([...bytes].sort((a, b) => b - a));
    expect(digest).toMatch(/^[0-9a-f]{32}$/);
  });

  test('is the same from a file, standard input and a database', async () => {
    const folder = temporaryFolder();
    const db = join(folder, 'run.db');
    await outputOf(['ingest', STACKS, '-o', db]);
    const input = gunzipSync(readFileSync(join(ROOT, STACKS, 'trace.txt.gz')));
    const [file, again, stored, piped] = await Promise.all([
      replayJson(STACKS),
      replayJson(STACKS),
      replayJson(db),
      jsonOf<ReplayJson>(['replay', '-', '--sidecars', STACKS], { input }),
    ]);
    for (const other of [again, stored, piped]) {
      expect([other.digest, other.fidelity]).toEqual([file.digest, file.fidelity]);
    }
  });

  test('of another machine: both sides of each cache, differences that add up', async () => {
    const { whatIf, model, caches } = await replayJson(STACKS, '--slub-debug', 'FZPU');
    expect(model['slubDebug']).toBe('');
    for (const key of ['end', 'peak', 'older'] as const) {
      const { baselineBytes = 0, bytes = 0, deltaBytes } = whatIf?.[key] ?? {};
      expect(deltaBytes).toBe(bytes - baselineBytes);
    }
    const rows = whatIf?.caches ?? [];
    for (const row of rows) expectKeys(row, WHAT_IF_CACHE);
    const sum = rows.reduce((n, row) => n + Number(row['deltaBytes']), 0);
    expect(sum).toBe(whatIf?.end['deltaBytes']);
    // 6.12.117: kmalloc-64 with all flags takes 256 bytes (data/debug-slub-612).
    const cache = rows.find(({ name }) => name === 'kmalloc-64');
    expect(cache).toMatchObject({
      baseline: { slabSize: 64, order: 0, objsPerSlab: 64 },
      changed: { slabSize: 256, order: 0, objsPerSlab: 16 },
    });
    expect(caches.find(({ name }) => String(name) === 'kmalloc-64')).toMatchObject({
      slabSize: 256,
      cpuSlabs: 0,
    });
  });
});

describe('replay as text', () => {
  test('--at and --cache map the slabs of a cache at that time', async () => {
    const text = await outputOf(['replay', STACKS, '--at', '+0.05', '--cache', 'mnt_cache']);
    expect(text).toMatch(/^Slabs at \+0\.05 s$/m);
    expect(text).toMatch(/^mnt_cache: \d+ slabs of 21 objects$/m);
    expect(text).toMatch(/^ {2}0xffff[0-9a-f]{12} {2}CPU 0 slab {10}[#.o]{21}$/m);
    const { maps } = await replayJson(STACKS, '--at', '+0.05', '--cache', 'mnt_cache');
    expect(maps.map(({ cache }) => cache)).toEqual(['mnt_cache']);
    const lines = text.match(/^ {2}0xffff/gm) ?? [];
    expect(lines).toHaveLength(Math.min(20, maps[0]?.slabs.length ?? 0));
  });

  test('--at end is the end', async () => {
    const [end, plain] = await Promise.all([replayJson(STACKS, '--at', 'end'), replayJson(STACKS)]);
    expect(end.digest).toBe(plain.digest);
    const before = await replayJson(STACKS, '--at', '+0.05');
    expect(before.digest).not.toBe(plain.digest);
    expect(before.fidelity['allocations']).toBeLessThan(plain.fidelity['allocations'] ?? 0);
  });

  test('--csv is the table', async () => {
    const state = await outputOf(['replay', STACKS, '--csv', '--cache', 'filp']);
    expect(state).toMatch(
      /^cache,slab_size,order,objs_per_slab,allocated,slabs,kernel_slabs,cpu_slabs,partial,bytes,slots_pct\nfilp,192,0,21,/,
    );
    const whatIf = await outputOf(['replay', STACKS, '--csv', '--slub-debug', 'Z']);
    expect(whatIf).toMatch(/^cache,objects,slab_size,changed_slab_size,order,changed_order,/);
    expect(whatIf).toMatch(/^kmalloc-64,\d+,64,192,0,0,64,21,/m);
  });

  test.each([
    [['--cpus', '16'], 'stay idle'],
    [['--slub-debug', 'P'], 'is checked'],
    [['--classes', '64,1k,8k'], 'kmalloc-1k'],
    [['--kernel', '6.1'], 'SLUB as in 6.1'],
    [['--dedicated', '__alloc_skb'], '__alloc_skb'],
  ])('what-if %j', async (options, expected) => {
    const text = await outputOf(['replay', STACKS, ...options]);
    expect(text).toContain(`What ${options.join(' ')} would have cost on this recording`);
    expect(text).toContain(expected);
    expect(text).toContain('time is not predicted');
  });
});

describe('what replay refuses', () => {
  test.each([
    [['--kernel', '4.19'], 2, 'expected one of 5.10, 6.1, 6.12, 6.18, 7.2'],
    [['--slab-nomerge'], 2, 'Boot with slab_nomerge, record the workload again'],
    [['--cpus', '0'], 2, 'expected a whole number from 1 to 8192'],
    [['--slub-max-order', '11'], 2, 'expected a whole number from 0 to 10'],
    [['--slub-min-objects', 'many'], 2, 'expected a whole number from 1 to 32767'],
    [['--slub-debug', 'FQ'], 2, "no such letter: 'Q'"],
    [['--slub-debug', 'F,kmaloc-64'], 2, 'no cache of this run is named kmaloc-64'],
    [['--classes', '64,100'], 2, "'100' is no object size"],
    [['--dedicated', 'nosuch'], 2, 'no kmalloc call of this recording is there'],
    [['--at', 'soon'], 2, 'expected seconds'],
    [['--csv', '--json'], 2, 'cannot be used with'],
  ])('%j', async (options, code, message) => {
    const result = await runCli(['replay', STACKS, ...options]);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(message);
    expect(result.stderr).toMatch(/^slabreplay: /);
    expect(result.stderr).not.toContain('    at ');
    expect(result.stdout).toBe('');
  });

  test('pointers that are hashed: no object has a place in a slab', async () => {
    const text = gunzipSync(readFileSync(join(ROOT, STACKS, 'trace.txt.gz'))).toString('latin1');
    const input = text.replace(/ptr=[0-9a-f]{8}([0-9a-f]{8})/g, 'ptr=00000000$1');
    const { code, stderr } = await runCli(['replay', '-'], { input });
    expect(code).toBe(65);
    expect(stderr).toContain('its pointers are hashed');
  });

  test('what is not there', async () => {
    expect((await runCli(['replay', 'nosuch/trace.dat'])).code).toBe(74);
    expect((await runCli(['replay'])).code).toBe(2);
  });
});
