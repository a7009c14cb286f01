// Commands of the built program in a few processes that run one after the other (cli-process.js): the
// start of a process takes longer than most commands. They end with the tests.

import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/** How a command ended: `code` is null where a signal ended it. */
export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What the program is, and what it runs in. */
export interface Program {
  readonly main: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A command that has not ended by then hangs: even on a busy machine none takes a tenth of it. */
const HANG_MS = 1_200_000;
/** For tests of many commands, above HANG_MS: the limit of one test says nothing there. */
export const POOL_TEST_MS = 3_600_000;
const PROCESSES = Math.min(2, availableParallelism());

export class CliPool {
  private readonly program: Program;
  private readonly idle: CliProcess[] = [];
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(program: Program) {
    this.program = program;
  }

  /** Runs a command to its end. */
  async run(args: readonly string[], cwd: string): Promise<CliResult> {
    if (this.running === PROCESSES)
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running++;
    try {
      const child = this.idle.pop() ?? new CliProcess(this.program);
      const result = await child.run(args, cwd);
      if (child.isAlive) this.idle.push(child);
      return result;
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }
}

/** One process. It lives as long as no command ends it, and as the tests. */
class CliProcess {
  /** Ends what a command writes to a stream; nothing else ever writes it. */
  private readonly mark = randomUUID();
  private readonly child: ChildProcess;
  private readonly ready: Promise<unknown>;
  private readonly written: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  private onOutput: () => void = () => undefined;

  constructor({ main, env }: Program) {
    const path = fileURLToPath(import.meta.resolve('./cli-process.js'));
    this.child = fork(path, [main, this.mark], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    this.ready = new Promise((resolve) =>
      this.child.once('message', resolve).once('close', resolve),
    );
    for (const name of ['stdout', 'stderr'] as const) {
      this.child[name]?.on('data', (chunk: Buffer) => {
        this.written[name].push(chunk);
        this.onOutput();
      });
      (this.child[name] as Socket).unref();
    }
    this.child.unref();
    this.child.channel?.unref();
  }

  get isAlive(): boolean {
    return this.child.connected;
  }

  async run(args: readonly string[], cwd: string): Promise<CliResult> {
    await this.ready;
    const { child, written } = this;
    if (!this.isAlive) throw new Error(`no process: ${this.unmarked('stderr')}`);
    written.stdout = [];
    written.stderr = [];
    return new Promise((resolve) => {
      const hang = setTimeout(() => child.kill('SIGKILL'), HANG_MS);
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        clearTimeout(hang);
        child.off('message', onCode);
        child.off('close', end);
        this.onOutput = () => undefined;
        resolve({ code, signal, stdout: this.unmarked('stdout'), stderr: this.unmarked('stderr') });
      };
      let code: number | undefined;
      this.onOutput = () => {
        if (code === undefined) return;
        const isWhole = [written.stdout, written.stderr].every((chunks) => this.isMarked(chunks));
        if (isWhole) end(code, null);
      };
      const onCode = (message: unknown): void => {
        code = message as number;
        this.onOutput();
      };
      child.on('message', onCode);
      // Where the command ends the process: its outputs have no mark then.
      child.on('close', end);
      child.send({ args, cwd });
    });
  }

  private unmarked(name: 'stdout' | 'stderr'): string {
    const text = Buffer.concat(this.written[name]).toString('utf8');
    return text.endsWith(this.mark) ? text.slice(0, -this.mark.length) : text;
  }

  private isMarked(chunks: readonly Buffer[]): boolean {
    let tail = '';
    for (let i = chunks.length - 1; i >= 0 && tail.length < this.mark.length; i--) {
      tail = chunks[i]?.toString('latin1') + tail;
    }
    return tail.endsWith(this.mark);
  }
}
