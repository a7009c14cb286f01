// Recording from boot: what the kernel command line must say, and what is gathered afterwards.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../base/errors.ts';
import { countLosses, lossWarning, takeStats } from './losses.ts';
import { type MachineRoots, readIfThere } from './machine-roots.ts';
import { openReader } from './record.ts';
import { RecordingFolder } from './recording-folder.ts';
import { takeEndState, takeMachineFiles, takeSlabState, takeSymbols } from './sidecars.ts';
import type { UndoSteps } from './undo-steps.ts';

/** Options of Documentation/admin-guide/kernel-parameters.txt; buffers are of each CPU. */
export function bootCommandLine(
  events: readonly string[],
  bufferKb: number,
  stacks: boolean,
): string {
  return [
    `trace_event=${events.join(',')}`,
    `trace_buf_size=${bufferKb}K`,
    'trace_clock=global',
    ...(stacks ? ['trace_options=stacktrace'] : []),
  ].join(' ');
}

/**
 * Stops the tracer that ran since boot and gathers what it has.
 * @returns bytes of events, and what to tell
 * @throws InputError where no kmem event is switched on
 */
export function collectBoot(
  roots: MachineRoots,
  path: string,
  force: boolean,
  undo: UndoSteps,
): { bytes: number; warnings: string[] } {
  const { tracefs } = roots;
  const events = (readIfThere(join(tracefs, 'set_event')) ?? '')
    .split('\n')
    .filter((event) => /^[\w-]+:[\w-]+$/.test(event));
  if (!events.includes('kmem:kmalloc')) {
    throw new InputError('the tracer has not recorded kmalloc since boot', {
      hint: 'Boot with the command line that `slabreplay record --boot` prints.',
    });
  }
  const folder = new RecordingFolder(path, force);
  writeFileSync(join(tracefs, 'tracing_on'), '0\n');
  try {
    takeSlabState(roots, folder, '');
    takeMachineFiles(roots, tracefs, events, folder);
    takeSymbols(roots, folder);
    const reader = openReader(tracefs, folder, undo);
    while (reader.drain());
    takeStats(tracefs, folder, reader.cpus());
    takeEndState(roots, folder);
    const bufferKb = Number.parseInt(readIfThere(join(tracefs, 'buffer_size_kb')) ?? '', 10);
    return { bytes: reader.bytes, warnings: lossWarning(countLosses(tracefs), bufferKb) };
  } finally {
    undo.run();
  }
}
