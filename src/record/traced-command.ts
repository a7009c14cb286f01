// A command that is held before its first instruction until its events are switched on.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../base/errors.ts';
import { readIfThere } from './machine-roots.ts';

const WAIT_MS = 5;
const MOST_WAITS = 2000;

export class TracedCommand {
  readonly pid: number;
  /** Exit code, or 128 and the signal's number. */
  readonly ended: Promise<number>;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, pid: number, ended: Promise<number>) {
    this.child = child;
    this.pid = pid;
    this.ended = ended;
  }

  /** @throws InputError where it cannot be started */
  static async start(command: readonly string[], proc: string): Promise<TracedCommand> {
    // The shell stops itself, and becomes the command when it goes on.
    const script = 'kill -STOP $$; exec "$@"';
    const child = spawn('/bin/sh', ['-c', script, 'sh', ...command], { stdio: 'inherit' });
    const ended = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
    });
    ended.catch(() => undefined);
    const { pid } = child;
    if (pid === undefined) throw new InputError(`${command[0]}: cannot be started`);
    for (let i = 0; i < MOST_WAITS; i++) {
      const state = /^\d+ \(.*\) (\S)/.exec(
        readIfThere(join(proc, String(pid), 'stat')) ?? '',
      )?.[1];
      if (state === 'T') return new TracedCommand(child, pid, ended);
      await sleep(WAIT_MS);
    }
    child.kill('SIGKILL');
    throw new InputError(`${command[0]}: did not start in ${(WAIT_MS * MOST_WAITS) / 1000} s`);
  }

  go(): void {
    this.child.kill('SIGCONT');
  }

  /** Passes Ctrl-C on. */
  interrupt(): void {
    this.child.kill('SIGINT');
  }
}
