// Ctrl-C, `kill` and a closed terminal: what is half made is taken away before the program ends, with
// the exit code that a shell gives a program that a signal ended. Or somebody takes the signal for
// something else, and the program goes on.

import { constants } from 'node:os';
import {
  cleanUpAtExit,
  cleanUpAtSignal,
  END_SIGNALS,
  type EndSignal,
  isAwaited,
  takerOf,
  whenAwaitedChanges,
} from '../base/end-signals.ts';

/** To be called once, before anything is made. */
export function watchEnd(): void {
  process.on('exit', cleanUpAtExit);
  whenAwaitedChanges(listen);
  listen();
}

function handle(signal: EndSignal): void {
  const taken = takerOf(signal);
  if (taken !== undefined) {
    taken();
    return;
  }
  cleanUpAtSignal();
  const code = 128 + constants.signals[signal];
  if (!isReading()) process.exit(code);
  process.emit('exit', code);
  process.off(signal, handle);
  process.kill(process.pid, signal);
}

/** process.exit() waits for reads, and one of a pipe may wait for ever; the signal itself does not. */
function isReading(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'));
}

/** A signal that no one waits for ends the program at once, whatever it is at. */
function listen(): void {
  for (const signal of END_SIGNALS) {
    process.off(signal, handle);
    if (isAwaited(signal)) process.on(signal, handle);
  }
}
