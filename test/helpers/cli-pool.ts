// Many commands of the built program, in a few processes that run one after the other (cli-process.js).

import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { MAIN, ROOT } from './run-cli.ts';

export interface PooledResult {
  /** Null where the process died, or did not answer. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that has not ended by then hangs: even on a busy machine none takes a tenth of it. */
const HANG_MS = 300_000;
/** For tests of many commands, above HANG_MS: the limit of one test says nothing there. */
export const POOL_TEST_MS = 1_800_000;
const PROCESSES = Math.min(2, availableParallelism());

export class CliPool {
  private readonly idle: ChildProcess[] = [];
  private readonly started: ChildProcess[] = [];

  /** Runs every command; results in the order of the commands. */
  async run(commands: readonly (readonly string[])[]): Promise<PooledResult[]> {
    const results: PooledResult[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      let child: ChildProcess | undefined;
      for (let i = next++; i < commands.length; i = next++) {
        child ??= this.idle.pop() ?? (await this.start());
        const result = await runIn(child, commands[i] ?? []);
        results[i] = result;
        if (result.code === null) child = undefined;
      }
      if (child !== undefined) this.idle.push(child);
    };
    await Promise.all(Array.from({ length: PROCESSES }, work));
    return results;
  }

  /** Ends the processes, also those that hang. */
  close(): void {
    for (const child of this.started) child.kill('SIGKILL');
  }

  private async start(): Promise<ChildProcess> {
    const child = await startProcess();
    this.started.push(child);
    return child;
  }
}

function startProcess(): Promise<ChildProcess> {
  const child = fork(fileURLToPath(import.meta.resolve('./cli-process.js')), [MAIN], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1', TZ: 'UTC', LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`the process ended with ${code}`)));
    child.once('message', () => {
      child.removeAllListeners('exit');
      resolve(child);
    });
  });
}

function runIn(child: ChildProcess, args: readonly string[]): Promise<PooledResult> {
  return new Promise((resolve) => {
    let stderr = '';
    const onStderr = (chunk: Buffer): void => {
      stderr += chunk.toString('utf8');
    };
    const end = (result: PooledResult): void => {
      clearTimeout(timer);
      child.stderr?.off('data', onStderr);
      child.removeAllListeners('message');
      child.removeAllListeners('exit');
      resolve(result);
    };
    const timer = setTimeout(() => {
      end({ code: null, stdout: '', stderr: `it hangs\n${stderr}` });
      child.kill('SIGKILL');
    }, HANG_MS);
    child.stderr?.on('data', onStderr);
    child.once('message', (result) => end(result as PooledResult));
    child.once('exit', (code, signal) =>
      end({ code: null, stdout: '', stderr: `it died (${code ?? signal})\n${stderr}` }),
    );
    child.send(args);
  });
}
