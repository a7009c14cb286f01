// Makes the recordings in traces/ from the full ones that the developers have in ../shared/data, so
// that anybody can see where they come from. Files are taken as they are; what is left out, and why,
// stands in each RECORDING.md, which is written by hand and stays.
//
//   npm run build && node scripts/make-traces.js [DATA]

import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const DATA = process.argv[2] ?? join(import.meta.dirname, '..', '..', 'shared', 'data');
const MAIN = join(import.meta.dirname, '..', 'dist', 'cli', 'main.js');
const TRACES = join(import.meta.dirname, '..', 'traces');

/** Each: the folder in traces/, and its files as [source in DATA, name in the folder]. */
const RECORDINGS = {
  // A whole recording from boot on, with the kernel's own answers at its end.
  'debian-6.1-boot': same('debian-plain', [
    'trace.dat.gz',
    'slabinfo.txt',
    'slab_sysfs.txt.gz',
    'slab_sysfs_links.txt',
    'version.txt',
    'uname.txt',
    'cmdline.txt',
    'config.gz',
    'meminfo.txt',
    'zoneinfo.txt',
    'dmesg.txt.gz',
    'tracing/trace_clock',
    'tracing/per_cpu',
    'tracing/saved_cmdlines',
    'truth_live.tsv.gz',
    'expected',
  ]),
  // A third of a second as text, with stacks.
  'debian-6.12-stacks': [
    ...same('debian-variants-612', ['version.txt', 'uname.txt', 'cmdline.txt']),
    ...[
      'trace.txt.gz',
      'slabinfo.txt.gz',
      'saved_cmdlines.gz',
      'trace_clock',
      'trace_options',
      'cpu0.stats',
      'cpu1.stats',
    ].map((name) => [`debian-variants-612/e1-stacktrigger/${name}`, name]),
  ],
};

/** Figures of runs that are compared: the file in traces/, and the recordings. */
const BASELINES = {
  'planted-leak/base.json.gz': ['regress-base', 'regress-base2', 'regress-base3'],
  'planted-leak/new.json.gz': ['regress-new', 'regress-new2'],
};

function same(recording, names) {
  return names.map((name) => [`${recording}/${name}`, name]);
}

function sizeOf(path) {
  if (!statSync(path).isDirectory()) return statSync(path).size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

/** The full recordings are read-only; git keeps no such thing. */
function makeWritable(path) {
  const isFolder = statSync(path).isDirectory();
  chmodSync(path, isFolder ? 0o755 : 0o644);
  if (isFolder) for (const name of readdirSync(path)) makeWritable(join(path, name));
}

if (!existsSync(DATA)) {
  process.stderr.write(`make-traces: ${DATA}: no such folder; name the recordings' folder\n`);
  process.exitCode = 74;
} else {
  for (const [recording, files] of Object.entries(RECORDINGS)) {
    const folder = join(TRACES, recording);
    for (const [from, to] of files) {
      const target = join(folder, to);
      rmSync(target, { recursive: true, force: true });
      mkdirSync(dirname(target), { recursive: true });
      cpSync(join(DATA, from), target, { recursive: true });
      makeWritable(target);
    }
    process.stdout.write(`${recording}: ${sizeOf(folder).toLocaleString('en-US')} bytes\n`);
  }
  for (const [file, runs] of Object.entries(BASELINES)) {
    const path = join(TRACES, file);
    const args = ['compare', ...runs, '--save-baseline', path, '--force', '--quiet'];
    execFileSync(process.execPath, [MAIN, ...args], { cwd: DATA });
    process.stdout.write(`${file}: ${sizeOf(path).toLocaleString('en-US')} bytes\n`);
  }
}
