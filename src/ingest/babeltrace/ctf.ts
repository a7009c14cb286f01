// Format `ctf`: a folder of binary metadata and streams, as LTTng and `perf data convert --to-ctf` write
// it (Common Trace Format 1.8). babeltrace2, where it is installed, prints it; its text is read as the
// format `babeltrace` is. The folder is known by its file `metadata`.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { counted } from '../../base/bytes-format.ts';
import { InputError, TraceFormatError } from '../../base/errors.ts';
import { STDIN } from '../../base/input-bytes.ts';
import type { TraceStats } from '../../kernel/events/trace-stats.ts';
import { isCtfMetadata } from '../../recording/ctf-metadata.ts';
import type { EventsSeen, TraceFormat, TraceInput, TraceReader } from '../format.ts';
import { openBabeltrace } from './babeltrace.ts';

const PROGRAM = 'babeltrace2';
/** Whole times of the clock, and nothing that colours or repeats. */
const OPTIONS = ['--clock-seconds', '--no-delta', '--color=never'];
/** Lines of standard error that are kept for a message. */
const MAX_ERROR_BYTES = 65536;

/** `kernel_release` is LTTng's name for it, `release` perf's. */
const RELEASE = /\b(?:kernel_)?release = "(\d[^"\s]{0,100})"/;
const LOST = /\bTracer (?:discarded|lost) (\d+) (?:trace )?events?\b/g;

/**
 * What a line of its log says: `12-01 03:38:51.487  2822  2822 E PLUGIN/… function@file.c:943 At line
 * 62 …`. The first is the cause; its summary begins with what followed from it.
 */
const CAUSE = /^\d\d-\d\d \S+ +\d+ +\d+ [WE] \S+ \S+@\S+ (?:\[[^\]\n]*\] )?(.+)/m;

type Child = ChildProcessByStdio<null, Readable, Readable>;

export const ctfFormat: TraceFormat = {
  name: 'ctf',
  title: 'CTF folder of LTTng or perf data convert (needs babeltrace2)',
  carries: 'times in nanoseconds, addresses; task names and stacks where recorded as contexts',

  detect: (head) => isCtfMetadata(head) || 'it is no metadata of CTF',

  async open(input, writer, info) {
    if (input.path === STDIN) {
      throw new TraceFormatError('the metadata of a CTF trace alone holds no events', {
        hint: 'Name the folder that it is in.',
      });
    }
    info.kernelRelease = RELEASE.exec(Buffer.from(input.head).toString('latin1'))?.[1] ?? null;
    const unused = await input.open();
    unused.close();
    const child = await start(dirname(input.path));
    const printed = new Printed(child, input.path, writer.stats);
    const text: TraceInput = {
      ...input,
      head: await printed.head(),
      share: () => 0,
      chunks: () => printed.chunks(),
    };
    return new CtfReader(openBabeltrace(text, writer, info), child);
  },
};

/** @throws TraceFormatError where babeltrace2 is not installed */
function start(folder: string): Promise<Child> {
  const child = spawn(PROGRAM, [...OPTIONS, folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child));
    child.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') {
        reject(new InputError(`${PROGRAM}: ${cause.message}`, { cause }));
        return;
      }
      reject(
        new TraceFormatError(
          `${folder}: a CTF trace, which is read through ${PROGRAM}: it is not installed`,
          {
            hint: `Install it (apt install ${PROGRAM}), or give the text that it prints elsewhere: ${PROGRAM} FOLDER > trace.txt`,
          },
        ),
      );
    });
  });
}

/** What the program prints: the first piece for those who look ahead, and then all. */
class Printed {
  private readonly path: string;
  private readonly stats: TraceStats;
  private readonly pieces: AsyncIterator<Buffer>;
  private readonly exit: Promise<number | null>;
  private first: Buffer = Buffer.alloc(0);
  private errors = '';

  constructor(child: Child, path: string, stats: TraceStats) {
    this.path = path;
    this.stats = stats;
    this.pieces = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.exit = new Promise((resolve) => child.once('close', resolve));
    child.stderr.on('data', (piece: Buffer) => {
      if (this.errors.length < MAX_ERROR_BYTES) this.errors += piece.toString('utf8');
    });
  }

  async head(): Promise<Buffer> {
    const next = await this.pieces.next();
    if (next.done !== true) this.first = next.value;
    return this.first;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    let bytes = this.first.length;
    if (bytes > 0) yield this.first;
    for (let next = await this.pieces.next(); next.done !== true; next = await this.pieces.next()) {
      bytes += next.value.length;
      yield next.value;
    }
    this.judge(await this.exit, bytes);
  }

  /** @throws TraceFormatError where it could not print anything */
  private judge(code: number | null, bytes: number): void {
    let lost = 0;
    for (const [, count] of this.errors.matchAll(LOST)) lost += Number(count);
    if (lost > 0) this.stats.add('lost_events', lost, 'in the trace');
    if (code === 0) return;
    if (bytes > 0) {
      this.stats.add('truncated', 1, `behind ${counted(bytes, 'byte')} of text`);
      return;
    }
    throw new TraceFormatError(`${dirname(this.path)}: ${PROGRAM} cannot read this CTF trace`, {
      hint: (CAUSE.exec(this.errors)?.[1] ?? this.errors.trim()).slice(0, 400),
    });
  }
}

/** Reads the text, and ends the program with it. */
class CtfReader implements TraceReader {
  private readonly text: TraceReader;
  private readonly child: Child;

  constructor(text: TraceReader, child: Child) {
    this.text = text;
    this.child = child;
  }

  step(): boolean | Promise<boolean> {
    return this.text.step();
  }

  progress(): number {
    return 0;
  }

  seen(): EventsSeen {
    return { described: [], others: new Map(), ...this.text.seen?.(), record: RECORD };
  }

  close(): void {
    this.text.close();
    this.child.kill();
  }
}

const RECORD = "lttng enable-event --kernel 'kmem_*', or perf record -a -e 'kmem:*'";
