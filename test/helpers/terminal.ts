// A real pseudo-terminal for the built program (by way of Python's pty), and what a terminal shows of
// the bytes it gets.

import { execFile, execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MAIN, ROOT, temporaryFolder } from './run-cli.ts';

const HELPER = join(import.meta.dirname, 'terminal.py');
/** No limit on speed: a program that hangs is killed then. */
const SECONDS = 240;

/** Programs without which there is none. */
export const TERMINAL_TOOLS = ['python3', 'mkfifo', 'bash'] as const;

/** When the screen shows a text, do this. */
export type Step = readonly [
  text: string,
  action: 'feed' | 'close' | 'ctrl-c' | 'SIGTERM' | 'SIGHUP',
];

export interface TerminalResult {
  /** Minus the signal where one ended it; null where it did not end. */
  readonly status: number | null;
  /** All that went to the terminal. */
  readonly output: string;
}

interface TerminalJob {
  readonly columns?: number;
  readonly steps?: readonly Step[];
  /** A named pipe, what is written to it at once, and what by the step `feed`. */
  readonly pipe?: { readonly path: string; readonly first: Uint8Array; readonly rest: Uint8Array };
}

/** The words of a shell that run the program. */
export const PROGRAM = `'${process.execPath}' '${MAIN}'`;

/** Runs the program in a terminal. */
export function inTerminal(args: readonly string[], job: TerminalJob): Promise<TerminalResult> {
  return run([process.execPath, MAIN, ...args], job);
}

/** Runs a line of shell in a terminal. */
export function shellInTerminal(line: string, job: TerminalJob): Promise<TerminalResult> {
  return run(['bash', '-c', line], job);
}

async function run(command: readonly string[], job: TerminalJob): Promise<TerminalResult> {
  const { columns = 100, steps = [], pipe } = job;
  const folder = temporaryFolder();
  const files = { first: join(folder, 'first'), rest: join(folder, 'rest') };
  if (pipe !== undefined) {
    writeFileSync(files.first, pipe.first);
    writeFileSync(files.rest, pipe.rest);
  }
  const all = { command, columns, steps, seconds: SECONDS, fifo: pipe?.path, ...files };
  const env = { ...process.env, NO_COLOR: '1', TERM: 'xterm-256color', TZ: 'UTC', LC_ALL: 'C' };
  const { stdout } = await promisify(execFile)('python3', [HELPER, JSON.stringify(all)], {
    cwd: ROOT,
    env,
    maxBuffer: 2 ** 28,
  });
  return JSON.parse(stdout) as TerminalResult;
}

/** A named pipe in a folder of its own. */
export function makePipe(): string {
  const path = join(temporaryFolder(), 'trace.txt');
  execFileSync('mkfifo', [path]);
  return path;
}

const ERASE_REST = '\x1b[K';

/** Every state of a line that is drawn over and over. */
export function drawnLines(output: string): string[] {
  return output
    .split('\r')
    .flatMap((line) => (line.endsWith(ERASE_REST) ? [line.slice(0, -3)] : []));
}

/**
 * The lines that a terminal shows in the end.
 * @throws Error on anything but text, carriage returns, line feeds and the erasing of a line's rest:
 *   what else a program sends changes the terminal, and would have to be undone
 */
export function screenOf(output: string): string {
  return output.split('\n').map(lineOf).join('\n');
}

function lineOf(output: string): string {
  let line = '';
  for (const drawn of output.split('\r')) {
    let at = 0;
    for (const [i, text] of drawn.split(ERASE_REST).entries()) {
      if (i > 0) line = line.slice(0, at);
      if (/\p{Cc}/u.test(text)) throw new Error(`the terminal got ${JSON.stringify(text)}`);
      line = line.slice(0, at) + text + line.slice(at + text.length);
      at += text.length;
    }
  }
  return line;
}
