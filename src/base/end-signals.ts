// What is half made when the program ends: who must take something away, or takes a signal for
// something else, says so here. Nothing here listens to the process: the program does
// (cli/end-signals.ts); a program that uses the library has signals and exits of its own.

import { setImmediate } from 'node:timers/promises';

/** SIGHUP comes when the terminal is closed. */
export const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export type EndSignal = (typeof END_SIGNALS)[number];

interface Taker {
  readonly signals: readonly EndSignal[];
  readonly action: () => void;
}

const atSignal = new Set<() => void>();
const atExit = new Set<() => void>();
const takers = new Set<Taker>();
let changed = (): void => undefined;

/** Calls `cleanup` when a signal ends the program. Returns what takes it back. */
export function onEndSignal(cleanup: () => void): () => void {
  return entered(atSignal, cleanup);
}

/** Calls `cleanup` when the program exits, for whatever reason but a signal that no one waits for. */
export function onExit(cleanup: () => void): () => void {
  return entered(atExit, cleanup);
}

/** Calls `action` in place of ending the program. Returns what takes it back. */
export function takeSignals(signals: readonly EndSignal[], action: () => void): () => void {
  return entered(takers, { signals, action });
}

/** For the program: `listener` is called when `isAwaited` may have another answer. */
export function whenAwaitedChanges(listener: () => void): void {
  changed = listener;
}

/**
 * Until the listeners of the signals that have come are called. They are called where the event loop
 * polls, which between here and the first immediate it need not do.
 */
export async function signalsServed(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

/** Whether anything must be done when this signal comes. */
export function isAwaited(signal: EndSignal): boolean {
  return atSignal.size > 0 || takerOf(signal) !== undefined;
}

/** The action that stands in for the end of the program, the latest one; undefined: there is none. */
export function takerOf(signal: EndSignal): (() => void) | undefined {
  return [...takers].findLast(({ signals }) => signals.includes(signal))?.action;
}

/** Takes away what must go when a signal ends the program. */
export function cleanUpAtSignal(): void {
  for (const cleanup of [...atSignal].reverse()) cleanup();
}

/** Takes away what must go when the program exits. */
export function cleanUpAtExit(): void {
  for (const cleanup of [...atExit].reverse()) cleanup();
}

function entered<T>(set: Set<T>, entry: T): () => void {
  set.add(entry);
  changed();
  return () => {
    set.delete(entry);
    changed();
  };
}
