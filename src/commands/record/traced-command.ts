// A command that is held before its first instruction until its events are switched on.

import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../../base/errors.ts';
import { readIfThere } from './machine-roots.ts';

const WAIT_MS = 5;
const MOST_WAITS = 4000;

export class TracedCommand {
  readonly pid: number;
  /** 128 and the signal's number where a signal ended it, as shells have it. */
  exitCode: number | undefined;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, pid: number) {
    this.child = child;
    this.pid = pid;
    child.once('exit', (code, signal) => {
      this.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    });
  }

  /** @throws InputError where it cannot be started */
  static async start(command: readonly string[]): Promise<TracedCommand> {
    // The shell stops itself, and becomes the command when it goes on.
    const script = 'command -v "$1" > /dev/null || exit 127; kill -STOP $$; exec "$@"';
    const child = spawn('/bin/sh', ['-c', script, 'sh', ...command], { stdio: 'inherit' });
    child.once('error', () => undefined);
    const failed = new InputError(`${command[0]}: no such command, or it cannot be started`);
    if (child.pid === undefined) throw failed;
    const traced = new TracedCommand(child, child.pid);
    for (let i = 0; i < MOST_WAITS && traced.exitCode === undefined; i++) {
      if (traced.isStopped()) return traced;
      await sleep(WAIT_MS);
    }
    child.kill('SIGKILL');
    throw failed;
  }

  go(): void {
    this.child.kill('SIGCONT');
  }

  /** Ends it if it still runs, also where it was never let go. */
  end(): void {
    if (this.exitCode !== undefined) return;
    this.child.kill('SIGTERM');
    this.go();
  }

  private isStopped(): boolean {
    return /^\d+ \(.*\) T/s.test(readIfThere(`/proc/${this.pid}/stat`) ?? '');
  }
}
