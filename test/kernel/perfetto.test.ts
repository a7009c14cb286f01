// A real recording's events, once in the text of tracefs and once as Perfetto would have
// written them: the same events, and the same analysis as far as Perfetto keeps what it needs.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { analyseRun } from '../../src/commands/analyze/analyse-run.ts';
import { isHeld, perfettoOf } from '../helpers/perfetto-recording.ts';
import {
  type PlainEvent,
  readTraceBytes,
  readTraceFile,
  type TraceRead,
} from '../helpers/read-trace.ts';
import { ROOT } from '../helpers/run-cli.ts';

const STACKS = join(ROOT, 'traces', 'debian-6.12-stacks');
let folder: string;
let recorded: TraceRead;
let bytes: Buffer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'slabreplay-perfetto-'));
  recorded = await readTraceFile(join(STACKS, 'trace.txt.gz'), { folders: [STACKS] });
  bytes = perfettoOf(recorded);
});

afterAll(() => rmSync(folder, { recursive: true }));

const kept = (e: PlainEvent): PlainEvent => ({
  ...e,
  node: null,
  cache: '',
  accounted: null,
  flags: null,
  stack: [],
  // An address of its record, which Perfetto has no field for
  ptr: e.event === 'rcu_invoke_kfree_bulk_callback' ? 0n : e.ptr,
});

test('the events are the same', async () => {
  const trace = await readTraceBytes(bytes);
  expect(trace.stats).toEqual({});
  // Of equal times the CPUs' order is the file's.
  const inOrder = (events: PlainEvent[]): PlainEvent[] =>
    events.toSorted((a, b) => Number(a.ns - b.ns) || a.cpu - b.cpu);
  const expected = inOrder(recorded.events().filter(isHeld));
  const read = inOrder(trace.events());
  expect(read.length).toBe(expected.length);
  const different = expected.flatMap((e, i) => {
    const [a, b] = [kept(e), read[i]].map((each) => Object.values(each ?? {}).join(' '));
    return a === b ? [] : [`${a} | ${b}`];
  });
  expect(different.slice(0, 5)).toEqual([]);
});

test('the analysis is that of the text, without what Perfetto does not keep', async () => {
  const path = join(folder, 'trace.pftrace.gz');
  writeFileSync(path, gzipSync(bytes, { level: 1 }));
  const text = gunzipSync(readFileSync(join(STACKS, 'trace.txt.gz'))).toString('utf8');
  const textPath = join(folder, 'trace.txt');
  writeFileSync(
    textPath,
    text.replaceAll(/ (?:name|node|accounted)=\S+|^.*<stack trace>\n|^ => .*\n/gm, ''),
  );
  const of = async (source: string): Promise<object> => {
    const { run, ...analysis } = await analyseRun({ source, sidecars: [STACKS] }, false);
    return { ...analysis, release: run.kernelRelease, from: run.firstNs, to: run.lastNs };
  };
  expect(await of(path)).toEqual(await of(textPath));
});
