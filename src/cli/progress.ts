// A progress bar on standard error while a source is read; only where that is a terminal.

import type { ProgressListener } from '../pipeline/read-trace.ts';

/** Shorter work shows none. */
const SHOW_AFTER_MS = 700;

export async function startProgress(): Promise<ProgressListener | undefined> {
  if (!process.stderr.isTTY) return undefined;
  const { SingleBar } = (await import('cli-progress')).default;
  const bar = new SingleBar({
    format: 'reading [{bar}] {percentage}%  {eta_formatted} left',
    clearOnComplete: true,
    hideCursor: true,
    fps: 10,
    stream: process.stderr,
  });
  const start = Date.now();
  let isShown = false;
  return (fraction) => {
    if (!isShown && Date.now() - start > SHOW_AFTER_MS && fraction < 1) {
      bar.start(1000, 0);
      isShown = true;
    }
    if (!isShown) return;
    bar.update(Math.floor(fraction * 1000));
    if (fraction >= 1) {
      bar.stop();
      isShown = false;
    }
  };
}
