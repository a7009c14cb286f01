// `record`: a recording of this machine, stopped by Ctrl-C, by its duration or by its command's end.

import { bootCommandLine, collectBoot } from '../record/boot.ts';
import { findMachineRoots, type MachineRoots } from '../record/machine-roots.ts';
import { parseBuffer, type Recorded, type RecordOptions, record } from '../record/record.ts';
import { chooseEvents } from '../record/trace-instance.ts';

export type { Recorded, RecordOptions };
export { parseBuffer };

/** Ctrl-C and SIGTERM end the recording, not the program: what was recorded is kept. */
export async function recordRun(
  options: RecordOptions,
  onBytes: (bytes: number) => void,
  roots: MachineRoots = findMachineRoots(),
): Promise<Recorded> {
  const stop = { stopped: false };
  const end = (): void => {
    stop.stopped = true;
  };
  let remove = (): void => undefined;
  // Whatever ends the program, the tracer of the machine is left as it was.
  const onExit = (): void => remove();
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  process.on('exit', onExit);
  try {
    return await record(
      roots,
      options,
      stop,
      (undo) => {
        remove = undo;
      },
      onBytes,
    );
  } finally {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
    process.off('exit', onExit);
  }
}

/** The kernel command line for a recording from boot. */
export function bootLine(bufferKb: number, pageEvents: boolean): string {
  return bootCommandLine(chooseEvents(findMachineRoots().tracefs, pageEvents), bufferKb);
}

/** Gathers a recording from boot; returns bytes of events. */
export function collectRun(folder: string, roots: MachineRoots = findMachineRoots()): number {
  return collectBoot(roots, folder);
}
