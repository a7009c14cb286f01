// A machine whose proc, sys and boot are plain folders, for tests of `record`: two CPUs with a
// buffer, and one that was never online.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  headerPage,
  kfreeRecord,
  kmallocRecord,
  kmemFormats,
  PageBuilder,
  X86_64,
} from './builders-ring-buffer.ts';
import { type CliResult, MAIN, ROOT, temporaryFolder } from './run-cli.ts';

const FIRST_OBJECT = 0xffff888100000000n;
/** driver_alloc+0x10 by the kallsyms of the machine. */
const ALLOC_SITE = 0xffffffff81000010n;
const FREE_SITE = 0xffffffff81000110n;

/** A page with `count` kmallocs of 100 bytes and the free of the first; at `stamp` ns. */
export function slabPage(stamp: bigint, count: number): Buffer {
  const page = new PageBuilder();
  const objectAt = (i: number): bigint => FIRST_OBJECT + stamp * 64n + BigInt(i) * 128n;
  for (let i = 0; i < count; i++) {
    const record = { site: ALLOC_SITE, ptr: objectAt(i), req: 100, alloc: 128, pid: 7 };
    page.record(10, kmallocRecord(X86_64, record));
  }
  page.record(10, kfreeRecord(X86_64, { site: FREE_SITE, ptr: objectAt(0), pid: 7 }));
  return page.build(stamp);
}

export const STATS = [
  'entries: 0',
  'overrun: 0',
  'commit overrun: 0',
  'bytes: 0',
  'dropped events: 0',
  'read events: 5\n',
].join('\n');

export class FakeMachine {
  readonly root: string = temporaryFolder();
  readonly tracefs: string = join(this.root, 'sys', 'kernel', 'tracing');

  constructor() {
    for (const tracer of [this.tracefs, join(this.tracefs, 'new-instance')]) this.tracer(tracer);
    this.write('sys/kernel/tracing/saved_cmdlines', '7 worker\n');
    this.write('sys/kernel/tracing/saved_cmdlines_size', '128\n');
    mkdirSync(join(this.tracefs, 'instances'));
    this.write('proc/slabinfo', slabinfo(6));
    this.write('proc/kallsyms', KALLSYMS);
    this.write('proc/modules', '');
    this.write('proc/version', 'Linux version 6.1.0-56-amd64 (builder) #1 SMP\n');
    this.write('proc/cmdline', 'quiet\n');
    this.write('proc/sys/kernel/osrelease', '6.1.0-56-amd64\n');
    this.write('proc/sys/kernel/ostype', 'Linux\n');
    this.write('boot/config-6.1.0-56-amd64', 'CONFIG_SLUB=y\n');
    this.write('sys/kernel/slab/kmalloc-128/object_size', '128\n');
    this.write('sys/kernel/slab/kmalloc-128/shrink', '');
    mkdirSync(join(this.root, 'proc', '7', 'task', '7'), { recursive: true });
    mkdirSync(join(this.root, 'proc', '7', 'task', '9'), { recursive: true });
  }

  /** Writes a file of the machine. */
  write(path: string, content: string | Uint8Array): void {
    const full = join(this.root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, content);
  }

  /** Writes a file of the instances that will be made. */
  writeNew(path: string, content: string | Uint8Array): void {
    this.write(join('sys/kernel/tracing/new-instance', path), content);
  }

  /** Gives the machine one more kmem event. */
  addEvent(name: string): void {
    for (const tracer of ['', 'new-instance/']) {
      this.write(`sys/kernel/tracing/${tracer}events/kmem/${name}/enable`, '0\n');
    }
  }

  /** Takes a kmem event away. */
  removeEvent(name: string): void {
    rmSync(join(this.tracefs, 'events', 'kmem', name), { recursive: true });
  }

  /** A file of the instance that was removed, without its last newline. */
  removed(path: string): string {
    return readFileSync(join(this.tracefs, 'removed', path), 'latin1').trimEnd();
  }

  /** What the recorder has to leave as it was. */
  state(): Record<string, unknown> {
    return {
      instances: readdirSync(join(this.tracefs, 'instances')),
      names: readFileSync(join(this.tracefs, 'saved_cmdlines_size'), 'latin1'),
    };
  }

  /** Starts `slabreplay record` on this machine. */
  start(args: readonly string[], through: readonly string[] = []): ChildProcess {
    const kernel = import.meta.resolve('./tracefs-instances.js');
    const recorder = ['--import', kernel, MAIN, 'record', '--root', this.root, ...args];
    const [program = '', ...rest] = [...through, process.execPath, ...recorder];
    const env = { ...process.env, NO_COLOR: '1', TZ: 'UTC', LC_ALL: 'C' };
    return spawn(program, rest, { cwd: ROOT, env });
  }

  /** Runs it to its end. */
  record(args: readonly string[], through: readonly string[] = []): Promise<CliResult> {
    return resultOf(this.start(args, through));
  }

  private tracer(folder: string): void {
    const at = (path: string, content: string | Uint8Array): void => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    };
    at('events/header_page', headerPage(X86_64));
    for (const format of kmemFormats(X86_64)) {
      const name = /^name: (\w+)/.exec(format)?.[1] ?? '';
      const system = name === 'kernel_stack' ? 'ftrace' : 'kmem';
      at(`events/${system}/${name}/format`, format);
      if (system === 'kmem') at(`events/kmem/${name}/enable`, '0\n');
    }
    for (const file of ['tracing_on', 'trace_clock', 'buffer_size_kb', 'set_event_pid'])
      at(file, '');
    for (const option of ['overwrite', 'stacktrace', 'event-fork']) at(`options/${option}`, '0\n');
    at('per_cpu/cpu0/trace_pipe_raw', Buffer.concat([slabPage(1000n, 3), slabPage(5000n, 3)]));
    at('per_cpu/cpu1/trace_pipe_raw', slabPage(3000n, 3));
    at('per_cpu/cpu2/trace_pipe_raw', 'ENODEV');
    for (const cpu of [0, 1, 2]) at(`per_cpu/cpu${cpu}/stats`, STATS);
  }
}

/** Waits for the end of a program; with what it printed. */
export function resultOf(child: ChildProcess): Promise<CliResult> {
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...text }));
  });
}

const KALLSYMS = [
  '0000000000000000 A fixed_percpu_data',
  'ffffffff81000000 T driver_alloc',
  'ffffffff81000100 T driver_free',
  'ffffffff81000200 T _end\n',
].join('\n');

/** /proc/slabinfo with one cache. */
function slabinfo(active: number): string {
  return [
    'slabinfo - version: 2.1',
    '# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>',
    `kmalloc-128         ${active}     32    128   32    1 : tunables    0    0    0 : slabdata      1      1      0\n`,
  ].join('\n');
}
