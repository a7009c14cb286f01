// xz data are unpacked by another process: the `xz` program where there is one (120 MB of trace.dat
// take it 0.65 s, and it knows every filter and check), else Node with the decoder of xz-decompress
// (1.75 s). Either takes packed bytes at its input and writes unpacked ones.

import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import type { Writable } from 'node:stream';
import { describeError, errnoOf } from './errors.ts';

/** How packed data ended. */
export interface XzEnd {
  /** The data ended before their end. */
  readonly isCut: boolean;
  /** What is wrong with them, in words; undefined where nothing is. */
  readonly failure: string | undefined;
}

const DECODER = `
const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { XzReadableStream } = require(process.argv[1]);
const unpacked = Readable.fromWeb(new XzReadableStream(Readable.toWeb(process.stdin)));
pipeline(unpacked, process.stdout).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
`;

const require = createRequire(import.meta.url);

/** What the decoder's numbers mean (xz-embedded, enum xz_ret). */
const DECODER_ERRORS: Record<string, string> = {
  '3': 'not enough memory',
  '4': 'not enough memory',
  '6': 'they need the xz program (package xz-utils or xz), which is not installed: they have a check or a filter that only it knows',
  '7': 'damaged data',
  '8': 'unexpected end of input',
};

/** A warning, which the xz program gives for a check that it cannot make. */
const XZ_WARNING = 2;

interface Program {
  readonly file: string;
  readonly args: readonly string[];
}

/** The program of this machine that unpacks xz. */
function xzProgram(): Program {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    const file = join(folder, 'xz');
    try {
      accessSync(file, constants.X_OK);
      return { file, args: ['-dc'] };
    } catch {
      // not in this folder
    }
  }
  return { file: process.execPath, args: ['-e', DECODER, require.resolve('xz-decompress')] };
}

/** Messages in English; one thread, so that memory does not grow with the size of a block. */
function xzEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C', XZ_DEFAULTS: '-T1', XZ_OPT: '' };
}

function judgeEnd(status: number | null, messages: string): XzEnd {
  if (status === 0 || status === XZ_WARNING) return { isCut: false, failure: undefined };
  const number = /error code (\d+)/.exec(messages)?.[1];
  const words =
    (number === undefined ? undefined : DECODER_ERRORS[number]) ??
    messages.replace(/^.*?xz: (?:\(stdin\): )?/s, '').trim();
  return { isCut: /unexpected end/i.test(words), failure: words || 'they cannot be unpacked' };
}

/** Unpacks chunk by chunk; the generator returns how the data ended. */
export async function* unxzChunks(packed: AsyncGenerator<Buffer>): AsyncGenerator<Buffer, XzEnd> {
  const { file, args } = xzProgram();
  const child = spawn(file, args, { stdio: 'pipe', env: xzEnvironment() });
  let messages = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    messages = (messages + text).slice(0, 1000);
  });
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', (status) => resolve(status));
    child.on('error', (error) => {
      messages = describeError(error);
      resolve(1);
    });
  });
  let unreadable: unknown;
  void feed(child.stdin, packed).catch((error: unknown) => {
    unreadable = error;
  });
  try {
    const unpacked: AsyncIterable<Buffer> = child.stdout;
    yield* unpacked;
    const status = await ended;
    if (unreadable !== undefined) throw unreadable;
    return judgeEnd(status, messages);
  } finally {
    child.kill();
  }
}

/** Writes all chunks, as far as the child takes them. @throws InputError where they cannot be read */
async function feed(input: Writable, packed: AsyncGenerator<Buffer>): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    input.once('close', () => resolve());
  });
  input.on('error', () => undefined); // EPIPE: how the child ended says why
  try {
    for await (const chunk of packed) {
      if (input.destroyed) return;
      const written = new Promise<void>((resolve) => input.write(chunk, () => resolve()));
      await Promise.race([written, closed]);
    }
  } finally {
    input.end();
  }
}

/**
 * Unpacks at once.
 * @param limit unpacked bytes
 * @throws Error in words where they are damaged, end too early, or are more than `limit`
 */
export function unxz(packed: Buffer, limit: number): Buffer {
  const { file, args } = xzProgram();
  const { stdout, stderr, status, error } = spawnSync(file, [...args], {
    input: packed,
    maxBuffer: limit,
    env: xzEnvironment(),
  });
  const errno = errnoOf(error);
  if (errno === 'ENOBUFS') throw new Error(`more than ${limit} bytes when unpacked`);
  // EPIPE: it stopped reading, and says why.
  if (error !== undefined && errno !== 'EPIPE') throw error;
  const { failure } = judgeEnd(status, stderr.toString());
  if (failure !== undefined) throw new Error(failure);
  return stdout;
}
