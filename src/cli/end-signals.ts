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
  signalsServed,
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

/**
 * A signal that no one waits for ends the program at once, whatever it is at. A listener that
 * is no longer needed goes a little later: a signal that has come before would be lost with it.
 */
function listen(): void {
  for (const signal of END_SIGNALS) {
    if (isAwaited(signal) && process.listenerCount(signal, handle) === 0)
      process.on(signal, handle);
  }
  void signalsServed().then(() => {
    for (const signal of END_SIGNALS) if (!isAwaited(signal)) process.off(signal, handle);
  });
}
