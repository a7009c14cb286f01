// A recording of this machine: an instance of the tracer, its pages copied as they come, and the
// files of the machine around them.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError, OutputError, UsageError } from '../base/errors.ts';
import type { MachineRoots } from './machine-roots.ts';
import { RawPagesReader } from './raw-pages-reader.ts';
import { showsAddresses, takeMachineFiles, takeSlabState, takeTracerState } from './sidecars.ts';
import { checkEvents, chooseEvents, TraceInstance } from './trace-instance.ts';
import { TracedCommand } from './traced-command.ts';

export interface RecordOptions {
  readonly folder: string;
  readonly force: boolean;
  readonly instance: string;
  /** Null: until stopped, or until the command ends. */
  readonly durationMs: number | null;
  readonly pids: readonly number[];
  /** `system:event`; empty for the slab events that the kernel has. */
  readonly events: readonly string[];
  readonly pageEvents: boolean;
  readonly stacks: boolean;
  /** Of each CPU. */
  readonly bufferKb: number;
  readonly command: readonly string[];
}

export interface Recorded {
  readonly bytes: number;
  readonly seconds: number;
  /** Events that the kernel threw away because the buffers were full. */
  readonly overruns: number;
  readonly warnings: readonly string[];
  /** Of the command; 0 where there was none. */
  readonly exitCode: number;
}

/** How long to wait when all buffers are empty. */
const POLL_MS = 20;
/** Pages of the ring buffer; tracefs gives them in pages of memory. */
const PAGE_SIZE = 4096;

/** What ends a recording from outside. */
export interface StopSignal {
  readonly stopped: boolean;
}

/**
 * @param onBytes told now and then how much was copied
 * @throws ToolError; the machine's tracer is as it was before, whatever happens
 */
export async function record(
  roots: MachineRoots,
  options: RecordOptions,
  stop: StopSignal,
  onInstance: (remove: () => void) => void,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<Recorded> {
  const events = wantedEvents(roots, options);
  makeFolder(options.folder, options.force);
  takeSlabState(roots, options.folder, '.before');
  const instance = new TraceInstance(roots.tracefs, options.instance, {
    events,
    bufferKb: options.bufferKb,
    stacks: options.stacks,
    pids: options.pids,
  });
  onInstance(() => instance.remove());
  const reader = new RawPagesReader(PAGE_SIZE);
  try {
    for (const cpu of instance.cpus()) {
      reader.open(instance.rawPipe(cpu), join(options.folder, `trace_pipe_raw.cpu${cpu}`));
    }
    const started = performance.now();
    const exitCode = await run(roots, options, stop, instance, reader, onBytes);
    const seconds = (performance.now() - started) / 1000;
    takeSlabState(roots, options.folder, '');
    while (reader.drain());
    const overruns = takeStats(instance, options.folder);
    takeTracerState(roots.tracefs, instance.folder, options.folder);
    takeMachineFiles(roots, options.folder, events);
    const warnings = warningsOf(roots, overruns, options.bufferKb);
    return { bytes: reader.bytes, seconds, overruns, warnings, exitCode };
  } finally {
    reader.close();
    instance.remove();
  }
}

function wantedEvents({ tracefs }: MachineRoots, { events, pageEvents }: RecordOptions): string[] {
  if (events.length === 0) return chooseEvents(tracefs, pageEvents);
  checkEvents(tracefs, events);
  return [...events];
}

async function run(
  { proc }: MachineRoots,
  options: RecordOptions,
  stop: StopSignal,
  instance: TraceInstance,
  reader: RawPagesReader,
  onBytes: (bytes: number) => void,
): Promise<number> {
  let command: TracedCommand | undefined;
  let exitCode: number | undefined;
  if (options.command.length > 0) {
    command = await TracedCommand.start(options.command, proc);
    instance.follow([command.pid, ...options.pids]);
    void command.ended.then((code) => {
      exitCode = code;
    });
  }
  instance.start();
  command?.go();
  const end = options.durationMs === null ? Infinity : performance.now() + options.durationMs;
  while (!stop.stopped && exitCode === undefined && performance.now() < end) {
    const hasMore = reader.drain();
    onBytes(reader.bytes);
    if (!hasMore) await sleep(POLL_MS);
    else await sleep(0);
  }
  instance.stop();
  if (exitCode === undefined) command?.interrupt();
  return exitCode ?? 0;
}

function makeFolder(folder: string, force: boolean): void {
  if (existsSync(folder) && !force && readdirSync(folder).length > 0) {
    throw new OutputError(`${folder}: is there and not empty`, {
      hint: 'Name another folder with -o, or use --force to write over what is in it.',
    });
  }
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new OutputError(`${folder}: cannot be made: ${describeError(error)}`, { cause: error });
  }
}

/** Saves each CPU's counters; returns the events that were lost. */
function takeStats(instance: TraceInstance, folder: string): number {
  let lost = 0;
  for (const cpu of instance.cpus()) {
    const text = instance.stats(cpu);
    writeFileSync(join(folder, `cpu${cpu}.stats`), `${text}\n`);
    for (const [, count] of text.matchAll(/^(?:overrun|dropped events): (\d+)/gm)) {
      lost += Number(count);
    }
  }
  return lost;
}

function warningsOf(roots: MachineRoots, overruns: number, bufferKb: number): string[] {
  const warnings: string[] = [];
  if (overruns > 0) {
    warnings.push(
      `${overruns.toLocaleString('en-US')} events were lost, the buffers were full: try --buffer ` +
        `${Math.round(bufferKb / 256)}M, or --pid`,
    );
  }
  if (!showsAddresses(roots)) {
    warnings.push('kallsyms has no addresses (kptr_restrict): call sites will have no names');
  }
  return warnings;
}

/** `64M`, `512K`, plain kilobytes: of each CPU. @throws UsageError */
export function parseBuffer(text: string): number {
  const [, digits, unit = 'K'] = /^(\d{1,9})([KMG])?$/i.exec(text) ?? [];
  const factor = { K: 1, M: 1024, G: 1024 * 1024 }[unit.toUpperCase()] ?? 1;
  const kb = Number(digits) * factor;
  if (digits === undefined || kb < 8 || kb > 64 * 1024 * 1024) {
    throw new UsageError(`--buffer ${text}: a size is wanted, such as 64M`);
  }
  return kb;
}
