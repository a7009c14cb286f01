// Ctrl-C and `kill` while something is half made: it is taken away before the program ends, with the
// exit code that a shell gives a program that a signal ended.

import { constants } from 'node:os';

type EndSignal = 'SIGINT' | 'SIGTERM';

const cleanups = new Map<() => void, readonly EndSignal[]>();

function end(signal: EndSignal): void {
  for (const cleanup of [...cleanups.keys()].reverse()) cleanup();
  process.exit(128 + constants.signals[signal]);
}

/**
 * Calls `cleanup` when a signal ends the program. Returns what takes it back.
 * @param signals those that end the program; the others are left to what else listens
 */
export function onEndSignal(
  cleanup: () => void,
  signals: readonly EndSignal[] = ['SIGINT', 'SIGTERM'],
): () => void {
  cleanups.set(cleanup, signals);
  listen();
  return () => {
    cleanups.delete(cleanup);
    listen();
  };
}

function listen(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.off(signal, end);
    if ([...cleanups.values()].some((signals) => signals.includes(signal))) process.on(signal, end);
  }
}
