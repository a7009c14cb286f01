// `record`: a recording of this machine, stopped by Ctrl-C, by its duration or by its command's end.

import { END_SIGNALS, onExit, takeSignals } from '../../base/end-signals.ts';
import { bootCommandLine, collectBoot } from './boot.ts';
import { findMachineRoots } from './machine-roots.ts';
import { parseBuffer, type Recorded, type RecordOptions, record } from './record.ts';
import { chooseEvents, type EventChoice } from './slab-events.ts';
import { UndoSteps } from './undo-steps.ts';

export { parseBuffer };

/**
 * The signals end the recording, not the program: what was recorded is kept.
 * @param root where the machine's folders are: `/`, or where a container has its host's
 */
export async function recordRun(
  root: string,
  options: RecordOptions,
  onProgress: (bytes: number, losses: number) => void,
): Promise<Recorded> {
  const undo = new UndoSteps();
  let stopped = false;
  const stop = (): void => {
    stopped = true;
  };
  // Whatever ends the program, the machine's tracer is left as it was.
  const restore = (): void => void undo.run();
  const off = takeSignals(END_SIGNALS, stop);
  const offExit = onExit(restore);
  try {
    const control = { isStopped: () => stopped, undo, onProgress };
    return await record(findMachineRoots(root), options, control);
  } finally {
    off();
    offExit();
  }
}

/** The kernel command line for a recording from boot. */
export function bootLine(
  root: string,
  choice: EventChoice,
  bufferKb: number,
  stacks: boolean,
): string {
  return bootCommandLine(chooseEvents(findMachineRoots(root).tracefs, choice), bufferKb, stacks);
}

/** Gathers a recording from boot. */
export function collectRun(
  root: string,
  folder: string,
  force: boolean,
): { bytes: number; warnings: string[] } {
  return collectBoot(findMachineRoots(root), folder, force, new UndoSteps());
}
