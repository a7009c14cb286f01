// What the debug checks find in whole recordings: the wrong frees that were planted and nothing else, and
// with the damage written in, what the kernel's own validate found.

import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseReplayOptions, type ReplayTexts } from '../../src/commands/replay/replay-options.ts';
import { replayRun } from '../../src/commands/replay/replay-run.ts';
import type { Dictionary } from '../../src/kernel/events/dictionary.ts';
import { createBatch, type EventBatch } from '../../src/kernel/events/event-batch.ts';
import { EVENT_KIND } from '../../src/kernel/events/event-kind.ts';
import { observeRun, replayBasis } from '../../src/run/observe-run.ts';
import { openRun } from '../../src/run/open-run.ts';
import type { ReplayReport } from '../../src/run/replay-report.ts';
import { describeWithData, recordedText, recording } from '../helpers/data.ts';

/** The reports that the recorded events alone give. */
async function fromEvents(folder: string, options: ReplayTexts = {}): Promise<ReplayReport[]> {
  const { reports } = await replayRun({ source: recording(folder) }, parseReplayOptions(options));
  return [...reports];
}

function kindsOf(reports: readonly ReplayReport[]): string[] {
  return reports.map(({ kind, cache }) => `${kind} ${cache}`);
}

/** Every line of the kernel's log of the cases. */
function printedLines(folder: string): ReadonlySet<string> {
  const files = readdirSync(recording(folder, 'cases')).filter((file) => file.endsWith('.dmesg'));
  const text = files.map((file) => recordedText(folder, 'cases', file)).join('');
  return new Set(text.split('\n').map((line) => line.replace(/^\[ *[\d.]+\] ?/, '')));
}

/** Rows of a table whose first line names the columns. */
function rowsOf(folder: string, file: string): Map<string, string>[] {
  const text = recordedText(folder, file);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('# '));
  const [names = [], ...rows] = lines.map((line) => line.split('\t'));
  return rows.map((cells) => new Map(names.map((name, i) => [name, cells[i] ?? ''])));
}

/** The planted bytes as writes behind the last event, then a check of all slabs. */
function plantedBatch({ strings, calls }: Dictionary): EventBatch {
  const planted = rowsOf('latent-slub', 'planted.tsv');
  const batch = createBatch(planted.length + 1);
  const add = (kind: number, ptr: bigint, bytes: string): void => {
    const i = batch.length++;
    batch.ts[i] = 1e12 + i;
    batch.call[i] = calls.intern({ kind, data: strings.intern(bytes) });
    batch.ptrLo[i] = Number(ptr & 0xffffffffn);
    batch.ptrHi[i] = Number(ptr >> 32n);
  };
  for (const row of planted) {
    add(EVENT_KIND.write, BigInt(`0x${row.get('addr')}`), row.get('bytes_in_dump') ?? '');
  }
  add(EVENT_KIND.validate, 0n, '');
  return batch;
}

// Bulk allocations and kfree_rcu() leave no events, and the clock stands still at times.
describeWithData('latent-slub', 'damage that was planted unseen', () => {
  test('no report without it; with it those of the kernel’s own validate', async () => {
    const source = { source: recording('latent-slub') };
    const opened = await openRun(source, { replay: {} });
    const { observed, watch } = await observeRun(opened, replayBasis(opened));
    expect(watch.reports()).toEqual([]);
    observed.add(plantedBatch(opened.run.dictionary));
    // Into these two, free pointers were written that the kernel's secret makes valid ones.
    const isKnown = (cache: string): boolean => cache !== 'lp_fskip' && cache !== 'lp_fnull';
    const ours = watch
      .reports()
      .filter(({ cache }) => isKnown(cache))
      .map(({ cache, title, kind, address }) => {
        const isOfSlab = kind === 'slab-padding' || kind === 'counters';
        return `${cache} ${title} ${isOfSlab ? 0 : address.toString(16)}`;
      });
    const kernel = rowsOf('latent-slub', 'validate_findings.tsv')
      .filter((row) => row.get('pass') === '1' && isKnown(row.get('cache') ?? ''))
      .map((row) => `${row.get('cache')} ${row.get('title')} ${row.get('object')}`);
    expect(kernel.length).toBeGreaterThan(40);
    expect(new Set(ours)).toEqual(new Set(kernel));
  });
});

// In the one a cache is merged with one that is allocated in bulk, in the other two CPUs are out of step.
for (const folder of ['debian-arm64-16k', 'debian-plain-510']) {
  describeWithData(folder, 'recorded events under --slub-debug FZPU', () => {
    test('no report', async () => {
      expect(await fromEvents(folder, { slubDebug: 'FZPU' })).toEqual([]);
    });
  });
}

describeWithData('debug-slub', 'recorded events', () => {
  test('the wrong frees that were planted, and counts that follow from them', async () => {
    const reports = await fromEvents('debug-slub');
    // Sites, ages, CPUs and pids as the kernel had them, once each for alloc and free.
    const lines = reports.flatMap(({ text }) => text.split('\n'));
    const tracks = lines.filter((line) => /^(Allocated|Freed) in docase\+/.test(line));
    expect(tracks.length).toBe(4);
    const printed = printedLines('debug-slub');
    expect(tracks.filter((line) => !printed.has(line))).toEqual([]);
    expect(kindsOf(reports)).toEqual([
      'double-free kmalloc-64',
      'counters kmalloc-64',
      'double-free labbug_a',
      'double-free kmalloc-1k',
      'counters kmalloc-1k',
      'invalid-free kmalloc-64',
      'invalid-free labbug_a',
      'counters labbug_a',
      'wrong-cache kmalloc-64',
      'wrong-cache kmalloc-192',
    ]);
  });
});

describeWithData('debug-slub-612', 'recorded events', () => {
  // The model has given back the slab of the first double free, of kmalloc-64.
  test('the wrong frees that were planted', async () => {
    expect(kindsOf(await fromEvents('debug-slub-612'))).toEqual([
      'double-free labbug_a',
      'double-free kmalloc-1k',
      'invalid-free kmalloc-64',
      'invalid-free labbug_a',
      'wrong-cache kmalloc-64',
      'wrong-cache kmalloc-192',
    ]);
  });
});
