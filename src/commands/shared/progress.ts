// The line on a terminal that says what a command is at and how far. It changes nothing else of the
// terminal, and nothing of it keeps the program alive: whatever ends a pass ends its line.

import { onEndSignal, onExit, signalsServed } from '../../base/end-signals.ts';
import {
  NO_PROGRESS,
  type PassOptions,
  type Progress,
  type ProgressListener,
} from '../../base/progress.ts';

/** Shorter work shows none. */
const SHOW_AFTER_MS = 700;
const REDRAW_MS = 100;
/** Before that, the time that is left is a guess. */
const GUESS_AFTER_MS = 1000;
const GUESS_FROM_SHARE = 0.05;
const BAR_CELLS = 20;

/** What a terminal is to the line: `process.stderr`, or a test's. */
export interface Screen {
  readonly columns?: number;
  write(text: string): unknown;
}

interface Pass {
  readonly name: string;
  readonly blocks: boolean;
  readonly startedMs: number;
  state: number | string;
}

/** Passes that run at the same time take turns: the one that was begun last is shown. */
export class ProgressLine implements Progress {
  private readonly screen: Screen;
  private readonly now: () => number;
  private readonly startedMs: number;
  private readonly passes: Pass[] = [];
  private timer: NodeJS.Timeout | undefined;
  private shown = '';
  private drawnMs = 0;
  private offEnd: (() => void) | undefined;

  /** @param now milliseconds of a clock that never steps */
  constructor(screen: Screen, now: () => number = () => performance.now()) {
    this.screen = screen;
    this.now = now;
    this.startedMs = now();
  }

  async during<T>(
    name: string,
    work: (tell: ProgressListener) => Promise<T>,
    { blocks = false }: PassOptions = {},
  ): Promise<T> {
    const pass: Pass = { name, blocks, startedMs: this.now(), state: 0 };
    this.passes.push(pass);
    this.erase();
    this.draw();
    // For input that is waited for. It never keeps the program alive.
    this.timer ??= setInterval(() => this.draw(), REDRAW_MS).unref();
    try {
      // The listener for signals is gone only then, and nothing could call it during the work.
      if (blocks) await signalsServed();
      return await work((state) => {
        pass.state = state;
        if (this.now() - this.drawnMs >= REDRAW_MS) this.draw();
      });
    } finally {
      this.passes.splice(this.passes.indexOf(pass), 1);
      const wasShown = this.shown !== '';
      this.erase();
      // A signal that came during the work ends the program here, before anything is written.
      if (wasShown) await signalsServed();
      if (this.passes.length === 0) {
        clearInterval(this.timer);
        this.timer = undefined;
      }
    }
  }

  /** Takes the line away; what is drawn next brings it back. */
  erase(): void {
    this.offEnd?.();
    this.offEnd = undefined;
    if (this.shown !== '') this.screen.write('\r\x1b[K');
    this.shown = '';
  }

  private draw(): void {
    const now = this.now();
    const pass = this.passes.at(-1);
    if (pass === undefined || now - this.startedMs < SHOW_AFTER_MS) return;
    this.drawnMs = now;
    // A line as wide as the terminal would wrap.
    const text = passText(pass, now - pass.startedMs).slice(0, (this.screen.columns || 80) - 1);
    if (text === this.shown) return;
    if (!pass.blocks) this.offEnd ??= onEndSignal(() => this.erase());
    this.screen.write(`\r${text}\x1b[K`);
    this.shown = text;
  }
}

/** `reading net-61 [######--------------] 31%, 4 s left` */
function passText({ name, state }: Pass, elapsedMs: number): string {
  // The names of files are anybody's.
  const safe = name.replace(/[^\x20-\x7e]/g, '?');
  if (typeof state === 'string') return `${safe}: ${state}`;
  if (!(state > 0 && state <= 1)) {
    return elapsedMs < GUESS_AFTER_MS ? safe : `${safe}, ${seconds(elapsedMs)}`;
  }
  const cells = Math.floor(state * BAR_CELLS);
  const bar = '#'.repeat(cells).padEnd(BAR_CELLS, '-');
  const left = (elapsedMs / state) * (1 - state);
  const isKnown = elapsedMs >= GUESS_AFTER_MS && state >= GUESS_FROM_SHARE;
  const guess = isKnown ? `, ${seconds(left)} left` : '';
  return `${safe} [${bar}] ${Math.floor(state * 100)}%${guess}`;
}

function seconds(ms: number): string {
  const whole = Math.round(ms / 1000);
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

let line: ProgressLine | undefined;

/** The one line of this program; where standard error is no terminal, or the user wants none, nothing. */
export function progressLine(isWanted: boolean): Progress {
  if (!isWanted || !process.stderr.isTTY || process.env['TERM'] === 'dumb') return NO_PROGRESS;
  if (line === undefined) {
    const shown = new ProgressLine(process.stderr);
    onExit(() => shown.erase());
    line = shown;
  }
  return line;
}
