// Runs the built program, `dist/cli/main.js`, in the project's folder, without colour and in UTC
// (SLABREPLAY_MAIN names another build). What a process has to itself (standard input, signals) takes
// a process of its own; all else runs in processes that are kept for the next command (cli-pool.ts).

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { CliPool, type CliResult } from './cli-pool.ts';

export const ROOT: string = join(import.meta.dirname, '..', '..');
export const MAIN: string = process.env['SLABREPLAY_MAIN'] ?? join(ROOT, 'dist', 'cli', 'main.js');

/** A whole boot of Linux 6.1 as trace.dat, with the kernel's own answers: 814,218 events. */
export const BOOT = 'traces/debian-6.1-boot';
/** A tenth of a second of Linux 6.12 as text, with stacks: 6,445 events. */
export const STACKS = 'traces/debian-6.12-stacks';

export type { CliResult } from './cli-pool.ts';

export interface CliOptions {
  /** Standard input; empty where there is none. */
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  /** In a process that ran nothing before. */
  readonly alone?: boolean;
}

const ENV = { ...process.env, NO_COLOR: '1', TZ: 'UTC', LC_ALL: 'C' };

/** Starts the program; its streams are pipes. */
export function startCli(args: readonly string[], options: CliOptions = {}): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: options.cwd ?? ROOT, env: ENV });
  child.stdin.on('error', () => undefined); // it may end before it has read all
  return child;
}

const pool = new CliPool({ main: MAIN, env: ENV });

/** Runs the program to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const isAlone = options.alone === true || options.input !== undefined || readsInput(args);
  return isAlone ? runAlone(args, options) : pool.run(args, options.cwd ?? ROOT);
}

/** True where `-` is a source, not where the result goes. */
function readsInput(args: readonly string[]): boolean {
  return args.some((arg, i) => arg === '-' && !/^(-o|--out)$/.test(args[i - 1] ?? ''));
}

function runAlone(args: readonly string[], options: CliOptions): Promise<CliResult> {
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

/** Runs commands, as many at a time as there are processes; results in the order of the commands. */
export function runAllCli(commands: readonly (readonly string[])[]): Promise<CliResult[]> {
  return Promise.all(commands.map((args) => runCli(args)));
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
