// The files of a recording folder that say what the machine was (docs/recording-folder.md).

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { machine } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type MachineRoots, readIfThere } from './machine-roots.ts';
import type { RecordingFolder } from './recording-folder.ts';

/** The symbols that were taken. */
export interface Symbols {
  readonly loaded: string;
  readonly haveAddresses: boolean;
}

/** Reading these of a cache says nothing, or is work for the kernel that no one asked for. */
const LEFT_OUT = new Set(['shrink', 'validate', 'alloc_calls', 'free_calls']);

/** What changes while events are recorded: taken at the start and at the end. */
export function takeSlabState(
  { proc, sys }: MachineRoots,
  folder: RecordingFolder,
  suffix: '' | '.before',
): void {
  copy(join(proc, 'slabinfo'), folder, `slabinfo${suffix}.txt`);
  const root = join(sys, 'kernel', 'slab');
  if (!existsSync(root)) return;
  const values: string[] = [];
  const links: string[] = [];
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    const path = join(root, entry.name);
    // Names are those of the running system, wherever its files are.
    const shown = `/sys/kernel/slab/${entry.name}`;
    if (entry.isSymbolicLink()) links.push(`${shown} -> ${readlinkSync(path)}\n`);
    else if (entry.isDirectory()) values.push(...attributesOf(path, shown));
  }
  folder.save(`slab_sysfs${suffix}.txt`, values.join(''));
  if (suffix === '') folder.save('slab_sysfs_links.txt', links.join(''));
}

function attributesOf(path: string, shown: string): string[] {
  return readdirSync(path).flatMap((name) => {
    const value = LEFT_OUT.has(name) ? undefined : readIfThere(join(path, name));
    return value === undefined ? [] : [`${shown}/${name}=${value.replace(/\n$/, '')}\n`];
  });
}

/** What stays while the machine runs; taken first, so that a recording that is cut short can be read. */
export function takeMachineFiles(
  { proc, boot }: MachineRoots,
  tracer: string,
  events: readonly string[],
  folder: RecordingFolder,
): void {
  for (const name of ['cmdline', 'version', 'iomem']) copy(join(proc, name), folder, `${name}.txt`);
  const kernel = (name: string): string =>
    readIfThere(join(proc, 'sys', 'kernel', name))?.trim() ?? '';
  const release = kernel('osrelease');
  const uname = [kernel('ostype'), kernel('hostname'), release, kernel('version'), machine()];
  folder.save('uname.txt', `${uname.join(' ')}\n`);
  const pageKb = /^KernelPageSize:\s+(\d+) kB/m.exec(readIfThere('/proc/self/smaps') ?? '')?.[1];
  if (pageKb !== undefined) folder.save('pagesize.txt', `${Number(pageKb) * 1024}\n`);
  copy(join(proc, 'config.gz'), folder, 'config.gz') ||
    copy(join(boot, `config-${release}`), folder, 'config');
  // Tasks that end are no longer in set_event_pid.
  for (const name of ['trace_clock', 'trace_options', 'set_event_pid']) {
    copy(join(tracer, name), folder, `tracing/${name}`);
  }
  takeFormats(tracer, events, folder);
}

/** How the pages and events are laid out; `ftrace` has the records of stacks. */
function takeFormats(tracer: string, events: readonly string[], folder: RecordingFolder): void {
  const own = ['kernel_stack', 'user_stack'].map((name) => `ftrace:${name}`);
  const formats = [...own, ...events].map((event) => `${event.replace(':', '/')}/format`);
  for (const name of ['header_page', 'header_event', ...formats]) {
    copy(join(tracer, 'events', name), folder, `tracing/events/${name}`);
  }
}

/**
 * What names addresses; modules come and go, so it is taken again where their list changed.
 * @param before the list of modules that was taken last
 * @returns the list now, and whether the symbols have addresses (kptr_restrict hides them)
 */
export function takeSymbols(
  { proc }: MachineRoots,
  folder: RecordingFolder,
  before?: Symbols,
): Symbols {
  const modules = readIfThere(join(proc, 'modules')) ?? '';
  // Behind the names are counts of users and states, which change without meaning here.
  const loaded = modules.replace(/^(\S+ \d+) .*? (0x\w+).*$/gm, '$1 $2');
  if (before?.loaded === loaded) return before;
  folder.save('modules.txt', modules);
  const kallsyms = readIfThere(join(proc, 'kallsyms')) ?? '';
  folder.save('kallsyms.txt.gz', gzipSync(Buffer.from(kallsyms, 'latin1'), { level: 1 }));
  return { loaded, haveAddresses: /^0*[1-9a-f]/m.test(kallsyms) };
}

/** What is known when the recording has ended. */
export function takeEndState({ proc, sys, tracefs }: MachineRoots, folder: RecordingFolder): void {
  copy(join(tracefs, 'saved_cmdlines'), folder, 'tracing/saved_cmdlines');
  copy(join(sys, 'kernel', 'debug', 'kmemleak'), folder, 'kmemleak.txt');
  for (const name of ['zoneinfo', 'vmallocinfo', 'meminfo', 'allocinfo']) {
    copy(join(proc, name), folder, `${name}.txt`);
  }
  takeOwners(sys, folder);
  const dmesg = spawnSync('dmesg', { encoding: 'latin1', maxBuffer: 1 << 28 });
  if (dmesg.status === 0) folder.save('dmesg.txt', dmesg.stdout);
}

/** Who allocated the objects of each cache: there where slub_debug=U asked for it. */
function takeOwners(sys: string, folder: RecordingFolder): void {
  const root = join(sys, 'kernel', 'debug', 'slab');
  if (!existsSync(root)) return;
  const lines = readdirSync(root).flatMap((cache) => {
    const text = readIfThere(join(root, cache, 'alloc_traces')) ?? '';
    const path = `/sys/kernel/debug/slab/${cache}/alloc_traces`;
    return text.split('\n').flatMap((line) => (line === '' ? [] : [`${path}:${line}\n`]));
  });
  if (lines.length > 0) folder.save('alloc_traces.txt', lines.join(''));
}

/** False where there is nothing to copy. */
function copy(from: string, folder: RecordingFolder, name: string): boolean {
  const text = readIfThere(from);
  if (text === undefined || text === '') return false;
  folder.save(name, text);
  return true;
}
