// A recording of this machine: an instance of the tracer, its pages copied as they come, and the
// files of the machine around them.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../../base/errors.ts';
import { countLosses, lossWarning, takeStats } from './losses.ts';
import type { MachineRoots } from './machine-roots.ts';
import { bufferPageSize, RawPagesReader } from './raw-pages-reader.ts';
import { RecordingFolder } from './recording-folder.ts';
import { takeEndState, takeMachineFiles, takeSlabState, takeSymbols } from './sidecars.ts';
import { chooseEvents, type EventChoice } from './slab-events.ts';
import { cpuFile, cpusOf, TraceInstance } from './trace-instance.ts';
import { TracedCommand } from './traced-command.ts';
import type { UndoSteps } from './undo-steps.ts';

export interface RecordOptions extends EventChoice {
  readonly folder: string;
  readonly force: boolean;
  readonly instance: string;
  /** Null: until stopped, or until the command ends. */
  readonly durationMs: number | null;
  readonly pids: readonly number[];
  readonly stacks: boolean;
  /** Of each CPU. */
  readonly bufferKb: number;
  readonly command: readonly string[];
}

export interface Recorded {
  readonly bytes: number;
  readonly seconds: number;
  readonly warnings: readonly string[];
  /** Of the command; 0 where there was none, or it still runs. */
  readonly exitCode: number;
}

/** What a recording is given, and what it reports while it runs. */
export interface RecordControl {
  /** Asked many times a second. */
  readonly isStopped: () => boolean;
  /** What puts the machine back, for when the program ends in between. */
  readonly undo: UndoSteps;
  /** Told every second: bytes copied, and events that were lost. */
  readonly onProgress: (bytes: number, losses: number) => void;
}

/** As fast as a CPU may fill its buffer: about two million events a second. */
const KB_PER_MS = 100;
const SHORTEST_WAIT_MS = 5;
const LONGEST_WAIT_MS = 200;
const PROGRESS_MS = 1000;

/** @throws ToolError; the machine's tracer is as it was before, whatever happens */
export async function record(
  roots: MachineRoots,
  options: RecordOptions,
  control: RecordControl,
): Promise<Recorded> {
  try {
    return await recordAll(roots, options, control);
  } finally {
    control.undo.run();
  }
}

async function recordAll(
  roots: MachineRoots,
  options: RecordOptions,
  control: RecordControl,
): Promise<Recorded> {
  const { bufferKb, stacks } = options;
  const { undo } = control;
  const events = chooseEvents(roots.tracefs, options);
  const tasks = options.pids.flatMap((pid) => threadsOf(roots, pid));
  const command = await startCommand(options.command, undo);
  const folder = new RecordingFolder(options.folder, options.force);
  const settings = { name: options.instance, events, bufferKb, stacks };
  const instance = new TraceInstance(roots.tracefs, settings, undo);
  if (command !== undefined) tasks.push(command.pid);
  if (tasks.length > 0) instance.follow(tasks);
  takeMachineFiles(roots, instance.folder, events, folder);
  const symbols = takeSymbols(roots, folder);
  const reader = openReader(instance.folder, folder, undo);
  takeSlabState(roots, folder, '.before');

  const started = performance.now();
  instance.start();
  command?.go();
  await copyUntilEnd(options, control, instance, reader, command);
  instance.stop();
  const seconds = (performance.now() - started) / 1000;

  takeSlabState(roots, folder, '');
  while (reader.drain());
  takeStats(instance.folder, folder, reader.cpus());
  takeEndState(roots, folder);
  const { haveAddresses } = takeSymbols(roots, folder, symbols);
  const warnings = lossWarning(countLosses(instance.folder), bufferKb);
  if (!haveAddresses) {
    warnings.push('kallsyms has no addresses (kptr_restrict): call sites will have no names');
  }
  const exitCode = command?.exitCode ?? 0;
  warnings.push(...undo.run());
  return { bytes: reader.bytes, seconds, warnings, exitCode };
}

async function startCommand(
  command: readonly string[],
  undo: UndoSteps,
): Promise<TracedCommand | undefined> {
  if (command.length === 0) return undefined;
  const traced = await TracedCommand.start(command);
  undo.add(() => traced.end());
  return traced;
}

/** The tracer goes by threads. */
function threadsOf({ proc }: MachineRoots, pid: number): number[] {
  try {
    return readdirSync(join(proc, String(pid), 'task')).map(Number);
  } catch (error) {
    throw new UsageError(`--pid ${pid}: there is no such task`, { cause: error });
  }
}

/** Opens the buffers of a tracer, each to be copied to a file of the folder. */
export function openReader(
  tracer: string,
  folder: RecordingFolder,
  undo: UndoSteps,
): RawPagesReader {
  const reader = new RawPagesReader(bufferPageSize(tracer));
  undo.add(() => reader.close());
  for (const cpu of cpusOf(tracer)) {
    const pipe = cpuFile(tracer, cpu, 'trace_pipe_raw');
    reader.open(cpu, pipe, folder.path(`trace_pipe_raw.cpu${cpu}`));
  }
  return reader;
}

async function copyUntilEnd(
  { bufferKb, durationMs }: RecordOptions,
  { isStopped, onProgress }: RecordControl,
  instance: TraceInstance,
  reader: RawPagesReader,
  command: TracedCommand | undefined,
): Promise<void> {
  const started = performance.now();
  const end = durationMs === null ? Infinity : started + durationMs;
  // Half of a buffer may fill in between. Every look at a page that is not full costs a copy of it.
  const wait = Math.min(Math.max(bufferKb / 2 / KB_PER_MS, SHORTEST_WAIT_MS), LONGEST_WAIT_MS);
  let told = started;
  while (!isStopped() && command?.exitCode === undefined) {
    const now = performance.now();
    if (now >= end) return;
    const hasMore = reader.drain();
    if (now - told >= PROGRESS_MS) {
      told = now;
      onProgress(reader.bytes, countLosses(instance.folder));
    }
    await sleep(hasMore ? 0 : Math.min(wait, end - now));
  }
}

/** `64M`, `512K`, plain kilobytes: of each CPU. @throws UsageError */
export function parseBuffer(text: string): number {
  const [, digits, unit = 'K'] = /^(\d{1,9})([KMG])?$/i.exec(text) ?? [];
  const factor = { K: 1, M: 1024, G: 1024 * 1024 }[unit.toUpperCase()] ?? 1;
  const kb = Number(digits) * factor;
  if (digits === undefined || kb < 8 || kb > 64 * 1024 * 1024) {
    throw new UsageError(`--buffer ${text}: expected a size, such as 64M`);
  }
  return kb;
}
