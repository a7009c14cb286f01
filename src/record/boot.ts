// Recording from boot: what the kernel command line must say, and what is gathered afterwards.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, InputError, OutputError } from '../base/errors.ts';
import { type MachineRoots, readIfThere } from './machine-roots.ts';
import { RawPagesReader } from './raw-pages-reader.ts';
import { takeMachineFiles, takeSlabState, takeTracerState } from './sidecars.ts';

/** Options of Documentation/admin-guide/kernel-parameters.txt; buffers are of each CPU. */
export function bootCommandLine(events: readonly string[], bufferKb: number): string {
  return [
    `trace_event=${events.join(',')}`,
    `trace_buf_size=${bufferKb}K`,
    'trace_clock=global',
  ].join(' ');
}

/**
 * Stops the tracer that ran since boot and gathers what it has.
 * @returns bytes of events
 * @throws InputError where no kmem event is switched on
 */
export function collectBoot(roots: MachineRoots, folder: string): number {
  const { tracefs } = roots;
  const events = (readIfThere(join(tracefs, 'set_event')) ?? '')
    .split('\n')
    .filter((event) => /^[\w-]+:[\w-]+$/.test(event));
  if (!events.some((event) => event.startsWith('kmem:k'))) {
    throw new InputError('no kmem event is switched on', {
      hint: 'Boot with the command line that `slabreplay record --boot` prints.',
    });
  }
  writeFileSync(join(tracefs, 'tracing_on'), '0');
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new OutputError(`${folder}: cannot be made: ${describeError(error)}`, { cause: error });
  }
  takeSlabState(roots, folder, '');
  const reader = new RawPagesReader(4096);
  try {
    for (const name of readdirSync(join(tracefs, 'per_cpu'))) {
      const pipe = join(tracefs, 'per_cpu', name, 'trace_pipe_raw');
      if (!existsSync(pipe)) continue;
      reader.open(pipe, join(folder, `trace_pipe_raw.${name}`));
      const stats = readIfThere(join(tracefs, 'per_cpu', name, 'stats'));
      if (stats !== undefined) writeFileSync(join(folder, `${name}.stats`), `${stats}\n`);
    }
    while (reader.drain());
  } finally {
    reader.close();
  }
  takeTracerState(tracefs, tracefs, folder);
  takeMachineFiles(roots, folder, events);
  return reader.bytes;
}
