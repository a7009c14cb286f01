// `npm run bench`: how fast, and how much memory. Recordings are multiplied to millions of events;
// whole processes are measured from outside, the peers that are installed beside ours in the same run.
//
//   node scripts/bench.js [--events MILLIONS] [--large MILLIONS] [--runs N]
//
// What the figures were on one machine, and what they mean: docs/performance.md.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { multiplyPerfData } from './bench/multiply-perf-data.js';
import { multiplyText } from './bench/multiply-text.js';
import { multiplyTraceDat } from './bench/multiply-trace-dat.js';
import { bestOf } from './bench/run-process.js';

const ROOT = join(import.meta.dirname, '..');
const MAIN = process.env['SLABREPLAY_MAIN'] ?? join(ROOT, 'dist', 'cli', 'main.js');
const BOOT = join(ROOT, 'traces', 'debian-6.1-boot', 'trace.dat.gz');
/** Events of it, the one that is no slab event included (its RECORDING.md). */
const BOOT_EVENTS = 814_218;
/** The developers' recordings. */
const DATA = process.env['SLABREPLAY_DATA'] ?? join(ROOT, '..', 'shared', 'data');
const PERF_DATA = join(DATA, 'debian-variants', 'f-perf', 'plain.data.gz');
/** The same events as text, where the developers' recordings are; else the small bundled text. */
const TEXTS = [
  join(DATA, 'debian-plain', 'trace.txt.gz'),
  join(ROOT, 'traces', 'debian-6.12-stacks', 'trace.txt.gz'),
];

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '5' },
    large: { type: 'string', default: '20' },
    runs: { type: 'string', default: '3' },
  },
});
/** A boot with slub_debug=FZPU, where the developers' recordings are. */
const DEBUG_BOOT = join(ROOT, '..', 'shared', 'data', 'debug-slub');
const million = (text) => Number(text) * 1e6;
const runs = Number(values.runs);
const folder = mkdtempSync(join(tmpdir(), 'slabreplay-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const print = (text) => process.stdout.write(`${text}\n`);
const mib = (bytes) => (bytes === null ? 'unknown' : `${Math.round(bytes / 2 ** 20)} MiB`);
const spent = ({ seconds, cpuSeconds, peakBytes }) =>
  `${seconds.toFixed(2)} s, CPU ${cpuSeconds?.toFixed(2) ?? '?'} s, ${mib(peakBytes)}`;
const perSecond = (count, seconds) => `${(count / seconds / 1e6).toFixed(2)} M/s`;

/** `name   figure   note`, with whether a target holds. */
function line(name, figure, note = '', holds = undefined) {
  const word = holds === undefined ? '' : holds ? '  holds' : '  falls short';
  print(`  ${name.padEnd(31)} ${figure.padEnd(32)} ${note}${word}`.trimEnd());
}

function isInstalled(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** The boot repeated to at least so many events. */
function makeTraceDat(source, events) {
  const times = Math.max(1, Math.ceil(events / BOOT_EVENTS));
  const path = join(folder, `${times}.dat`);
  if (!existsSync(path)) multiplyTraceDat(source, path, times);
  return { path, events: times * BOOT_EVENTS };
}

const analyze = (path) => bestOf(runs, process.execPath, [MAIN, 'analyze', path, '--no-replay']);

function describeMachine() {
  const [cpu] = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  print(`${cpus().length} x ${cpu.model}, ${memory} GiB, Node ${process.version}, best of ${runs}`);
  const [load = 0] = loadavg();
  print(`load before the first run ${load.toFixed(1)}${load > 0.5 ? ': not a quiet machine' : ''}`);
}

function measureStages({ path, events }) {
  print(`\nStages in one thread, ${events.toLocaleString('en-US')} events of trace.dat`);
  const stages = join(ROOT, 'scripts', 'bench', 'stages.js');
  const dist = dirname(dirname(MAIN));
  const best = {};
  for (let n = 0; n < runs; n++) {
    const result = JSON.parse(execFileSync(process.execPath, [stages, dist, path]).toString());
    for (const [key, value] of Object.entries(result)) {
      best[key] = Math.min(value, best[key] ?? Infinity);
    }
  }
  line('cutting', perSecond(events, best.cutting), 'pages to columns, CPUs merged by time');
  line('pairing', perSecond(events, best.pairing), 'lifetimes and all counts');
  line('storing', perSecond(events, best.storing), `${mib(best.dbBytes)} of database`);
}

function measureReplay(recording, checked) {
  const script = join(ROOT, 'scripts', 'bench', 'replay.js');
  const dist = dirname(dirname(MAIN));
  const result = execFileSync(process.execPath, [script, dist, recording, '7']).toString();
  const { events, observed, watched, simulated, whatIf } = JSON.parse(result);
  print(
    `\nReplay of ${recording.slice(ROOT.length - 4)}, ${events.toLocaleString('en-US')} events in memory`,
  );
  const show = (name, seconds, note, least) =>
    line(name, perSecond(events, seconds), note, least && events / seconds >= least * 1e6);
  if (checked) {
    show('observed, slub_debug=FZPU', watched, 'every object checked, at least 1.5 M/s', 1.5);
    return;
  }
  show('observed', observed, 'at least 4 M/s', 4);
  show('simulated', simulated, 'the model chooses');
  show('simulated, slub_debug=FZPU', whatIf, 'what-if runs both');
}

async function measureTraceDat({ path, events }) {
  print(`\nWhole processes, ${events.toLocaleString('en-US')} events of trace.dat`);
  const own = await analyze(path);
  line('analyze', spent(own), perSecond(events, own.seconds));
  if (isInstalled('trace-cmd')) {
    const peer = await bestOf(runs, 'trace-cmd', ['report', '-i', path]);
    line('trace-cmd report', spent(peer));
    const ratio = own.seconds / peer.seconds;
    line('ratio', ratio.toFixed(3), 'at most 0.12', ratio <= 0.12);
  } else line('trace-cmd report', 'not installed');
  const db = join(folder, 'run.db');
  const ingest = await bestOf(runs, process.execPath, [MAIN, 'ingest', path, '-o', db, '--force']);
  line('ingest', spent(ingest), mib(statSync(db).size));
  const stored = await analyze(db);
  line('analyze of the database', spent(stored));
  rmSync(db);
}

/** Where the developers' recordings are, and perf. */
async function measurePerfData(wanted) {
  if (!existsSync(PERF_DATA) || !isInstalled('perf')) return;
  const bytes = gunzipSync(readFileSync(PERF_DATA));
  const path = join(folder, 'perf.data');
  const samples = multiplyPerfData(bytes, path, 1);
  const events = multiplyPerfData(bytes, path, Math.max(1, Math.ceil(wanted / samples)));
  print(`\nWhole processes, ${events.toLocaleString('en-US')} events of perf.data`);
  const own = await analyze(path);
  line('analyze', spent(own), perSecond(events, own.seconds));
  const peer = await bestOf(runs, 'perf', ['kmem', '-i', path, 'stat', '--caller', '--alloc']);
  line('perf kmem stat', spent(peer));
  const ratio = own.seconds / peer.seconds;
  line('ratio', ratio.toFixed(3), 'at most 1', ratio <= 1);
  rmSync(path);
}

async function measureText(wanted) {
  const source = TEXTS.find(existsSync);
  const path = join(folder, 'trace.txt');
  const lines = multiplyText(gunzipSync(readFileSync(source)).toString('latin1'), path, wanted);
  print(
    `\nWhole processes, ${lines.toLocaleString('en-US')} lines of text (${source.slice(ROOT.length - 4)})`,
  );
  const own = await analyze(path);
  line('analyze', spent(own));
  const holds = lines / own.seconds >= 2.5e6;
  line('lines', perSecond(lines, own.seconds), 'at least 2.5 M/s', holds);
  rmSync(path);
}

async function measureScaling(source, large) {
  const small = makeTraceDat(source, large / 10);
  const big = makeTraceDat(source, small.events * 10);
  print(`\nTen times the events`);
  const a = await analyze(small.path);
  const b = await analyze(big.path);
  line(`${small.events.toLocaleString('en-US')} events`, spent(a));
  line(`${big.events.toLocaleString('en-US')} events`, spent(b));
  const factor = b.seconds / a.seconds;
  line('time for ten times the events', `${factor.toFixed(2)} x`, 'at most 10.5', factor <= 10.5);
  line('peak memory', mib(b.peakBytes), 'at most 512 MiB', b.peakBytes <= 512 * 2 ** 20);
}

function measureScan() {
  const script = join(ROOT, 'scripts', 'bench', 'scan.js');
  const dist = dirname(dirname(MAIN));
  const output = execFileSync(process.execPath, [script, dist, '512']).toString();
  const { bytes, objects, copy, scan, threads } = JSON.parse(output);
  const speed = (seconds) => `${(bytes / seconds / 1e9).toFixed(1)} GB/s`;
  print(`\nReference scan, ${mib(bytes)} of made-up memory with ${objects / 1e6} M objects`);
  line('copying the bytes', speed(copy));
  line(`scanning them, ${threads} threads`, speed(scan));
  line('ratio', (copy / scan).toFixed(2), 'at least 0.5', copy / scan >= 0.5);
}

describeMachine();
const source = gunzipSync(readFileSync(BOOT));
const trace = makeTraceDat(source, million(values.events));
measureStages(trace);
measureReplay(dirname(BOOT), false);
if (existsSync(DEBUG_BOOT)) measureReplay(DEBUG_BOOT, true);
await measureTraceDat(trace);
await measureText(million(values.events));
await measurePerfData(million(values.events));
await measureScaling(source, million(values.large));
measureScan();
