// Leak candidates held to the kernel's own list of the same instant (kmemleak.txt), and to what
// kmemleak knew of every object (kmemleak_objects.tsv).

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { Leaks } from '../../src/analysis/leaks/leaks-result.ts';
import {
  kmemleakComparisonRun,
  type LeaksOptions,
  leaksRun,
} from '../../src/analysis/leaks/leaks-run.ts';
import { renderKmemleak } from '../../src/commands/leaks/leaks-kmemleak-text.ts';
import { describeWithData, recordedText, recording } from '../helpers/data.ts';

const DEFAULTS: LeaksOptions = {
  vmcores: [],
  outstanding: false,
  minAgeSec: 5,
  suppress: [],
  annotations: [],
  baseline: undefined,
  conservative: false,
  pretrace: false,
  retained: false,
  wantsChecksum: true,
};

interface Entry {
  readonly size: string;
  readonly comm: string;
  readonly pid: string;
  readonly hex: string;
  readonly crc: string;
}

/** kmemleak's text by address. */
function parseKmemleak(text: string): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  for (const part of text.split(/^(?=unreferenced object )/m)) {
    const [, address = '', size = ''] =
      /^unreferenced object (\S+) \(size (\d+)\)/.exec(part) ?? [];
    const [, comm = '', pid = ''] = /comm "(.*)", pid (\d+)/.exec(part) ?? [];
    const [, crc = ''] = /backtrace \(crc (\w+)\)/.exec(part) ?? [];
    const hex = part.split('\n').filter((l) => /^ {4}[0-9a-f]{2} /.test(l));
    entries.set(address, { size, comm, pid, crc, hex: hex.join('\n') });
  }
  return entries;
}

interface Planted {
  readonly case: string;
  readonly role: string;
  readonly pointer: string;
}

/** What the recording's test module planted. */
function plantedIn(name: string): Planted[] {
  const [, ...lines] = recordedText(name, 'planted.tsv').trim().split('\n');
  return lines.map((line) => {
    const [which = '', role = '', pointer = ''] = line.split('\t');
    return { case: which, role, pointer: `0x${pointer}` };
  });
}

/** The annotations in the test module's own code: they are in no trace. */
function moduleAnnotations(name: string): string {
  const actions: Readonly<Record<string, string>> = {
    'not_leak ptr': 'not-leak',
    'ignored ignored': 'ignore',
    'no_scan holder': 'no-scan',
    'scan_area holder': 'scan-area',
  };
  const lines = plantedIn(name).flatMap(({ case: which, role, pointer }) => {
    const action = actions[`${which} ${role}`];
    if (action === undefined) return [];
    return [`${action} address=${pointer}${action === 'scan-area' ? ' offset=0 size=64' : ''}\n`];
  });
  const path = join(mkdtempSync(join(tmpdir(), 'slabreplay-leaks-')), 'annotations.txt');
  writeFileSync(path, lines.join(''));
  return path;
}

for (const { name, count } of [
  { name: 'kmemleak-1cpu', count: 44 },
  { name: 'kmemleak-612', count: 52 },
]) {
  describeWithData(name, 'a reference scan against the kernel’s own', () => {
    test('with what the test module tells kmemleak, the lists are equal', async () => {
      const kernel = parseKmemleak(recordedText(name, 'kmemleak.txt'));
      const options = { ...DEFAULTS, annotations: [moduleAnnotations(name)] };
      const { leaks } = await leaksRun({ source: recording(name) }, options);
      expect(kernel.size).toBe(count);
      expect(leaks.method).toBe('reference-scan');
      expect(leaks.scan).toMatchObject({ conservative: false, white: count });
      const own = parseKmemleak(renderKmemleak(leaks, { hz: 1000 }));
      // The kernel knows who allocated per-CPU memory; no event tells.
      for (const c of leaks.candidates.filter((x) => x.kind === 'percpu')) {
        const address = `0x${BigInt(c.address).toString(16)}`;
        const entry = kernel.get(address);
        expect(own.get(address)).toMatchObject({ comm: '?', pid: '0' });
        if (entry !== undefined) own.set(address, { ...entry });
      }
      expect(own).toEqual(kernel);
      // kmemleak lists objects in the order in which they were made.
      const traced = leaks.candidates.filter((c) => c.traced).map((c) => BigInt(c.address));
      const listed = [...kernel.keys()].map(BigInt).filter((a) => traced.includes(a));
      expect(traced).toEqual(listed);
    });
  });
}

for (const { name, both, onlyKernel, onlyHere } of [
  { name: 'kmemleak-1cpu', both: 41, onlyKernel: 3, onlyHere: 1 },
  { name: 'kmemleak-612', both: 50, onlyKernel: 2, onlyHere: 2 },
]) {
  describeWithData(name, 'the comparison with the kernel’s list', () => {
    test('names what only one of them has: what the module marked', async () => {
      const comparison = await kmemleakComparisonRun(
        { source: recording(name) },
        DEFAULTS,
        recording(name, 'kmemleak.txt'),
      );
      expect(comparison).toMatchObject({ matchedBy: 'address', both, onlyKernel, onlyHere });
      const reasons = comparison.objects.flatMap(({ reason }) => reason ?? []);
      expect(new Set(reasons)).toEqual(new Set(['referenced', 'unknown']));
    });

    test('without the snapshot all of its slab objects are outstanding', async () => {
      const comparison = await kmemleakComparisonRun(
        { source: recording(name) },
        { ...DEFAULTS, outstanding: true },
        recording(name, 'kmemleak.txt'),
      );
      const lacking = comparison.objects.filter(({ found }) => found === 'kernel');
      expect(new Set(lacking.map(({ reason }) => reason))).toEqual(
        new Set(name === 'kmemleak-612' ? ['vmalloc', 'per-cpu'] : ['vmalloc']),
      );
    });
  });
}

describeWithData('kmemleak-1cpu', 'leak candidates', () => {
  const name = 'kmemleak-1cpu';
  let kernel: ReturnType<typeof parseKmemleak>;
  let leaks: Leaks;

  beforeAll(async () => {
    kernel = parseKmemleak(recordedText(name, 'kmemleak.txt'));
    leaks = (await leaksRun({ source: recording(name) }, DEFAULTS)).leaks;
  });

  test('without the module’s annotations, only those objects differ that it annotates', () => {
    const own = new Set(leaks.candidates.map((c) => c.address));
    const listed = new Set([...kernel.keys()].map((a) => `0x${a.slice(2).padStart(16, '0')}`));
    const of = (...cases: string[]): string[] =>
      plantedIn(name)
        .filter((p) => cases.includes(`${p.case} ${p.role}`))
        .map((p) => p.pointer);
    const missed = [...listed].filter((a) => !own.has(a));
    const extra = [...own].filter((a) => !listed.has(a));
    expect(missed.sort()).toEqual(of('ignored child', 'no_scan child', 'scan_area outside').sort());
    expect(extra).toEqual(of('not_leak ptr'));
  });

  test('each candidate is taken by the site that is shown for it, vmalloc areas too', async () => {
    const label = ({ symbol, module }: Leaks['candidates'][number]): string =>
      `${symbol ?? ''}${module === null ? '' : ` [${module}]`}`;
    const ofModule = leaks.candidates.filter((c) => label(c).startsWith('docase+'));
    expect(ofModule.map((c) => c.kind)).toContain('vmalloc');
    const path = join(mkdtempSync(join(tmpdir(), 'slabreplay-leaks-')), 'lines.txt');
    const source = { source: recording(name) };
    const rest = leaks.candidates.filter((c) => !ofModule.includes(c)).map((c) => c.address);

    writeFileSync(path, 'not-leak site=docase*\n');
    const annotated = (await leaksRun(source, { ...DEFAULTS, annotations: [path] })).leaks;
    expect(annotated.candidates.map((c) => c.address)).toEqual(rest);
    expect(annotated.notReported?.annotated).toBe(ofModule.length);

    writeFileSync(path, 'leak:^docase\n');
    const suppressed = (await leaksRun(source, { ...DEFAULTS, suppress: [path] })).leaks;
    expect(suppressed.candidates.map((c) => c.address)).toEqual(rest);
    expect(suppressed.notReported?.suppressed).toBe(ofModule.length);
  }, 60_000);

  test('sites in a module’s freed initialisation code have their true name', () => {
    // The kernel itself names ctor_c+0x1d [labbug]: that module's code lies there now.
    const group = leaks.groups.find((g) => g.example === '0xffff8880085d6d40');
    expect(group).toMatchObject({
      symbol: '.init.text+0x2d',
      module: 'kmemleak_test',
      alsoSymbol: 'ctor_c+0x1d [labbug]',
    });
    const own = leaks.groups.find((g) => g.symbol === 'docase+0x777');
    expect(own).toMatchObject({ module: 'labbug', alsoSymbol: null, objects: 25 });
  });

  test('the conservative scan finds fewer, and none that is not unreferenced', async () => {
    const options = { ...DEFAULTS, conservative: true };
    const { leaks } = await leaksRun({ source: recording(name) }, options);
    expect(leaks.scan?.conservative).toBe(true);
    const others = leaks.candidates.filter(
      (c) => !kernel.has(`0x${BigInt(c.address).toString(16)}`),
    );
    expect(others.map((c) => c.symbol)).toEqual([]);
    expect(leaks.candidates.length).toBeGreaterThan(10);
  });
});

describeWithData('regress-base', 'a baseline of another boot', () => {
  test('takes no vmalloc leak of sites that it does not know', async () => {
    const source = { source: recording('kmemleak-1cpu') };
    const options = { ...DEFAULTS, baseline: recording('regress-base') };
    const { leaks } = await leaksRun(source, options);
    expect(leaks.candidates.filter(({ kind }) => kind === 'vmalloc').length).toBe(5);
    expect(leaks.notReported?.inBaseline).toBe(0);
  }, 60_000);
});
