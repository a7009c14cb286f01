// Ctrl-C, `kill` and a closed terminal: what is half made is taken away before the program ends, with
// the exit code that a shell gives a program that a signal ended. Or someone takes the signal for
// something else, and the program goes on.

import { constants } from 'node:os';

/** SIGHUP comes when the terminal is closed. */
export const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

type EndSignal = (typeof END_SIGNALS)[number];

interface Taker {
  readonly signals: readonly EndSignal[];
  readonly action: () => void;
}

const cleanups = new Set<() => void>();
const takers = new Set<Taker>();

/** Calls `cleanup` when a signal ends the program. Returns what takes it back. */
export function onEndSignal(cleanup: () => void): () => void {
  return entered(cleanups, cleanup);
}

/** Calls `action` in place of ending the program. Returns what takes it back. */
export function takeSignals(signals: readonly EndSignal[], action: () => void): () => void {
  return entered(takers, { signals, action });
}

function entered<T>(set: Set<T>, entry: T): () => void {
  set.add(entry);
  listen();
  return () => {
    set.delete(entry);
    listen();
  };
}

function takerOf(signal: EndSignal): Taker | undefined {
  return [...takers].findLast(({ signals }) => signals.includes(signal));
}

function handle(signal: EndSignal): void {
  const taker = takerOf(signal);
  if (taker !== undefined) {
    taker.action();
    return;
  }
  for (const cleanup of [...cleanups].reverse()) cleanup();
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
    if (cleanups.size > 0 || takerOf(signal) !== undefined) process.on(signal, handle);
  }
}
