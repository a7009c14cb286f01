// Runs the built program as a user does: `dist/cli/main.js` in a process of its own, in the project's
// folder, without colour and in UTC (SLABREPLAY_MAIN names another build).

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export const ROOT: string = join(import.meta.dirname, '..', '..');
export const MAIN: string = process.env['SLABREPLAY_MAIN'] ?? join(ROOT, 'dist', 'cli', 'main.js');

/** A whole boot of Linux 6.1 as trace.dat, with the kernel's own answers: 814,218 events. */
export const BOOT = 'traces/debian-6.1-boot';
/** A tenth of a second of Linux 6.12 as text, with stacks: 6,445 events. */
export const STACKS = 'traces/debian-6.12-stacks';

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  /** Standard input; empty where there is none. */
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
}

const ENV = { ...process.env, NO_COLOR: '1', TZ: 'UTC', LC_ALL: 'C' };

/** Starts the program; its streams are pipes. */
export function startCli(args: readonly string[], options: CliOptions = {}): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: options.cwd ?? ROOT, env: ENV });
  child.stdin.on('error', () => undefined); // it may end before it has read all
  return child;
}

/** Runs the program to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = startCli(args, options);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin?.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8');
      resolve({ code, signal, stdout: text(stdout), stderr: text(stderr) });
    });
  });
}

/** What a command prints; throws where it does not end with 0. */
export async function outputOf(args: readonly string[], options: CliOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runCli(args, options);
  if (code !== 0) throw new Error(`slabreplay ${args.join(' ')}: exit ${code}\n${stderr}`);
  return stdout;
}

/** What a command prints with --json. */
export async function jsonOf<T = Record<string, unknown>>(
  args: readonly string[],
  options: CliOptions = {},
): Promise<T> {
  return JSON.parse(await outputOf([...args, '--json'], options)) as T;
}

/** A folder of its own for a test, gone when it ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'slabreplay-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
