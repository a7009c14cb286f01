// Parts of recordings: some of the events as CSV, beside them the same files as in the whole.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Input } from './all-commands.ts';
import { runAllCli } from './run-cli.ts';

/** Event files and memory snapshots, which a cut has its own of, or has not. */
const NOT_SIDECARS = /^(trace\.(dat|txt|csv)|perf\.data|trace_pipe|vmcore|expected|workload|truth)/;

/** The events of a recording as CSV: the line of names, then a line for each. */
export async function csvOf(source: string, folder: string): Promise<Buffer> {
  const out = join(folder, 'whole.csv');
  const [result] = await runAllCli([['export', source, '--to', 'csv', '-o', out, '--force']]);
  if (result?.code !== 0) throw new Error(`${source} cannot be exported: ${result?.stderr}`);
  return readFileSync(out);
}

/** Lines [from, to) of the events, parts of all from 0 to 1. */
export function cutCsv(csv: Buffer, from: number, to: number): Buffer {
  const head = csv.indexOf(0x0a) + 1;
  const at = (part: number): number => {
    const near = head + Math.floor((csv.length - head) * part);
    return near <= head ? head : csv.indexOf(0x0a, near - 1) + 1;
  };
  return Buffer.concat([csv.subarray(0, head), csv.subarray(at(from), at(to))]);
}

/** A recording folder `folder/name` with one file. */
export function writeRecording(
  folder: string,
  name: string,
  file: string,
  content: Buffer | string,
): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, file), content);
  return path;
}

/** A recording folder `folder/name` with these events and the files of `source`. */
export function writeCut(
  folder: string,
  name: string,
  csv: Buffer | string,
  source: string,
): string {
  const cut = writeRecording(folder, name, 'trace.csv', csv);
  for (const file of readdirSync(source)) {
    const link = join(cut, file);
    if (!NOT_SIDECARS.test(file) && !existsSync(link)) symlinkSync(resolve(source, file), link);
  }
  return cut;
}

/** Describes a source for commands: when it begins and ends, and an address in it. */
export async function describeInput(
  name: string,
  source: string,
  other: string,
  folder: string,
): Promise<Input> {
  const csvFile = join(folder, 'events.csv');
  const commands = [
    ['analyze', source, '--no-replay', '--json'],
    ['export', source, '--to', 'csv', '-o', csvFile, '--force'],
  ];
  const [analysis, exported] = await runAllCli(commands);
  const { run } = JSON.parse(analysis?.stdout || '{"run":{}}') as {
    run: { firstNs?: string | null; lastNs?: string | null };
  };
  const csv = exported?.code === 0 ? readFileSync(csvFile, 'utf8').slice(0, 1 << 16) : '';
  return {
    name,
    source,
    other,
    folder,
    first: secondsOf(run.firstNs),
    last: secondsOf(run.lastNs),
    address: /0x[0-9a-f]{8,16}/.exec(csv)?.[0] ?? '0xffff888003a40040',
  };
}

function secondsOf(ns: string | null | undefined): string | null {
  if (ns === null || ns === undefined) return null;
  return `${ns.padStart(10, '0').slice(0, -9)}.${ns.padStart(10, '0').slice(-9)}`;
}

/** What is known of an input that was not looked at. */
export const NOTHING_KNOWN: Pick<Input, 'first' | 'last' | 'address'> = {
  first: '1.000000000',
  last: '2.000000000',
  address: '0xffff888003a40040',
};

const PACKED = '(\\.gz|\\.xz|\\.zst)?$';
/** Events of a recording folder by their name. */
const EVENTS = new RegExp(`^(trace\\.(dat|txt|csv)|perf\\.data|trace_pipe_raw\\.cpu0)${PACKED}`);
/** Events under other names: variants of formats. */
const OTHER_EVENTS = new RegExp(
  `\\.(dat|data)${PACKED}|(trace|script|report|pipe)[^/]*\\.txt${PACKED}`,
);
const NO_EVENTS = /(^|\/)(expected|workload|tracing|cases)\/|alloc_traces/;

/** The recordings in a folder: folders of one, and further files with events, both by their paths in it. */
export function findRecordings(data: string): { folders: string[]; files: string[] } {
  const paths = readdirSync(data, { recursive: true, encoding: 'utf8' })
    .filter((path) => !NO_EVENTS.test(path))
    .sort();
  const isEvents = (path: string): boolean => EVENTS.test(basename(path));
  const folders = [...new Set(paths.filter(isEvents).map(dirname))];
  const files = paths.filter((path) => !isEvents(path) && OTHER_EVENTS.test(path));
  return { folders, files };
}
